"""Images in main memory on a pretended GPU whose streams copy as late as they may: the same bits, one copy a batch, no wait."""

import pytest
from playing import played, spoilt

INPUT = "copy to device @ non-blocking @ training/capture.py:input"
AHEAD = "copy to device @ non-blocking @ training/real_batches.py:prepare"
BATCHES = {"vanilla": 1, "cgan": 1, "wgan-gp": 5}  # of real images a round
PROGRAM = "play_from_host.py"


@pytest.mark.timeout(300)
def test_rounds_are_those_with_the_images_on_the_device():
    found = played(PROGRAM, *BATCHES)
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
    sources = spoilt(tmp_path, "training/real_batches.py", *FAULTS[fault])
    with pytest.raises(AssertionError):
        assert played(PROGRAM, "vanilla", sources=sources)["vanilla"]["same_as_eager"]
