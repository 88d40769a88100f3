"""What a machine with a GPU and no network needs beside the project, whatever its Python.

    python benchmarks/gpu/pack.py FOLDER

FOLDER/cache gets MNIST, gzipped, and FOLDER/packages what an image with PyTorch may lack: pure Python, and psutil for Linux on
x86-64. NumPy, Pillow, Matplotlib and safetensors have to be there.
"""

import gzip
import subprocess
import sys
from pathlib import Path

from sparring.data import Mnist
from sparring.storage.cache import cache_folder

PACKAGES = ("click", "markdown-it-py", "mdurl", "platformdirs", "pygments", "rich")
WHEELS = ("--no-deps", "--only-binary=:all:", "--upgrade", "--no-compile")
STABLE_ABI = ("--platform=manylinux2010_x86_64", "--platform=manylinux2014_x86_64", "--abi=abi3")


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
    pip += [*WHEELS, f"--target={folder / 'packages'}"]
    subprocess.run([*pip, "--platform=any", *PACKAGES], check=True)
    subprocess.run([*pip, *STABLE_ABI, "psutil"], check=True)


if __name__ == "__main__":
    main()
