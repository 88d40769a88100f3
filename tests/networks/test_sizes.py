"""Every architecture in every size, with any channels: shapes, gradients, and gradients of gradients."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from sparring import networks
from sparring.config import registry
from sparring.errors import InputError
from sparring.networks.layers.blur import Blur
from sparring.networks.layers.maps import Resample
from sparring.networks.layers.residual import Residual
from sparring.networks.layers.stages import stages
from sparring.penalties import SpectralNorm

NAMES = [
    name.removesuffix("-generator")
    for name in registry.names("generator")
    if registry.find("generator", name).__module__.startswith("sparring.")
]
NARROW: dict[str, dict[str, Any]] = {
    "mlp": {"widths": (5,)},
    "dcgan": {"width": 2, "max_width": 8},
    "upsample": {"width": 2, "hidden": 3},
    "resnet": {"width": 2},
    "r3": {"width": 8, "max_width": 16},
    "fastgan": {"width": 2, "max_width": 8},
}
SHAPES = [(1, 28, 28), (3, 32, 32), (4, 64, 64), (2, 128, 128), (3, 256, 256), (3, 48, 96), (1, 80, 32)]


def narrow(side: str, name: str) -> Any:
    config = registry.find(side, f"{name}-{side}")()
    settings = NARROW[name] | ({"dropout": 0.0} if side == "discriminator" and hasattr(config, "dropout") else {})
    return replace(config, **settings)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_generator_draws_images_of_the_size(name, shape):
    network = networks.build_generator(narrow("generator", name), 6, shape, seed=1)
    images = network(torch.randn(2, 6))
    assert images.shape == (2, *shape)
    assert name == "r3" or images.abs().max() <= 1
    images.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("num_outputs", [1, 4])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_discriminator_judges_images_of_the_size(name, shape, num_outputs):
    network = networks.build_discriminator(narrow("discriminator", name), shape, 1, num_outputs)
    logits = network(torch.randn(2, *shape))
    in_training = num_outputs + (name == "fastgan")
    assert logits.shape == ((2,) if in_training == 1 else (2, in_training))
    assert network.eval()(torch.randn(2, *shape)).shape == ((2,) if num_outputs == 1 else (2, num_outputs))
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("side", ["generator", "discriminator"])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "mlp"])
@pytest.mark.parametrize("shape", [(1, 30, 30), (3, 32, 28), (1, 512, 64), (1, 16, 32), (2,)], ids=str)
def test_other_sizes_are_refused(name, side, shape):
    config = narrow(side, name)
    with pytest.raises(InputError, match=f"{name}-{side} needs images of 28 x 28 pixels, or .* multiples of 16 from 32 to 256"):
        config.build(5, shape) if side == "generator" else config.build(shape)


def test_the_smallest_maps():
    known = {28: (7, 2), 32: (4, 3), 48: (6, 3), 64: (4, 4), 80: (5, 4), 96: (6, 4), 128: (4, 5), 240: (15, 4), 256: (4, 6)}
    for side, (base, num) in known.items():
        assert stages((1, side, side), "any") == ((base, base), num)
    assert stages((1, 48, 96), "any") == ((6, 12), 3)
    assert stages((1, 256, 32), "any") == ((32, 4), 3)


def test_a_resize_repeats_places_and_convolves_and_ends_with_two_convolutions():
    config = replace(narrow("generator", "dcgan"), doubling="resize", refine=False, width=4)
    network = networks.build_generator(config, 6, (3, 48, 96), seed=1)
    assert network(torch.randn(2, 6)).shape == (2, 3, 48, 96)
    kinds = [type(layer) for layer in network.children() if not isinstance(layer, nn.ReLU)][3:]
    assert kinds == [*3 * [nn.Upsample, nn.Conv2d, nn.BatchNorm2d], nn.Conv2d, nn.Tanh]
    shapes = [tuple(layer.weight.shape) for layer in network.children() if isinstance(layer, nn.Conv2d)]
    assert shapes == [(4, 8, 3, 3), (2, 4, 3, 3), (1, 2, 3, 3), (3, 1, 3, 3)]


def test_a_blur_makes_the_repetition_bilinear():
    places = torch.arange(8, dtype=torch.float64)
    checks = ((-1) ** (places[:, None] + places)).repeat(1, 3, 1, 1)
    blurred = Blur(3).double()(torch.cat((checks, torch.ones_like(checks))))
    torch.testing.assert_close(blurred[..., 1:-1, 1:-1], torch.stack((0 * checks[0], 0 * checks[0] + 1))[..., 1:-1, 1:-1])
    convolution = nn.Conv2d(3, 2, 3, padding=1, bias=False).double()
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    ours = Blur(2).double()(convolution(nn.Upsample(scale_factor=2)(x)))
    bilinear = convolution(nn.Upsample(scale_factor=2, mode="bilinear")(x))
    torch.testing.assert_close(ours[..., 2:-2, 2:-2], bilinear[..., 2:-2, 2:-2])


def test_a_blur_stands_between_convolution_and_norm_of_the_last_doublings():
    config = replace(narrow("generator", "dcgan"), doubling="resize", refine=False, width=4)
    plain, blurred = (networks.build_generator(c, 6, (3, 48, 96), seed=1) for c in (config, replace(config, blur=2)))
    kinds = [type(layer) for layer in blurred.children() if not isinstance(layer, nn.ReLU)][3:]
    doubled = [nn.Upsample, nn.Conv2d, nn.BatchNorm2d, *2 * [nn.Upsample, nn.Conv2d, Blur, nn.BatchNorm2d]]
    assert kinds == [*doubled, nn.Conv2d, nn.Tanh]
    assert len(blurred.state_dict()) == len(plain.state_dict())  # the filter is no weight
    assert config.blur == 0  # as in generators that were saved before there was one


def conv(num_in: int, num_out: int, kernel: int = 3, groups: int = 1) -> int:
    return num_in * num_out * kernel**2 // groups + num_out


def dcgan_at_256() -> tuple[int, int]:
    widths = (8, 8, 8, 4, 2, 1)
    norms = 2 * (8 * 16 + 8 + sum(widths[1:]))
    weights = 25 * (8 * 8 + sum(a * b for a, b in pairwise((*widths, 3))))
    return 6 * 8 * 16 + norms + weights, sum(conv(a, b, 5) for a, b in pairwise((3, 2, 4, 8, 8, 8, 8))) + 8 * 16 + 1


def resnet_at_256() -> tuple[int, int]:
    def block(a: int, b: int) -> int:
        return conv(a, b) + conv(b, b) + conv(a, b, 1)

    doublings = sum(block(a, b) + 2 * (a + b) for a, b in pairwise((16, 16, 16, 16, 8, 4, 2)))
    halvings = sum(block(a, b) for a, b in pairwise((3, 2, 4, 8, 16, 16)))
    return 7 * 16 * 16 + doublings + 2 * 2 + conv(2, 3), halvings + 4 * conv(16, 16) + 16 + 1


def r3_at_256() -> tuple[int, int]:
    def block(a: int) -> int:
        return conv(a, 2 * a, 1) + conv(2 * a, 2 * a, groups=2 * a // 16) + 2 * a * a

    blocks, changed = 6 * block(16) + block(8), 8 * 16
    return 16 * (16 + 6) + blocks + changed + 8 * 3, conv(3, 8, 1) + blocks + changed + 16 * 16 + 16 + 1


@pytest.mark.parametrize("count", [dcgan_at_256, resnet_at_256, r3_at_256])
def test_numbers_of_parameters_at_256_pixels(count):
    name, shape = count.__name__.removesuffix("_at_256"), (3, 256, 256)
    players = narrow("generator", name).build(6, shape), narrow("discriminator", name).build(shape)
    assert tuple(sum(each.numel() for each in player.parameters()) for player in players) == count()


@pytest.mark.parametrize("shape", SHAPES[:2], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_slope_of_d_has_the_right_gradient(name, shape):
    """Of |grad D|^2 by each weight, against differences; where D is linear in the images or a weight, both are 0."""
    torch.manual_seed(0)
    network = networks.build_discriminator(narrow("discriminator", name), shape, 3).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # r3's blocks start at zero
    images = torch.randn(2, *shape, dtype=torch.float64)

    def penalty() -> torch.Tensor:
        points = images.clone().requires_grad_()
        (slope,) = torch.autograd.grad(network(points.clone()).sum(), points, create_graph=True)
        return slope.square().sum()

    found = torch.autograd.grad(penalty(), list(network.parameters()), materialize_grads=True)
    assert any(gradient.abs().max() > 0 for gradient in found)
    for parameter, gradient in zip(network.parameters(), found, strict=True):
        flat, place, step = parameter.detach().view(-1), parameter.numel() // 2, 1e-6
        before = flat[place].item()
        values = []
        for moved in (before + step, before - step):
            flat[place] = moved
            values.append(penalty().item())
        flat[place] = before
        by_difference = (values[0] - values[1]) / (2 * step)
        assert gradient.reshape(-1)[place].item() == pytest.approx(by_difference, rel=1e-4, abs=1e-4 * abs(values[0]))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "r3"])
def test_spectral_norm_holds_every_layer(name):
    network = networks.build_discriminator(narrow("discriminator", name), (1, 28, 28), 1)
    SpectralNorm().install(network)
    for _ in range(60):
        network(torch.randn(2, 1, 28, 28))
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    assert layers
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.05)


def test_r3_starts_as_its_shortcuts_with_small_blocks():
    config = networks.R3DiscriminatorConfig(width=16, max_width=32, blocks=2)
    network = networks.build_discriminator(config, (1, 32, 32), 5)
    blocks = [
        [layer for layer in module.branch.modules() if isinstance(layer, nn.Conv2d)]
        for module in network.modules()
        if isinstance(module, Residual)
    ]
    assert len(blocks) == 8  # two in each of 32, 16, 8 and 4 pixels
    gain = (2 / 1.04) ** 0.5 * 8**-0.25
    for first, second, third in blocks:
        assert first.weight.std().item() == pytest.approx(gain / first.weight[0].numel() ** 0.5, rel=0.2)
        assert second.weight.std().item() == pytest.approx(gain / (16 * 9) ** 0.5, rel=0.1)
        assert second.weight.shape[1] == 16
        assert not third.weight.any()


def test_resampling_keeps_what_is_even_and_is_smooth():
    down, up = Resample((8, 8), (4, 4)), Resample((8, 8), (16, 16))
    even = torch.full((1, 1, 8, 8), 0.3)
    torch.testing.assert_close(down(even), torch.full((1, 1, 4, 4), 0.3))
    torch.testing.assert_close(up(even), torch.full((1, 1, 16, 16), 0.3))
    point = torch.zeros(1, 1, 8, 8)
    point[0, 0, 4, 4] = 64.0
    torch.testing.assert_close(down(point)[0, 0, 1:4, 1:4], torch.tensor([[1.0, 3, 0], [3, 9, 0], [0, 0, 0]]))


def test_resampling_scales_each_side_by_itself():
    slope = torch.arange(8.0)[:, None].expand(1, 1, 8, 12)
    torch.testing.assert_close(Resample((8, 12), (4, 6))(slope)[0, 0, 1:3, 1], torch.tensor([2.5, 4.5]))
    torch.testing.assert_close(Resample((8, 12), (8, 24))(slope), torch.arange(8.0)[:, None].expand(1, 1, 8, 24))


@pytest.mark.parametrize("settings", [{"width": 12}, {"max_width": 8}, {"blocks": 0}, {"group": 0}])
def test_impossible_r3(settings):
    with pytest.raises(InputError, match="generator\\."):
        networks.R3GeneratorConfig(**settings)


def test_a_network_without_further_outputs_is_named():
    class Plain:
        initial = networks.GlorotUniform()

        def build(self, shape):
            return nn.Linear(2, 1)

    with pytest.raises(InputError, match="takes no num_outputs"):
        networks.build_discriminator(Plain(), (2,), 0, 3)
