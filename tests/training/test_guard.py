"""What a guarded match looks at before anybody steps, and what an unguarded one finds afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import torch
from test_rounds import CPU, DoubleSet, build, images, small, small_dcgan, small_dropout_mlp, small_upsample
from torch import Tensor

from sparring.config.non_finite import DivergenceError, Skip, Stop
from sparring.config.rng import own_torch_state
from sparring.data import ImageSet
from sparring.losses import NonSaturating
from sparring.recipe import MoveBoth, MoveG, Recipe, Round
from sparring.runs import checkpoint
from sparring.training import step as gan_step
from sparring.training.engine import Engine
from sparring.training.probes import run_probes, traces_on_test_images

RECIPES = pytest.mark.parametrize(
    "recipe",
    [small("vanilla"), small("paper"), small_upsample(), small_dropout_mlp(), small_dcgan(8)],
    ids=lambda recipe: recipe.name,
)


class SickSet(ImageSet):
    """Images of which the 21st is no number."""

    def batch(self, indices: Tensor, out: Tensor | None = None) -> Tensor:
        found = super().batch(indices, out)
        found[indices == 20] = float("nan")
        return found


@dataclass(frozen=True)
class Steep(NonSaturating):
    """G's loss is finite, but its slope is not."""

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor]:
        return ((fake_logits - fake_logits.detach()).sqrt(),)


@pytest.fixture(autouse=True)
def own_randomness() -> Iterator[None]:
    with own_torch_state(CPU):
        yield
    torch.set_default_dtype(torch.float32)


def state(engine: Engine) -> dict[str, Tensor]:
    players = (engine.gan.generator, engine.gan.discriminator)
    clocks = {f"clock {index}": torch.tensor(player.optimizer.clock.count) for index, player in enumerate(players)}
    return {name: tensor.clone() for name, tensor in (checkpoint.state_tensors(engine.gan) | clocks).items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}


def sick(recipe: Recipe, remedy) -> tuple[Engine, int]:
    """An engine, and the round in which it meets the image that is none; the rounds before are played."""
    engine = build(replace(recipe, order="file", non_finite=remedy), images(40, kind=SickSet))
    round_ = 20 // recipe.batch_size
    for number in range(round_):
        engine.train_round(number)
    return engine, round_


@RECIPES
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_guard_changes_nothing_while_all_is_well(recipe, dtype):
    torch.set_default_dtype(dtype)
    data = images(48, kind=DoubleSet if dtype == torch.float64 else ImageSet)
    plain, guarded = (build(replace(recipe, non_finite=remedy), data) for remedy in (Stop(), Skip()))
    for round_ in range(4):
        assert plain.numbers(plain.train_round(round_)) == guarded.numbers(guarded.train_round(round_))
    assert guarded.gan.guarded
    assert {tensor.dtype for tensor in checkpoint.state_tensors(guarded.gan).values()} >= {dtype}
    assert changed(state(plain), state(guarded)) == set()


@RECIPES
def test_a_move_that_is_not_finite_does_not_step(recipe):
    engine, round_ = sick(recipe, Skip())
    before = state(engine)
    with pytest.raises(DivergenceError, match=r"^d_loss of the discriminator became nan$") as raised:
        engine.train_round(round_)
    touched = changed(before, state(engine))
    if recipe.name == "vanilla":  # G moves first, on a clock that both share
        assert touched
        assert not any(name.startswith("discriminator") for name in touched)
    else:
        assert touched == set()
    batch = raised.value.non_finite.batch
    torch.testing.assert_close(batch["real"], engine.data.batch(engine.order.indices(round_)), equal_nan=True, rtol=0, atol=0)
    assert torch.equal(batch["z"], engine.z(recipe.batch_size, "z", round_, 0))
    assert batch["real_logits"].isnan().any()
    assert ("g_loss" in batch) == (recipe.name in ("vanilla", "dcgan"))  # what is known of the moves up to this one
    engine.numbers(engine.train_round(round_ + 1))  # all goes on


def test_buffers_are_put_back_as_they_were_before_the_round():
    recipe = replace(small_dcgan(8), round=Round(moves=(MoveG(), MoveBoth())))
    engine, round_ = sick(recipe, Skip())
    before = state(engine)
    with pytest.raises(DivergenceError):
        engine.train_round(round_)
    touched = changed(before, state(engine))
    statistics = {name for name in before if "running" in name or "num_batches" in name}
    assert statistics
    assert not touched & statistics
    assert any(name.startswith("generator.network") for name in touched)  # its first move was fine


def test_a_gradient_that_is_not_finite_is_seen_where_the_loss_is():
    engine = build(replace(small("paper"), loss=Steep(), non_finite=Skip()), images(48))
    d_steps = build(replace(small("paper"), non_finite=Skip()), images(48))
    before = state(engine)
    with pytest.raises(DivergenceError, match=r"^gradient of \S+weight of the generator became (nan|inf|-inf)$") as raised:
        engine.train_round(0)
    touched = changed(before, state(engine))
    assert touched
    assert not any(name.startswith("generator") for name in touched)
    assert raised.value.non_finite.batch["g_loss"].isfinite()
    d_steps.train_round(0)
    assert {name for name in touched if name.startswith("discriminator.network")} == {
        name for name in changed(before, state(d_steps)) if name.startswith("discriminator.network")
    }


@pytest.mark.parametrize(
    ("index", "value", "told"), [(1, "nan", "nan"), (2, "-inf", "-inf"), (3, "1e25", "inf"), (0, "inf", "inf")]
)
@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_the_weight_is_named(side, index, value, told):
    gan = build(replace(small("paper"), non_finite=Skip()), images(20)).gan
    player = getattr(gan, side)
    name, weight = list(player.network.named_parameters())[index]
    gradients = [torch.zeros_like(parameter) for parameter in player.optimizer.parameters]
    gradients[index].view(-1)[-1] = float(value)
    if value == "1e25":  # a norm that overflows, though no value does
        gradients[index][...] = 1e25
    sides = [(gan.generator, [torch.zeros_like(p) for p in gan.generator.optimizer.parameters]), (player, gradients)]
    before = weight.detach().clone()
    with pytest.raises(DivergenceError, match=f"^gradient of {name} of the {side} became {told}$"):
        gan_step.apply_gradients(gan, gan_step.StepGradients({}, tuple(sides[player is gan.generator :])))
    assert torch.equal(weight, before)
    assert gan.generator.optimizer.clock.count == gan.discriminator.optimizer.clock.count == 0


def test_what_is_read_beside_the_rounds_is_told_as_well():
    engine, sick_ones = build(small("paper"), images(48)), images(40, kind=SickSet)
    with pytest.raises(DivergenceError, match=r"^d_real_test of the discriminator became nan$"):
        traces_on_test_images(engine, sick_ones, 1)
    with pytest.raises(DivergenceError, match=r"^(spread|contrast) of the generator became nan$"):
        run_probes(engine, sick_ones)


@RECIPES
def test_an_unguarded_round_is_found_out_at_its_end(recipe):
    engine, round_ = sick(recipe, Stop())
    with pytest.raises(DivergenceError, match=r"^[gd]_loss of the (generator|discriminator) became nan$") as raised:
        engine.train_round(round_)
    batch = raised.value.non_finite.batch
    assert batch["real"].isnan().any()
    assert {"z", "g_loss", "d_loss", "real_logits", "fake_logits", "g_fake_logits"} <= batch.keys()
