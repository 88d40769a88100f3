"""The arithmetic floor of a round: the products that its mathematics needs, whatever the engine does, and nothing else."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sparring import networks
from sparring.bench.products import Convolution, Layer, Linear, Product, prepare
from sparring.data.sets import Dataset
from sparring.recipe import Move, MoveBoth, MoveD, MoveG, Recipe
from sparring.training.engine import own_torch_state

_PROBED = 4  # examples
_LONG = 1.0  # seconds of a computation that needs no warming up
_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class NetworkFacts:
    """What a few examples reveal of a network in training mode.

    `draws`: the same input gives another output the second time, as with dropout. `has_modes`: inference mode gives another
    output. `mixes`: an example's output depends on its companions, as with batch normalisation. `coverage`: the share of the
    forward pass's operations that lie in its linear layers and two-dimensional convolutions.
    """

    layers: tuple[Layer, ...]
    draws: bool
    has_modes: bool
    mixes: bool
    coverage: float


def probe(side: str, network: nn.Module, examples: Tensor) -> NetworkFacts:
    """Run a side's network on the CPU over a few examples [B, ...], B at least 3; buffers may change, weights do not."""

    def run(x: Tensor) -> Tensor:
        torch.default_generator.manual_seed(0)
        return network(x)

    calls: list[Layer] = []

    def note(name: str, layer: nn.Module, x: tuple[Tensor, ...], y: Tensor) -> None:
        calls.append(_layer(f"{side}.{name}", layer, x[0], y))

    handles = [
        layer.register_forward_hook(partial(note, name))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    ]
    with FlopCounterMode(display=False) as counter:
        once = run(examples)
    for handle in handles:
        handle.remove()
    with torch.no_grad():
        others = examples.roll(1, 0)
        others[0] = examples[0]
        again, among_others = network(examples), run(others)
        network.eval()
        inferred = run(examples)
        network.train()
    known = sum(layer.flops(len(examples)) for layer in calls)
    return NetworkFacts(
        layers=tuple(calls),
        draws=_differ(once, again),
        has_modes=_differ(once, inferred),
        mixes=_differ(once[:1], among_others[:1]),
        coverage=known / max(counter.get_total_flops(), 1),
    )


def round_products(recipe: Recipe, data: Dataset) -> tuple[list[Product], float]:
    """The products of one round of a recipe on these data, and the smaller coverage of its two networks (see `Seen`)."""
    shape, num = data.shape, recipe.batch_size
    g = networks.build_generator(recipe.generator, recipe.z.num, shape, 0)
    d = networks.build_discriminator(recipe.discriminator, shape, 0)
    with own_torch_state(torch.device("cpu")):
        rng = torch.Generator().manual_seed(0)
        generator = probe("generator", g, recipe.z.sample(_PROBED, rng))
        discriminator = probe("discriminator", d, torch.randn(_PROBED, *shape, generator=rng))
    num_real = num if recipe.order == "with-replacement" else min(num, len(data))
    products = list(needed(recipe.round.moves, generator, discriminator, num_real, num))
    return products, min(generator.coverage, discriminator.coverage)


def needed(
    moves: Sequence[Move], generator: NetworkFacts, discriminator: NetworkFacts, num_real: int, num_fake: int
) -> Iterator[Product]:
    """The products of a round, move by move.

    G runs where its fakes are not at hand: those of the move before serve on the same z, if G has not moved since and would
    make the same ones again. D sees real and generated images in one product, unless it normalises over the batch.
    """
    at_hand = None  # how G made the fakes that are those of its present weights and of the present z
    for move in moves:
        mode = move.fakes_from if isinstance(move, MoveD) else "training"
        if move.z == "fresh" or not _serve(generator, at_hand, mode):
            yield from _forward(generator, num_fake)
        at_hand = mode if isinstance(move, MoveD) else None
        if isinstance(move, MoveG):
            yield from _forward(discriminator, num_fake)
            yield from _through(discriminator, num_fake)
        else:
            joint = not discriminator.mixes or (isinstance(move, MoveD) and move.batch == "joint")
            for batch in [num_real + num_fake] if joint else [num_real, num_fake]:
                yield from _forward(discriminator, batch)
                yield from _gradients(discriminator, batch)
        if isinstance(move, MoveBoth):
            yield from _from_d_to_fakes(discriminator, num_fake)
        if not isinstance(move, MoveD):
            yield from _gradients(generator, num_fake)


def _from_d_to_fakes(discriminator: NetworkFacts, num: int) -> Iterator[Product]:
    """What G's loss needs of D when D's own gradients have just been taken over the same fakes.

    A logit's gradient is one number a sample, and all below it is linear in that number: without batch statistics the input
    gradients of D's loss are those of G's, each sample scaled. The floor counts them once; what is left is the way through
    the layers at which D's own gradient ends. With batch statistics the whole way has to be gone again.
    """
    if discriminator.mixes:
        yield from _through(discriminator, num)
    else:
        yield from (Product(layer, "input", num) for layer in reversed(discriminator.layers) if not layer.passes_on)


def _forward(network: NetworkFacts, num: int) -> Iterator[Product]:
    return (Product(layer, "output", num) for layer in network.layers)


def _through(network: NetworkFacts, num: int) -> Iterator[Product]:
    """The gradient with respect to the network's input."""
    return (Product(layer, "input", num) for layer in reversed(network.layers))


def _gradients(network: NetworkFacts, num: int) -> Iterator[Product]:
    """The gradient with respect to the network's weights."""
    for layer in reversed(network.layers):
        yield Product(layer, "weights", num)
        if layer.passes_on:
            yield Product(layer, "input", num)


def _serve(generator: NetworkFacts, made: str | None, wanted: str) -> bool:
    """Whether fakes that G made in one mode are those that it would make in the other, on the same z."""
    if made is None:
        return False
    if made != wanted:
        return not generator.has_modes
    return wanted == "inference" or not generator.draws


def _layer(name: str, layer: nn.Module, x: Tensor, y: Tensor) -> Layer:
    if isinstance(layer, nn.Linear):
        rows = x.numel() // layer.in_features // _PROBED
        return Linear(name, rows, layer.in_features, layer.out_features, x.requires_grad)
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    return Convolution(
        name=name,
        input=tuple(x.shape[1:]),
        output=tuple(y.shape[1:]),
        weights=tuple(layer.weight.shape),
        stride=layer.stride,
        dilation=layer.dilation,
        groups=layer.groups,
        transposed=isinstance(layer, nn.ConvTranspose2d),
        passes_on=x.requires_grad,
    )


def _differ(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() > 1e-4 * one.abs().max())


@dataclass(frozen=True)
class Floor:
    """A round's products, ready to run; the memory format is that of its convolutions, None without any."""

    run: Callable[[], object]
    memory_format: str | None


def build(products: Sequence[Product], device: torch.device) -> Floor:
    """The floor in the memory format that is faster here; CUDA replays it as one graph, so that no launch is waited for."""
    if not any(isinstance(product.layer, Convolution) for product in products):
        return Floor(_playable(products, device, torch.contiguous_format), None)
    once = list(dict.fromkeys(products))
    seconds = {name: _seconds(_playable(once, device, layout), device) for name, layout in _FORMATS.items()}
    name = min(seconds, key=seconds.__getitem__)
    return Floor(_playable(products, device, _FORMATS[name]), name)


def _playable(products: Sequence[Product], device: torch.device, memory_format: torch.memory_format) -> Callable[[], object]:
    calls = prepare(products, device, memory_format)

    def play() -> None:
        for call in calls:
            call()

    return _captured(play) if device.type == "cuda" and calls else play


def _captured(play: Callable[[], None]) -> Callable[[], object]:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        play()  # libraries choose their algorithms now
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        play()
    return partial(_replay, graph, play)


def _replay(graph: torch.cuda.CUDAGraph, play: Callable[[], None]) -> None:
    """Replay what was captured; `play` holds the tensors that the graph reads and writes."""
    graph.replay()


def _seconds(play: Callable[[], object], device: torch.device) -> float:
    """The time that it takes; where that is short, the first time warms up and the second one counts."""
    taken = 0.0
    for _ in range(2):
        synchronize(device)
        start = time.perf_counter()
        play()
        synchronize(device)
        taken = time.perf_counter() - start
        if taken > _LONG:
            break
    return taken


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type != "cpu":
        torch.get_device_module(device).synchronize()
