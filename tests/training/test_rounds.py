from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring import recipes
from sparring.config.rng import own_torch_state
from sparring.data import ImageSet
from sparring.networks import (
    DcganDiscriminatorConfig,
    DcganGeneratorConfig,
    MLPDiscriminatorConfig,
    MLPGeneratorConfig,
    UpsampleDiscriminatorConfig,
    UpsampleGeneratorConfig,
)
from sparring.recipe import MoveD, MoveG, Recipe, Round
from sparring.training.engine import Engine
from sparring.training.player import inference
from sparring.training.probes import traces_on_test_images
from sparring.training.readings import summary
from sparring.training.sampler import EngineSampler

CPU = torch.device("cpu")
BATCH = 20  # of the perceptrons' rounds, where the recipes have 100


class DoubleSet(ImageSet):
    """Images whose batches are float64."""

    def batch(self, indices: Tensor, out: Tensor | None = None) -> Tensor:
        return self.images.index_select(0, indices).double() / 127.5 - 1


@pytest.fixture(autouse=True)
def own_randomness() -> Iterator[None]:
    with own_torch_state(CPU):
        yield


@pytest.fixture
def in_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def images(num: int, seed: int = 0, kind: type[ImageSet] = ImageSet) -> ImageSet:
    """Random pixels, dark ones in the majority as in MNIST."""
    rng = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (num, 1, 28, 28), generator=rng)
    dark = torch.rand(num, 1, 28, 28, generator=rng) < 0.8
    return kind(torch.where(dark, 0, pixels).to(torch.uint8))


def build(recipe: Recipe, data: ImageSet, seed: int = 0) -> Engine:
    return Engine.build(recipe, data, seed, CPU)


class Calls:
    """The inputs of a network and its mode, call by call."""

    def __init__(self, network: nn.Module):
        self.inputs: list[Tensor] = []
        self.modes: list[bool] = []
        network.register_forward_pre_hook(self._note)

    def _note(self, module: nn.Module, args: tuple[Tensor, ...]) -> None:
        self.inputs.append(args[0].detach().clone())
        self.modes.append(module.training)


# --- the TensorFlow 1 tutorials, in numpy ---


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Perceptron:
    """One hidden layer of ReLU, a last layer of sigmoids, and the gradient of both by hand."""

    def __init__(self, network: nn.Module):
        self.weights = [p.detach().double().numpy().copy() for p in network.parameters()]

    def forward(self, x: np.ndarray) -> np.ndarray:
        w1, b1, w2, b2 = self.weights
        self.x, self.hidden = x, np.maximum(x @ w1.T + b1, 0)
        self.y = sigmoid(self.hidden @ w2.T + b2)
        return self.y

    def backward(self, dy: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Of a value with slope `dy` at the output: the gradients of the weights, and the slope at the input."""
        w1, _, w2, _ = self.weights
        d_out = dy * self.y * (1 - self.y)
        d_hidden = (d_out @ w2) * (self.hidden > 0)
        return [d_hidden.T @ self.x, d_hidden.sum(0), d_out.T @ self.hidden, d_out.sum(0)], d_hidden @ w1


class Slots:
    """Adam's moments of one player, under TensorFlow 1's update."""

    def __init__(self, player: Perceptron, lr: float):
        self.player, self.lr = player, lr
        self.m, self.v = ([np.zeros_like(w) for w in player.weights] for _ in range(2))

    def ascend(self, gradients: list[np.ndarray], t: int) -> None:
        rate = self.lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        for i, up in enumerate(gradients):
            self.m[i] = 0.9 * self.m[i] - 0.1 * up
            self.v[i] = 0.999 * self.v[i] + 0.001 * up * up
            self.player.weights[i] = self.player.weights[i] - rate * self.m[i] / (np.sqrt(self.v[i]) + 1e-8)


class Tutorial:
    """G maximises mean log D(G(z)); D maximises mean log D(x) + mean log(1 - D(G(z))); pixels in [0, 1]."""

    def __init__(self, engine: Engine, lr: float = 2e-4):
        self.g, self.d = (Perceptron(network) for network in engine.gan.networks)
        self.g_slots, self.d_slots = Slots(self.g, lr), Slots(self.d, lr)

    def step_g(self, z: np.ndarray, t: int) -> float:
        verdict = self.d.forward(self.g.forward(z))
        _, slope = self.d.backward(1 / verdict / len(z))
        gradients, _ = self.g.backward(slope)
        value = np.log(verdict).mean()
        self.g_slots.ascend(gradients, t)
        return value

    def step_d(self, x: np.ndarray, z: np.ndarray, t: int) -> float:
        fake = self.g.forward(z)
        on_real = self.d.forward(x)
        up_real, _ = self.d.backward(1 / on_real / len(x))
        on_fake = self.d.forward(fake)
        up_fake, _ = self.d.backward(-1 / (1 - on_fake) / len(z))
        value = np.log(on_real).mean() + np.log(1 - on_fake).mean()
        self.d_slots.ascend([a + b for a, b in zip(up_real, up_fake, strict=True)], t)
        return value

    def values(self, x: np.ndarray, z: np.ndarray) -> tuple[float, float]:
        on_real, on_fake = self.d.forward(x), self.d.forward(self.g.forward(z))
        return np.log(on_fake).mean(), np.log(on_real).mean() + np.log(1 - on_fake).mean()


def batch_and_z(engine: Engine, round_: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels in [0, 1] of a round's batch, flat, and its only z."""
    chosen = engine.data.images[engine.order.indices(round_)]  # type: ignore[union-attr]
    return chosen.flatten(1).double().numpy() / 255, engine.z(BATCH, "z", round_, 0).double().numpy()


def vanilla_rounds(engine: Engine, num: int) -> tuple[Tutorial, list[tuple[float, float]]]:
    """G, then D with the same z; one optimiser for both, so its clock ticks twice a round; values after both."""
    tutorial, values = Tutorial(engine), []
    for round_ in range(num):
        x, z = batch_and_z(engine, round_)
        tutorial.step_g(z, t=2 * round_ + 1)
        tutorial.step_d(x, z, t=2 * round_ + 2)
        values.append(tutorial.values(x, z))
    return tutorial, values


def paper_rounds(engine: Engine, num: int) -> tuple[Tutorial, list[tuple[float, float]]]:
    """D, then G with the same z; an optimiser each; each value from before its own update."""
    tutorial, values = Tutorial(engine), []
    for round_ in range(num):
        x, z = batch_and_z(engine, round_)
        d_value = tutorial.step_d(x, z, t=round_ + 1)
        g_value = tutorial.step_g(z, t=round_ + 1)
        values.append((g_value, d_value))
    return tutorial, values


def play(engine: Engine, num: int) -> list[tuple[float, float]]:
    """What the journal would say, as the tutorials count: values to be maximised."""
    numbers = [engine.numbers(engine.train_round(round_)) for round_ in range(num)]
    return [(-(n["g_loss"] or 0), -(n["d_loss"] or 0)) for n in numbers]


def small(name: str) -> Recipe:
    return replace(recipes.get(name), batch_size=BATCH)


TUTORIALS = pytest.mark.parametrize(("name", "by_hand"), [("vanilla", vanilla_rounds), ("paper", paper_rounds)])


@TUTORIALS
@pytest.mark.usefixtures("in_float64")
def test_tutorial_mathematics_in_float64(name, by_hand):
    engine = build(small(name), images(48, kind=DoubleSet))  # three batches an epoch, the last of them short
    tutorial, expected = by_hand(engine, 5)
    values = play(engine, 5)
    np.testing.assert_allclose(values, expected, rtol=1e-10)
    for network, player in zip(engine.gan.networks, (tutorial.g, tutorial.d), strict=True):
        for weight, by_numpy in zip(network.parameters(), player.weights, strict=True):
            np.testing.assert_allclose(weight.detach().numpy(), by_numpy, rtol=0, atol=1e-9)


@TUTORIALS
def test_tutorial_mathematics_in_float32(name, by_hand):
    engine = build(small(name), images(48))
    start = [[p.detach().double().numpy().copy() for p in network.parameters()] for network in engine.gan.networks]
    tutorial, expected = by_hand(engine, 5)
    np.testing.assert_allclose(play(engine, 5), expected, rtol=1e-4)
    for network, player, before in zip(engine.gan.networks, (tutorial.g, tutorial.d), start, strict=True):
        for weight, by_numpy, at_first in zip(network.parameters(), player.weights, before, strict=True):
            way, error = by_numpy - at_first, weight.detach().double().numpy() - by_numpy
            assert np.linalg.norm(error) < 1e-3 * np.linalg.norm(way)  # relative to the way gone


@TUTORIALS
def test_clocks(name, by_hand):
    engine = build(small(name), images(20))
    play(engine, 2)
    clocks = [player.optimizer.clock for player in (engine.gan.generator, engine.gan.discriminator)]
    assert (clocks[0] is clocks[1]) == (name == "vanilla")
    assert [clock.count for clock in clocks] == ([4, 4] if name == "vanilla" else [2, 2])


# --- the other tutorials' rounds ---


def small_upsample() -> Recipe:
    return replace(
        recipes.get("upsample"),
        batch_size=8,
        generator=UpsampleGeneratorConfig(hidden=4, width=2),
        discriminator=UpsampleDiscriminatorConfig(hidden=4, width=2),
    )


def test_upsample_moves_d_once_then_g_five_times():
    engine = build(small_upsample(), images(20))
    g_calls, d_calls = (Calls(network) for network in engine.gan.networks)
    engine.train_round(0)
    assert engine.gan.discriminator.optimizer.clock.count == 1
    assert engine.gan.generator.optimizer.clock.count == 5
    assert g_calls.modes == [False] + [True] * 5
    assert len({tuple(z.flatten().tolist()) for z in g_calls.inputs}) == 6
    assert all(z.shape == (8, 100) and z.abs().max() <= 1 for z in g_calls.inputs)
    assert [len(x) for x in d_calls.inputs] == [16] + [8] * 5  # real and generated images in one batch, then fakes
    assert all(d_calls.modes)
    assert engine.images_before(1) == 8


def test_upsample_d_cannot_be_more_than_half_right_as_keras_counts():
    engine = build(small_upsample(), images(20))
    readings = engine.train_round(0)
    numbers = engine.numbers(readings)
    verdicts = torch.cat((readings["real_logits"], readings["fake_logits"])).sigmoid().round()
    targets = torch.tensor([0.9] * 8 + [0.0] * 8)
    keras = (verdicts == targets).float().mean().item()
    assert keras == (numbers["d_accuracy_fake"] or 0) / 2 <= 0.5


def small_dcgan(batch_size: int) -> Recipe:
    return replace(
        recipes.get("dcgan"),
        batch_size=batch_size,
        generator=DcganGeneratorConfig(width=2),
        discriminator=DcganDiscriminatorConfig(width=2),
    )


def test_dcgan_ends_an_epoch_with_96_real_images_beside_256_fakes():
    engine = build(small_dcgan(256), images(256 + 96))  # 60,000 leave 96 over as well
    sizes = [(len(r["real_logits"]), len(r["fake_logits"])) for r in map(engine.train_round, range(3))]
    assert sizes == [(256, 256), (96, 256), (256, 256)]
    assert [engine.images_before(round_) for round_ in range(4)] == [0, 256, 352, 608]


def test_dcgan_makes_one_forward_pass_a_round():
    engine = build(small_dcgan(4), images(8))
    g_calls, d_calls = (Calls(network) for network in engine.gan.networks)
    engine.train_round(0)
    assert len(g_calls.inputs) == 1
    assert [len(x) for x in d_calls.inputs] == [4, 4]
    assert [p.optimizer.clock.count for p in (engine.gan.generator, engine.gan.discriminator)] == [1, 1]


def small_dropout_mlp() -> Recipe:
    recipe = recipes.get("dropout-mlp")
    assert isinstance(recipe.generator, MLPGeneratorConfig)
    assert isinstance(recipe.discriminator, MLPDiscriminatorConfig)
    return replace(
        recipe,
        batch_size=8,
        generator=MLPGeneratorConfig(widths=(6, 6), dropout=0.5, initial=recipe.generator.initial),
        discriminator=MLPDiscriminatorConfig(widths=(6, 6), dropout=0.5, initial=recipe.discriminator.initial),
    )


def test_dropout_mlp_moves_on_fresh_z_each():
    engine = build(small_dropout_mlp(), images(20))
    calls = Calls(engine.gan.generator.network)
    engine.train_round(0)
    assert len(calls.inputs) == 2
    assert not torch.equal(*calls.inputs)


@pytest.mark.parametrize(
    ("moves", "dropout", "times"),
    [
        ((MoveD(), MoveG(z="same")), 0.0, 1),
        ((MoveD(), MoveG()), 0.0, 2),
        ((MoveD(), MoveG(z="same")), 0.5, 2),
        ((MoveG(), MoveD(z="same")), 0.0, 2),
        ((MoveD(), MoveD(z="same"), MoveG()), 0.0, 3),
    ],
)
def test_g_draws_fakes_again_only_where_they_would_be_others(moves, dropout, times):
    recipe = small_dropout_mlp()
    generator = MLPGeneratorConfig(widths=(6,), dropout=dropout)
    recipe = replace(recipe, generator=generator, round=Round(moves=moves))
    engine = build(recipe, images(40))
    calls = Calls(engine.gan.generator.network)
    engine.train_round(0)
    assert len(calls.inputs) == times


def test_dropout_mlp_traces_by_hand():
    engine, test = build(small_dropout_mlp(), images(20)), images(20, seed=1)
    engine.train_round(0)
    state = torch.get_rng_state()
    before = [tensor.clone() for network in engine.gan.networks for tensor in network.state_dict().values()]
    numbers = traces_on_test_images(engine, test, 7)
    after = [tensor for network in engine.gan.networks for tensor in network.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert all(network.training for network in engine.gan.networks)
    assert torch.equal(torch.get_rng_state(), state)
    assert traces_on_test_images(engine, test, 7) == numbers
    z = torch.cat([engine.z(num, "test", 7, start) for num, start in ((8, 0), (8, 8), (4, 16))])
    with torch.no_grad():
        g, d = (network.eval() for network in engine.gan.networks)
        expected = [d(x).sigmoid().mean().item() for x in (test.batch(torch.arange(20)), g(z))]
    assert [numbers["d_real_test"], numbers["d_fake_test"]] == pytest.approx(expected, rel=1e-5)


def test_two_moves_of_d_see_two_batches():
    recipe = replace(small_dropout_mlp(), order="file", round=Round(moves=(MoveD(), MoveD(z="same"), MoveG())))
    engine = build(recipe, images(40))
    g_calls, d_calls = (Calls(network) for network in engine.gan.networks)
    engine.train_round(1)
    assert engine.images_before(1) == 16
    assert torch.equal(d_calls.inputs[0], engine.data.batch(torch.arange(16, 24)))
    assert torch.equal(d_calls.inputs[2], engine.data.batch(torch.arange(24, 32)))
    assert torch.equal(g_calls.inputs[0], g_calls.inputs[1])
    assert not torch.equal(g_calls.inputs[1], g_calls.inputs[2])


# --- what all rounds have in common ---


@pytest.mark.parametrize("recipe", [small_upsample(), small_dropout_mlp(), small_dcgan(8)], ids=lambda r: r.name)
def test_the_seed_determines_a_run(recipe):
    results = []
    for seed, user_seed in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(user_seed)
        engine = build(recipe, images(20), seed)
        results.append([engine.numbers(engine.train_round(round_)) for round_ in range(2)])
    assert results[0] == results[1]
    assert results[0] != results[2]
    assert results[0][0] != results[0][1]


def test_samples_come_from_inference_and_leave_it():
    engine = build(small_dcgan(8), images(20))
    engine.train_round(0)
    before = [buffer.clone() for buffer in engine.gan.generator.network.buffers()]
    one, two, other = (
        EngineSampler(engine, engine.data).samples(5, "fixed z"),
        EngineSampler(engine, engine.data).samples(5, "fixed z"),
        EngineSampler(engine, engine.data).samples(5, "other z"),
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert one.shape == (5, 1, 28, 28)
    assert engine.gan.generator.network.training
    assert all(torch.equal(a, b) for a, b in zip(engine.gan.generator.network.buffers(), before, strict=True))
    with inference(engine.gan.generator.network):
        torch.testing.assert_close(engine.gan.generator.network(engine.z(5, "fixed z")).detach(), one)


def test_untrained_images_come_from_pytorchs_own_initial_values():
    engine = build(recipes.get("dropout-mlp"), images(20))
    state = torch.get_rng_state()
    untrained = EngineSampler(engine, engine.data).at_init(64)
    assert untrained.shape == (64, 1, 28, 28)
    assert torch.equal(untrained, EngineSampler(engine, engine.data).at_init(64))
    assert torch.equal(torch.get_rng_state(), state)
    own = EngineSampler(engine, engine.data).samples(64, "untrained")
    assert untrained.std() < 0.2 < own.std()  # PyTorch's weights are about a third as large, and have no bias of 0.15


def test_numbers_by_hand():
    readings = {
        "g_loss": torch.tensor(0.25),
        "d_loss": torch.tensor(1.5),
        "real_logits": torch.tensor([0.0, 2.0, -1.0, 3.0]),
        "fake_logits": torch.tensor([0.0, -2.0]),
        "g_fake_logits": torch.tensor([0.0, 1.0, 2.0, 3.0, -1.0]),
        "g_gradient": torch.tensor(5.0),
        "d_gradient": torch.tensor(0.125),
    }
    half, two, one, three = 0.5, 0.8807970779778823, 0.7310585786300049, 0.9525741268224334
    assert summary(readings) == pytest.approx(
        {
            "g_loss": 0.25,
            "d_loss": 1.5,
            "real_logit": 1.0,
            "fake_logit": -1.0,
            "d_real": (half + two + (1 - one) + three) / 4,
            "d_fake": (half + (1 - two)) / 2,
            "d_accuracy_real": 2 / 4,
            "d_accuracy_fake": 2 / 2,  # 0 is not above one half
            "g_accuracy": 3 / 5,
            "g_gradient": 5.0,
            "d_gradient": 0.125,
        }
    )
