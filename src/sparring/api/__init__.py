"""The Python calls: train, resume, load, evaluate, dry run."""
