"""Train the extractor for pictures of any kind that comes with the package: `python benchmarks/extractor.py`, `make extractor`.

It learns from pictures under MIT, Expat or OFL alone, from MNIST, and from pictures that are drawn here: emoji3d, hangul,
Fashion-MNIST, MNIST, and random leaves. It is never shown units and animals, which are under the GPL, and so can test it.
The same machine, software and number of threads give the same file.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image, ImageDraw

import pictures
from sparring.config import devices
from sparring.data import IdxFolder, Mnist, PictureFolder
from sparring.data.sets import ImageSet
from sparring.evaluation import extractors
from sparring.evaluation.extractors import PictureTraining, picture_extractor
from sparring.evaluation.extractors.card import picture_card
from sparring.evaluation.extractors.picture_extractor import Accuracy, PictureFacts
from sparring.evaluation.extractors.picture_network import PictureNetwork, PictureNetworkConfig, prepared
from sparring.evaluation.extractors.picture_training import Source, TrainedPictures, recognised, train_on_pictures
from sparring.runs.progress import Progress
from sparring.storage.cache import cache_folder
from sparring.storage.files import write_atomically

HELD_BACK = 10  # one picture in so many is not learned from
CATEGORIES = pictures.Package("npm", "emoji-datasource", "15.1.2", "MIT")
LEAVES = 4000
NOTES = """- emoji3d: npm @lobehub/fluent-emoji-3d 1.1.0 (MIT), with the categories of npm emoji-datasource 15.1.2 (MIT)
- hangul: 2,350 syllables drawn in four fonts of Debian's fonts-nanum and fonts-nanum-extra (OFL-1.1)
- fashion-mnist: Debian's dataset-fashion-mnist (Expat); mnist: MNIST; leaves: drawn by the script itself
- licence: that of Sparring; made by benchmarks/extractor.py, which never sees the sets units and animals
"""
Held = tuple[Source, ImageSet]
"""What is learned from, and what is held back of it."""


def emoji(place: Path, categories: dict[str, str]) -> ImageSet:
    """The emoji on black, on white and on a colour drawn for each, 64 x 64, with their categories."""
    files = sorted((place / "emoji3d").iterdir())
    rng = np.random.default_rng(0)
    names = sorted({*categories.values()})
    images, labels = [], []
    for file in files:
        label = categories.get(file.stem.lower(), categories.get(file.stem.lower().removesuffix("-fe0f")))
        if label is None:
            continue
        picture = Image.open(file).convert("RGBA")
        for colour in ((0, 0, 0), (255, 255, 255), tuple(int(c) for c in rng.integers(0, 256, 3))):
            ground = Image.new("RGBA", picture.size, (*colour, 255))
            flat = Image.alpha_composite(ground, picture).convert("RGB").resize((64, 64), Image.Resampling.LANCZOS)
            images.append(np.asarray(flat))
            labels.append(names.index(label))
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return ImageSet(pixels, torch.tensor(labels), tuple(names))


def categories_of(table: list[dict]) -> dict[str, str]:
    """The category by the code points of an emoji, and of its variants, in lower case."""
    found = {}
    for row in table:
        for each in (row, *row.get("skin_variations", {}).values()):
            for name in (each["unified"], each.get("non_qualified")):
                if name:
                    found[name.lower()] = row["category"]
    return found


def leaves(num: int) -> ImageSet:
    """Discs, ellipses, boxes and lines of random colours over one another, with shades and noise ("dead leaves")."""
    rng = np.random.default_rng(1)
    images = []
    for _ in range(num):
        palette = rng.integers(0, 256, (int(rng.integers(2, 9)), 3))
        picture = Image.new("RGB", (128, 128), tuple(int(c) for c in palette[0]))
        draw = ImageDraw.Draw(picture)
        for _ in range(int(rng.integers(3, 80))):
            x, y = rng.uniform(-10, 138, 2)
            w, h = 2 + 40 * rng.uniform(size=2) ** 2
            colour = tuple(int(c) for c in np.clip(palette[rng.integers(len(palette))] + rng.normal(0, 12, 3), 0, 255))
            kind = rng.integers(4)
            if kind == 0:
                draw.ellipse((x - w, y - w, x + w, y + w), fill=colour)
            elif kind == 1:
                draw.ellipse((x - w, y - h, x + w, y + h), fill=colour)
            elif kind == 2:
                draw.polygon([tuple(p) for p in np.array((x, y)) + rng.normal(0, w, (int(rng.integers(3, 6)), 2))], fill=colour)
            else:
                draw.line(
                    [tuple(p) for p in np.array((x, y)) + rng.normal(0, 2 * w, (3, 2))], fill=colour, width=int(1 + h / 6)
                )
        shade = np.asarray(
            Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
        )
        small = np.asarray(picture.resize((64, 64), Image.Resampling.LANCZOS), dtype=np.float64)
        small = small * (1 + rng.uniform(0, 0.6) * (shade[..., None] / 255.0 - 0.5))
        images.append(np.clip(small, 0, 255).astype(np.uint8))
    return ImageSet(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous())


def sources(place: Path, categories: dict[str, str]) -> list[Held]:
    """What is learned from, each with what is held back of it."""
    fashion = IdxFolder(str(place / "fashion-mnist"))
    hangul = PictureFolder(str(place / "hangul"))
    own = [
        ("emoji3d", *_divided(emoji(place, categories), 3), 3.0),
        ("hangul", hangul.train(), hangul.test(), 1.5),
        ("fashion-mnist", fashion.train(), fashion.test(), 1.5),
        ("mnist", Mnist().train(), Mnist().test(), 1.0),
        ("leaves", *_divided(leaves(LEAVES), 1), 1.5),
    ]
    return [(Source(name, train, share), test) for name, train, test, share in own]


def _divided(images: ImageSet, each: int) -> tuple[ImageSet, ImageSet]:
    """All but every tenth picture, and these; `each` has so many versions."""
    held = torch.arange(len(images)) // each % HELD_BACK == 0
    return images.take((~held).nonzero()[:, 0]), images.take(held.nonzero()[:, 0])


@torch.no_grad()
def accuracies(trained: TrainedPictures, found: list[Held]) -> tuple[Accuracy, ...]:
    """The share of right classes among what was held back, by source."""
    told = []
    for head, (source, test) in zip(trained.heads.classes, found, strict=True):
        if test.labels is not None:
            rows = torch.arange(len(test)).split(500)
            guesses = torch.cat([head(trained.network(prepared(test.batch(part)))).argmax(1) for part in rows])
            told.append(Accuracy(source.name, (guesses == test.labels).float().mean().item()))
    return tuple(told)


def facts_of(network: PictureNetwork, steps: int, seed: int, found: list[Held], told: tuple[Accuracy, ...]) -> PictureFacts:
    return PictureFacts(
        name=extractors.GENERAL,
        data=", ".join(source.name for source, _ in found),
        data_fingerprint=None,
        network=network.config,
        seed=seed,
        steps=steps,
        start_from=None,
        recognised=recognised(network, found[0][1]),
        accuracies=told,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=extractors.SHIPPED)
    given = parser.parse_args()
    devices.tune_process()
    torch.set_num_threads(1)  # another number rounds differently
    with TemporaryDirectory() as scratch:
        table = json.loads((CATEGORIES.unpacked(Path(scratch)) / "package" / "emoji.json").read_text())
    found = sources(cache_folder() / "development", categories_of(table))
    how = PictureTraining(steps=given.steps)
    with Progress() as progress:
        trained = train_on_pictures(PictureNetworkConfig(), how, [source for source, _ in found], given.seed, progress.step)
    facts = facts_of(trained.network, given.steps, given.seed, found, accuracies(trained, found))
    path = picture_extractor.write(given.out, facts, trained.network)
    write_atomically(path.with_suffix(".md"), picture_card(picture_extractor.read(path), NOTES).encode())
    print(path)


if __name__ == "__main__":
    main()
