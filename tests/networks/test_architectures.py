import math
from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring import networks, recipes
from sparring.errors import InputError
from sparring.networks import (
    DcganDiscriminatorConfig,
    DcganGeneratorConfig,
    FirstLayer,
    Gaussian,
    GlorotNormal,
    GlorotUniform,
    MLPDiscriminatorConfig,
    MLPGeneratorConfig,
    UpsampleDiscriminatorConfig,
    UpsampleGeneratorConfig,
)
from sparring.networks.layers.channels_last import DenseConvTranspose2d, DenseFlatten, dense_layers
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.fold import FoldConv2d, FoldConvTranspose2d, fold_few
from sparring.networks.layers.phases import PhaseConv2d, doubled_in_phases
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d
from sparring.networks.layers.turned import TurnedConv2d, TurnedConvTranspose2d, turn_layers

SHAPE = (1, 28, 28)


@pytest.fixture(scope="module")
def players() -> dict[str, tuple[nn.Module, nn.Module]]:
    return {name: build(name) for name in ("vanilla", "upsample", "dropout-mlp", "dcgan", "paper")}


def build(name: str, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    recipe = recipes.get(name)
    return (
        networks.build_generator(recipe.generator, recipe.z.num, SHAPE, seed),
        networks.build_discriminator(recipe.discriminator, SHAPE, seed),
    )


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def weights_of(network: nn.Module) -> Iterator[Tensor]:
    return (p.detach() for p in network.parameters())


def layers_of(network: nn.Module, kind) -> list:
    return [layer for layer in network.modules() if isinstance(layer, kind)]


def test_numbers_of_parameters(players):
    counts = {name: [sum(p.numel() for p in net.parameters()) for net in pair] for name, pair in players.items()}
    assert counts == {
        "vanilla": [
            (128 * 256 + 256) + (256 * 784 + 784),
            (784 * 256 + 256) + (256 + 1),
        ],
        "upsample": [
            (100 * 512 + 512) + (512 * 6272 + 6272) + 2 * 6272 + (128 * 64 * 25 + 64) + (64 * 25 + 1),
            (256 * 25 + 256) + (256 * 512 * 25 + 512) + (512 * 49 * 256 + 256) + (256 + 1),
        ],
        "dropout-mlp": [
            (100 * 256 + 256) + (256 * 256 + 256) + (256 * 784 + 784),
            (784 * 256 + 256) + (256 * 256 + 256) + (256 + 1),
        ],
        "dcgan": [
            100 * 3136 + 2 * 3136 + 64 * 64 * 25 + 2 * 64 + 64 * 32 * 25 + 2 * 32 + 32 * 25,
            (64 * 25 + 64) + (64 * 128 * 25 + 128) + (128 * 49 + 1),
        ],
        "paper": [
            (256 * 512 + 512) + (512 * 784 + 784),
            (784 * 512 + 512) + (512 + 1),
        ],
    }


@pytest.mark.parametrize("name", ["vanilla", "upsample", "dropout-mlp", "dcgan", "paper"])
def test_shapes_and_ranges(players, name):
    generator, discriminator = players[name]
    z = recipes.get(name).z.sample(3, torch.Generator().manual_seed(0))
    with torch.no_grad():
        images = generator(z)
        logits = discriminator(images)
    assert images.shape == (3, 1, 28, 28)
    assert logits.shape == (3,)
    assert -1 <= images.min() < images.max() <= 1


# --- each player against its formula, in float64 and inference mode ---


def test_sigmoid_generator_by_formula():
    config = MLPGeneratorConfig(widths=(6,), output="sigmoid", initial=Gaussian(1.0, 1.0))
    network, z = config.build(5, SHAPE).double(), normal(4, 5)
    w1, b1, w2, b2 = weights_of(network)
    unit = torch.sigmoid((z @ w1.T + b1).relu() @ w2.T + b2)
    images = network(z)
    torch.testing.assert_close(images, (2 * unit - 1).reshape(4, 1, 28, 28))
    assert -1 <= images.min() < images.max() <= 1


def test_generator_of_two_hidden_layers_by_formula():
    network, z = MLPGeneratorConfig(widths=(6, 7)).build(5, (2, 3, 4)).double(), normal(4, 5)
    w1, b1, w2, b2, w3, b3 = weights_of(network)
    hidden = ((z @ w1.T + b1).relu() @ w2.T + b2).relu()
    torch.testing.assert_close(network(z), torch.tanh(hidden @ w3.T + b3).reshape(4, 2, 3, 4))


def test_linear_output_has_no_bounds():
    network, z = MLPGeneratorConfig(widths=(6,), output="linear").build(5, (2,)).double(), 100 * normal(4, 5)
    w1, b1, w2, b2 = weights_of(network)
    torch.testing.assert_close(network(z), (z @ w1.T + b1).relu() @ w2.T + b2)


@pytest.mark.parametrize("unit_range", [False, True])
@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), ("leaky-relu", 0.01)])
def test_perceptron_discriminator_by_formula(unit_range, activation, slope):
    config = MLPDiscriminatorConfig(widths=(6, 5), activation=activation, slope=0.01, unit_range=unit_range)
    network, x = config.build(SHAPE).double(), normal(4, 1, 28, 28).tanh()
    w1, b1, w2, b2, w3, b3 = weights_of(network)
    pixels = (x.flatten(1) + 1) / 2 if unit_range else x.flatten(1)
    hidden = F.leaky_relu(pixels @ w1.T + b1, slope)
    hidden = F.leaky_relu(hidden @ w2.T + b2, slope)
    torch.testing.assert_close(network(x), (hidden @ w3.T + b3)[:, 0])


def test_perceptrons_put_dropout_behind_every_hidden_layer():
    config = MLPGeneratorConfig(widths=(6, 7), activation="leaky-relu", dropout=0.1)
    kinds = [type(layer) for layer in config.build(5, SHAPE).children()]
    assert kinds[:6] == [nn.Linear, nn.LeakyReLU, Dropout] * 2
    assert kinds.count(Dropout) == 2


def test_dcgan_generator_by_formula():
    network, z = DcganGeneratorConfig(width=4).build(5, SHAPE).double(), normal(6, 5)
    w1, s1, t1, w2, s2, t2, w3, s3, t3, w4 = weights_of(network)
    x = batch_norm(z @ w1.T, s1, t1).relu().reshape(6, 4, 7, 7)
    x = batch_norm(same_transposed(x, w2, 1), s2, t2).relu()
    x = batch_norm(same_transposed(x, w3, 2), s3, t3).relu()
    torch.testing.assert_close(network(z), torch.tanh(same_transposed(x, w4, 2)))


def test_mapping_before_the_dcgan_generator_by_formula():
    network, z = DcganGeneratorConfig(width=4, mapping=(6, 7), refine=False).build(5, SHAPE).double(), normal(8, 5)
    w1, s1, t1, w2, s2, t2, *features = weights_of(network)
    hidden = F.leaky_relu(batch_norm(z @ w1.T, s1, t1), 0.2)
    hidden = F.leaky_relu(batch_norm(hidden @ w2.T, s2, t2), 0.2)
    w3, s3, t3, w4, s4, t4, w5 = features
    x = batch_norm(hidden @ w3.T, s3, t3).relu().reshape(8, 4, 7, 7)
    x = batch_norm(same_transposed(x, w4, 2), s4, t4).relu()
    torch.testing.assert_close(network(z), torch.tanh(same_transposed(x, w5, 2)))


@pytest.mark.parametrize(
    ("mapping", "wanted"), [((6, 0), "be numbers, each at least 1"), ((8,) * 1001, "at most 1000 numbers")]
)
def test_a_mapping_that_cannot_be(mapping, wanted):
    with pytest.raises(InputError, match=f"generator.mapping .*{wanted}"):
        DcganGeneratorConfig(mapping=mapping)


def test_dcgan_discriminator_by_formula():
    network, x = DcganDiscriminatorConfig(width=3).build(SHAPE).double().eval(), normal(4, 1, 28, 28)
    w1, b1, w2, b2, w3, b3 = weights_of(network)
    hidden = F.leaky_relu(F.conv2d(F.pad(x, (1, 2, 1, 2)), w1, b1, stride=2), 0.2)
    hidden = F.leaky_relu(F.conv2d(F.pad(hidden, (1, 2, 1, 2)), w2, b2, stride=2), 0.2)
    assert hidden.shape == (4, 6, 7, 7)
    torch.testing.assert_close(network(x), (hidden.flatten(1) @ w3.T + b3)[:, 0])


def test_upsample_generator_by_formula():
    network, z = UpsampleGeneratorConfig(hidden=6, width=4).build(5, SHAPE).double(), normal(4, 5)
    w1, b1, w2, b2, s, t, w3, b3, w4, b4 = weights_of(network)
    x = F.leaky_relu(F.leaky_relu(z @ w1.T + b1, 0.2) @ w2.T + b2, 0.2)
    x = batch_norm(x, s, t).reshape(4, 4, 7, 7)
    x = torch.tanh(F.conv2d(twice_as_large(x), w3, b3, padding=2))
    torch.testing.assert_close(network(z), torch.tanh(F.conv2d(twice_as_large(x), w4, b4, padding=2)))


def test_upsample_discriminator_by_formula():
    network = UpsampleDiscriminatorConfig(width=3, hidden=5).build(SHAPE).double().eval()
    x = normal(4, 1, 28, 28)
    w1, b1, w2, b2, w3, b3, w4, b4 = weights_of(network)
    hidden = F.leaky_relu(F.conv2d(x, w1, b1, padding=2), 0.2).unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))
    hidden = F.leaky_relu(F.conv2d(hidden, w2, b2, padding=2), 0.2).unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))
    hidden = F.leaky_relu(hidden.flatten(1) @ w3.T + b3, 0.2)
    torch.testing.assert_close(network(x), (hidden @ w4.T + b4)[:, 0])


def batch_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Of a batch in training, with Keras' epsilon; statistics per feature or channel."""
    axes = (0, *range(2, x.ndim))
    mean, var = x.mean(axes, keepdim=True), x.var(axes, unbiased=False, keepdim=True)
    per_channel = (1, -1, *[1] * (x.ndim - 2))
    return (x - mean) / (var + 1e-3).sqrt() * scale.reshape(per_channel) + shift.reshape(per_channel)


def twice_as_large(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def same_transposed(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """The gradient of a padded strided convolution, by autograd."""
    num, (height, width) = len(x), x.shape[2:]
    image = torch.zeros(num, weight.shape[1], stride * height, stride * width, dtype=x.dtype, requires_grad=True)
    padding = (1, 2, 1, 2) if stride == 2 else (2, 2, 2, 2)
    y = F.conv2d(F.pad(image, padding), weight, stride=stride)
    return torch.autograd.grad((y * x.detach()).sum(), image)[0]


# --- TensorFlow's "same" padding ---


def test_stride_2_pads_28_pixels_by_1_before_and_2_after():
    layer, x = SameConv2d(2, 3, 5, stride=2).double(), normal(2, 2, 28, 28)
    assert layer(x).shape == (2, 3, 14, 14)
    torch.testing.assert_close(layer(x), F.conv2d(F.pad(x, (1, 2, 1, 2)), layer.weight, layer.bias, stride=2))
    other_way = F.conv2d(F.pad(x, (2, 1, 2, 1)), layer.weight, layer.bias, stride=2)
    assert (layer(x) - other_way).abs().max() > 0.1


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 3, 4, 5])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (7, 14), (5, 6), (1, 2)])
def test_same_convolution_by_loops(height, width, kernel, stride):
    layer = SameConv2d(1, 1, kernel, stride).double()
    x, weight = normal(height, width), layer.weight.detach()[0, 0]
    expected = naive_same_convolution(x.numpy(), weight.numpy(), stride) + layer.bias.item()  # type: ignore[union-attr]
    np.testing.assert_allclose(layer(x[None, None])[0, 0].detach(), expected, atol=1e-12)


def naive_same_convolution(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """As TensorFlow documents it: output size and padding of each axis, then the sum over the window."""
    sizes = [math.ceil(n / stride) for n in x.shape]
    before = [max((out - 1) * stride + k - n, 0) // 2 for out, k, n in zip(sizes, weight.shape, x.shape, strict=True)]
    y = np.zeros(sizes)
    for i, j in np.ndindex(*sizes):
        for a, b in np.ndindex(*weight.shape):
            row, column = i * stride + a - before[0], j * stride + b - before[1]
            if 0 <= row < x.shape[0] and 0 <= column < x.shape[1]:
                y[i, j] += weight[a, b] * x[row, column]
    return y


@pytest.mark.parametrize("kind", [SameConv2d, FoldConv2d])
@pytest.mark.parametrize(("num_in", "size"), [(1, (9, 8)), (3, (5, 6)), (5, (7, 4))])
def test_same_convolution_has_gradients_of_first_and_second_order(num_in, size, kind):
    layer, x = kind(num_in, 2, 5, stride=2).double(), normal(2, num_in, *size).requires_grad_()
    weights = dict(layer.named_parameters())

    def call(x: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(weights, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, (x, *weights.values()))
    assert torch.autograd.gradgradcheck(call, (x, *weights.values()))


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (5, 2), (4, 2), (3, 2), (3, 3)])
@pytest.mark.parametrize(("height", "width"), [(7, 7), (14, 14), (3, 5)])
def test_transposed_convolution_is_the_adjoint(height, width, kernel, stride):
    down = SameConv2d(2, 3, kernel, stride, bias=False).double()
    up = SameConvTranspose2d(3, 2, kernel, stride, bias=False).double()
    up.weight = down.weight
    x, y = normal(2, 2, stride * height, stride * width), normal(2, 3, height, width, seed=1)
    assert down(x).shape == y.shape
    assert up(y).shape == x.shape
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())


@pytest.mark.parametrize("wanted", ["x", "weights", "both"])
@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (5, 2), (4, 2), (3, 3)])
def test_folding_gives_the_same_values_and_gradients(kernel, stride, wanted):
    network = nn.Sequential(
        nn.Sequential(SameConv2d(2, 8, kernel, stride), nn.LeakyReLU(0.2)),
        SameConvTranspose2d(8, 3, kernel, stride, bias=False),
        SameConvTranspose2d(3, 8, kernel, stride),
        SameConv2d(8, 2, kernel, stride),
    ).double()
    folding = fold_few(deepcopy(network))
    kinds = [type(layer) for layer in folding.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert kinds == [FoldConv2d, FoldConvTranspose2d, SameConvTranspose2d, SameConv2d]
    assert folding.state_dict().keys() == network.state_dict().keys()
    x, found = normal(2, 2, 12, 9), []
    for each in (network, folding):
        points = x.clone().requires_grad_(wanted != "weights")
        y = each(points)
        variables = [points] * (wanted != "weights") + [*each.parameters()] * (wanted != "x")
        found.append([y, *torch.autograd.grad(y.square().sum(), variables)])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("kernel", [4, 5])
@pytest.mark.parametrize("size", [(7, 14), (6, 9)])
def test_turned_layers_give_the_same_values_and_gradients_of_both_orders(size, kernel):
    hooked = SameConv2d(16, 15, kernel, 2)
    hooked.register_forward_hook(lambda layer, args, y: None)
    network = nn.Sequential(
        nn.Sequential(SameConv2d(16, 3, kernel, 2), nn.Tanh()),
        SameConvTranspose2d(3, 16, kernel, 3),
        *(SameConv2d(16, 16, kernel), hooked, SameConvTranspose2d(15, 15, kernel, 2), SameConv2d(15, 4, kernel, 2)),
    ).double()
    turned = turn_layers(deepcopy(network))
    kinds = [type(layer) for layer in turned.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    others = [SameConv2d, SameConv2d, SameConvTranspose2d, SameConv2d]
    assert kinds == [TurnedConv2d, TurnedConvTranspose2d, *others]
    assert turned.state_dict().keys() == network.state_dict().keys()
    x, found = normal(2, 16, *size), []
    for each in (network, turned):
        points = x.clone().requires_grad_()
        y = each(points)
        first = torch.autograd.grad(y.square().sum(), [points, *each.parameters()], create_graph=True)
        weights = [weight for weight in each.parameters() if weight.ndim > 1]
        found.append([y, *first, *torch.autograd.grad(first[0].square().sum(), weights)])
    torch.testing.assert_close(*found)


def test_a_doubling_in_phases_gives_the_same_values_and_gradients():
    def doubled(num_in: int, num_out: int, **settings) -> list[nn.Module]:
        return [nn.Upsample(scale_factor=2), nn.Conv2d(num_in, num_out, 3, padding=1, bias=False, **settings)]

    hooked = doubled(2, 2)
    nn.utils.spectral_norm(hooked[1])
    others = [*doubled(4, 4, groups=2), *doubled(4, 65), *doubled(65, 2), nn.Conv2d(2, 2, 3, padding=1), *hooked]
    network = nn.Sequential(*doubled(3, 5), nn.Tanh(), nn.Sequential(*doubled(5, 4)), *others).double()
    phases = doubled_in_phases(deepcopy(network))
    replaced = [layer for layer in phases.modules() if isinstance(layer, PhaseConv2d)]
    assert [layer.out_channels for layer in replaced] == [5, 4, 65]
    assert phases.state_dict().keys() == network.state_dict().keys()
    x, found = normal(2, 3, 3, 2), []
    for each in (network, phases):
        points = x.clone().requires_grad_()
        y = each(points)
        found.append([y, *torch.autograd.grad(y.square().sum(), [points, *each.parameters()])])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("kernel", [4, 5])
def test_dense_layers_give_the_same_bits_and_channels_last_maps(kernel):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(48, 1))
    network = nn.Sequential(SameConvTranspose2d(2, 3, kernel, 2, bias=False), nn.LeakyReLU(0.2), flat)
    dense = dense_layers(deepcopy(network))
    assert dense.state_dict().keys() == network.state_dict().keys()
    convolution, activation, _ = dense.children()
    assert (type(convolution) is DenseConvTranspose2d) == (kernel == 5)
    maps, gradients, found = [], [], []
    convolution.register_forward_hook(lambda layer, args, y: maps.append(y))
    activation.register_full_backward_hook(lambda layer, dx, dy: gradients.append(dy[0]))
    x = normal(4, 2, 2, 2).float().contiguous(memory_format=torch.channels_last).requires_grad_()
    for each in (network, dense):
        y = each(x)
        (dx,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        weights = [weight for weight in each.parameters() if weight.ndim > 1]
        found.append((y, dx, *torch.autograd.grad(dx.square().sum(), weights)))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in (*maps, *gradients))


def test_layers_with_hooks_are_left():
    flatten = nn.Flatten()
    flatten.register_forward_hook(lambda layer, args, y: None)
    assert dense_layers(flatten) is flatten
    assert isinstance(dense_layers(nn.Flatten()), DenseFlatten)


def test_transposed_convolution_adds_its_bias():
    layer, y = SameConvTranspose2d(3, 2, 5, stride=2).double(), normal(2, 3, 7, 7)
    assert layer.bias is not None
    without = SameConvTranspose2d(3, 2, 5, stride=2, bias=False).double()
    without.weight = layer.weight
    torch.testing.assert_close(layer(y), without(y) + layer.bias.reshape(1, 2, 1, 1))


# --- batch norm and dropout ---


@pytest.mark.parametrize(("name", "num"), [("dcgan", 3), ("upsample", 1)])
def test_batch_norm_is_kerass(players, name, num):
    norms = layers_of(players[name][0], nn.BatchNorm1d | nn.BatchNorm2d)
    assert [(norm.eps, norm.momentum) for norm in norms] == [(1e-3, 0.01)] * num
    assert all((norm.weight == 1).all() and (norm.bias == 0).all() for norm in norms)
    assert not layers_of(players[name][1], nn.BatchNorm1d | nn.BatchNorm2d)


def test_running_statistics_move_by_one_hundredth():
    network, z = DcganGeneratorConfig(width=2).build(5, SHAPE), normal(16, 5).float()
    network(z)
    (linear,), (norm,) = layers_of(network, nn.Linear), layers_of(network, nn.BatchNorm1d)
    features = linear(z).detach()
    torch.testing.assert_close(norm.running_mean, 0.01 * features.mean(0))
    torch.testing.assert_close(norm.running_var, 0.99 + 0.01 * features.var(0))


def test_where_dropout_stands(players):
    rates = {
        name: [[round(layer.threshold / 65536, 4) for layer in layers_of(net, Dropout)] for net in pair]
        for name, pair in players.items()
    }
    assert rates == {
        "vanilla": [[], []],
        "upsample": [[], [0.3] * 3],
        "dropout-mlp": [[0.1] * 2, [0.1] * 2],
        "dcgan": [[], [0.3] * 2],
        "paper": [[], []],
    }
    block = [nn.Conv2d, nn.LeakyReLU, nn.MaxPool2d, Dropout]
    kinds = [type(layer) for layer in players["upsample"][1].children()]
    assert kinds == [*block, *block, nn.Flatten, nn.Linear, nn.LeakyReLU, Dropout, nn.Linear, nn.Flatten]


# --- initial values ---


def weighted(network: nn.Module) -> list:
    return layers_of(network, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)


def fans(layer) -> int:
    """fan_in + fan_out."""
    return (layer.weight.shape[0] + layer.weight.shape[1]) * layer.weight[0, 0].numel()


def assert_normal(values: Tensor, std: float) -> None:
    """Mean, standard deviation and tails, within five standard errors."""
    num = values.numel()
    assert values.mean().item() == pytest.approx(0, abs=5 * std / num**0.5)
    assert values.std().item() == pytest.approx(std, rel=5 / (2 * num) ** 0.5)
    beyond = (values.abs() > 2 * std).double().mean().item()
    assert beyond == pytest.approx(0.0455, abs=5 * (0.0455 / num) ** 0.5)


def assert_glorot_uniform(layer) -> None:
    bound, num = math.sqrt(6 / fans(layer)), layer.weight.numel()
    assert bound * (1 - 20 / num) < layer.weight.abs().max().item() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=5 / (2 * num) ** 0.5)
    assert layer.bias is None or (layer.bias == 0).all()


def test_vanilla_draws_weights_and_biases(players):
    for network in players["vanilla"]:
        for layer in weighted(network):
            assert_normal(layer.weight, 0.01)
        biases = torch.cat([layer.bias for layer in weighted(network)])
        assert_normal(biases, 0.01)


def test_paper_draws_weights_alone(players):
    for network in players["paper"]:
        for layer in weighted(network):
            assert_normal(layer.weight, 0.01)
            assert (layer.bias == 0).all()


def test_dropout_mlp_is_xavier_normal_with_biases_between_a_tenth_and_two(players):
    for network in players["dropout-mlp"]:
        for layer in weighted(network):
            assert_normal(layer.weight, math.sqrt(2 / fans(layer)))
        biases = torch.cat([layer.bias for layer in weighted(network)])
        assert 0.1 <= biases.min() < 0.101
        assert 0.199 < biases.max() <= 0.2


def test_dcgan_is_glorot_uniform(players):
    for network in players["dcgan"]:
        for layer in weighted(network):
            assert_glorot_uniform(layer)
    generator, discriminator = players["dcgan"]
    assert all(layer.bias is None for layer in weighted(generator))
    assert all(layer.bias is not None for layer in weighted(discriminator))


def test_upsample_is_glorot_uniform_but_for_the_first_layer_of_d(players):
    generator, discriminator = players["upsample"]
    first, *rest = weighted(discriminator)
    assert_normal(first.weight, 0.02)
    assert (first.bias == 0).all()
    for layer in [*weighted(generator), *rest]:
        assert_glorot_uniform(layer)


def test_initial_values_are_part_of_the_recipe():
    initial = FirstLayer(first=Gaussian(0.0, 0.0), rest=GlorotNormal(bias_low=3, bias_high=3))
    network = networks.build_generator(MLPGeneratorConfig(widths=(4,), initial=initial), 5, (2,), seed=0)
    w1, b1, w2, b2 = weights_of(network)
    assert (w1 == 0).all()
    assert (b1 == 0).all()
    assert (w2 != 0).all()
    assert (b2 == 3).all()


@pytest.mark.parametrize("name", ["vanilla", "dropout-mlp", "dcgan"])
def test_the_seed_alone_determines_initial_values(name):
    torch.manual_seed(1)
    one = build(name)
    torch.manual_seed(2)
    two, other = build(name), build(name, seed=1)
    for a, b, c in zip(one, two, other, strict=True):
        pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
        assert all(torch.equal(x, y) for x, y in pairs)
        assert not torch.equal(next(a.parameters()), next(c.parameters()))


def test_building_leaves_the_users_random_state_alone():
    state = torch.get_rng_state()
    build("dropout-mlp")
    build("dcgan")
    assert torch.equal(torch.get_rng_state(), state)


def test_glorot_uniform_is_the_default():
    configs = [MLPGeneratorConfig(), MLPDiscriminatorConfig(), DcganGeneratorConfig(), UpsampleGeneratorConfig()]
    assert [config.initial for config in configs] == [GlorotUniform()] * 4


@pytest.mark.parametrize("shape", [(2,), (1, 30, 30), (28, 28), (1, 28, 27)])
def test_convolutions_want_a_size_that_they_know(shape):
    for config in (DcganGeneratorConfig(), UpsampleGeneratorConfig()):
        with pytest.raises(InputError, match="images of 28 x 28 pixels, or of sides"):
            config.build(5, shape)
    for config in (DcganDiscriminatorConfig(), UpsampleDiscriminatorConfig()):
        with pytest.raises(InputError, match="images of 28 x 28 pixels, or of sides"):
            config.build(shape)


@pytest.mark.parametrize("channels", [1, 3])
def test_any_number_of_channels(channels):
    shape = (channels, 28, 28)
    for generator, discriminator in (
        (DcganGeneratorConfig(width=2), DcganDiscriminatorConfig(width=2)),
        (UpsampleGeneratorConfig(hidden=3, width=2), UpsampleDiscriminatorConfig(hidden=3, width=2)),
    ):
        images = generator.build(5, shape)(torch.zeros(2, 5))
        assert images.shape == (2, *shape)
        assert discriminator.build(shape)(images).shape == (2,)
