"""precision=bf16: what is computed in bfloat16, and what is not. A CPU computes the same operations as a GPU, without
instructions for bfloat16 only slowly."""

import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

import sparring
from sparring.config import devices
from sparring.errors import InputError
from sparring.networks.layers.head import UncastLinear
from sparring.recipe import Recipe
from sparring.training.engine import Engine
from sparring.training.player import Player
from tiny import SETTINGS, VARIANTS, miniature

CPU = torch.device("cpu")
TOLERANCE = {"r1": 1e-6, "r1-fd": 1e-4, "gradient-penalty": 1e-2}  # the last one depends on fakes in bfloat16
CONVOLUTIONAL = ["dcgan", "flash", "photo", "r3", "sngan", "upsample", "wgan-gp"]


def engine(recipe: Recipe, **parts: Any) -> Engine:
    return Engine.build(recipe, recipe.data.train(), 0, CPU, **parts)


def gradient(player: Player) -> Tensor:
    return torch.cat([each.flatten() for each in player.gradients])


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_gradients_are_those_of_float32_but_for_rounding(name, fast, tmp_path):
    exact, rounded = (engine(miniature(name, tmp_path, precision=p), fast=fast) for p in ("float32", "bf16"))
    for each in (exact, rounded):
        each.train_round(0)
    for side in ("generator", "discriminator"):
        one, other = (gradient(getattr(each.gan, side)) for each in (exact, rounded))
        assert other.dtype == torch.float32
        most = 0.3 if name == "photo" else 0.2  # its miniature ends in convolutions of one and two channels
        assert 1e-4 * one.norm() < (one - other).norm() < most * one.norm()


class Types:
    """The types of what layers take and give, by kind of layer."""

    def __init__(self, network: nn.Module):
        self.seen: dict[type, set[tuple[torch.dtype, torch.dtype]]] = {}
        for layer in network.modules():
            layer.register_forward_hook(self._note)

    def _note(self, layer: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        self.seen.setdefault(type(layer), set()).add((args[0].dtype, output.dtype))


def test_all_but_ds_head_is_in_bfloat16_and_what_is_kept_in_float32(tmp_path):
    built = engine(miniature("flash", tmp_path, precision="bf16"))
    d_types, g_types = Types(built.gan.discriminator.network), Types(built.gan.generator.network)
    readings = built.train_round(1)  # without the penalty
    convolutions = [types for kind, types in (*d_types.seen.items(), *g_types.seen.items()) if "Conv" in kind.__name__]
    assert len(convolutions) == 2
    assert all(output == torch.bfloat16 for types in convolutions for _, output in types)
    assert d_types.seen[UncastLinear] == {(torch.bfloat16, torch.float32)}
    assert {each.dtype for each in readings.values()} == {torch.float32}
    players = built.gan.generator, built.gan.discriminator
    kept = [t for player in players for t in (*player.network.parameters(), *player.optimizer.exp_avg_sq)]
    assert built.gan.g_ema
    assert {tensor.dtype for tensor in (*kept, *built.gan.g_ema.parameters())} == {torch.float32}


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("penalty", ["r1", "r1-fd", "gradient-penalty"])
def test_penalties_are_those_of_float32(penalty, fast, tmp_path):
    """In bfloat16 they would differ by 1e-2; differences divide the rounding of float32 by eps."""
    values = []
    for precision in ("float32", "bf16"):
        recipe = miniature("flash", tmp_path, precision=precision, penalties=f'["{penalty}"]')
        built = engine(recipe, fast=fast)
        built.train_round(0)
        values.append(built.gan.memory["d_penalty"].item())
    assert values[1] == pytest.approx(values[0], rel=TOLERANCE[penalty])


def test_spectral_norms_are_computed_in_float32(tmp_path, monkeypatch):
    built = engine(miniature("sngan", tmp_path, precision="bf16"))
    layers = [each for each in built.gan.discriminator.network.modules() if parametrize.is_parametrized(each)]
    assert any(isinstance(layer, UncastLinear) for layer in layers)
    within: list[bool] = []
    norm: Any = type(layers[0].parametrizations["weight"][0])  # pyright: ignore[reportIndexIssue, reportArgumentType]
    original = norm.forward

    def noted(self: Any, weight: Tensor) -> Tensor:
        within.append(torch.is_autocast_enabled("cpu"))
        return original(self, weight)

    monkeypatch.setattr(norm, "forward", noted)
    built.train_round(0)
    assert within
    assert not any(within)
    assert len(within) % len(layers) == 0  # once for each pass


@pytest.mark.parametrize("name", sorted({*SETTINGS} - {"photo"}))
def test_perceptrons_refuse(name, tmp_path):
    recipe = miniature(name, tmp_path, precision="bf16")
    if not recipe.discriminator.__class__.__name__.startswith("MLP"):
        return
    with pytest.raises(
        InputError, match=r"precision is bf16, but mlp-generator has no convolutions: .*; set precision=float32"
    ):
        engine(recipe)


@pytest.mark.parametrize("name", sorted({*SETTINGS, *VARIANTS}))
def test_every_recipe_with_convolutions_plays(name, tmp_path):
    base, more = VARIANTS.get(name, (name, {}))
    recipe = miniature(base, tmp_path, precision="bf16", **more)
    if recipe.generator.__class__.__name__.startswith("MLP"):
        return
    built = engine(recipe)
    readings = [*built.train_round(0).values(), *built.train_round(1).values()]
    assert all(reading.isfinite().all() for reading in readings)


@pytest.mark.skipif(not devices.bf16_instructions(), reason="this processor computes no products in bfloat16")
def test_a_run_says_so_and_resumes_to_the_same_bits(tmp_path):
    recipe = miniature("flash", tmp_path, precision="bf16", review="null", pictures="[]", ramps="[]")
    whole = sparring.train(recipe, rounds=4, out=tmp_path / "whole", device="cpu", quiet=True)
    part = sparring.train(recipe, rounds=2, out=tmp_path / "part", device="cpu", quiet=True)
    part = sparring.resume(part.path, rounds=4, quiet=True)
    assert whole.facts["autocast"] == "bfloat16"
    assert not list(part.damage())
    one, other = (sparring.load(run.path).sample(num=4, seed=0) for run in (whole, part))
    assert torch.equal(one, other)
    assert one.dtype == torch.float32


def test_the_default_records_no_autocast(tmp_path):
    recipe = miniature("flash", tmp_path, review="null", pictures="[]")
    assert "autocast" not in sparring.train(recipe, rounds=1, out=tmp_path / "run", device="cpu", quiet=True).facts


def test_auto_is_chosen_once_and_recorded_as_what_was_chosen(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(devices, "bf16_instructions", lambda: ("avx512_bf16",))
    recipe = miniature("flash", tmp_path, precision="auto", review="null", pictures="[]")
    run = sparring.train(recipe, rounds=1, out=tmp_path / "run", device="cpu")
    assert "precision: bf16, for this processor" in capsys.readouterr().err
    recorded = json.loads((run.path / "recipe.json").read_text())
    assert (recorded["recipe"]["precision"], recorded["autocast"]) == ("bf16", "bfloat16")
    assert sparring.resume(run.path, rounds=2, quiet=True).recipe.precision == "bf16"
