"""The last layers of every discriminator."""

from torch import nn


def head(num_features: int, num_outputs: int) -> list[nn.Module]:
    """[B, num_features] -> logits [B]; of several outputs, a condition's beside the logit, [B, num_outputs]."""
    return [nn.Linear(num_features, num_outputs), *([nn.Flatten(0)] if num_outputs == 1 else [])]
