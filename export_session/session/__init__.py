"""The story of one session: origin, copies, files, archive, tags."""
