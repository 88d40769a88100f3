"""What a machine with a GPU and no network needs beside the project, whatever its Python.

    python benchmarks/gpu/pack.py FOLDER

FOLDER/cache gets MNIST, gzipped, and FOLDER/packages what an image with PyTorch may lack, pure Python alone. NumPy, Pillow,
Matplotlib and safetensors have to be there.
"""

import gzip
import subprocess
import sys
from pathlib import Path

from sparring.data import Mnist
from sparring.data.cache import cache_folder

PACKAGES = ("click", "markdown-it-py", "mdurl", "platformdirs", "pygments", "rich")
PURE = ("--no-deps", "--only-binary=:all:", "--platform=any", "--upgrade", "--no-compile")


def main() -> None:
    folder = Path(sys.argv[1])
    images = folder / "cache" / "mnist"
    images.mkdir(parents=True, exist_ok=True)
    Mnist().fetch()
    for file in Mnist.files:
        data = (cache_folder() / "mnist" / file.name).read_bytes()
        (images / f"{file.name}.gz").write_bytes(gzip.compress(data, mtime=0))
    versions = Path(__file__).parents[2] / "constraints.txt"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"--constraint={versions}"]
    subprocess.run([*pip, *PURE, f"--target={folder / 'packages'}", *PACKAGES], check=True)


if __name__ == "__main__":
    main()
