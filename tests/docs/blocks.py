"""The fenced code blocks of the documents, with file and line."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    "README.md",
    "README.ko.md",
    "CONTRIBUTING.md",
    *(path.relative_to(ROOT).as_posix() for folder in ("docs", "docs/ko") for path in sorted((ROOT / folder).glob("*.md"))),
)

TRANSLATIONS = {"README.ko.md": "README.md"} | {
    f"docs/ko/{path.name}": f"docs/{path.name}" for path in sorted((ROOT / "docs/ko").glob("*.md"))
}
"""Korean documents, and the English ones that they translate."""

_FENCE = re.compile(r"\s*(?P<fence>`{3,}|~{3,})\s*(?P<language>\S*)")


@dataclass(frozen=True)
class Command:
    """One command of a shell block: its words, and the variables that stand before them."""

    line: int
    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return shlex.join(self.words)


@dataclass(frozen=True)
class Block:
    """One block; `line` is that of the opening fence, so the code begins on the next one."""

    document: str
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def commands(self) -> list[Command]:
        """What a shell block runs, in this order."""
        lines = self.code.replace("\\\n", "  ").splitlines()
        return [command for number, line in enumerate(lines, self.line + 1) for command in _commands(number, line)]

    @property
    def numbered_code(self) -> str:
        """The code on the same lines as in the document, so that a traceback names them."""
        return "\n" * self.line + self.code

    def means_the_same_as(self, other: "Block") -> bool:
        """Whether the code is the same, comments, line breaks and places aside."""
        return self.language == other.language and self._meaning() == other._meaning()

    def _meaning(self) -> object:
        if self.language == "sh":
            return [(command.words, command.variables) for command in self.commands]
        return ast.dump(ast.parse(self.code)) if self.language == "python" else self.code


def read(document: str) -> list[Block]:
    """All blocks of a document."""
    return list(_blocks(document, (ROOT / document).read_text(encoding="utf-8").splitlines()))


def _blocks(document: str, lines: list[str]) -> Iterator[Block]:
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        if opening := _FENCE.match(line):
            code = []
            for _, inner in numbered:
                if inner.strip() == opening["fence"]:
                    break
                code.append(inner)
            else:
                raise ValueError(f"{document}:{number}: this block has no end")
            yield Block(document, number, opening["language"], dedent("\n".join(code)) + "\n")


def _commands(number: int, line: str) -> Iterator[Command]:
    words: list[str] = []
    for word in [*_words(line), "&&"]:
        if word == "&&":
            if words:
                yield _command(number, words)
            words = []
        else:
            words.append(word)


def _words(line: str) -> list[str]:
    """As the shell reads a line: comments are left out, and `&&` or `|` is a word."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def _command(number: int, words: list[str]) -> Command:
    start = next((i for i, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)), len(words))
    variables = tuple((name, value) for name, _, value in (word.partition("=") for word in words[:start]))
    return Command(number, tuple(words[start:]), variables)
