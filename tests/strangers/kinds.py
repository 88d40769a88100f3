"""The kinds of files: how each is mutated, by which commands and functions it is read, and what an accepted one must say."""

import gzip
import hashlib
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import mutations
import originals
import torch
from mutations import Mutant
from PIL import Image

from sparring import data
from sparring.api.load import load
from sparring.config import codec
from sparring.data.remote.fetch import RemoteFile, ensure
from sparring.errors import InputError
from sparring.evaluation import cache
from sparring.evaluation.extractors import classifier_extractor
from sparring.multiseed.summary import work_before
from sparring.runs import checkpoint
from sparring.runs.generator import SavedGenerator
from sparring.runs.media import training_frames
from sparring.runs.result import Result
from sparring.runs.run import Run

CHECKPOINT = "run/checkpoints/round_00000004.safetensors"
ALL = "the original"  # the truth of files with a checksum


@dataclass(frozen=True)
class Kind:
    """`file` in a world as `originals.make` makes it, of which a case needs the folders and files `needs`.

    `mutants` of its bytes; `commands` that read it, each to end with 0 or 2; `content`: what Sparring reads in it, with
    InputError where that refuses it; `truth`: what an independent and trusting reader reads, or that it is the original's.
    """

    name: str
    file: str
    needs: tuple[str, ...]
    mutants: Callable[[bytes, Random, int], Iterator[Mutant]]
    content: Callable[[], Any]
    truth: Callable[[bytes], Any] | str = ALL
    commands: tuple[str, ...] = ()


def agrees(told: Any, read: Any) -> bool:
    """Whether all that a file tells was read so: settings that it leaves out may have been added."""
    if isinstance(told, dict) and isinstance(read, dict):
        return all(name in read and agrees(item, read[name]) for name, item in told.items())
    if isinstance(told, list) and isinstance(read, list):
        return len(told) == len(read) and all(map(agrees, told, read))
    return isinstance(told, bool) == isinstance(read, bool) and told == read


def _plain(tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    return {name: [str(t.dtype), list(t.shape), t.flatten().tolist()] for name, t in tensors.items()}


def _json_then_text(text: bytes, rng: Random, num: int) -> Iterator[Mutant]:
    yield from mutations.TEXTS
    yield from mutations.of_json(json.loads(text), rng, num)
    yield from mutations.of_bytes(text, rng, num // 4)


def _lines_then_text(text: bytes, rng: Random, num: int) -> Iterator[Mutant]:
    yield from ((done, bad + b"\n") for done, bad in mutations.TEXTS[3:])
    yield from mutations.of_lines(text, rng, num)
    yield from mutations.of_bytes(text, rng, num // 4)


def _header_then_bytes(whole: bytes, rng: Random, num: int) -> Iterator[Mutant]:
    yield "pickled", originals.pickled_weights()
    yield from mutations.of_header(whole, rng, num)
    yield from mutations.of_bytes(whole, rng, num // 2)


def _sealed(path: str, format: str) -> Callable[[bytes, Random, int], Iterator[Mutant]]:
    def mutants(whole: bytes, rng: Random, num: int) -> Iterator[Mutant]:
        yield from mutations.of_facts(Path(path), format, rng, num)
        yield from mutations.of_header(whole, rng, num // 4)
        yield from mutations.of_bytes(whole, rng, num // 4)

    return mutants


def _pickle_then_bytes(whole: bytes, rng: Random, num: int) -> Iterator[Mutant]:
    yield "pickled", originals.pickled_npz()
    yield from mutations.of_bytes(whole, rng, num)


# What Sparring reads


def _recipe(folder: str = "run") -> Any:
    run = Run.open(folder)
    return {"recipe": codec.encode(run.recipe), "seed": run.seed, "shape": list(run.shape), "num_images": run.num_images}


def _hub() -> Any:
    generator = SavedGenerator.open(Path("hub"))
    settings = {"generator": codec.encode(generator.config), "z": codec.encode(generator.noise), "shape": list(generator.shape)}
    return settings, generator.network.state_dict()


def _checkpoint() -> Any:
    saved = checkpoint.read(Path(CHECKPOINT))
    load(CHECKPOINT).sample(2)
    info = {name: getattr(saved.info, name) for name in ("round", "images", "epoch", "seconds")}
    facts = info | {"journal_bytes": saved.journal_bytes, "clocks": list(saved.clocks)}
    return {"facts": facts, "tensors": _plain(saved.tensors)}


def _yardstick() -> Any:
    found = classifier_extractor.read(Path("yardstick.safetensors"))
    return {"facts": codec.encode(found.facts), "tensors": _plain(found.network.state_dict())}


def _journal() -> Any:
    run = Run.open("run")
    Result.of(run)
    return list(run.journal())


def _halves() -> Any:
    found = data.IdxFolder("data")
    return [half.images.flatten(1).tolist() for half in (found.train(), found.test())]


def _labels() -> Any:
    labels = data.IdxFolder("data").train().labels
    return labels if labels is None else labels.tolist()


def _pictures(folder: str, first: int) -> Callable[[], Any]:
    """All pictures, or those beside the first, which alone is mutated: without a checksum nobody can see damage in pixels."""

    def content() -> Any:
        images = data.read_pictures(Path(folder)).images.images
        if len(images) < 4:
            raise InputError(f"{folder}: what is no file was passed over")
        return images[first:, 0].flatten(1).tolist()

    return content


def _npz() -> Any:
    found = data.read_pictures(Path("pictures.npz")).images
    return [found.images.flatten(1).tolist(), found.labels.tolist() if found.labels is not None else None]


def _frame() -> Any:
    frames = training_frames(Run.open("run"))
    if len(frames) < 2:
        raise InputError("run: what is no file was passed over")
    return [[image.size, list(image.tobytes())] for image in frames]


def _cached() -> Any:
    def refuse():
        raise InputError("cache: it is made anew")

    found = cache.tensors(originals.DEPENDS_ON, refuse, lambda found: found.keys() == {"x"} and found["x"].shape == (2,))
    return {"facts": {"depends_on": repr(originals.DEPENDS_ON)}, "tensors": _plain(found)}


def _fetched() -> Any:
    """A file of the data cache, with no source to fetch it from."""
    whole = Path("original").read_bytes()
    file = RemoteFile("t10k-images-idx3-ubyte", hashlib.md5(whole).hexdigest(), len(whole))
    return list(ensure([file], Path("data"), [])[0])


# What a trusting reader reads


_TYPES = {"F32": ("torch.float32", "f", 4), "I64": ("torch.int64", "q", 8)}


def _weights(whole: bytes) -> Any:
    end = 8 + struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8:end])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        (kind, code, size), (start, stop) = _TYPES[entry["dtype"]], entry["data_offsets"]
        values = struct.unpack(f"<{(stop - start) // size}{code}", whole[end + start : end + stop])
        found[name] = [kind, entry["shape"], list(values)]
    return found


def _facts_and_weights(whole: bytes) -> Any:
    header = json.loads(whole[8 : 8 + struct.unpack("<Q", whole[:8])[0]])
    return {"facts": json.loads(header["__metadata__"]["facts"]), "tensors": _weights(whole)}


def _json_lines(text: bytes) -> Any:
    return [json.loads(line) for line in text.split(b"\n")[:-1]]


def _idx(whole: bytes) -> Any:
    _, num, height, width = struct.unpack(">4I", whole[:16])
    return [list(whole[16 + i * height * width : 16 + (i + 1) * height * width]) for i in range(num)]


def _telling(names: tuple[str, ...]) -> Callable[[bytes], Any]:
    return lambda text: {name: json.loads(text)[name] for name in names if name in json.loads(text)}


def kinds() -> list[Kind]:
    """All of them; to be called in a world, for the files whose name is a hash are looked up there."""
    run = ("run", "data")
    (cached,) = Path("cache/scores").iterdir()
    sample = "sample run --num 2 --out out.png"
    resume = "resume run --rounds 5 --quiet"
    found = [
        Kind("recipe", "run/recipe.json", run, _json_then_text, _recipe, _telling(("recipe", "seed")),
             (sample, "runs .", resume)),
        Kind("journal", "run/journal.jsonl", run, _lines_then_text, _journal, _json_lines, ("runs .", "animate run", resume)),
        Kind("scores", "run/scores.jsonl", run, _lines_then_text, lambda: codec.encode(tuple(Run.open("run").scores())),
             _json_lines, ("runs .", "compare run other --out out.html")),
        Kind("checksums", "summed/SHA256SUMS", ("summed", "data"), mutations.of_bytes, lambda: _recipe("summed"), ALL,
             ("sample summed --num 2 --out out.png", "animate summed", "resume summed --rounds 5 --quiet")),
        Kind("hub checksums", "summed/generator/SHA256SUMS", ("summed",), mutations.of_bytes,
             lambda: codec.encode(SavedGenerator.open(Path("summed/generator")).config), ALL,
             ("sample summed/generator --num 2 --out out.png",)),
        Kind("journal sums", "summed/journal.crc32", ("summed", "data"), mutations.of_bytes,
             lambda: list(Run.open("summed").journal()), ALL, ("runs .", "resume summed --rounds 5 --quiet")),
        Kind("checkpoint", CHECKPOINT, run, _sealed(CHECKPOINT, checkpoint.FORMAT), _checkpoint, _facts_and_weights,
             (f"sample {CHECKPOINT} --num 2 --out out.npz", resume)),
        Kind("hub settings", "hub/config.json", ("hub",), _json_then_text, lambda: _hub()[0],
             _telling(("generator", "z", "shape")), ("sample hub --num 2 --out out.npz",)),
        Kind("hub weights", "hub/model.safetensors", ("hub",), _header_then_bytes, lambda: _plain(_hub()[1]),
             _weights, ("sample hub --num 2 --out out.png",)),
        Kind("yardstick", "yardstick.safetensors", ("yardstick.safetensors",),
             _sealed("yardstick.safetensors", classifier_extractor.FORMAT), _yardstick, _facts_and_weights),
        Kind("images", "data/train-images-idx3-ubyte", ("data",), mutations.of_bytes, lambda: _halves()[0], _idx,
             ("data check data",)),
        Kind("labels", "data/train-labels-idx1-ubyte.gz", ("data",), mutations.of_bytes, _labels,
             lambda whole: list(gzip.decompress(whole)[8:]), ("data check data",)),
        Kind("npz", "pictures.npz", ("pictures.npz",), _pickle_then_bytes, _npz),
        Kind("frame", "run/samples/epoch_0001.png", run, mutations.of_bytes, _frame, commands=("animate run",)),
        Kind("cache", str(cached), ("cache",), _sealed(str(cached), cache.FORMAT), _cached, _facts_and_weights),
        Kind("data cache", "data/t10k-images-idx3-ubyte", ("data",), mutations.of_bytes, _fetched),
        Kind("summary", "population/summary.json", ("population", "data"), _json_then_text,
             lambda: dict(zip(("images", "seconds"), work_before(Path("population/summary.json")), strict=True)),
             _telling(("images", "seconds"))),
    ]  # fmt: skip
    for suffix in originals.PICTURES:
        folder = f"pictures-{suffix}"
        content = _pictures(folder, first=0 if suffix == "png" else 1)
        commands = (f"data check {folder}",)
        found.append(Kind(f"{suffix} picture", f"{folder}/0.{suffix}", (folder,), mutations.of_bytes, content, ALL, commands))
    return found


def bomb(suffix: str) -> bytes:
    """A picture whose header declares far more pixels than its bytes can hold."""
    buffer = BytesIO()
    Image.new("1", (9000, 9000)).save(buffer, {"png": "PNG", "gif": "GIF"}[suffix])
    return buffer.getvalue()[:300]
