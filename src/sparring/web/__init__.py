"""The page to watch and steer a training, to fork it, and to explore a generator."""
