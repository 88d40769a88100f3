"""A trained generator by itself, in a folder laid out as model hubs expect it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from sparring import codec, keys
from sparring.errors import InputError
from sparring.files import json_bytes, make_folder, read_json
from sparring.networks import GeneratorConfig, seeded
from sparring.noise import Noise
from sparring.recipe import Recipe
from sparring.run import sums
from sparring.run.checkpoint import load

FORMAT = "sparring-generator-1"


@dataclass(frozen=True)
class Generator:
    """A generator in inference mode, with the noise that it was trained on."""

    config: GeneratorConfig
    noise: Noise
    shape: tuple[int, ...]
    network: nn.Module

    @classmethod
    def build(cls, recipe: Recipe, shape: tuple[int, ...], weights: dict[str, Tensor]) -> "Generator":
        """The recipe's generator with these weights (named as in its state_dict)."""
        return cls._build(recipe.generator, recipe.z, shape, weights)

    @classmethod
    def open(cls, folder: Path) -> "Generator":
        """Read a generator's folder; InputError where a file is missing, damaged, or does not fit."""
        for name in ("config.json", "model.safetensors"):
            sums.read(folder, name)
        config = read_json(folder / "config.json")
        if config.get("format") != FORMAT:
            raise InputError(f"{folder}/config.json has the format {config.get('format')!r}; this version reads {FORMAT}")
        generator = codec.decode(Recipe.__annotations__["generator"], config.get("generator"), "generator")
        noise = codec.decode(Recipe.__annotations__["z"], config.get("z"), "z")
        shape = codec.decode(tuple[int, ...], config.get("shape"), "shape")
        try:
            weights = load_file(folder / "model.safetensors")
        except (OSError, SafetensorError) as error:
            raise InputError(f"cannot read {folder}/model.safetensors: {error}") from None
        return cls._build(generator, noise, shape, weights)

    @classmethod
    def _build(cls, config: GeneratorConfig, noise: Noise, shape: tuple[int, ...], weights: dict[str, Tensor]) -> "Generator":
        network = seeded(lambda: config.build(noise.num, shape), seed=0).eval()
        load(network.state_dict(), weights)
        return cls(config, noise, shape, network)

    def write(self, folder: Path, card: str) -> None:
        """config.json, model.safetensors and the model card README.md."""
        make_folder(folder)
        settings = {
            "format": FORMAT,
            "generator": codec.encode(self.config),
            "z": codec.encode(self.noise),
            "shape": list(self.shape),
        }
        weights = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        sums.write(folder, "model.safetensors", save(weights, {"format": "pt"}))
        sums.write(folder, "config.json", json_bytes(settings))
        sums.write(folder, "README.md", card.encode())
        sums.tidy(folder)

    def z(self, num: int, seed: int) -> Tensor:
        """[num, num_z]: the z that `sample` draws with this seed."""
        return self.noise.sample(num, keys.generator("cpu", seed, "sample"))

    def sample(self, num: int = 16, seed: int = 0) -> Tensor:
        """Generated images [num, *shape] in [-1, 1]; the same seed, the same images. InputError unless num is at least 1."""
        if num < 1:
            raise InputError(f"the number of samples is {num}; it must be at least 1")
        return self.draw(self.z(num, seed))

    @torch.no_grad()
    def draw(self, z: Tensor, batch_size: int = 256) -> Tensor:
        """Images [N, *shape] in [-1, 1] of the given z [N, num_z], in batches that bound the memory; on the CPU."""
        device = next(self.network.parameters()).device
        return torch.cat([self.network(part.to(device)).cpu() for part in z.split(batch_size)])
