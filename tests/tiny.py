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
