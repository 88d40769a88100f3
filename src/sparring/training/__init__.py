"""Training on a device: the GAN step, the rounds of a recipe, the loop over them. Nothing here knows of files or terminals."""
