"""Back again: the versions of files that were there before this gear wrote its own."""
