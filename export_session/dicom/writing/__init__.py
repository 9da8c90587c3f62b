"""From assignments to the new bytes of elements, and the proof that they read back."""
