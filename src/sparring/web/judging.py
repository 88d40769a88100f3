"""What D, the extractor and the training data say of a picture: used by the worker, which has PyTorch."""

from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import Tensor

from sparring.conditions import SelfConditioned
from sparring.config.rng import keyed_generator
from sparring.data import Dataset, ImageSet, StackedSet
from sparring.losses import is_probabilistic
from sparring.networks.latents import Code
from sparring.web.subject import Subject

MOST_JUDGED = 500  # real and generated pictures each in D's distributions
LEAST_JUDGED = 100
BINS = 30
SHOWN = 3  # classes
PRESELECTED = 500  # training pictures, nearest in pixels, among which the extractor's features choose
NEAREST = 6
CHUNK = 4096


@torch.no_grad()
def verdict(subject: Subject, image: Tensor, class_: int | None) -> dict[str, Any]:
    """D's `logit` and `probability` (None of a critic) of an image [1, C, H, W] in [-1, 1]; the extractor's best `classes`.

    class_: the class that a conditional D takes it for; None takes the one that it finds most real.
    """
    found: dict[str, Any] = {"logit": None, "probability": None, "classes": []}
    if subject.discriminator is not None:
        logit = logits(subject, image, _codes_of_class(subject, class_)).max().item()
        found["logit"] = logit
        if _is_probabilistic(subject):
            found["probability"] = torch.tensor(logit, dtype=torch.float64).sigmoid().item()
    if subject.extractor is not None:
        shares, places = subject.extractor.network(image)[1][0].softmax(0).sort(descending=True)
        best = [[subject.extractor.classes[i], share] for share, i in zip(shares.tolist(), places.tolist(), strict=True)]
        found["classes"] = best[:SHOWN]
    return found


@lru_cache(maxsize=2)
@torch.no_grad()
def distributions(subject: Subject) -> dict[str, Any]:
    """D's logits of real test images and of generated ones: shares of `real` and `fake` in bins from `low` to `high`."""
    if subject.discriminator is None:
        return {}
    generator = subject.generator
    num = min(MOST_JUDGED, max(LEAST_JUDGED, 400_000 // prod(generator.shape)))  # a few seconds of computing
    z = generator.noise.sample(num, keyed_generator("cpu", 0, "judged"))
    codes = generator.noise.codes(z) if isinstance(generator.noise, Code) else None
    sides = {"fake": logits(subject, generator(z), codes)}
    if subject.test_set is not None and not (_is_self_conditioned(subject) and subject.clusters is None):
        chosen = torch.arange(min(num, len(subject.test_set)))
        real = subject.test_set.batch(chosen)
        sides["real"] = logits(subject, real, _codes_of_real(subject, real, subject.test_set, chosen))
    every = torch.cat([*sides.values()])
    low, high = every.min().item(), max(every.max().item(), every.min().item() + 1e-6)
    counts = {name: side.float().histc(BINS, low, high) / len(side) for name, side in sides.items()}
    return {"low": low, "high": high} | {name: count.tolist() for name, count in counts.items()}


def logits(subject: Subject, images: Tensor, codes: Tensor | None) -> Tensor:
    """D's logits [N] of images with these codes, or of one image with each of them."""
    assert subject.discriminator is not None
    assert subject.recipe is not None
    outputs = subject.discriminator(images)
    if subject.recipe.condition is None or codes is None:
        return outputs
    return subject.recipe.condition.logits(outputs.expand(len(codes), -1), codes)


@torch.no_grad()
def nearest(subject: Subject, image: Tensor) -> dict[str, Any]:
    """The training images nearest to an image [1, C, H, W]: `images` uint8 [N, C, H, W], their `labels`, and `by` what.

    By the extractor's features among the 500 that are nearest in pixels, or where there is no extractor by the pixels; empty
    where the training images are not on this machine.
    """
    real = subject.training_set
    if not isinstance(real, ImageSet | StackedSet):
        return {}
    parts = torch.arange(len(real)).split(CHUNK)
    distances = torch.cat([(real.batch(part) - image).square().sum(dim=(1, 2, 3)) for part in parts])
    chosen = distances.topk(min(PRESELECTED, len(real)), largest=False).indices
    if subject.extractor is not None:
        features = torch.cat([subject.extractor.of_tensor(real.batch(part)) for part in chosen.split(250)])
        chosen = chosen[(features - subject.extractor.of_tensor(image)).square().sum(1).argsort()]
    chosen = chosen[:NEAREST]
    labels = [] if real.labels is None else [real.classes[i] for i in real.labels[chosen].tolist()]
    return {"images": real.batch(chosen), "labels": labels, "by": subject.extractor.label if subject.extractor else None}


def _is_self_conditioned(subject: Subject) -> bool:
    return subject.recipe is not None and isinstance(subject.recipe.condition, SelfConditioned)


def _is_probabilistic(subject: Subject) -> bool:
    return subject.recipe is not None and is_probabilistic(subject.recipe.loss)


def _codes_of_class(subject: Subject, class_: int | None) -> Tensor | None:
    """The codes of this class, or of every one, [N, classes + continuous]; None where D is told none."""
    noise = subject.generator.noise
    if not isinstance(noise, Code) or subject.recipe is None or subject.recipe.condition is None:
        return None
    if not noise.classes or not (subject.recipe.condition.uses_labels or _is_self_conditioned(subject)):
        return torch.zeros(1, noise.num - noise.normal)
    codes = torch.cat([noise.encoded(torch.arange(noise.classes)), torch.zeros(noise.classes, noise.continuous)], 1)
    return codes if class_ is None else codes[class_ : class_ + 1]


def _codes_of_real(subject: Subject, real: Tensor, data: Dataset, chosen: Tensor) -> Tensor | None:
    """Those of real images, as in training: their classes or clusters, or zeros."""
    every = _codes_of_class(subject, None)
    if every is not None and subject.clusters is not None:
        return every[subject.clusters.assign(real)]
    if every is None or len(every) == 1 or data.labels is None:
        return None if every is None else every.new_zeros(len(chosen), every.shape[1])
    return every[data.labels[chosen]]
