"""One move of D, one move of G, one round: the only place where gradients are made."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sparring.losses import Loss
from sparring.optim import AdamOptimizer
from sparring.recipe import Move, MoveBoth, MoveD, MoveG

Readings = dict[str, Tensor]
"""What a move reveals, detached: "g_loss" and "d_loss" (scalars, minimised), the logits of both batches in D's move
("real_logits", "fake_logits") and of G's own fakes in G's move ("g_fake_logits")."""


@dataclass
class Player:
    """A network and what moves it."""

    network: nn.Module
    optimizer: AdamOptimizer
    gradients: Sequence[Tensor] = ()  # of the last move

    def descend(self, value: Tensor, *, keep_graph: bool = False) -> Callable[[], None]:
        """Take the gradient of `value` with respect to this player's weights alone; calling the result makes the step."""
        self.gradients = torch.autograd.grad(value, self.optimizer.parameters, retain_graph=keep_graph)
        return lambda: self.optimizer.step(self.gradients)

    def gradient_norm(self) -> Tensor:
        """The Euclidean norm of the last move's gradient over all weights."""
        return torch.stack([gradient.norm() for gradient in self.gradients]).norm()


@dataclass
class Match:
    """The two players and what they play for."""

    generator: Player
    discriminator: Player
    loss: Loss

    @property
    def networks(self) -> tuple[nn.Module, nn.Module]:
        return self.generator.network, self.discriminator.network


def play(move: Move, match: Match, real: Tensor, z: Tensor) -> Readings:
    """Make one move. real: [B, *shape], z: [B', num_z]."""
    return _PLAYS[type(move)](move, match, real, z)


def move_d(move: MoveD, match: Match, real: Tensor, z: Tensor) -> Readings:
    generator, discriminator = match.networks
    with torch.no_grad(), inference(generator) if move.fakes_from == "inference" else nullcontext():
        fake = generator(z)
    real_logits, fake_logits = judge(discriminator, real, fake, move.batch)
    d_loss = average(match.loss.d_terms(real_logits, fake_logits), move.batch)
    match.discriminator.descend(d_loss)()
    return _detached(d_loss=d_loss, real_logits=real_logits, fake_logits=fake_logits)


def move_g(move: MoveG, match: Match, real: Tensor, z: Tensor) -> Readings:
    generator, discriminator = match.networks
    fake_logits = discriminator(generator(z))
    g_loss = average(match.loss.g_terms(fake_logits))
    match.generator.descend(g_loss)()
    return _detached(g_loss=g_loss, g_fake_logits=fake_logits)


def move_both(move: MoveBoth, match: Match, real: Tensor, z: Tensor) -> Readings:
    generator, discriminator = match.networks
    fake = generator(z)
    real_logits, fake_logits = judge(discriminator, real, fake)
    g_loss = average(match.loss.g_terms(fake_logits))
    d_loss = average(match.loss.d_terms(real_logits, fake_logits))
    step_g = match.generator.descend(g_loss, keep_graph=True)
    step_d = match.discriminator.descend(d_loss)
    step_g()
    step_d()
    return _detached(g_loss=g_loss, d_loss=d_loss, real_logits=real_logits, fake_logits=fake_logits, g_fake_logits=fake_logits)


_PLAYS = {MoveD: move_d, MoveG: move_g, MoveBoth: move_both}


@torch.no_grad()
def read(match: Match, real: Tensor, z: Tensor) -> Readings:
    """The values of both losses as they stand, in inference mode; nothing moves."""
    generator, discriminator = match.networks
    with inference(generator), inference(discriminator):
        real_logits, fake_logits = judge(discriminator, real, generator(z))
    g_loss = average(match.loss.g_terms(fake_logits))
    d_loss = average(match.loss.d_terms(real_logits, fake_logits))
    return _detached(g_loss=g_loss, d_loss=d_loss, real_logits=real_logits, fake_logits=fake_logits, g_fake_logits=fake_logits)


def judge(
    discriminator: nn.Module, real: Tensor, fake: Tensor, batch: Literal["separate", "joint"] = "separate"
) -> tuple[Tensor, Tensor]:
    """D's logits of real [B] and generated images [B'], in two passes or as one joint batch."""
    if batch == "separate":
        return discriminator(real), discriminator(fake)
    real_logits, fake_logits = discriminator(torch.cat((real, fake))).split((len(real), len(fake)))
    return real_logits, fake_logits


def average(terms: Sequence[Tensor], batch: Literal["separate", "joint"] = "separate") -> Tensor:
    """The sum of the terms' means; for a joint batch the mean over all samples of all terms."""
    if batch == "joint":
        return torch.cat(tuple(terms)).mean()
    means = [term.mean() for term in terms]
    return torch.stack(means).sum()


@contextmanager
def inference(network: nn.Module) -> Iterator[None]:
    """The network in inference mode (running statistics, no dropout) for the block; otherwise a match is in training mode."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


def _detached(**tensors: Tensor) -> Readings:
    return {name: tensor.detach() for name, tensor in tensors.items()}
