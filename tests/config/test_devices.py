import os
import re
import subprocess
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from sparring.config import devices
from sparring.errors import InputError, MachineError

# Page faults are no measure of this: glibc cannot put an aligned tensor of the same size into the gap that one left, so that a
# process needs new pages until its gaps have grown together, after 2 to 10 repetitions; and a plain process keeps its
# pages as well wherever a small block happens to lie above them.
RESIDENT = """
from pathlib import Path
import torch
from sparring.config import devices
def resident_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) / 256
if {tuned}:
    devices.tune_process()
before = resident_mib()
held = [torch.ones(1 << 22) for _ in range(8)]  # 16 MiB each
while_held = resident_mib()
del held
print(while_held - before, resident_mib() - before)
"""


def _mib_while_held_and_after(tuned: bool) -> tuple[float, float]:
    command = [sys.executable, "-c", RESIDENT.format(tuned=tuned)]
    while_held, after = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(while_held), float(after)


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of other systems is left as it is")
def test_a_tuned_process_keeps_freed_memory_for_the_next_tensor():
    while_held, after = _mib_while_held_and_after(tuned=False)
    assert while_held > 120
    assert after < while_held - 120
    while_held, after = _mib_while_held_and_after(tuned=True)
    assert while_held > 120
    assert after > while_held - 8


@pytest.fixture
def two_gpus(monkeypatch):
    """What PyTorch says where there are two of them, with a GiB free of 80."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"NVIDIA {getattr(device, 'index', device)}")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**30, 80 * 2**30))


def flags() -> tuple[bool, bool, bool]:
    cudnn = torch.backends.cudnn
    return torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark


def test_a_deterministic_gpu_names_the_operation_that_is_not(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before, image = flags(), torch.zeros(1, 1, 2, 2)
    with devices.deterministic(True, torch.device("cuda")):
        assert flags() == (True, True, False)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert flags() == before
    message = r"^max_unpooling2d_forward_out has no deterministic .*; train without `det"
    with pytest.raises(InputError, match=message), devices.deterministic(True, torch.device("cuda")):
        torch.nn.functional.max_unpool2d(image, torch.zeros_like(image, dtype=torch.int64), [2])
    assert flags() == before
    with pytest.raises(RuntimeError, match="another"), devices.deterministic(True, torch.device("cuda")):
        raise RuntimeError("another")


def test_a_user_who_is_only_warned_is_warned_again_afterwards():
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        with devices.deterministic(True, torch.device("cuda")):
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(("wanted", "device"), [(True, "cpu"), (False, "cuda")])
def test_nothing_changes_on_the_cpu_or_unless_it_is_wanted(wanted, device):
    before = flags()
    with devices.deterministic(wanted, torch.device(device)):
        assert flags() == before


@pytest.mark.usefixtures("two_gpus")
def test_bf16_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    monkeypatch.setattr(devices, "bf16_instructions", lambda: ())
    devices.check_precision("tf32", torch.device("cuda"))
    for device, message in (
        ("cpu", r"bf16, but this processor has no instructions for it \(amx_bf16, avx512_bf16, bf16\); set precision=float32"),
        ("cuda:1", "bf16, but NVIDIA 1 does not have it; set"),
        ("mps", "is for cuda and cpu, not for mps; set"),
    ):
        with pytest.raises(InputError, match=message):
            devices.check_precision("bf16", torch.device(device))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    devices.check_precision("bf16", torch.device("cuda"))


def test_bf16_where_pytorch_lacks_onednn(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    devices.bf16_instructions.cache_clear()
    with pytest.raises(InputError, match="bf16, but this PyTorch lacks oneDNN; set precision=float32"):
        devices.check_precision("bf16", torch.device("cpu"))
    devices.bf16_instructions.cache_clear()


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux says what a processor has")
@pytest.mark.parametrize("asked", [True, False], ids=["PyTorch", "Linux"])
def test_bf16_instructions_are_the_processors(asked, monkeypatch):
    flags = set(Path("/proc/cpuinfo").read_text().split())
    if not asked:
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    devices.bf16_instructions.cache_clear()
    expected = [name for name in ("amx_bf16", "avx512_bf16", "bf16") if name in flags]
    assert list(devices.bf16_instructions()) == expected * torch.backends.mkldnn.is_available()
    devices.bf16_instructions.cache_clear()


def test_facts_of_a_precision(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA")
    for precision, tf32, autocast in (("float32", False, None), ("tf32", True, None), ("bf16", False, "bfloat16")):
        facts = devices.describe(torch.device("cuda"), precision)
        assert (facts["tf32"], facts.get("autocast")) == (tf32, autocast)
    monkeypatch.setattr(devices, "bf16_instructions", lambda: ("avx512_bf16",))
    assert devices.describe(torch.device("cpu"), "bf16")["bf16_instructions"] == "avx512_bf16"


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_by_its_number():
    assert devices.resolve("cuda") == torch.device("cuda")
    assert devices.resolve("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(InputError) as caught:
        devices.resolve("cuda:7")
    there = "cuda:0 (NVIDIA 0), cuda:1 (NVIDIA 1)"
    assert str(caught.value) == f"device cuda:7: PyTorch sees 2 CUDA devices here: {there}; use one of them"


@pytest.mark.parametrize("name", ["cuda:", "cuda:-1", "cuda:x", "cuda:00000", "cpu:0", "gpu", ""])
def test_unknown_devices(name):
    with pytest.raises(InputError, match=r"unknown device .*; the choices are auto, cpu, cuda, cuda:N, mps"):
        devices.resolve(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_gpu_is_refused_with_the_reason_of_pytorch():
    with pytest.raises(InputError, match=r"^device cuda: PyTorch sees no CUDA device here \(.+\); use cpu$"):
        devices.resolve("cuda")


TOO_OLD = (
    "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver by "
    "downloading and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx (Triggered internally)"
)


@pytest.fixture
def old_driver(monkeypatch):
    """What PyTorch does where the driver is too old for it."""

    def is_available() -> bool:
        warnings.warn(TOO_OLD, UserWarning, stacklevel=1)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", is_available)


@pytest.mark.usefixtures("old_driver")
def test_a_driver_that_is_too_old_is_named_in_one_sentence(caplog):
    reason = "The NVIDIA driver on your system is too old (found version 11040)"
    with pytest.raises(InputError) as caught:
        devices.resolve("cuda")
    assert str(caught.value) == f"device cuda: PyTorch sees no CUDA device here ({reason}); use cpu"
    assert not caplog.records
    assert devices.resolve("auto") == torch.device("cpu")
    assert [record.message for record in caplog.records] == [f"the CPU is used, for PyTorch cannot use the GPU: {reason}"]


@pytest.mark.usefixtures("two_gpus")
def test_the_facts_of_a_gpu():
    facts = devices.describe(torch.device("cuda", 1))
    assert facts["device"] == "NVIDIA 1"
    assert facts["deterministic_convolutions"] is False
    assert "cudnn" in facts
    assert "cudnn" not in devices.describe(torch.device("cpu"))


@pytest.mark.usefixtures("two_gpus")
def test_data_that_do_not_fit_a_gpu():
    devices.check_room(2**30, torch.device("cuda"))
    devices.check_room(2**40, torch.device("cpu"))
    with pytest.raises(
        MachineError, match=r"take 24\.00 GiB of the GPU's memory, and 1\.00 GiB of 80\.00 GiB are free; smaller"
    ):
        devices.check_room(24 * 2**30, torch.device("cuda"))


def test_the_sentence_on_memory_has_the_numbers_of_the_error():
    on_gpu = torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 24.00 MiB. GPU 0 has a total capacity of 139.80 GiB of which 138.86 GiB is "
        "free. Including non-PyTorch memory, this process has 956.00 MiB memory in use."
    )
    assert devices.out_of_memory(on_gpu) == (
        "the memory of GPU 0 is too small for it: 24.00 MiB more were asked for, and 138.86 GiB of 139.80 GiB are free; "
        "a smaller batch_size or narrower networks need less, and device cpu uses main memory"
    )
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50, dtype=torch.uint8)
    assert devices.is_out_of_memory(caught.value)
    free = r", and \d[\d,.]* GiB are free" if sys.platform == "linux" else ""
    helps = "a smaller batch_size or narrower networks need less"
    wanted = rf"there is too little memory for it: 1,048,576.00 GiB more were asked for{free}; {helps}"
    assert re.fullmatch(wanted, devices.out_of_memory(caught.value))
    assert devices.out_of_memory(MemoryError()) == f"there is too little memory for it; {helps}"
