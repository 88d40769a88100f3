"""One visit to a GPU: does everything train, does it compute the same, where does it wait, and how fast is it?

    python benchmarks/gpu/check.py OUT --seconds 440

OUT/found.jsonl gets a line for each finding, as it comes. The most valuable sections come first; each watches the clock, and an
error in one is told and ends nothing else; the exit status is 1 then. A section of a --part is left out where found/ holds all
of it, of the same code, PyTorch and GPU.
"""

import argparse
import platform
import sys
from pathlib import Path

import torch
from agreement import agreement, batch_norm, waits
from many_seeds import seeds
from options import accumulated, deterministic, from_host
from speed import graphs, host, memory, settings, speed
from visit import Visit, code, known_sections
from whole_runs import dcgan_in_full, photos, quality, stacked_wide, whole_runs

from sparring.config import devices
from sparring.errors import InputError

FOUND = Path(__file__).with_name("found")
PARTS = {
    "first": (graphs, speed, host, agreement, batch_norm, waits, whole_runs, quality, settings, memory),
    "second": (dcgan_in_full, deterministic, from_host, accumulated),
    "third": (seeds, photos, stacked_wide),
}
PARTS["all"] = tuple(section for part in PARTS.values() for section in part)
SECONDS = {  # that a section takes on an H200: measured where it has been on one, else guessed
    "graphs": 25,
    "speed": 90,
    "host": 2,
    "agreement": 30,
    "batch_norm": 1,
    "waits": 8,
    "whole_runs": 40,
    "quality": 50,
    "settings": 15,
    "memory": 1,
    "dcgan_in_full": 280,
    "deterministic": 30,
    "from_host": 30,
    "accumulated": 15,
    "seeds": 50,
    "photos": 90,
    "stacked_wide": 290,
}


def main() -> None:
    every = {section.__name__: section for section in PARTS["all"]}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of what is found")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=440, help="time of the visit")
    parser.add_argument("--part", choices=PARTS, default="first")
    parser.add_argument("--only", nargs="+", choices=every, metavar="SECTION", help=f"of {', '.join(every)}")
    parser.add_argument("--few", action="store_true", help="a rehearsal: a recipe or two, a few rounds")
    given = parser.parse_args()
    try:
        device = devices.resolve(given.device)
    except InputError as error:
        parser.error(str(error))
    given.out.mkdir(parents=True, exist_ok=True)
    visit = Visit(given.out, device, given.seconds, given.few)
    machine = {
        "code": code(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "device": torch.cuda.get_device_name() if visit.is_cuda else "cpu",
        "tf32": [torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32],
    }
    visit.tell("machine", **machine)
    known = set() if given.only else known_sections(FOUND, machine)
    for name in given.only or [section.__name__ for section in PARTS[given.part]]:
        if name in known:
            print(f"{name} is known of this code", flush=True)
            continue
        print(f"{name} takes about {SECONDS[name]} s, {visit.left:.0f} s left", flush=True)
        with visit.telling("section", name=name) as facts:
            visit.is_cut, errors = False, visit.num_errors
            every[name](visit)
            facts["in_full"] = not visit.is_cut and visit.num_errors == errors and not given.few
    sys.exit(visit.num_errors > 0)


if __name__ == "__main__":
    main()
