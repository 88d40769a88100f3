"""A run on disk: journal, checkpoints, resume."""
