"""The file of what was measured: it grows by a recipe at a time, and what is there already is not measured again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import goals
import report
from report import Result


@dataclass
class Kept:
    """Results of this machine, and the files to which they are written, where there are any."""

    file: Path | None
    markdown: Path | None
    machine: dict[str, str]
    results: list[Result]

    @classmethod
    def open(cls, file: Path | None, markdown: Path | None, machine: dict[str, str]) -> "Kept":
        """With the results of a file that is there. ValueError if they are of another machine, or the file is none of these."""
        if not file or not file.exists():
            return cls(file, markdown, machine, [])
        try:
            found = json.loads(file.read_text())
            there, results = found["machine"], [Result(**result) for result in found["results"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file} holds no results of race.py; name another file") from error
        differing = [key for key in machine if key != "date" and there.get(key) != machine[key]]
        if differing:
            other = ", ".join(f"{there.get(key)!r}, not {machine[key]!r}" for key in differing)
            raise ValueError(f"{file} was measured with {other}; name another file")
        return cls(file, markdown, machine, results)

    def has(self, recipe: str, names: Sequence[str], repeats: int) -> bool:
        """Whether each of these entrants has that many turns."""
        turns = self._turns(recipe)
        return all(turns.get(name, 0) >= repeats for name in names)

    def add(self, results: Sequence[Result]) -> None:
        """Take a recipe's results in place of those there, unless they have fewer turns or entrants, and write the files."""
        recipe, new = results[0].recipe, {result.entrant: len(result.ms) for result in results}
        if any(new.get(name, 0) < turns for name, turns in self._turns(recipe).items()):
            return
        self.results = report.in_order([*(result for result in self.results if result.recipe != recipe), *results])
        self.write()

    def write(self) -> None:
        """Write the files anew."""
        if self.file:
            _replace(self.file, report.as_json(self.results, self.machine))
        if self.markdown:
            tables = report.markdown(self.results, self.machine), goals.markdown(self.results)
            _replace(self.markdown, "\n\n".join(tables) + "\n")

    def _turns(self, recipe: str) -> dict[str, int]:
        return {result.entrant: len(result.ms) for result in self.results if result.recipe == recipe}


def _replace(file: Path, text: str) -> None:
    part = file.with_name(f"{file.name}.part")
    part.write_text(text)
    part.replace(file)
