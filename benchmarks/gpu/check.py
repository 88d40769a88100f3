"""One visit to a GPU: does everything train, does it compute the same, where does it wait, and how fast is it?

    python benchmarks/gpu/check.py OUT --seconds 440

OUT/found.jsonl gets a line for each finding, as it comes. The most valuable sections come first; each watches the clock, and an
error in one is told and ends nothing else; the exit status is 1 then.
"""

import argparse
import platform
import sys
from pathlib import Path

import torch
from agreement import agreement, batch_norm, waits
from many_seeds import seeds
from speed import graphs, host, memory, settings, speed
from visit import Visit
from whole_runs import dcgan_in_full, photos, quality, stacked_wide, whole_runs

from sparring.config import devices
from sparring.errors import InputError

PARTS = {
    "first": (graphs, speed, host, agreement, batch_norm, waits, whole_runs, quality, settings, memory),
    "second": (whole_runs, dcgan_in_full, graphs, speed),
    "dcgan": (dcgan_in_full,),
    "third": (seeds, photos, stacked_wide),
}


PARTS["all"] = tuple(dict.fromkeys(section for part in ("first", "third", "dcgan") for section in PARTS[part]))


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
    visit.tell(
        "machine",
        torch=torch.__version__,
        python=platform.python_version(),
        cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version(),
        device=torch.cuda.get_device_name() if visit.is_cuda else "cpu",
        tf32=[torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32],
    )
    for section in [every[name] for name in given.only] if given.only else PARTS[given.part]:
        with visit.telling("section", name=section.__name__):
            section(visit)
        print(f"{section.__name__} done, {visit.left:.0f} s left", flush=True)
    sys.exit(visit.num_errors > 0)


if __name__ == "__main__":
    main()
