"""The check of a guarded step: losses and gradients before any weight changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite

import torch
from torch import Tensor

from sparring.config.non_finite import DivergenceError, NetworkName, NonFiniteValue
from sparring.training.gan import GAN
from sparring.training.player import Player

_foreach_norm = torch._foreach_norm  # pyright: ignore[reportPrivateImportUsage]  (one call for all weights)


def check_finite(gan: GAN, readings: Mapping[str, Tensor], sides: Sequence[tuple[Player, Sequence[Tensor]]]) -> None:
    """DivergenceError where a loss or the Euclidean norm of a player's gradient is not finite, naming the loss or the weight.

    A norm overflows where squares do, and squares are what Adam keeps.
    """
    losses = {name: readings[name] for name in ("g_loss", "d_loss") if name in readings}
    norms = [torch.stack(_foreach_norm(list(gradients))) for _, gradients in sides]
    totals = [norm.norm() for norm in norms]
    if all(map(isfinite, torch.stack([*losses.values(), *totals]).tolist())):  # one synchronisation
        return
    for name, loss in losses.items():
        if not loss.isfinite():
            raise DivergenceError(replace(NonFiniteValue.of(name, network_of(name), loss), batch=readings))
    index = next(index for index, total in enumerate(totals) if not total.isfinite())
    (player, gradients), worst = sides[index], int(norms[index].argmax())  # NaN counts as the greatest
    side: NetworkName = "generator" if player is gan.generator else "discriminator"
    name = player.trained_names[worst]
    raise DivergenceError(replace(NonFiniteValue.of(f"gradient of {name}", side, gradients[worst]), batch=readings))


def network_of(reading: str) -> NetworkName:
    """The network of a reading: G for names that begin with g_, else D."""
    return "generator" if reading.startswith("g_") else "discriminator"
