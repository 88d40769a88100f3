"""Try what `make dist` built: the wheel in an empty environment of each Python, and the source archive's own tests.

Run by `make dist-check` with the names of the Pythons; one that is not on this machine is skipped, and said to be.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[2]
COMMANDS = ("--version", "recipes", "train ring --rounds 50 --out run", "sample digits --num 64")
INSTALLED = ("py.typed", "evaluation/extractors/weights/*.safetensors", "runs/pretrained/*/*.safetensors", "visual/*.j2")
QUICK_TESTS = ("config", "data", "losses", "metrics", "optim", "storage", "docs/test_links.py", "test_imports.py", "built")
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


def main(pythons: Sequence[str]) -> None:
    wheel, archive = (next((ROOT / "dist").glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    here = [python for python in pythons if _is_here(python)]
    for python in here:
        with tempfile.TemporaryDirectory(prefix="sparring-wheel-") as folder:
            _try_wheel(wheel, python, Path(folder).resolve())
    with tempfile.TemporaryDirectory(prefix="sparring-sdist-") as folder:
        _try_archive(archive, Path(folder).resolve())
    if not here:
        sys.exit(f"none of {', '.join(pythons)} is on this machine; the wheel was installed nowhere")


def _is_here(python: str) -> bool:
    try:
        found = subprocess.run([python, "--version"], capture_output=True, text=True)
    except OSError:
        found = None
    if found is None or found.returncode:
        print(f"{python}: not on this machine, skipped", flush=True)
        return False
    return True


def _try_wheel(wheel: Path, python: str, folder: Path) -> None:
    subprocess.run([python, "-m", "venv", "env"], cwd=folder, check=True)
    programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    pip = [programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", ROOT / "constraints.txt"]
    subprocess.run([*pip, wheel], cwd=folder, check=True)
    (package,) = folder.glob("env/**/site-packages/sparring")
    missing = [pattern for pattern in INSTALLED if not any(package.glob(pattern))]
    if missing:
        sys.exit(f"{wheel.name} lacks {', '.join(missing)}")
    environment = _environment() | NO_NETWORK | {"SPARRING_CACHE": str(folder / "cache")}
    for command in COMMANDS:
        start = perf_counter()
        subprocess.run([programs / "sparring", *command.split()], cwd=folder, env=environment, check=True, capture_output=True)
        print(f"{python}: sparring {command}: {perf_counter() - start:.1f} s", flush=True)


def _try_archive(archive: Path, folder: Path) -> None:
    """With the packages of the environment that runs this, but Sparring from the archive."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    tests = [f"tests/{name}" for name in QUICK_TESTS]
    environment = _environment() | {"PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests], cwd=root, env=environment, check=True)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


if __name__ == "__main__":
    main(sys.argv[1:])
