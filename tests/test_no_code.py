"""No data can become code: read from the source itself, with aliases followed, and every exception known by its function."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sparring

PACKAGE = Path(sparring.__file__).parent

MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle", "yaml", "ruamel"}
MODULES |= {"builtins", "code", "codeop", "runpy", "imp", "zipimport", "timeit", "pdb", "bdb", "multiprocessing"}
BUILTINS = {"eval", "exec", "compile", "__import__", "__builtins__", "__loader__"}
ATTRIBUTES = {"exec_module", "load_module", "load_library", "__subclasses__", "__globals__", "__builtins__", "__loader__"}
ATTRIBUTES |= {"__code__", "from_string", "resolve_name", "getoutput", "getstatusoutput"}
PREFIXES = ("torch.load", "torch.save", "torch.hub", "torch.serialization", "torch.package", "torch.jit", "torch.export.load")
PREFIXES += ("numpy.load", "numpy.fromfile", "types.FunctionType", "types.CodeType", "importlib", "ctypes", "pkgutil")
PREFIXES += (
    "os.system",
    "os.popen",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "os.startfile",
    "pty",
    "asyncio.create_subprocess",
)
PREFIXES += ("torch_fidelity",)
HARMLESS = {"importlib.resources.files"}
KEYWORDS = {"allow_pickle", "shell", "weights_only", "executable", "preexec_fn"}

# The user's own recipe file is the one place where code from a file is run; the others know what they run or load.
KNOWN = {
    "recipes/__init__.py": {  # the file that the user names
        "execute: importlib.util.spec_from_file_location",
        "execute: importlib.util.module_from_spec",
        "execute: spec.loader.exec_module",
    },
    "config/own.py": {"_of_code: types.CodeType"},  # of a function that is there already, to tell it from others
    "config/registry.py": {
        "import_all: importlib.import_module",
        "import_all: pkgutil.iter_modules",
    },  # every file of our own folders
    "config/moved.py": {  # of the modules that it names
        ": importlib.abc.Loader",
        ": importlib.abc.MetaPathFinder",
        "exec_module: importlib.import_module",
        "find_spec: importlib.machinery.ModuleSpec",
    },
    "__init__.py": {"__getattr__: importlib.import_module"},  # of five names of our own
    "cli/__init__.py": {"get_command: importlib.import_module"},  # of the names in COMMANDS
    "config/devices.py": {"tune_process: ctypes.CDLL"},  # the process itself
    "exporters/__init__.py": {"export: importlib.import_module"},  # of the modules in TARGETS
    "exporters/page/document.py": {"_template: environment.from_string"},  # our own page
    "exporters/torch_export.py": {"write: torch.export.load"},  # of the bytes that it has just made
    "web/__init__.py": {"need_extra: importlib.util.find_spec"},  # of two names of our own
    "training/recorded.py": {  # operations that PyTorch has just computed; what is in their places are names of our own
        "function: compile",
        "function: exec",
        "function: 'exec'",
    },
    "visual/report.py": {"_template: room.from_string"},  # our own page
    "evaluation/extractors/inception.py": {  # unpickles the published file, told by its whole hash
        "load: torch_fidelity.feature_extractor_inceptionv3.FeatureExtractorInceptionV3",
    },
}


def aliases(tree: ast.Module) -> dict[str, str]:
    """What the names that imports bind stand for: `import numpy as np` gives "np": "numpy"."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.asname: name.name for name in node.names if name.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    return found


def spelt_out(node: ast.expr, known: dict[str, str]) -> str:
    """A dotted name with its first part as it was imported."""
    root, dot, rest = ast.unparse(node).partition(".")
    return known.get(root, root) + dot + rest


def in_functions(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of the outermost function around it."""
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        name = function or (child.name if is_function else "")
        yield name, child
        yield from in_functions(child, name)


def dangers(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    """What in a node could turn data into code."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        yield from (module + name.name for name in node.names if (module + name.name).split(".")[0] in MODULES)
        yield from (module + name.name for name in node.names if name.name == "*")
    if isinstance(node, ast.Attribute | ast.Name):
        name = spelt_out(node, known)
        if name.startswith(PREFIXES) and name not in HARMLESS and not _is_part(name):
            yield name
        elif isinstance(node, ast.Name) and node.id in BUILTINS:
            yield node.id
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            yield name
    if isinstance(node, ast.Constant) and node.value in (BUILTINS | {"exec_module"}):
        yield repr(node.value)
    if isinstance(node, ast.keyword) and node.arg in KEYWORDS:
        yield node.arg
    if isinstance(node, ast.Call) and spelt_out(node.func, known).endswith(".read_array") and len(node.args) > 1:
        yield "read_array with allow_pickle"


def _is_part(name: str) -> bool:
    """Whether it is a package on the way to something: `importlib` of `importlib.util.module_from_spec`."""
    return name in ("importlib", "importlib.util", "importlib.resources", "ctypes", "pkgutil")


def unsafe(tree: ast.Module) -> set[str]:
    """All dangers, each with the function that it stands in."""
    known = aliases(tree)
    return {f"{function}: {danger}" for function, node in in_functions(tree) for danger in dangers(node, known)}


def test_no_data_can_become_code_but_where_we_know_it():
    files = sorted(PACKAGE.rglob("*.py"))
    trees = {file.relative_to(PACKAGE).as_posix(): ast.parse(file.read_text(encoding="utf-8")) for file in files}
    assert {name: found for name, tree in trees.items() if (found := unsafe(tree))} == KNOWN


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\nx = torch.load('f')",
        "import torch as t\nx = t.load('f')",
        "from torch import load\nload('f')",
        "from torch import load as fetch\nfetch('f')",
        "from torch import serialization\nserialization.load('f')",
        "import torch.serialization\ntorch.serialization.load('f')",
        "import torch\ntorch.hub.load('x')",
        "import torch\ntorch.jit.load('x')",
        "import torch\ntorch.ops.load_library('x')",
        "import torch\ntorch.classes.load_library('x')",
        "eval('1')",
        "def f():\n    return [exec][0]('1')",
        "import builtins\nbuiltins.eval('1')",
        "getattr(x, 'eval')('1')",
        "globals()['__builtins__']['exec']('1')",
        "vars(__builtins__)['x']",
        "().__class__.__base__.__subclasses__()",
        "f.__globals__['x']",
        "import numpy as np\nnp.load(f)",
        "import numpy as np\nnp.load(f, None, True)",
        "import numpy as np\nnp.load(f, allow_pickle=True)",
        "from numpy.lib import format as npy\nnpy.read_array(f, True)",
        "from numpy.lib import format as npy\nnpy.read_array(f, allow_pickle=True)",
        "import importlib\nimportlib.import_module(name)",
        "from importlib import import_module\nimport_module(name)",
        "from importlib.util import spec_from_file_location as s\ns('x', f)",
        "from importlib.machinery import SourceFileLoader\nSourceFileLoader('x', f).load_module()",
        "import runpy\nrunpy.run_path(f)",
        "import code\ncode.interact()",
        "import yaml\nyaml.safe_load(f)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import subprocess\nsubprocess.getoutput(text)",
        "import os\nos.system(text)",
        "import os as o\no.popen(text)",
        "from os import execv\nexecv(f, [])",
        "import types\ntypes.FunctionType(c, {})",
        "from types import CodeType\nCodeType()",
        "import ctypes\nctypes.CDLL(f)",
        "from ctypes import CDLL\nCDLL(f)",
        "from jinja2 import Environment\nEnvironment().from_string(text)",
        "from os import *",
    ],
)
def test_what_is_unsafe_is_seen(source):
    assert unsafe(ast.parse(source))


def test_the_known_places_are_known_by_their_functions():
    source = "from importlib import util\ndef other():\n    util.spec_from_file_location('x', f)"
    assert unsafe(ast.parse(source)) == {"other: importlib.util.spec_from_file_location"}


@pytest.mark.parametrize(
    "source",
    [
        "network.eval()",
        "import safetensors.torch\nsafetensors.torch.load(b'')",
        "import re\nre.compile('x')",
        "import json\njson.load(f)",
        "from numpy.lib import format as npy\nnpy.read_array(f)",
        "from importlib.resources import files\nfiles('sparring')",
        "import subprocess\nsubprocess.run(['npm', 'pack'], cwd='x')",
        "import ast\nast.literal_eval('1')",
        '"""How eval and exec are kept away."""',
    ],
)
def test_safe_namesakes_are_left_alone(source):
    assert unsafe(ast.parse(source)) == set()
