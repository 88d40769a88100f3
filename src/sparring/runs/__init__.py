"""A run on disk: journal, checkpoints, pictures, scores; listing, resuming, showing its progress."""
