"""Old values that remain: where what a correction replaced still stands."""
