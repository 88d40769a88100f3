"""The file scores.jsonl: every evaluation of a run, one per line, with a lock because several processes may write it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sparring.config import codec
from sparring.errors import InputError
from sparring.evaluation import Score
from sparring.storage import checksums, locks, strict_json

NAME = "scores.jsonl"


@dataclass(frozen=True)
class Evaluation:
    """The scores of a run after one round; `quick` if taken during training."""

    round: int
    quick: bool
    scores: tuple[Score, ...]

    def __getitem__(self, metric: str) -> Score:
        return {score.metric: score for score in self.scores}[metric]


def append(folder: Path, evaluation: Evaluation) -> None:
    """Add one line to the scores of the run in this folder."""
    with locks.scores_lock(folder):
        _write(folder, [*read(folder), evaluation])


def read(folder: Path) -> list[Evaluation]:
    """All evaluations in order; InputError if the file is damaged or a line is not a valid evaluation."""
    if not (folder / NAME).exists():
        return []
    *lines, _ = checksums.read(folder, NAME).split(b"\n")
    return [_parse(line, f"{folder / NAME}:{n}") for n, line in enumerate(lines, 1)]


def truncate_after(folder: Path, round_: int) -> None:
    """Drop the quick scores taken after this round, which a resumed run takes again."""
    with locks.scores_lock(folder):
        found = read(folder)
        kept = [evaluation for evaluation in found if not (evaluation.quick and evaluation.round > round_)]
        if kept != found:
            _write(folder, kept)


def _write(folder: Path, evaluations: Iterable[Evaluation]) -> None:
    checksums.write(folder, NAME, "".join(map(_line, evaluations)).encode())


def _line(evaluation: Evaluation) -> str:
    return json.dumps(codec.encode(evaluation), ensure_ascii=False, allow_nan=False) + "\n"


def _parse(line: bytes, where: str) -> Evaluation:
    try:
        data = strict_json.parse(line, where)
    except InputError as error:
        raise InputError(f"{where} is no evaluation; the file was damaged ({error})") from None
    evaluation = codec.decode(Evaluation, data, where)
    if not evaluation.scores:
        raise InputError(f"{where} is an evaluation without scores; the file was damaged")
    return evaluation
