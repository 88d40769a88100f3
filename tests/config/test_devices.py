import subprocess
import sys

import pytest

FAULTS = """
import resource
import torch
from sparring.config import devices
if {tuned}:
    devices.tune_process()
def once():
    held = [torch.ones(1 << 22) for _ in range(8)]  # 16 MiB each
once(), once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
once(), once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of other systems is left as it is")
def test_a_tuned_process_takes_its_memory_from_the_system_once():
    plain, tuned = (
        int(subprocess.run([sys.executable, "-c", FAULTS.format(tuned=t)], capture_output=True, text=True, check=True).stdout)
        for t in (False, True)
    )
    assert tuned < plain / 4
