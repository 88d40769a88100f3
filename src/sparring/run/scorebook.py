"""scores.jsonl: every evaluation of a run, one a line."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sparring import codec, jsontext
from sparring.errors import InputError
from sparring.files import disk_errors, lines, write_atomically
from sparring.scores import Score


@dataclass(frozen=True)
class Evaluation:
    """Scores of one moment of a run; `quick` ones were taken while it trained."""

    round: int
    quick: bool
    scores: tuple[Score, ...]

    def __getitem__(self, metric: str) -> Score:
        return {score.metric: score for score in self.scores}[metric]


def append(path: Path, evaluation: Evaluation) -> None:
    """Add one line, in the place of an incomplete last one."""
    line = _line(evaluation).encode()
    with disk_errors(path, len(line)), path.open("a+b") as stream:
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.write(line)


def read(path: Path) -> list[Evaluation]:
    """All evaluations in order; an incomplete last line is passed over. InputError, naming the line, where one is none."""
    if not path.exists():
        return []
    return [_parse(line, f"{path}:{n}") for n, line in lines(path)]


def cut(path: Path, round_: int) -> None:
    """Drop the quick scores taken after this round: a resumed run will take them again."""
    if path.exists():
        kept: Iterable[Evaluation] = (e for e in read(path) if not (e.quick and e.round > round_))
        write_atomically(path, "".join(map(_line, kept)).encode())


def _line(evaluation: Evaluation) -> str:
    return json.dumps(codec.encode(evaluation), ensure_ascii=False, allow_nan=False) + "\n"


def _parse(line: bytes, where: str) -> Evaluation:
    try:
        data = jsontext.parse(line, where)
    except InputError as error:
        raise InputError(f"{where} is no evaluation; the file was damaged ({error})") from None
    evaluation = codec.decode(Evaluation, data, where)
    if not evaluation.scores:
        raise InputError(f"{where} is an evaluation without scores; the file was damaged")
    return evaluation
