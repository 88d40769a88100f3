"""A small file of every kind that Sparring reads, made by Sparring itself where it writes that kind."""

import gzip
import os
import shutil
import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sparring.api.resolve import resolve
from sparring.api.train import train
from sparring.evaluation import Protocol, Score, cache
from sparring.evaluation.extractors import classifier_extractor
from sparring.evaluation.extractors.classifier import ClassifierConfig
from sparring.networks import seeded
from sparring.runs import scorebook
from sparring.runs.run import Run
from sparring.runs.scorebook import Evaluation
from sparring.storage import checksums
from sparring.storage.files import write_json

SIZE = 16  # pixels, the least that a yardstick judges
TINY = {
    "generator.widths": "[8]",
    "discriminator.widths": "[8]",
    "z.num": "4",
    "batch_size": "16",
    "review": "null",
    "checkpoint.epochs": "1",
    "pictures.0.rows": "2",
    "pictures.0.columns": "2",
}
DEPENDS_ON = ("strangers", 1)
CACHED = {"x": torch.tensor([1.0, 2.0])}
PICTURES = ("png", "jpg", "gif", "bmp", "tif", "webp", "ppm")


def make(folder: Path) -> None:
    """Everything, below a folder: data, run, other, hub, population, yardstick.safetensors, pictures, pictures.npz, cache.

    `summed` is the run with its checksums. The others have none: whoever changes a file can change or drop its checksum.
    """
    images, labels = _drawn()
    _write_idx(folder / "data", images, labels)
    _write_pictures(folder, images)
    np.savez_compressed(folder / "pictures.npz", images=images[:8], labels=labels[:8].astype(np.int64))
    os.environ["SPARRING_CACHE"] = str(folder / "cache")
    os.chdir(folder)
    recipe = resolve("vanilla", TINY, "data")
    run = train(recipe, rounds=4, out="run", device="cpu", quiet=True)
    other = train(recipe, rounds=4, seed=1, out="other", device="cpu", quiet=True)
    train(recipe, rounds=4, out="population/seed0", device="cpu", quiet=True)
    for each in (run, other):
        _score(each)
    write_json(Path("population/summary.json"), {"out": "population", "images": 64, "seconds": 1.5, "seeds": []})
    shutil.copytree(run.path, folder / "summed")
    for name in ("run", "other", "population"):
        _drop_checksums(folder / name)
    (folder / "run/generator").rename(folder / "hub")
    _write_yardstick(folder)
    cache.tensors(DEPENDS_ON, lambda: CACHED, lambda found: True)


def _drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, SIZE, SIZE), np.uint8), (np.arange(40) % 3).astype(np.uint8)


def _write_idx(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir()
    for name, chosen in (("train", slice(0, 30)), ("t10k", slice(30, 40))):
        sizes = (len(images[chosen]), SIZE, SIZE)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 2051, *sizes) + images[chosen].tobytes())
        packed = gzip.compress(struct.pack(">2I", 2049, sizes[0]) + labels[chosen].tobytes(), mtime=0)
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(packed)


def _write_pictures(folder: Path, images: np.ndarray) -> None:
    for suffix in PICTURES:
        (folder / f"pictures-{suffix}").mkdir()
        for number, pixels in enumerate(images[:4]):
            Image.fromarray(pixels).save(folder / f"pictures-{suffix}" / f"{number}.{suffix}")


def _drop_checksums(folder: Path) -> None:
    for path in (*folder.rglob(checksums.NAME), *folder.rglob("journal.crc32")):
        path.unlink()


def _score(run: Run) -> None:
    protocol = Protocol("digits-1", "1", "idx-folder", "2", "test", 2000, 10, "none", "k = 3", 0, "8 subsamples of 500")
    score = Score("frechet_distance", 12.5 + run.seed, 12.0, 14.0, 0.5, None, protocol)
    recall = replace(score, metric="recall", value=0.5)
    for round_ in (2, 4):
        scorebook.append(run.path, Evaluation(round_, True, (score, recall)))


def _write_yardstick(folder: Path) -> None:
    config = ClassifierConfig((2, 3))
    network = seeded(lambda: config.build((1, SIZE, SIZE), 3), 0)
    facts = classifier_extractor.Facts(
        name="stranger",
        data="idx-folder",
        data_fingerprint="00",
        shape=(1, SIZE, SIZE),
        classes=("a", "b", "c"),
        network=config,
        seed=0,
        epochs=1,
        held_back_accuracy=0.5,
        test_accuracy=0.5,
        confusion=((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    )
    made = classifier_extractor.write(folder, facts, network)  # pyright: ignore[reportArgumentType]
    made.rename(folder / "yardstick.safetensors")


class Payload:
    """What a pickle would run: it leaves a file behind."""

    def __reduce__(self):
        return (os.system, ("touch pickle-was-run",))


def pickled_npz() -> bytes:
    """An .npz whose images are Python objects."""
    buffer = BytesIO()
    np.savez(buffer, images=np.array([Payload()], dtype=object))
    return buffer.getvalue()


def pickled_weights() -> bytes:
    """What torch.save makes of such an object."""
    buffer = BytesIO()
    torch.save({"0.weight": Payload()}, buffer)
    return buffer.getvalue()
