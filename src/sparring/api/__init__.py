"""What users call: train, resume, load, evaluate, and a dry run."""
