"""Who may import what: the contracts in pyproject.toml, and here what they cannot hold."""

import ast
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import sparring

PACKAGE = Path(sparring.__file__).parent
ROOT = Path(__file__).parents[1]
LIGHT = ("sparring.cli", "sparring.errors", "sparring.runs.signals", "sparring.config.moved")


def room_of(file: Path) -> str:
    """`sparring/losses/x.py` -> "losses"; `sparring/recipe.py` -> "recipe"."""
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Dotted names of everything that is imported: `from a.b import c` gives "a.b.c"."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: no function bodies, nothing under TYPE_CHECKING."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        if not typing_only and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def differentiations(tree: ast.Module) -> list[str]:
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return [ast.unparse(node) for node in attributes if node.attr == "backward" or ast.unparse(node) == "torch.autograd.grad"]


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}


def test_the_contracts_are_kept(monkeypatch):
    for logger in logging.Logger.manager.loggerDict.values():
        monkeypatch.setattr(logger, "disabled", False, raising=False)  # import-linter disables them, for all tests after this
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [
        ("rooms", "losses/hinge.py", "from sparring.networks import Gaussian"),
        ("rooms", "storage/files.py", "def f():\n    from sparring import data"),
        ("rooms", "newcomer.py", ""),
        ("pure", "training/loop.py", "import os"),
        ("terminal", "storage/files.py", "import rich"),
    ],
)
def test_a_broken_contract_is_seen(tmp_path, contract, file, line):
    package = tmp_path / "src" / "sparring"
    for source in PACKAGE.rglob("*.py"):
        copy = package / source.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    with (package / file).open("a") as stream:
        stream.write(f"\n\n{line}\n")
    command = [sys.executable, "-P", "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    options = ["--config", ROOT / "pyproject.toml", "--contract", contract, "--no-cache"]
    done = subprocess.run([*command, *options], env={"PYTHONPATH": str(package.parent)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_commands_import_what_is_heavy_when_they_run(trees):
    light = {"click", "sparring", *sys.stdlib_module_names}
    for file, tree in trees.items():
        if room_of(file) in ("__init__", "__main__", "cli", "errors") or file.stem in ("moved", "registry", "signals"):
            names = set(imported(at_import(tree)))
            assert {name.split(".")[0] for name in names} <= light, file
            own = {name.replace("sparring.config.moved", LIGHT[-1]) for name in names if name.startswith("sparring")}
            assert all(name.startswith(LIGHT) for name in own), file


def test_only_the_training_and_penalties_differentiate_classifiers_that_are_trained_and_the_search_for_z(trees):
    places = {file.relative_to(PACKAGE).parent.as_posix() for file, tree in trees.items() if differentiations(tree)}
    assert places == {"training", "penalties", "evaluation/extractors", "inversion"}


@pytest.mark.parametrize(
    "code",
    [
        "import sparring",
        "import sparring.cli",
        "import click; from sparring.cli import app; app.get_help(click.Context(app))",
        "from importlib import import_module; from sparring.cli import COMMANDS; "
        "[import_module(f'sparring.cli.{name}') for name in COMMANDS]",
    ],
)
def test_pytorch_waits_until_it_is_needed(code):
    check = f"{code}\nimport sys; print(*{{'torch', 'numpy', 'matplotlib', 'PIL', 'rich'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


OLD = """
import importlib, warnings
from sparring.config import moved
for old, new in moved.MODULES.items():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = importlib.import_module(old)
    assert found.__getattr__("__name__") == new, old
    assert [str(each.message) for each in told] == [f"{old} is {new} now; the old name will go"], old
from sparring.cadence import Every, Length
from sparring.config.schedules import Duration, Interval
assert (Every, Length) == (Interval, Duration)
"""


def test_old_names_say_the_new_ones():
    done = subprocess.run([sys.executable, "-c", OLD], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "FutureWarning: sparring.cadence.Every is sparring.config.schedules.Interval now" in done.stderr
