"""Runs on disk: journal, checkpoints, pictures and scores; listing, resuming and progress."""
