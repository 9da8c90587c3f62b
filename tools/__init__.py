"""Programs for those who build and release the gear."""
