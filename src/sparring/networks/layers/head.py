"""The last layers of every discriminator."""

import torch
from torch import Tensor, nn

from sparring.networks.layers.replace import replace_layers, sharing


def head(num_features: int, num_outputs: int) -> list[nn.Module]:
    """[B, num_features] -> logits [B]; of several outputs, a condition's beside the logit, [B, num_outputs]."""
    return [nn.Linear(num_features, num_outputs), *([nn.Flatten(0)] if num_outputs == 1 else [])]


class UncastLinear(nn.Linear):
    """`nn.Linear` that computes in the type of its weights within `torch.autocast`, too."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype))


def uncast_head(network: nn.Module) -> nn.Module:
    """The network with an `UncastLinear` in the place of its last linear layer, if it has one; weights and names stay."""
    linear = [layer for layer in network.modules() if type(layer) is nn.Linear]
    return replace_layers(network, lambda layer: _uncast(layer) if linear and layer is linear[-1] else layer)


def _uncast(layer: nn.Module) -> nn.Module:
    assert isinstance(layer, nn.Linear)
    return sharing(lambda: UncastLinear(layer.in_features, layer.out_features, layer.bias is not None), layer)
