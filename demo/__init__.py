"""The demo: a small site, an importer, a curator, and one export."""
