"""The direction of imports, and who may import what, read from the source itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sparring

PACKAGE = Path(sparring.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

SIBLINGS = {"losses", "penalties", "augment", "networks", "data", "pictures", "metrics"}  # they know nothing of each other

# A part of the package imports from lines above its own alone: never from below, never from its own line.
LAYERS = [
    {"errors"},
    {"jsontext"},
    {"registry", "cadence", "keys", "files", "devices", "signals", "sealed", "intervals", "launch"},
    SIBLINGS | {"noise", "optim", "codec", "coach", "remedies", "average"},
    {"conditions", "extractors"},
    {"recipe"},
    {"recipes", "steps", "scores", "players"},
    {"engine"},
    {"loop", "run"},
    {"progress", "reproduction", "recovery", "loading", "outcome"},
    {"training", "evaluation", "comparison", "bench"},
    {"population", "rehearsal"},
    {"cli"},
    {"__main__", "child"},
]
RANKS = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

# Below the loop, nobody knows of files, of a terminal or of the web; data fetch themselves, pictures encode themselves.
PURE = {"losses", "networks", "noise", "optim", "codec", "cadence", "keys", "registry", "recipe", "steps", "engine", "loop"}
PURE |= {"penalties", "augment", "average", "conditions", "players", "metrics", "coach", "intervals", "remedies", "jsontext"}
WORLDLY = {"os", "io", "pathlib", "shutil", "tempfile", "subprocess", "socket", "urllib", "http", "logging", "signal"}
WORLDLY |= {"click", "rich", "PIL", "matplotlib", "safetensors", "platformdirs", "filelock", "gradio", "IPython"}


def part_of(file: Path) -> str:
    """`sparring/losses/x.py` -> "losses"; `sparring/steps.py` -> "steps"; `sparring/__init__.py` -> "__init__"."""
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


def wrong_directions(part: str, tree: ast.Module) -> list[str]:
    """Imports from parts that stand beside or below this one; those inside functions count as well."""
    wrong = []
    for name in imported(ast.walk(tree)):
        root, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if root != "sparring" or target in (part, "__version__"):
            continue
        if RANKS.get(target, len(LAYERS)) >= RANKS[part]:
            wrong.append(f"{part} imports {name}")
    return wrong


def differentiations(tree: ast.Module) -> list[str]:
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return [ast.unparse(node) for node in attributes if node.attr == "backward" or ast.unparse(node) == "torch.autograd.grad"]


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in FILES}


def test_every_part_has_its_place():
    assert {part_of(file) for file in FILES} == {*RANKS, "__init__"}


def test_imports_run_one_way(trees):
    assert [
        w for file, tree in trees.items() if part_of(file) != "__init__" for w in wrong_directions(part_of(file), tree)
    ] == []


def test_below_the_loop_nobody_knows_of_the_world(trees):
    worldly = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file, tree in trees.items()
        if part_of(file) in PURE
        for name in imported(ast.walk(tree))
        if name.split(".")[0] in WORLDLY
    ]
    assert worldly == []


def test_only_the_command_line_and_the_progress_bar_know_a_terminal(trees):
    knowing = {part_of(f) for f, t in trees.items() for n in imported(ast.walk(t)) if n.split(".")[0] in ("click", "rich")}
    assert knowing == {"cli", "progress"}


def test_commands_import_what_is_heavy_when_they_run(trees):
    light = {"click", "sparring", *sys.stdlib_module_names}
    for file, tree in trees.items():
        if part_of(file) in ("__init__", "__main__", "cli", "errors", "registry"):
            names = set(imported(at_import(tree)))
            assert {name.split(".")[0] for name in names} <= light, file
            own = {name for name in names if name.startswith("sparring")}
            assert all(name.startswith(("sparring.cli", "sparring.errors", "sparring.signals")) for name in own), file


def test_only_steps_and_penalties_differentiate_and_yardsticks_that_are_trained(trees):
    assert {part_of(file) for file, tree in trees.items() if differentiations(tree)} == {"steps", "penalties", "extractors"}


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("losses", "from sparring.networks import Gaussian"),
        ("pictures", "from sparring import data"),
        ("steps", "from sparring.engine import Engine"),
        ("engine", "import sparring.loop"),
        ("loop", "from sparring.run.run import Run"),
        ("loop", "def f():\n    from sparring import progress"),
        ("codec", "from sparring import newcomer"),
        ("run", "from sparring.cli import main"),
    ],
)
def test_a_wrong_direction_is_seen(part, source):
    assert wrong_directions(part, ast.parse(source))


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
