"""The products that the mathematics of a round needs, move by move, whatever the engine does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from sparring.bench.network_facts import NUM_EXAMPLES, NetworkFacts, inspect_network
from sparring.bench.products import Product
from sparring.config.rng import own_torch_state
from sparring.data.sets import Dataset
from sparring.losses import RelativisticLoss
from sparring.networks.latents import Code
from sparring.penalties import FiniteDifference, Penalty
from sparring.recipe import Move, MoveBoth, MoveD, MoveG, Recipe
from sparring.training.build import build_discriminator, build_generator


@dataclass(frozen=True)
class RoundFacts:
    """All that the products of a round depend on, beside its moves.

    `num_real`, `num_fake`: images of a batch, of which D judges `packing` at once. `is_relativistic`: G's loss compares with
    D's logits of real images. `only_logit_counts`: both losses see D's outputs for a fake through its logit alone.
    `penalties`: for each gradient penalty the number of rounds of which one has it; `differences`: for finite differences.
    """

    generator: NetworkFacts
    discriminator: NetworkFacts
    num_real: int
    num_fake: int
    packing: int = 1
    is_relativistic: bool = False
    only_logit_counts: bool = True
    penalties: tuple[int, ...] = ()
    differences: tuple[int, ...] = ()

    @property
    def real_packs(self) -> int:
        return self.num_real // self.packing

    @property
    def fake_packs(self) -> int:
        return self.num_fake // self.packing


def round_products(recipe: Recipe, data: Dataset) -> list[Product]:
    """The products of one round of a recipe on these data; those of a penalty say how rarely it is due."""
    return list(products_of_moves(recipe.round.moves, _facts(recipe, data)))


def mean_flops(products: list[Product]) -> float:
    """Operations a round, averaged over rounds with and without penalties."""
    return sum(product.flops / product.every for product in products)


def products_of_moves(moves: tuple[Move, ...], facts: RoundFacts) -> Iterator[Product]:
    """The products of these moves in order.

    G runs unless the fakes of the move before can be used again: on the same z, if G has not moved since and would make the
    same ones.
    """
    last_mode = None  # in which G made fakes from its present weights and the present z
    for move in moves:
        mode = move.fakes_from if isinstance(move, MoveD) else "training"
        if move.z == "fresh" or not _makes_the_same(facts.generator, last_mode, mode):
            yield from _forward(facts.generator, facts.num_fake)
        last_mode = mode if isinstance(move, MoveD) else None
        yield from _g_loss(facts) if isinstance(move, MoveG) else _d_loss(move, facts)
        if isinstance(move, MoveBoth):
            yield from _from_d_to_fakes(facts)
        if not isinstance(move, MoveD):
            yield from _backward_to_weights(facts.generator, facts.num_fake)


def _g_loss(facts: RoundFacts) -> Iterator[Product]:
    """D's part of a move of G: the logits of its fakes, and the gradients by them; real images only to compare with."""
    if facts.is_relativistic:
        yield from _forward(facts.discriminator, facts.real_packs)
    yield from _forward(facts.discriminator, facts.fake_packs)
    yield from _backward_to_inputs(facts.discriminator, facts.fake_packs)


def _d_loss(move: Move, facts: RoundFacts) -> Iterator[Product]:
    """D's gradients by its weights: real and generated images in one product, unless D normalises over the batch."""
    batches = [facts.real_packs, facts.fake_packs]
    if not facts.discriminator.mixes_samples or (isinstance(move, MoveD) and move.batch == "joint"):
        batches = [sum(batches)]
    for num in batches:
        yield from _forward(facts.discriminator, num)
        yield from _backward_to_weights(facts.discriminator, num)
    for every in facts.penalties:
        yield from _penalty(facts.discriminator, facts.real_packs, every)
    for every in facts.differences:
        neighbours = facts.discriminator, facts.real_packs
        yield from (replace(p, every=every) for p in (*_forward(*neighbours), *_backward_to_weights(*neighbours)))


def _penalty(discriminator: NetworkFacts, num: int, every: int) -> Iterator[Product]:
    """The gradient by D's weights of a penalty on the gradients of its logits by `num` samples.

    Let D have layers a_l = W_l h_(l-1) with h_l = f(a_l), l = 1..L, of which the last gives the logit a_L, and f piecewise
    linear with slope s_l at a_l. Then, sample by sample,

        forward:       a_l = W_l h_(l-1)                  for the slopes s_l, l < L
        grad D = e_0:  e_(l-1) = W_l' (s_l e_l)           from s_L e_L = 1
        of the penalty P, with v_0 = dP / de_0:
                       dP/dW_l = (s_l e_l) v_(l-1)'       and v_l = s_l (W_l v_(l-1)), l < L

    so that the second-order pass is a gradient of the weights for every layer and, as another forward pass, an output for
    every layer but the last. As the s_l are constant almost everywhere, nothing goes back through the forward pass. With
    convolutions for the W_l all this holds as it stands. A smooth f costs more, which the floor does not count.
    """
    before = discriminator.layers[:-1]
    for layer in before:
        yield Product(layer, "output", num, every)
    for layer in reversed(discriminator.layers):
        yield Product(layer, "input", num, every)
    for layer in discriminator.layers:
        yield Product(layer, "weights", num, every)
    for layer in before:
        yield Product(layer, "output", num, every)


def _from_d_to_fakes(facts: RoundFacts) -> Iterator[Product]:
    """The gradient of G's loss by the fakes, when D's own gradients have just been taken over the same fakes.

    A logit's gradient is one number a sample, and all below it is linear in that number: without batch statistics the input
    gradients of D's loss are those of G's, each sample scaled. The floor counts them once; what is left is the way through
    the layers at which D's own gradient ends. With batch statistics, or where the losses see other outputs than the logit, the
    whole way counts again.
    """
    if facts.discriminator.mixes_samples or not facts.only_logit_counts:
        yield from _backward_to_inputs(facts.discriminator, facts.fake_packs)
    else:
        first = [layer for layer in reversed(facts.discriminator.layers) if not layer.has_weights_before]
        yield from (Product(layer, "input", facts.fake_packs) for layer in first)


def _forward(network: NetworkFacts, num: int) -> Iterator[Product]:
    return (Product(layer, "output", num) for layer in network.layers)


def _backward_to_inputs(network: NetworkFacts, num: int) -> Iterator[Product]:
    return (Product(layer, "input", num) for layer in reversed(network.layers))


def _backward_to_weights(network: NetworkFacts, num: int) -> Iterator[Product]:
    for layer in reversed(network.layers):
        yield Product(layer, "weights", num)
        if layer.has_weights_before:
            yield Product(layer, "input", num)


def _makes_the_same(generator: NetworkFacts, last_mode: str | None, mode: str) -> bool:
    """True where fakes that G made in the last mode are those that it would make in this one, on the same z."""
    if last_mode is None:
        return False
    if last_mode != mode:
        return not generator.differs_in_inference
    return mode == "inference" or not generator.is_random


def _facts(recipe: Recipe, data: Dataset) -> RoundFacts:
    num, packing = recipe.batch_size, recipe.packing
    is_whole = recipe.order == "with-replacement" or recipe.needs_full_batches
    g, d = build_generator(recipe, data.shape, 0), build_discriminator(recipe, data.shape, 0)
    slopes = [penalty for penalty in recipe.penalties if isinstance(penalty, Penalty)]
    with own_torch_state(torch.device("cpu")):
        rng = torch.Generator().manual_seed(0)
        packs = torch.randn(NUM_EXAMPLES, packing * data.shape[0], *data.shape[1:], generator=rng)
        return RoundFacts(
            generator=inspect_network("generator", g, recipe.z.sample(NUM_EXAMPLES, rng)),
            discriminator=inspect_network("discriminator", d, packs),
            num_real=num if is_whole else min(num, len(data)),
            num_fake=num,
            packing=packing,
            is_relativistic=isinstance(recipe.loss, RelativisticLoss),
            only_logit_counts=not _has_own_fake_terms(recipe),
            penalties=tuple(penalty.every for penalty in slopes if not isinstance(penalty, FiniteDifference)),
            differences=tuple(penalty.every for penalty in slopes if isinstance(penalty, FiniteDifference)),
        )


def _has_own_fake_terms(recipe: Recipe) -> bool:
    """True where the condition adds terms of its own for generated images to both losses."""
    condition, code = recipe.condition, recipe.z
    if condition is None or not isinstance(code, Code):
        return False
    outputs, codes = torch.zeros(1, 1 + condition.num_outputs(code)), torch.zeros(1, code.num - code.normal)
    return bool(condition.fake_terms(outputs, codes, code.classes))
