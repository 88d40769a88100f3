"""Invert: the z whose pictures are nearest to given ones."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from sparring.api import arguments
from sparring.api.load import load
from sparring.config import codec
from sparring.config.rng import keyed_generator
from sparring.config.threads import ThreadChoice, own_number
from sparring.data.pictures import read_fitted
from sparring.errors import InputError
from sparring.evaluation import extractors
from sparring.evaluation.extractors import ClassifierExtractor
from sparring.inversion import Found, Prior, Search, searched
from sparring.recipe import Recipe
from sparring.runs.generator import SavedGenerator
from sparring.runs.progress import Progress
from sparring.runs.run import Run
from sparring.visual import to_uint8
from sparring.visual.samples import Samples

TOGETHER = 16  # pictures in one batch of the search
GENERATED = 4  # pictures of the generator's own that are inverted beside the given ones
LEVELS = 255


@dataclass(frozen=True)
class Inversion:
    """The pictures, the z found for each, and how far the generator's pictures of them are from the given ones.

    images, reconstructions: [N, C, H, W] in [-1, 1], 8 bits a channel. z: [N, num_z]. errors: root mean squared difference of
    each pair, in grey levels of 0..255; generated_errors: the same for pictures of the generator's own, searched for in the
    same way. names: of the pictures. resized: a sentence on each picture that was of another size. extractor: whose features
    were compared beside the pixels; None where no extractor was trained on the generator's data.
    """

    names: tuple[str, ...]
    images: Samples
    reconstructions: Samples
    z: Tensor
    errors: tuple[float, ...]
    generated_errors: tuple[float, ...]
    resized: tuple[str, ...]
    extractor: str | None
    classes: tuple[str, ...] = ()


def invert(
    run: str | Path | Run | SavedGenerator,
    images: Tensor | str | Path | Sequence[str | Path],
    *,
    starts: int = 8,
    steps: int = 200,
    seed: int = 0,
    raw: bool = False,
    threads: int | None = None,
    quiet: bool = False,
) -> Inversion:
    """Find the z whose pictures are nearest to `images`, in pixels and in features of the extractor of the generator's data.

    run: a run or a generator of pictures, or its folder, a checkpoint's file, "latest", "hf://user/name", or the name of a
        generator that comes with the package.
    images: a picture's file, a folder of pictures, several of these, or a tensor [N, C, H, W] in [-1, 1] of the generator's
        shape. Pictures of another size are resized.
    starts, steps: of the search, which moves the best of 1,000 draws of z (every class among them, up to 16) by Adam, and keeps
        them where 99 % of such z lie. seed: of the draws. raw: takes the last weights of a run instead of their average.
    threads: to compute with; by default one for every core that other programs leave free. quiet: shows no progress.

    `sparring sample --z` draws the reconstructions again, bit by bit. Raises InputError for a generator of points or with a z
    of your own, where the run or a picture cannot be read, and for a tensor of another shape.
    """
    how = Search(starts=arguments.whole("starts", starts, 1), steps=arguments.whole("steps", steps, 0))
    seed, choice = arguments.whole("seed", seed, 0), ThreadChoice(arguments.threads(threads), torch.device("cpu"))
    found = load(run) if not isinstance(run, SavedGenerator) else run
    generator = (found.raw_generator if raw else found.generator) if isinstance(found, Run) else found
    if raw and not isinstance(found, Run):
        raise InputError(f"{run} holds one generator alone; name its run for the weights that were trained last")
    shape = _picture_shape(generator)
    names, targets, resized = _targets(images, shape)
    subject = Subject(generator, suited_extractor(found.recipe, shape), how, seed)
    generated = generator.noise.sample(GENERATED, keyed_generator("cpu", seed, "generated"))
    originals = torch.cat((targets, to_uint8(generator.draw(generated))))
    with Progress(quiet) as progress, own_number():
        choice.take(progress.say)
        parts: list[Tensor] = []
        for part in originals.split(TOGETHER + GENERATED):
            parts.append(subject.search(part).z)
            progress.step("pictures searched for", sum(map(len, parts)), len(originals))
    z, drawn = _drawn(generator, torch.cat(parts), len(targets))
    errors = tuple((originals.float() - drawn.float()).square().mean(dim=(1, 2, 3)).sqrt().tolist())
    num, labels = len(targets), generator.labels(z)
    return Inversion(
        names,
        _as_samples(targets),
        _as_samples(drawn[:num]),
        z,
        errors[:num],
        errors[num:],
        resized,
        subject.extractor.label if subject.extractor else None,
        () if labels is None else tuple(generator.classes[i] if generator.classes else str(i) for i in labels.tolist()),
    )


@dataclass(frozen=True)
class Subject:
    """A generator, and what its pictures are compared by."""

    generator: SavedGenerator
    extractor: ClassifierExtractor | None
    how: Search
    seed: int

    @cached_property
    def candidates(self) -> Tensor:
        return self.generator.z(self.how.candidates, self.seed)

    def search(self, targets: Tensor) -> Found:
        """The nearest z of pictures, uint8 [N, C, H, W]."""
        return deque(self.steps(targets), maxlen=1).pop()

    def steps(self, targets: Tensor) -> Iterator[Found]:
        """The nearest z so far before each step, and at last what `search` finds."""
        see = self.extractor.of_tensor if self.extractor else lambda images: images.new_zeros(len(images), 0)
        prior = Prior.of(self.generator.noise)
        return searched(_as_floats(targets), self.candidates, self._draw, see, prior, self.how)

    def _draw(self, z: Tensor) -> Tensor:
        device = next(self.generator.parameters()).device
        return self.generator(z.to(device)).cpu()


def _drawn(generator: SavedGenerator, z: Tensor, num: int) -> tuple[Tensor, Tensor]:
    """The first `num` z, and the pictures of all, uint8, those of the first as `sparring sample` draws them by themselves."""
    parts = [torch.cat([*generator.draw_in_blocks(some)]) for some in (z[:num], z[num:])]
    return z[:num], to_uint8(torch.cat(parts))


def _picture_shape(generator: SavedGenerator) -> tuple[int, int, int]:
    shape = generator.shape
    if len(shape) != 3 or shape[0] not in (1, 3, 4):
        what = "points" if len(shape) != 3 else f"{shape[0]} channels"
        raise InputError(f"this generator draws {what}; only generators of pictures can be inverted")
    return shape[0], shape[1], shape[2]


def _targets(
    images: Tensor | str | Path | Sequence[str | Path], shape: tuple[int, int, int]
) -> tuple[tuple[str, ...], Tensor, tuple[str, ...]]:
    """The names of the pictures, the pictures uint8 [N, C, H, W], and a sentence on each that was resized."""
    if isinstance(images, Tensor):
        if images.shape[1:] != shape or not images.is_floating_point() or not len(images) or not images.isfinite().all():
            size = f"finite floats [N, {', '.join(map(str, shape))}] in [-1, 1]"
            raise InputError(f"images are {images.dtype} {list(images.shape)}; they must be {size}")
        return tuple(map(str, range(len(images)))), to_uint8(images.cpu()), ()
    paths = [images] if isinstance(images, str | Path) else images
    read, names, resized = read_fitted([Path(path) for path in paths], shape)
    return names, read.images, resized


def suited_extractor(recipe: Recipe | None, shape: tuple[int, ...]) -> ClassifierExtractor | None:
    """The extractor that was trained on data of the recipe's kind; the data themselves are not looked at."""
    if recipe is None:
        return None
    data = codec.encode(recipe.data)["name"]
    classifiers = (own for _, own in extractors.readable() if isinstance(own, ClassifierExtractor))
    return next((own for own in classifiers if own.facts.data == data and own.facts.shape == shape), None)


def _as_floats(pixels: Tensor) -> Tensor:
    return pixels.float() / (LEVELS / 2) - 1


def _as_samples(pixels: Tensor) -> Samples:
    return _as_floats(pixels).as_subclass(Samples)
