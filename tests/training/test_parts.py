"""Batches in parts: the gradients of the whole batch, in less memory, or a reason why not."""

from typing import Any

import pytest
import torch
from torch import nn

from golden.traces import CPU, NAMES, SEED, Widened, default_dtype
from sparring import recipes
from sparring.api.resolve import resolve
from sparring.api.session import build
from sparring.config.rng import own_torch_state
from sparring.errors import InputError
from sparring.networks.layers.traits import unsplittable
from sparring.runs.progress import Progress
from sparring.training import batch_order
from sparring.training.checks import check_accumulation
from sparring.training.engine import Engine
from sparring.training.parts import spans
from tiny import VARIANTS, miniature

REFUSED = {"sngan", "modern", "dcgan-differences"}
SPLIT = sorted({*NAMES, *VARIANTS} - REFUSED)


def built(name: str, folder, **more: str) -> Engine:
    base, settings = VARIANTS.get(name, (name, {}))
    batch_order._in_order.cache_clear()
    recipe = miniature(base, folder, journal='{"rounds": 1}', **(settings | more))
    return Engine.build(recipe, Widened(recipe.data.train()), SEED, CPU)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", SPLIT)
def test_four_parts_come_to_the_gradients_of_the_whole_batch(name, tmp_path):
    """With the same draws of z, augmentation and dropout, through relativistic losses, LeCam, packs and penalties."""
    with default_dtype(torch.float64), own_torch_state(CPU):
        whole, parts = built(name, tmp_path), built(name, tmp_path, accumulate="4")
        for round_ in range(3):
            with own_torch_state(CPU):
                expected = whole.train_round(round_)
            with own_torch_state(CPU):
                found = parts.train_round(round_)
            for side in ("generator", "discriminator"):
                one, other = (torch.cat([g.flatten() for g in getattr(e.gan, side).gradients]) for e in (whole, parts))
                assert (one - other).norm() <= (1e-12 if round_ == 0 else 1e-9) * one.norm(), (side, round_)
            for key, value in expected.items():
                torch.testing.assert_close(found[key], value, rtol=1e-8, atol=1e-10)


class Rows:
    """The most rows that a network was given while a graph was recorded."""

    def __init__(self, network: nn.Module):
        self.most = 0
        network.register_forward_pre_hook(self._note)

    def _note(self, network: nn.Module, args: tuple[Any, ...]) -> None:
        if torch.is_grad_enabled():
            self.most = max(self.most, len(args[0]))


@pytest.mark.parametrize("name", ["dropout-mlp", "flash", "r3", "wgan-gp"])
def test_the_graph_of_a_part_is_in_memory(name, tmp_path):
    engine = built(name, tmp_path, accumulate="4")
    is_split = unsplittable(engine.gan.generator.network) is None
    g, d = (Rows(network) for network in engine.gan.networks)
    with own_torch_state(CPU):
        engine.train_round(0)
    size = engine.recipe.batch_size
    assert d.most <= size // 2  # real and generated images in one
    assert g.most == (size // 4 if is_split else size)  # with batch norm G sees the whole batch


def test_parts_of_uneven_batches():
    assert spans(10, 4) == [(0, 2), (2, 5), (5, 7), (7, 10)]
    assert spans(2, 4) == [(0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("sngan", {}, "accumulate is 2, but resnet-discriminator has ParametrizedConv2d, which .*; set accumulate=1"),
        ("dcgan", {"penalties": '["r1"]'}, "has dropout, whose masks penalties share .*; set its dropout to 0, penal"),
        ("flash", {"accumulate": "3"}, "accumulate is 3; it must divide the batch_size, 32, into parts of whole packs"),
        ("pacgan", {"accumulate": "64"}, "accumulate is 64; it must divide the batch_size, 64, into parts of whole packs"),
    ],
)
def test_what_parts_would_change_is_refused(name, settings, message, tmp_path):
    with pytest.raises(InputError, match=message):
        built(name, tmp_path, **({"accumulate": "2"} | settings))


@pytest.mark.parametrize(("engine", "message"), [("eager", "and engine auto; set"), ("capture", "not on cpu")])
def test_other_engines_take_whole_batches(engine, message):
    recipe = resolve(recipes.get("vanilla"), {"accumulate": "2"})
    with pytest.raises(InputError, match=message), Progress(quiet=True) as progress:
        build(recipe, 0, CPU, progress, engine=engine)


def test_batch_norm_in_d_is_refused():
    recipe = resolve(recipes.get("vanilla"), {"accumulate": "2"})
    with pytest.raises(InputError, match="BatchNorm1d"):
        check_accumulation(recipe, nn.Sequential(nn.Linear(784, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), 1, True)
