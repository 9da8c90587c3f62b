"""Bytes of DICOM as they stand in a file: elements, items, values and text. Nothing here knows of metadata or edits."""
