"""Operations that the engine does in a round, counted while it trains."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sparring.networks.layers.products import has_onednn
from sparring.penalties import Penalty
from sparring.training.engine import Engine


def count_round_flops(engine: Engine) -> float:
    """Operations a round in matrix products and convolutions, averaged over rounds with and without penalties.

    A penalty is due in the rounds that its `every` divides: of those that are not due always, none is in round 1. What the
    penalties of one `every` n cost is then what round n does beside round 1 and beside those whose `every` divides n.
    """
    has_onednn()  # asked once, by a product that is no part of a round
    rhythms = sorted({penalty.every for penalty in engine.recipe.penalties if isinstance(penalty, Penalty)} - {1})
    usual = _count(engine, 1)
    extra: dict[int, int] = {}
    for every in rhythms:
        extra[every] = _count(engine, every) - usual - sum(flops for other, flops in extra.items() if every % other == 0)
    return usual + sum(flops / every for every, flops in extra.items())


def _count(engine: Engine, round_: int) -> int:
    with FlopCounter() as counter:
        engine.train_round(round_)
    return counter.flops


class FlopCounter(TorchDispatchMode):
    """Operations of all matrix products and convolutions within the block, by the formulas of PyTorch's `FlopCounterMode`.

    That one also tells them by module, which fails where a layer's weights are parametrised, and takes the weights' gradient
    of a grouped convolution for that of one without groups.
    """

    def __init__(self):
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        operation = func.overloadpacket
        if operation is torch.ops.aten.convolution_backward:
            self.flops += _of_convolution_backward(*args)
        elif func.name() == "mkldnn::_linear_pointwise":  # of `layers.products`
            self.flops += 2 * len(args[0]) * args[1].numel()
        elif operation in flop_registry:
            self.flops += flop_registry[operation](*args, **(kwargs or {}), out_val=result)
        return result


def _of_convolution_backward(dy: Tensor, x: Tensor, weight: Tensor, *settings: Any) -> int:
    """Either gradient takes as many operations as the output does."""
    *_, transposed, _, _, (of_input, of_weights, _) = settings
    places = (x if transposed else dy).shape[2:].numel()
    return 2 * len(x) * places * weight.numel() * (of_input + of_weights)
