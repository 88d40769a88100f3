"""Where training data go whose size is too much for a GPU; the sizes are those of views that take no memory."""

import pytest
import torch

from sparring.api import session
from sparring.data.sets import HostImageSet, ImageSet, PointSet
from sparring.errors import MachineError

GPU, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture(autouse=True)
def _a_gib_is_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**30, 80 * 2**30))


def images(num_bytes):
    return ImageSet(torch.zeros(1, 1, 2, 2, dtype=torch.uint8).expand(num_bytes // 4, 1, 2, 2))


def test_images_that_would_crowd_a_gpu_stay_in_main_memory_and_that_is_said():
    said = []
    for data, device in ((images(2**29), GPU), (images(2**31), CPU)):
        assert session._placed(data, device, said.append) is data
    assert not said
    kept = session._placed(images(2**30), GPU, said.append)
    assert isinstance(kept, HostImageSet)
    where = "they stay in main memory, and each batch is copied while one is trained on"
    assert said == [f"the training images take 1.00 GiB, and 1.00 GiB are free on the GPU: {where}"]


def test_other_data_that_do_not_fit_are_refused():
    points = torch.zeros(1, 1).expand(2**28, 1)
    assert session._placed(PointSet(points), GPU, print).num_bytes() == 2**30
    with pytest.raises(MachineError, match=r"the training data take 2\.00 GiB of .*, and 1\.00 GiB of 80\.00 GiB"):
        session._placed(PointSet(points.expand(2**28, 2)), GPU, print)
