import math

import pytest
import torch

from sparring.errors import InputError
from sparring.penalties import LeCam

REAL = torch.tensor([1.0, 2.5, -100.0], dtype=torch.float64)
FAKE = torch.tensor([-1.0, 100.0], dtype=torch.float64)


def test_each_side_is_drawn_to_the_other_sides_mean():
    memory = torch.tensor([3.0, -2.0], dtype=torch.float64)  # real, generated
    real, fake = LeCam(gamma=0.5).values(REAL, FAKE, memory)
    assert real.tolist() == [0.25 * (x + 2) ** 2 for x in REAL.tolist()]
    assert fake.tolist() == [0.25 * (x - 3) ** 2 for x in FAKE.tolist()]


def test_gradients():
    memory = torch.tensor([0.75, -0.25], dtype=torch.float64)
    logits = [side.clone().requires_grad_() for side in (REAL, FAKE)]
    assert torch.autograd.gradcheck(lambda real, fake: LeCam().values(real, fake, memory), logits)


def test_the_memory_is_a_running_mean_and_holds_no_graph():
    lecam = LeCam(decay=0.9)
    memory = lecam.initial()
    expected = [0.0, 0.0]
    for shift in (0.0, 1.0, -3.0):
        real, fake = (REAL + shift).requires_grad_(), (FAKE - shift).requires_grad_()
        before = memory
        memory = lecam.remember(memory, real, fake)
        assert memory is not before
        assert not memory.requires_grad
        for side, logits in enumerate((real, fake)):
            expected[side] = 0.9 * expected[side] + 0.1 * sum(logits.tolist()) / len(logits)
    assert memory.tolist() == pytest.approx(expected)


def test_constant_logits_are_remembered_in_the_end():
    lecam = LeCam(decay=0.5)
    memory = lecam.initial()
    for _ in range(60):
        memory = lecam.remember(memory, torch.full((3,), 2.0), torch.full((3,), -1.0))
    assert memory.tolist() == pytest.approx([2.0, -1.0])


@pytest.mark.parametrize("decay", [-0.1, 1.0, math.nan])
def test_decay_out_of_range(decay):
    with pytest.raises(InputError, match=r"penalty\.decay is .*; it must lie in \[0, 1\)"):
        LeCam(decay=decay)
