"""Models of the importers that came before file-metadata-importer, each run on the pydicom that it was built with.

They are written from what is known of those programs, and share nothing with the code under test. They need Python
and pydicom alone.
"""
