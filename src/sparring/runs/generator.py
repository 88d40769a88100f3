"""A trained generator in a folder of its own, with the layout that model hubs expect."""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save
from torch import Tensor, nn

from sparring.config import codec, registry
from sparring.config.rng import keyed_generator
from sparring.data.folder import intervals
from sparring.errors import InputError, naming
from sparring.networks import GeneratorConfig, ModuleGenerator, check_fits, seeded
from sparring.networks.latents import AttributeCode, Code, Noise
from sparring.recipe import Recipe
from sparring.runs.checkpoint import copy_tensors, fitted_discriminator
from sparring.storage import checksums, strict_json, tensors
from sparring.storage.files import json_bytes, make_folder, read_json

FORMAT = "sparring-generator-1"
CONFIG, WEIGHTS, DISCRIMINATOR = "config.json", "model.safetensors", "discriminator.safetensors"
BLOCK = 64  # z that are drawn together


def sample_shape(data: Any, where: str) -> tuple[int, ...]:
    """The shape (C, H, W) or (D,) read from a file; InputError, naming `where`, for anything else."""
    shape = codec.decode(tuple[int, ...], data, where)
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise InputError(f"{where} is {strict_json.shown(shape)}; it must be [C, H, W] of images, or [D] of points")
    return shape


class Settings(NamedTuple):
    """What a generator's config.json holds."""

    generator: GeneratorConfig
    noise: Noise
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    recipe: Recipe | None

    @classmethod
    def read(cls, folder: Path) -> "Settings":
        """The settings in a generator's folder; InputError if they are missing, damaged, or of another kind or library."""
        checksums.read(folder, CONFIG, strict_json.LONGEST)
        config, where = read_json(folder / CONFIG), str(folder / CONFIG)
        if "format" not in config:
            raise InputError(f"{where} is none of Sparring's generators: it has no format such as {FORMAT}")
        if config["format"] != FORMAT:
            raise InputError(f"{where} has the format {strict_json.shown(config['format'])}; this version reads {FORMAT}")
        with naming(where):
            generator = codec.decode(Recipe.__annotations__["generator"], config.get("generator"), "generator")
            noise = codec.decode(Recipe.__annotations__["z"], config.get("z"), "z")
            classes = codec.decode(tuple[str, ...], config.get("classes", []), "classes")
            recipe = codec.decode(Recipe, config["recipe"], "recipe") if "recipe" in config else None
        return cls(generator, noise, sample_shape(config.get("shape"), f"{where}: shape"), classes, recipe)


def in_dtype(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """A weight in this type of floats; a tensor of integers, or where there is no type, as it is."""
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor


def _widened(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights, those in float16 as float32."""
    return {name: in_dtype(t, torch.float32) if t.dtype == torch.float16 else t for name, t in weights.items()}


class SavedGenerator(nn.Module):
    """A generator in inference mode, with the distribution of z that it was trained on, and the names of its data's classes.

    It is a module, z [N, num_z] -> images [N, *shape] in [-1, 1] on its device, and gradients go through it. `origin` names the
    repository and the commit of one from the Hugging Face Hub, hf://user/name@commit.
    """

    config: GeneratorConfig
    noise: Noise
    shape: tuple[int, ...]
    network: nn.Module
    classes: tuple[str, ...]
    origin: str | None = None
    recipe: Recipe | None = None  # that it was trained with, where its folder holds it
    path: Path | None = None  # of its folder
    in_blocks: bool = True  # False where `sparring sample` has to draw what version 0.1 drew

    def __init__(
        self,
        config: GeneratorConfig,
        noise: Noise,
        shape: tuple[int, ...],
        network: nn.Module,
        classes: tuple[str, ...] = (),
    ):
        super().__init__()
        self.classes = classes
        self.config, self.noise, self.shape, self.network = config, noise, shape, network
        self.eval()

    def forward(self, z: Tensor) -> Tensor:
        """Images [N, *shape] in [-1, 1] of z [N, num_z], in one batch; see `draw` for many."""
        return self.network(z)

    @classmethod
    def build(cls, recipe: Recipe, shape: tuple[int, ...], weights: dict[str, Tensor]) -> "SavedGenerator":
        """The recipe's generator with these weights (named as in its state_dict)."""
        return cls._build(recipe.generator, recipe.z, shape, weights)

    @classmethod
    def open(cls, folder: Path, module: nn.Module | None = None) -> "SavedGenerator":
        """Read a generator's folder; InputError if a file is missing, damaged, or does not fit.

        module: the user's own that it was trained with, which the folder names by its fingerprint.
        Weights in float16 are widened, since Sparring's networks compute in float32.
        """
        generator, noise, shape, classes, recipe = Settings.read(folder)
        checksums.read(folder, WEIGHTS)
        if module is not None:
            own = ModuleGenerator.of(module)
            if own != generator:
                raise InputError(f"this generator is not the one of {folder}: it is {own}, and the folder has {generator}")
            generator = own
        weights, _ = tensors.read_safetensors(folder / WEIGHTS, "generator")
        fitted = cls.fit(generator, noise, shape, weights if module else _widened(weights), str(folder))
        fitted.classes, fitted.recipe, fitted.path = classes, recipe, folder
        return fitted

    @classmethod
    def fit(
        cls, config: GeneratorConfig, noise: Noise, shape: tuple[int, ...], weights: dict[str, Tensor], where: str
    ) -> "SavedGenerator":
        """The generator with settings and weights from files; InputError, naming `where`, unless they agree."""
        check_fits(lambda: config.build(noise.num, shape), weights, where)
        return cls._build(config, noise, shape, weights)

    @classmethod
    def _build(
        cls, config: GeneratorConfig, noise: Noise, shape: tuple[int, ...], weights: dict[str, Tensor]
    ) -> "SavedGenerator":
        network = seeded(lambda: config.build(noise.num, shape), seed=0).eval()
        copy_tensors(network.state_dict(), weights)
        return cls(config, noise, shape, network)

    def write(self, folder: Path, card: str, facts: Mapping[str, Any] | None = None, dtype: torch.dtype | None = None) -> None:
        """Write config.json, model.safetensors and the model card README.md to a folder.

        facts: further ones for config.json. dtype: of the weights in the file, by default their own.
        """
        make_folder(folder)
        settings = {
            "format": FORMAT,
            "generator": codec.encode(self.config),
            "z": codec.encode(self.noise),
            "shape": list(self.shape),
            **({"classes": list(self.classes)} if self.num_classes and self.classes else {}),
            **(facts or {}),
        }
        weights = {name: in_dtype(tensor, dtype).contiguous() for name, tensor in self.network.state_dict().items()}
        checksums.write(folder, WEIGHTS, save(weights, {"format": "pt"}))
        checksums.write(folder, CONFIG, json_bytes(settings))
        checksums.write(folder, "README.md", card.encode())
        checksums.compact(folder)

    @cached_property
    def discriminator(self) -> nn.Module:
        """The discriminator that lies beside it, in inference mode, as `Run.discriminator`; InputError where there is none."""
        if self.recipe is None or self.path is None or not (self.path / DISCRIMINATOR).is_file():
            raise InputError(f"{self.path or 'this generator'} holds no discriminator; name its run")
        checksums.read(self.path, DISCRIMINATOR)
        weights, _ = tensors.read_safetensors(self.path / DISCRIMINATOR, "discriminator")
        return fitted_discriminator(_widened(weights), self.recipe, self.shape, str(self.path))

    @property
    def num_classes(self) -> int:
        """The number of classes; 0 for an unconditional generator."""
        return self.noise.classes if isinstance(self.noise, Code) else 0

    def z(self, num: int, seed: int, class_: int | None = None) -> Tensor:
        """The z [num, num_z] that `sample` draws with this seed.

        Raises InputError for num below 1, and for a class that the generator does not have.
        """
        if num < 1:
            raise InputError(f"the number of samples is {num}; it must be at least 1")
        z = self.noise.sample(num, keyed_generator("cpu", seed, "sample"))
        return z if class_ is None else self._code().with_class(z, class_)

    def z_in_blocks(self, num: int, seed: int, class_: int | Sequence[int] | None = None) -> Tensor:
        """The z [num, num_z] of `sparring sample`: drawn in blocks of 64, so that fewer are the first of more for every noise.

        64 are those of `z`, and all of them where the run is of version 0.1. Several classes are drawn by their shares.
        InputError as there.
        """
        if class_ is not None and not isinstance(class_, int):
            return self._code().with_class(self.z_in_blocks(num, seed), self._drawn(class_, num, seed))
        if not self.in_blocks:
            return self.z(num, seed, class_)
        blocks = [self.noise.sample(BLOCK, keyed_generator("cpu", seed, "sample"))]
        for place in range(1, -(-num // BLOCK)):
            blocks.append(self.noise.sample(BLOCK, keyed_generator("cpu", seed, "sample", place)))
        z = torch.cat(blocks)[:num]
        return z if class_ is None else self._code().with_class(z, class_)

    def z_by_class(self, num: int, seed: int) -> Tensor:
        """The same `num` z for each class in order, [classes * num, num_z]; InputError for an unconditional generator."""
        code, z = self._code(), self.z_in_blocks(num, seed)
        return torch.cat([code.with_class(z, class_) for class_ in range(code.classes)])

    def draw_in_blocks(self, z: Tensor) -> Iterator[Tensor]:
        """The images of z [N, num_z], in order, as `sparring sample` draws them: 64 at a time, so that fewer are the same.

        A smaller batch would be rounded in other ways, so the last one is filled up. 256 where the run is of version 0.1.
        Raises InputError as `draw`.
        """
        for part in z.split(BLOCK if self.in_blocks else 256):
            missing = BLOCK - len(part) if self.in_blocks else 0
            yield self.draw(torch.cat([part, part[:1].expand(missing, -1)]))[: len(part)]

    def labels(self, z: Tensor) -> Tensor | None:
        """The class of each z, int64 [N]; None for an unconditional generator."""
        return self._code().class_of(z) if self.num_classes else None

    def _drawn(self, classes: Sequence[int], num: int, seed: int) -> Tensor:
        """Some of these classes, int64 [num], by their shares."""
        chosen, shares = torch.tensor(classes), torch.tensor(self._code().weights or [1.0] * self.num_classes)
        ends = shares[chosen].cumsum(0) / shares[chosen].sum()
        places = [torch.rand(BLOCK, generator=keyed_generator("cpu", seed, "class", i)) for i in range(-(-num // BLOCK))]
        return chosen[torch.searchsorted(ends[:-1], torch.cat(places)[:num], right=True)]

    def class_numbers(self, text: str) -> int | list[int]:
        """The number of a class as `class_number`, or those of all combinations with these values: "shape=disc,size=0.7".

        A number stands for the interval that holds it.
        """
        if text in self.classes or not isinstance(self.noise, AttributeCode):
            return self.class_number(text)
        parts = [name.split(",") for name in self.classes]
        wanted = {_of_interval(part.strip(), {value for each in parts for value in each}) for part in text.split(",")}
        found = [number for number, values in enumerate(parts) if wanted <= set(values)]
        return found or self.class_number(text)

    def class_number(self, name: str) -> int:
        """The number of the class of this name, or else the number that the text is; InputError where it is neither."""
        if name in self.classes:
            return self.classes.index(name)
        if name.isdecimal():
            return int(name)
        known = registry.suggest(name, self.classes) if self.classes else "give its number"
        raise InputError(f"there is no class {name!r}; {known}")

    def _code(self) -> Code:
        if not isinstance(self.noise, Code) or not self.noise.classes:
            raise InputError("this generator has no classes; train one that has, with `sparring train cgan` for instance")
        return self.noise

    def sample(self, num: int = 16, seed: int = 0, class_: int | None = None) -> Tensor:
        """Generated images [num, *shape] in [-1, 1], of one class or of all; a seed always gives the same images.

        They are those of version 0.1 as well, and so fewer of them are not always the first of more, as with `z_in_blocks`.
        Raises InputError as `z` and `draw`.
        """
        return self.draw(self.z(num, seed, class_))

    @torch.no_grad()
    def draw(self, z: Tensor, batch_size: int = 256) -> Tensor:
        """Images [N, *shape] in [-1, 1] of z [N, num_z], on the CPU; computed in batches to bound memory.

        Raises InputError if a value is infinite or not a number, which huge weights can cause.
        """
        device = next(self.network.parameters()).device
        images = torch.cat([self.network(part.to(device)).cpu() for part in z.split(batch_size)])
        if not images.isfinite().all():
            raise InputError("the generator's images hold values that are infinite or not a number; its weights are unusable")
        return images


def _of_interval(value: str, known: Set[str]) -> str:
    """`size=0.2..0.35` for `size=0.3`, if that is among the known values; else the value itself."""
    name, _, number = value.partition("=")
    own = [each.removeprefix(f"{name}=") for each in known if each.startswith(f"{name}=")]
    found = intervals.holding(number, own)
    return f"{name}={found}" if found else value
