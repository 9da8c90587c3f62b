"""A judge of edit detection: data sets made by the thousand, read by the real importer, with nobody editing anything.

Every file is made from its seed alone. An importer reads it, the engine compares its metadata with the bytes, and
whatever the engine takes for an edit is a finding, since there was none.
"""
