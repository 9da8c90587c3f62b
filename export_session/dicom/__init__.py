"""The DICOM engine: finds the edits in a file's metadata and writes them into its bytes."""
