"""Images in main memory on a pretended GPU whose streams copy as late as they may: the same bits, one copy a batch, no wait."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
INPUT = "copy to device @ non-blocking @ training/capture.py:input"
AHEAD = "copy to device @ non-blocking @ training/real_batches.py:prepare"
BATCHES = {"vanilla": 1, "cgan": 1, "wgan-gp": 5}  # of real images a round


def played(*names: str, sources: Path = SOURCES) -> dict[str, dict]:
    """What `play_from_host.py` says of these recipes, by name."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (sources, HERE.parent))), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", str(HERE / "play_from_host.py"), *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {line["recipe"]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.timeout(300)
def test_rounds_are_those_with_the_images_on_the_device():
    found = played(*BATCHES)
    assert found.keys() == BATCHES.keys()
    for name, of in found.items():
        assert of["failure"] is None
        assert of["same_as_eager"], name
        assert of["same_as_on_the_device"], name
        assert of["a_round"].keys() == {INPUT, AHEAD}, name  # none of which waits
        assert of["a_round"][INPUT] == BATCHES[name], name
        assert of["a_round"][AHEAD] == pytest.approx(BATCHES[name] + 1 / 9), name  # one more, ahead of the end


FAULTS = {
    "the batch is used before it is there": ("        computing.wait_event(slot.copied)\n", ""),
    "the host writes to what is still read": ("        slot.copied.synchronize()  # the pinned memory is read no more\n", ""),
    "the batch that was prepared is taken for any": ("not torch.equal(self._slots[1].indices, indices)", "False"),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(tmp_path, fault):
    old, new = FAULTS[fault]
    path = Path("sparring/training/real_batches.py")
    text = (SOURCES / path).read_text()
    assert text.count(old) == 1
    for source in (SOURCES / "sparring").rglob("*"):
        if source.is_dir() or "__pycache__" in source.parts:
            continue
        copy = tmp_path / source.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(source)
    (tmp_path / path).unlink()
    (tmp_path / path).write_text(text.replace(old, new))
    with pytest.raises(AssertionError):
        assert played("vanilla", sources=tmp_path)["vanilla"]["same_as_eager"]
