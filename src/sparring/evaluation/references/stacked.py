"""The reference for stacked MNIST: the numbers that its three digits form."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from sparring.config.registry import name_of
from sparring.config.rng import keyed_generator
from sparring.data.sets import Dataset, ImageSet, StackedSet
from sparring.errors import InputError
from sparring.evaluation.extractors import Features
from sparring.evaluation.references.images import images_of
from sparring.evaluation.references.reference import FeatureReference, Values
from sparring.metrics import number_modes

SIMULATED = 20  # draws of a perfect sampler, whose mean is the floor


@dataclass(frozen=True, eq=False)
class StackedReference(FeatureReference):
    """The thousand numbers of stacked MNIST, classified channel by channel by the extractor for digits.

    Protocol of PacGAN (Lin et al. 2018, https://arxiv.org/abs/1712.04086, section 4.2): 26,000 samples; a mode is covered
    by a single sample; KL against uniform in nats. Ours adds the floor: with so few samples, even a perfect sampler has a KL
    of 0.028.
    """

    primary_metric: ClassVar[str] = "mode_kl"
    preprocessing: ClassVar[str] = "clamped to [-1, 1], uint8 by rounding half to even, back to [-1, 1], channel by channel"
    default_num_samples: ClassVar[int] = 26_000

    @property
    def options(self) -> Mapping[str, str]:
        floor = f"floor: mean of {SIMULATED} perfect draws from the fixed triples"
        return {"modes": "hit once", "mode_kl": f"against uniform, in nats; {floor}", "mode_kl_excess": f"over the {floor}"}

    def extract(self, samples: Dataset) -> Features:
        """The number of each sample as its only feature, float64 [N, 1]."""
        images, wanted = images_of(samples).images, self.test.shape
        if images.shape[1:] != wanted:
            raise InputError(
                f"the pictures are {' x '.join(map(str, images.shape[1:]))}; those of {name_of(self.data)} are "
                f"{' x '.join(map(str, wanted))}"
            )
        channels = [ImageSet(images[:, channel : channel + 1].contiguous()) for channel in range(wanted[0])]
        digits = [self.extractor.features(c, self.device, self.progress).logits.argmax(dim=1) for c in channels]
        numbers = torch.stack(digits, dim=1) @ 10 ** torch.arange(len(digits) - 1, -1, -1)
        return Features(numbers.double()[:, None], torch.empty(len(numbers), 0))

    def quick_metrics(self, seen: Features) -> Values:
        found = number_modes(seen.features[:, 0].long(), self._num_modes)
        perfect = self.known_floor(len(seen))["mode_kl"]
        return {"mode_kl": found.kl, "mode_kl_excess": found.kl - perfect, "modes": found.modes}

    def per_draw_metrics(self, seen: Features, seed: int, subsets: int) -> Values:
        return self.quick_metrics(seen)

    def costly_metrics(self, seen: Features) -> tuple[Values, Values]:
        return {}, {}

    def ceilings(self, num: int) -> Values:
        return {"modes": float(self._num_modes)}

    def known_floor(self, num: int) -> Values:
        """Mean scores of draws with replacement from the training numbers, which no generator can beat."""
        rng = keyed_generator("cpu", 0, "perfect sampler", num)
        labels = self._trained
        found = [
            number_modes(labels[torch.randint(len(labels), (num,), generator=rng)], self._num_modes) for _ in range(SIMULATED)
        ]
        return {
            "mode_kl": sum(f.kl for f in found) / SIMULATED,
            "mode_kl_excess": 0.0,
            "modes": sum(f.modes for f in found) / SIMULATED,
        }

    @cached_property
    def _trained(self) -> Tensor:
        """The numbers of the training triples, int64 [N]."""
        train = self.data.train(self.progress)
        assert isinstance(train, StackedSet)
        return train.labels

    @property
    def _num_modes(self) -> int:
        return len(self.test.classes)
