"""Which parts go together: every loss, penalty, constraint, network and condition, three rounds in miniature.

As a program: writes docs/matrix.md, from all pairs of parts; with --full it tries the whole product, and writes nothing.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring import recipes
from sparring.config import codec, registry
from sparring.config.schedules import Duration
from sparring.data.sets import ImageSet
from sparring.errors import InputError
from sparring.recipe import MoveD, MoveG, Recipe, Round
from sparring.training.engine import Engine

PAGE = Path(__file__).parents[2] / "docs" / "matrix.md"
NONE = "none"
SIZES = (28, 32, 64, 128, 256)  # pixels
CLASSES = 3
TINY = {
    "mlp": ({"widths": [6]}, {"widths": [6]}),
    "dcgan": ({"width": 4}, {"width": 4, "dropout": 0.0}),
    "upsample": ({"width": 2, "hidden": 4}, {"width": 2, "hidden": 4, "dropout": 0.0}),
    "resnet": ({"width": 4}, {"width": 4}),
    "r3": ({"width": 8, "max_width": 16}, {"width": 8, "max_width": 16}),
    "fastgan": ({"width": 2, "max_width": 8}, {"width": 2, "max_width": 8}),
}
CODES = {
    "projection": {"name": "code", "normal": 4, "classes": CLASSES},
    "auxiliary-classifier": {"name": "code", "normal": 4, "classes": CLASSES},
    "info": {"name": "code", "normal": 4, "classes": CLASSES, "continuous": 1},
}
Combination = dict[str, str]


def factors() -> dict[str, list[str]]:
    """The parts of each kind, from the registry."""
    return {
        "loss": own("loss"),
        "penalty": [NONE, *own("penalty")],
        "constraint": [NONE, *own("constraint")],
        "network": [name.removesuffix("-generator") for name in own("generator")],
        "condition": [NONE, *own("condition")],
    }


def own(kind: str) -> list[str]:
    """Sparring's own parts, not those that somebody's file or test registers."""
    return [name for name in registry.names(kind) if registry.find(kind, name).__module__.startswith("sparring.")]


def recipe_of(chosen: Combination, batch_size: int = 6) -> Recipe:
    """A tiny recipe of these parts; InputError where it cannot be."""
    g, d = TINY[chosen["network"]]
    changes: dict[str, Any] = {
        "loss": chosen["loss"],
        "generator": {"name": f"{chosen['network']}-generator", **g},
        "discriminator": {"name": f"{chosen['network']}-discriminator", **d},
        "penalties": [] if chosen["penalty"] == NONE else [chosen["penalty"]],
        "constraint": None if chosen["constraint"] == NONE else chosen["constraint"],
        "condition": None if chosen["condition"] == NONE else chosen["condition"],
        "z": CODES.get(chosen["condition"], {"name": "normal", "num": 4}),
    }
    base = replace(
        recipes.get("vanilla"), round=Round(moves=(MoveD(), MoveG())), batch_size=batch_size, length=Duration(rounds=3)
    )
    settings = codec.encode(replace(base, pictures=(), order="shuffled"))
    return codec.decode(Recipe, settings | changes, "recipe")


def examples(size: int = 28) -> ImageSet:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (24, 1, size, size), dtype=torch.uint8, generator=rng)
    return ImageSet(images, torch.arange(24) % CLASSES, tuple("abc"))


def refusal(chosen: Combination, data: ImageSet, batch_size: int = 6) -> str | None:
    """Why this combination cannot be built; None where it plays three rounds. AssertionError where it plays them wrongly."""
    torch.manual_seed(0)
    try:
        engine = Engine.build(recipe_of(chosen, batch_size), data, 0, torch.device("cpu"))
    except InputError as error:
        return str(error)
    moved: dict[str, Tensor] = {}
    for round_ in range(3):
        numbers = engine.numbers(engine.train_round(round_))
        assert all(value is None or isfinite(value) for value in numbers.values()), (chosen, numbers)
        for side, player in (("G", engine.gan.generator), ("D", engine.gan.discriminator)):
            for (name, _), gradient in zip(player.network.named_parameters(), player.gradients, strict=True):
                moved[f"{side} {name}"] = moved.get(f"{side} {name}", 0) + gradient.abs().sum()
    still = [name for name, total in moved.items() if total == 0]
    constant = [name for name in moved if name.startswith("D ") and name.endswith("bias")][-1:]
    assert not set(still) - set(constant), (chosen, still)  # of a difference of logits D's constant is no part
    return None


def pairs(found: dict[str, list[str]]) -> Iterator[Combination]:
    """Every two parts of different kinds together, the others being the first of their kinds that go with everything."""
    plain = {kind: names[0] for kind, names in found.items()} | {"loss": "non-saturating", "network": "mlp"}
    for one, other in itertools.combinations(found, 2):
        for chosen in itertools.product(found[one], found[other]):
            yield plain | dict(zip((one, other), chosen, strict=True))


def covering(found: dict[str, list[str]]) -> list[Combination]:
    """Few combinations in which every two parts of different kinds meet, drawn at random but always the same."""
    kinds, rng = list(found), torch.Generator().manual_seed(0)
    open_ = {((a, x), (b, y)) for a, b in itertools.combinations(kinds, 2) for x in found[a] for y in found[b]}
    chosen = []
    while open_:
        (a, x), (b, y) = min(open_)
        candidates = []
        for _ in range(20):
            drawn = {kind: names[int(torch.randint(len(names), (), generator=rng))] for kind, names in found.items()}
            candidates.append(drawn | {a: x, b: y})
        best = max(candidates, key=lambda c: len(_met(c, kinds) & open_))
        open_ -= _met(best, kinds)
        chosen.append(best)
    return chosen


def _met(chosen: Combination, kinds: Sequence[str]) -> set[tuple[tuple[str, str], tuple[str, str]]]:
    return {((a, chosen[a]), (b, chosen[b])) for a, b in itertools.combinations(kinds, 2)}


def page(found: dict[str, list[str]], data: ImageSet) -> str:
    """The tables of docs/matrix.md."""
    reasons: list[str] = []
    refused = {tuple(sorted(chosen.items())): refusal(chosen, data) for chosen in pairs(found)}
    plain = {kind: names[0] for kind, names in found.items()} | {"loss": "non-saturating", "network": "mlp"}
    tables = []
    for one, other in itertools.combinations(found, 2):
        rows = [f"| {one} \\ {other} | {' | '.join(found[other])} |", "|---" * (1 + len(found[other])) + "|"]
        for name in found[one]:
            cells = [refused[tuple(sorted((plain | {one: name, other: with_}).items()))] for with_ in found[other]]
            reasons += [reason for reason in cells if reason and reason not in reasons]
            marks = ["yes" if reason is None else f"no ({1 + reasons.index(reason)})" for reason in cells]
            rows.append(f"| {name} | {' | '.join(marks)} |")
        tables.append("\n".join(rows))
    tables.append(sizes(found["network"], plain))
    notes = "\n".join(f"{number}. {reason}" for number, reason in enumerate(reasons, 1))
    return "\n\n".join([HEAD, *tables, "What is refused, and the sentence that says so:", notes]) + "\n"


def sizes(networks: Sequence[str], plain: Combination) -> str:
    """The table of networks and sizes of images."""
    rows = [f"| network \\ pixels | {' | '.join(map(str, SIZES))} |", "|---" * (1 + len(SIZES)) + "|"]
    for name in networks:
        cells = [refusal(plain | {"network": name}, examples(size), batch_size=2) or "yes" for size in SIZES]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


HEAD = """# Compatibility of parts

Written by `make matrix`; a test keeps it true. Of each kind of part every one is tried with every one of the other kinds:
built in miniature for 28 x 28 images and played for three rounds, in which all values must be finite, and every weight of both
players must get a gradient, or else refused when it is built. `make matrix` tries the whole product as well. The last table has
the networks with images of every size."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    found, data = factors(), examples()
    if not parser.parse_args().full:
        PAGE.write_text(page(found, data))
        return 0
    tried = refused = 0
    for chosen in map(dict, (zip(found, names, strict=True) for names in itertools.product(*found.values()))):
        refused += refusal(chosen, data) is not None
        tried += 1
        if tried % 500 == 0:
            print(f"{tried:,} combinations, {refused:,} refused", flush=True)
    print(f"in all {tried:,} combinations: {tried - refused:,} played three rounds, {refused:,} were refused with a reason")
    return 0


if __name__ == "__main__":
    sys.exit(main())
