"""Export Flywheel sessions with metadata corrections written into the DICOM files."""

__version__ = "3.0.0"
