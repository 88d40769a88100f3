"""The recipes in miniature: the same rounds, parts and quirks, on a thousand images with narrow networks."""

FEW_IMAGES = {"data.held_back": "59000"}
MLP = FEW_IMAGES | {"generator.widths": "[16]", "discriminator.widths": "[16]", "batch_size": "96"}
DEEP_MLP = MLP | {"generator.widths": "[16, 16]", "discriminator.widths": "[16, 16]"}
CONVOLUTIONAL = FEW_IMAGES | {"generator.width": "4", "discriminator.width": "4", "batch_size": "96"}

SETTINGS = {
    "vanilla": MLP,
    "upsample": CONVOLUTIONAL | {"generator.hidden": "8", "discriminator.hidden": "8"},
    "dropout-mlp": DEEP_MLP,
    "dcgan": CONVOLUTIONAL,
    "paper": MLP,
}

MODERN = MLP | {
    "loss": "relativistic-pairing",
    "penalties": '[{"name": "r1", "every": 2}, "gradient-penalty", "le-cam"]',
    "z": '{"name": "code", "normal": 8, "classes": 10, "continuous": 1}',
    "condition": "info",
    "constraint": "spectral-norm",
    "d_optim": '{"lr": 0.001}',
    "ramps": '[{"of": "lr", "images": 2500}, {"of": "gamma", "end": 0.1, "images": 900},'
    ' {"of": "beta2", "start": 0.9, "end": 0.99, "images": 2000}]',
    "average": '{"halflife_images": 500}',
    "augment": '{"name": "adaptive", "augment": "diff-augment", "every": 2, "images_to_full": 1000}',
}
"""What the recipe `paper` becomes with a part of every later kind."""
