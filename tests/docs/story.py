"""A document played from its first block to its last, in one folder, as somebody does who reads it."""

import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
import rules
from blocks import ROOT, Block, Command, read
from PIL import Image

import shapes

FILES = {"vanilla_hinge": "hinge.py"}
"""A recipe's file is named after the recipe, but for these."""

CPU_BUILDS = "https://download.pytorch.org/whl/cpu"

OWN_PICTURES = "path/to/folder"
"""Pictures of one's own; what is made of them goes to a cache of its own, as extractors do."""


class Story:
    """The blocks of a document; each is played once, after those that stand before it.

    Files of one's own are there from the beginning, since a document may first say what to do with them.
    """

    def __init__(self, document: str, folder: Path):
        self.folder = folder
        self._waiting = deque(block for block in read(document) if block.language in PLAYERS)
        for block in self._waiting:
            if is_recipe_file(block):
                (folder / file_name(block)).write_text(block.numbered_code, encoding="utf-8")

    def play_up_to(self, block: Block, stage: "Stage") -> None:
        """Play this block, and those before it that have not been played yet."""
        while self._waiting and self._waiting[0].line <= block.line:
            now = self._waiting.popleft()
            PLAYERS[now.language](now, stage)


class Stage:
    """Where commands are played: the current folder, with the means of one test."""

    def __init__(self, sparring_command: Callable, monkeypatch: pytest.MonkeyPatch):
        self._in_process = sparring_command
        self._monkeypatch = monkeypatch

    def sparring(self, words: Sequence[str], where: str) -> None:
        """`sparring WORDS...`, in a process of its own where it would register parts of the user's."""
        if any(word.endswith(".py") for word in words):
            return self.python(["-m", "sparring", *words], where)
        done = self._in_process(*words)
        if done.status:
            fail(where, f"sparring {' '.join(words)}", done.status, done.err)
        return None

    def python(self, words: Sequence[str], where: str) -> None:
        """`python WORDS...`, in a process of its own."""
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
        if done.returncode:
            fail(where, f"python {' '.join(words)}", done.returncode, done.stdout + done.stderr)

    def prepare(self, text: str, where: str) -> None:
        """Make what this code takes for granted."""
        if OWN_PICTURES in text or "extractor train" in text:
            self._monkeypatch.setenv("SPARRING_CACHE", str(Path("cache").absolute()))
        for mentioned, (path, make) in PROPS.items():
            if mentioned in text and not Path(path).exists():
                make(self, where)

    def set(self, variables: Sequence[tuple[str, str]]) -> None:
        for name, value in variables:
            self._monkeypatch.setenv(name, value)


def fail(where: str, played: str, status: int, said: str) -> NoReturn:
    pytest.fail(f"{where}: `{played}` ends with status {status}:\n{said}", pytrace=False)


def play_shell(block: Block, stage: Stage) -> None:
    for command in block.commands:
        where = f"{block.document}:{command.line}"
        stage.prepare(str(command), where)
        stage.set(command.variables)
        PROGRAMS.get(command.words[0], unknown_program)(command, where, stage)


def play_sparring(command: Command, where: str, stage: Stage) -> None:
    words = list(command.words[1:])
    if str(command) in rules.NOT_RUN:
        stage.sparring([*words, "--help"], where)  # refuses options that there are not
    else:
        stage.sparring(rules.shortened(words, f"line-{command.line}"), where)


def play_torchrun(command: Command, where: str, stage: Stage) -> None:
    """Play it with a single process; groups are the business of tests/system/test_torchrun.py."""
    start = command.words.index("sparring")
    assert command.words[start - 1] == "-m", where
    play_sparring(Command(command.line, command.words[start:]), where, stage)


def check_make(command: Command, where: str, stage: Stage) -> None:
    """Look for the targets in the Makefile."""
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    missing = set(command.words[1:]) - set(targets)
    assert not missing, f"{where}: the Makefile has no target {missing}"


def check_pip(command: Command, where: str, stage: Stage) -> None:
    """Look for the project that `pip install .` installs; the CPU build of PyTorch must be the version that `make` wants."""
    if command.words == ("pip", "install", "."):
        assert (ROOT / "pyproject.toml").is_file()
    else:
        pinned = re.search(r"^torch==\S+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
        assert pinned
        assert command.words == (".venv/bin/pip", "install", pinned[0], "--index-url", CPU_BUILDS), where


def check_python(command: Command, where: str, stage: Stage) -> None:
    """A virtual environment is where the Makefile looks for it."""
    assert command.words == ("python3", "-m", "venv", ".venv"), f"{where}: no rule says how to check `{command}`"
    assert "\nVENV := .venv\n" in (ROOT / "Makefile").read_text()


def unknown_program(command: Command, where: str, stage: Stage) -> NoReturn:
    pytest.fail(f"{where}: no rule says how to play `{command}`; add its program to PROGRAMS", pytrace=False)


def play_python(block: Block, stage: Stage) -> None:
    """Train a recipe's file, run a file of tests, or run a script; each in a process of its own."""
    stage.prepare(block.code, str(block))
    if is_recipe_file(block):
        if not has_a_command_for(file_name(block), block.document):
            stage.sparring(rules.shortened(["train", file_name(block)], f"line-{block.line}"), str(block))
    elif "\ndef test_" in block.code:
        path = Path(f"test_line_{block.line}.py")
        path.write_text(_imported_from_here(block.numbered_code), encoding="utf-8")
        stage.python(["-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)], str(block))
    else:
        named = re.match(r"# (\w+\.py)\n", block.code)  # what later blocks import
        path = Path(named[1] if named else f"line_{block.line}.py")
        path.write_text(rules.shortened_python(block.numbered_code), encoding="utf-8")
        stage.python([str(path)], str(block))


def is_recipe_file(block: Block) -> bool:
    return '@register("recipe")' in block.code


def file_name(block: Block) -> str:
    """Of the file that a reader makes of this block."""
    found = re.search(r'@register\("recipe"\)\ndef (\w+)', block.code)
    assert found, block
    return FILES.get(found[1], f"{found[1]}.py")


def has_a_command_for(file: str, document: str) -> bool:
    """Whether a shell block of the document does something with this file."""
    shell = [block for block in read(document) if block.language == "sh"]
    return any(file in command.words for block in shell for command in block.commands)


def _imported_from_here(code: str) -> str:
    """A test that imports a part from its place in Sparring takes it from the reader's file."""
    for path in Path().glob("*.py"):
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            code = re.sub(rf"^from sparring\S* import {name}$", f"from {path.stem} import {name}", code, flags=re.MULTILINE)
    return code


PLAYERS = {"sh": play_shell, "python": play_python}
PROGRAMS = {
    "make": check_make,
    "pip": check_pip,
    ".venv/bin/pip": check_pip,
    "python3": check_python,
    "sparring": play_sparring,
    "torchrun": play_torchrun,
}


Maker = Callable[[Stage, str], None]


def by(command: str) -> Maker:
    """Make something by a command of Sparring, for the block that stands there."""
    return lambda stage, where: stage.sparring(rules.shortened(command.split(), "prop"), where)


def draw_own_pictures(stage: Stage, where: str) -> None:
    """A folder for each class; the pictures have several sizes."""
    drawn = shapes.drawn(300, seed=1)
    assert drawn.labels is not None
    for number, (image, label) in enumerate(zip(drawn.images, drawn.labels.tolist(), strict=True)):
        path = Path(OWN_PICTURES, drawn.classes[label], f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0].numpy()).resize((64 + number % 9, 64)).save(path)


PROPS: dict[str, tuple[str, Maker]] = {
    "runs/mine/": ("runs/mine", by("train vanilla --out runs/mine")),
    "latest": ("runs", by("train vanilla")),
    "pictures/": ("pictures", by("sample latest --num 1000 --out pictures")),
    OWN_PICTURES: (OWN_PICTURES, draw_own_pictures),
}
"""What documents take for granted: how they mention it, the path that it has, and how it is made where it is missing."""
