"""The halves of a user's data that are not divided: a tenth is left for the test."""

from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from sparring.config.rng import derive_seed
from sparring.data.sets import Examples
from sparring.errors import InputError

T = TypeVar("T", bound=Examples)


@lru_cache(maxsize=2)
def tested_places(num: int) -> frozenset[int]:
    """A tenth of the places 0..num-1, at least one, chosen by the number alone."""
    order = sorted(range(num), key=lambda place: derive_seed(0, "test picture", place))
    return frozenset(order[: max(1, num // 10)])


def stratified_places(labels: Tensor) -> frozenset[int]:
    """A tenth of the places 0..N-1 of labels int64 [N], at least one, of each class its share: of every ten neighbours in the
    order of the labels, one."""
    order = labels.argsort(stable=True).tolist()
    num = max(1, len(order) // 10)
    edges = [len(order) * block // num for block in range(num + 1)]
    drawn = (derive_seed(0, "test picture of a class", block) for block in range(num))
    return frozenset(order[low + seed % (high - low)] for (low, high), seed in zip(pairwise(edges), drawn, strict=True))


def split(examples: T, where: str) -> tuple[T, T]:
    """All examples but a tenth, and that tenth; InputError for a single one."""
    if len(examples) < 2:
        raise InputError(f"{where} holds a single example; at least 2 are needed, one to train on and one to test with")
    tested = torch.zeros(len(examples), dtype=torch.bool)
    tested[sorted(tested_places(len(examples)))] = True
    return examples.take((~tested).nonzero()[:, 0]), examples.take(tested.nonzero()[:, 0])
