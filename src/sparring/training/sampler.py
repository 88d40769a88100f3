"""Samples of an engine's networks, for pictures, scores and probes; all in inference mode, and nothing changes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sparring.config.non_finite import DivergenceError, NonFiniteValue
from sparring.config.rng import derive_seed, keyed_generator
from sparring.data.sets import Dataset
from sparring.distributed.single_process import SingleProcess
from sparring.losses import is_probabilistic
from sparring.networks.latents import Noise
from sparring.training.engine import Engine
from sparring.training.gan import pack
from sparring.training.player import inference
from sparring.visual.landscape import DiscriminatorFunction, LogDensity

BATCH = 256
_SMALL = 32 * 32  # pixels; of larger images fewer are drawn at once, for G's feature maps take memory


def num_at_once(num: int, shape: Sequence[int]) -> int:
    """So many of `num` samples of this shape, at least one, as take no more memory than `num` of 32 x 32 pixels."""
    return max(1, num * _SMALL // max(_SMALL, math.prod(shape[1:])))


@dataclass(frozen=True)
class EngineSampler:
    """The source of a recipe's pictures: images [N, *shape] in [-1, 1] on the CPU, from an engine and its test images.

    Its draws depend on the seed and an address alone. Raises DivergenceError where a sample or a logit is not finite.
    """

    engine: Engine
    test: Dataset

    @property
    def noise(self) -> Noise:
        return self.engine.recipe.z

    @property
    def classes(self) -> Sequence[str]:
        return self.engine.codes.names(self.engine.data)

    @property
    def discriminator(self) -> DiscriminatorFunction:
        return DiscriminatorFunction(self.logits, is_probabilistic(self.engine.recipe.loss))

    @property
    def log_density(self) -> LogDensity | None:
        return getattr(self.engine.recipe.data, "log_density", None)

    def z(self, num: int, *address: str | int) -> Tensor:
        """[num, num_z]: the z at this address."""
        return self.engine.z(num, *address).cpu()

    def samples(self, num: int, *address: str | int) -> Tensor:
        """Generated images from the z at this address, drawn by this process alone."""
        return self.draw(self.engine.z(num, *address))

    def samples_across_processes(self, num: int, *address: str | int) -> Tensor:
        """The same images, of which each process draws a share; all processes have to ask for them, and all get them."""
        return self._draw(self.engine.z(num, *address), self.engine.group)

    def draw(self, z: Tensor) -> Tensor:
        """Generated images of this z [N, num_z]."""
        return self._draw(z.to(self.engine.device), SingleProcess())

    def real(self, num: int, split: Literal["train", "test"]) -> Tensor:
        """Real images drawn without replacement."""
        data, device = (self.test, "cpu") if split == "test" else (self.engine.data, self.engine.device)
        chosen = torch.randperm(len(data), generator=keyed_generator("cpu", self.engine.seed, "real", split))[:num]
        return data.batch(chosen.to(device)).cpu()

    @torch.no_grad()
    def at_init(self, num: int) -> Tensor:
        """Images of a generator with PyTorch's own initial values, in training mode."""
        recipe = self.engine.recipe
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.engine.seed, "untrained"))
            network = recipe.generator.build(recipe.z.num, self.engine.data.shape)
            return network(self.z(num, "untrained"))

    @torch.no_grad()
    def logits(self, points: Tensor) -> Tensor:
        """D's logits [N] of real or generated samples [N, *shape], of no class in particular.

        A D that judges packs is given m equal samples, and its logit is divided by m: the best D's logit of a pack of
        independent samples is the sum of theirs.
        """
        network, packing = self.engine.gan.discriminator.network, self.engine.recipe.packing
        with inference(network):
            packs = [pack(some.repeat_interleave(packing, 0), packing) for some in points.split(BATCH)]
            logits = torch.cat([network(some.to(self.engine.device)).view(len(some), -1)[:, 0].cpu() for some in packs])
        logits = logits / packing
        if not logits.isfinite().all():
            raise DivergenceError(NonFiniteValue.of("a logit", "discriminator", logits))
        return logits

    @torch.no_grad()
    def _draw(self, z: Tensor, group: SingleProcess) -> Tensor:
        images, network = torch.zeros(len(z), *self.engine.data.shape), self.engine.gan.g_eval
        size = num_at_once(BATCH, images.shape[1:])
        parts = list(zip(z.split(size), images.split(size), strict=True))
        with inference(network):
            for index in group.my_share(len(parts)):
                some, room = parts[index]
                room.copy_(network(some))
        images = group.all_reduce_sum(images)
        if not all(some.isfinite().all() for some in images.split(size)):
            raise DivergenceError(NonFiniteValue.of("a sample", "generator", images))
        return images
