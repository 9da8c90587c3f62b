"""Which values a person edited: what importers make of the bytes, compared with what the metadata say."""
