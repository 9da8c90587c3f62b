"""Corrections from a spreadsheet: read, checked as a whole, applied to the metadata of the origin, and undone."""
