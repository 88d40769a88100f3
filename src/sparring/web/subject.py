"""A generator that is explored, with what belongs to it: used by the worker, which has PyTorch."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring import directions
from sparring.api.invert import suited_extractor
from sparring.api.load import load
from sparring.api.origin import CLUSTERS
from sparring.conditions.clusters import Clusters
from sparring.config.rng import keyed_generator
from sparring.data import Dataset
from sparring.directions import Directions
from sparring.errors import InputError, SparringError
from sparring.evaluation.extractors import ClassifierExtractor
from sparring.exporters.page.directions import classes_of, early_layer
from sparring.exporters.page.document import noise_columns
from sparring.exporters.page.program import Program, UnknownLayerError, compile_network
from sparring.exporters.page.reference import registers
from sparring.inversion import Prior
from sparring.networks.latents import Code
from sparring.recipe import Recipe
from sparring.runs import checkpoint, snapshots
from sparring.runs.generator import SavedGenerator
from sparring.runs.run import Run
from sparring.training.checks import trained_on

MOST_BYTES = 1 << 24  # of weights that a page is given
MOST_PRODUCTS = 25_000_000  # a picture, in a page, which takes about 30 ms; here they take a tenth
MOST_DIRECTIONS = 8
NUM_Z = 4096  # of which directions are computed
NUM_POINTS = 1000  # real ones that are shown


@lru_cache(maxsize=2)
def opened(path: str, raw: bool) -> "Subject":
    """The generator in the file of a checkpoint or a snapshot, or in a folder of its own; the last two stay open."""
    if not path.endswith(".safetensors"):
        generator = load(path)
        assert isinstance(generator, SavedGenerator)
        return Subject(generator, generator.recipe, lambda: generator.discriminator)
    run, saved = Run.of_checkpoint(Path(path)), snapshots.read(Path(path))
    read_d = partial(checkpoint.discriminator_of, saved, run.recipe, run.shape, path)
    found = {name.removeprefix(CLUSTERS): tensor for name, tensor in saved.tensors.items() if name.startswith(CLUSTERS)}
    clusters = Clusters(**found) if found else None
    return Subject(run.generator_of(saved, raw), run.recipe, read_d, run.facts.get("data_fingerprint"), clusters)


@dataclass(frozen=True, eq=False)
class Subject:
    """A generator, the recipe that it was trained by, its discriminator, and the fingerprint of its training data.

    `clusters`: those of a self-conditioned one, where they are known.
    """

    generator: SavedGenerator
    recipe: Recipe | None
    read_discriminator: Callable[[], nn.Module]
    fingerprint: str | None = None
    clusters: Clusters | None = None

    @cached_property
    def program(self) -> Program | None:
        """The generator as the page computes it; None where it does not know a layer."""
        try:
            return compile_network(self.generator.network, self.generator.noise.num, self.generator.shape)
        except UnknownLayerError:
            return None

    @cached_property
    def discriminator(self) -> nn.Module | None:
        """None where there is none, or it judges packs of pictures."""
        if self.recipe is None or self.recipe.packing > 1:
            return None
        try:
            return self.read_discriminator()
        except SparringError:
            return None

    @cached_property
    def extractor(self) -> ClassifierExtractor | None:
        """The extractor for the generator's data."""
        return suited_extractor(self.recipe, self.generator.shape)

    @cached_property
    def training_set(self) -> Dataset | None:
        """What of the data was trained on, where they are on this machine as they were."""
        try:
            if self.recipe is None or not self.recipe.data.is_cached():
                return None
            found = trained_on(self.recipe, self.recipe.data.train())
        except SparringError:
            return None
        return found if self.fingerprint in (None, found.fingerprint()) else None

    @cached_property
    def test_set(self) -> Dataset | None:
        """The test data, where they are on this machine."""
        try:
            return self.recipe.data.test() if self.recipe and self.recipe.data.is_cached() else None
        except SparringError:
            return None

    def directions(self) -> list[dict[str, Any]]:
        """Directions in z as JSON: `kind` ("features" or "weights"), `share` and `vector`."""
        noise = self.generator.noise
        try:
            moving = Prior.of(noise).moving(torch.zeros(1, noise.num))
        except InputError:  # combinations of attributes, which do not move, or a distribution of the user's own
            moving = (torch.arange(noise.num) < (noise.normal if isinstance(noise, Code) else noise.num)).float()
        z = noise.sample(NUM_Z, keyed_generator("cpu", 0, "directions"))
        found = {"features": self._of_features(z, moving), "weights": self._of_weight(z, moving)}
        return [
            {"kind": kind, "share": share, "vector": vector}
            for kind, some in found.items()
            if some
            for share, vector in zip(some.shares, some.vectors.tolist(), strict=True)
        ]

    def _of_features(self, z: Tensor, moving: Tensor) -> Directions | None:
        """Those of the early layer; None where z meets no layer without maps."""
        at = early_layer(self.program) if self.program else 0
        if self.program is None or at == 0:
            return None
        first = Program(self.program.num_z, self.program.shape, self.program.ops[:at], self.program.weights)
        return directions.of_features(z, registers(first, z)[at], moving, MOST_DIRECTIONS, classes_of(z, self.generator.noise))

    def _of_weight(self, z: Tensor, moving: Tensor) -> Directions | None:
        """Those of the first linear layer; None where z meets another one first."""
        layers = (each for each in self.generator.network.modules() if not [*each.children()])
        first = next((each for each in layers if [*each.parameters()]), None)
        if not isinstance(first, nn.Linear) or first.in_features != z.shape[1]:
            return None
        deviation = float(z[:, moving.bool()].std())
        return directions.of_weight(first.weight.detach(), moving, deviation, MOST_DIRECTIONS)

    def described(self) -> dict[str, Any]:
        """What the page has to know, with the weights in the format of an exported page."""
        generator, program = self.generator, self.program
        if program and (len(program.weights.data) > MOST_BYTES or num_products(program) > MOST_PRODUCTS):
            program = None  # what is too much for a page is drawn here
        try:
            noise = noise_columns(generator.noise)
        except InputError:
            noise = None
        names = list(generator.classes) or list(map(str, range(generator.num_classes)))
        return {
            "shape": generator.shape,
            "num_z": generator.noise.num,
            "noise": noise,
            "classes": names if generator.num_classes else [],
            "program": program and program.as_json(),
            "weights": program and base64(bytes(program.weights.data)),
            "directions": self.directions(),
            "real": self._real_points(),
            "averages": self.recipe is not None and self.recipe.average is not None and self.fingerprint is not None,
        }

    def _real_points(self) -> str | None:
        """Test points [N, D] float32 of a toy, in base 64; None for pictures."""
        if len(self.generator.shape) > 1 or self.test_set is None:
            return None
        return base64(self.test_set.batch(torch.arange(min(NUM_POINTS, len(self.test_set)))).numpy().tobytes())


def num_products(program: Program) -> int:
    """The number of multiplications for one picture, in its linear layers and convolutions."""
    total = 0
    for op in program.ops:
        if "weight" in op:
            places = program.shape_of(op["from"][0]) if op["op"] == "conv_transposed" else op["shape"]
            total += program.weights.places[op["weight"]]["count"] * prod(places[1:])
    return total


def base64(data: bytes) -> str:
    return b64encode(data).decode()
