"""The evidence package of a run: what was exported, by hashes, with the outputs; and whether it still holds."""
