"""Skip-layer excitation and the reconstruction of fastgan's networks, against their formulas written out."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, leaky_relu

from sparring import networks
from sparring.networks.layers.excitation import Excited, SkipExcitation
from sparring.networks.layers.reconstruction import Reconstructing


def test_each_channel_of_the_large_map_is_weighed_by_the_small_one():
    torch.manual_seed(0)
    skip = SkipExcitation(3, 5).double()
    _, first, _, second, _ = skip.weigh
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    assert first.bias is not None
    assert second.bias is not None
    low, high = torch.randn(2, 3, 8, 8).double(), torch.randn(2, 5, 32, 16).double()
    expected = torch.empty_like(high)
    for image in range(2):
        pooled = torch.stack(
            [low[image, :, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean((1, 2)) for y in range(4) for x in range(4)]
        )
        joined = torch.einsum("pc,ocp->o", pooled, first.weight.flatten(2)) + first.bias
        weights = torch.sigmoid(second.weight[:, :, 0, 0] @ leaky_relu(joined, 0.1) + second.bias)
        for channel in range(5):
            expected[image, channel] = weights[channel] * high[image, channel]
    torch.testing.assert_close(skip(low, high), expected)


@pytest.mark.parametrize(
    ("size", "skips"), [(28, {2: 0}), (32, {3: 0}), (64, {4: 0}), (128, {4: 0, 5: 1}), (256, {4: 0, 5: 1, 6: 2})]
)
def test_maps_are_excited_by_those_of_a_sixteenth_of_their_size(size, skips):
    network = networks.FastganGeneratorConfig(width=2, max_width=16).build(4, (3, size, size))
    assert isinstance(network, Excited)
    assert network._sources == skips
    z = torch.randn(3, 4)
    maps, x = [], z
    for place, layer in enumerate(network.layers):
        x = layer(x)
        if place in skips:
            x = network.skips[str(place)](maps[skips[place]], x)
        maps.append(x)
    assert [x.shape[2] for x in maps] == [size >> (len(maps) - 1 - place) for place in range(len(maps))]
    last = next(layer for layer in network.last.modules() if isinstance(layer, nn.Conv2d))
    torch.testing.assert_close(network(z), torch.tanh(conv2d(x, last.weight, padding=1)))


def test_d_adds_the_distances_of_what_it_decodes_in_training_alone():
    torch.manual_seed(0)
    config = networks.FastganDiscriminatorConfig(width=2, max_width=16, reconstruction=3.0)
    network = networks.build_discriminator(config, (3, 64, 64), 1).double()
    assert isinstance(network, Reconstructing)
    images = torch.rand(2, 3, 64, 64).double() * 2 - 1
    maps, x = [], images
    for layer in network.layers:
        x = layer(x)
        maps.append(x)
    assert [tuple(x.shape[1:]) for x in maps] == [(4, 32, 32), (8, 16, 16), (16, 8, 8), (16, 4, 4)]
    small, errors = avg_pool2d(images, 2), []
    for decode, seen in zip(network.decoders, maps[2:], strict=True):
        decoded: Tensor = decode(seen)
        assert decoded.shape == small.shape
        errors.append((decoded - small).abs().flatten(1).mean(1))
    outputs = network(images)
    torch.testing.assert_close(outputs[:, 1], 3 * (errors[0] + errors[1]))
    torch.testing.assert_close(outputs[:, 0], network.eval()(images))


def test_decoders_learn_to_make_the_images_again():
    config = networks.FastganDiscriminatorConfig(width=2, max_width=16)
    network = networks.build_discriminator(config, (1, 28, 28), 1)
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(4, 1, 4, 4, generator=rng).repeat_interleave(7, 2).repeat_interleave(7, 3) * 1.6 - 0.8
    adam, before = torch.optim.Adam(network.parameters(), 3e-3), network(images)[:, 1].mean().item()
    for _ in range(40):
        adam.zero_grad()
        network(images)[:, 1].mean().backward()
        adam.step()
    assert network(images)[:, 1].mean().item() < 0.5 * before
