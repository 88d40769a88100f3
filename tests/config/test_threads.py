"""The number of threads: one for every core that other programs leave free."""

import os

import pytest
import torch

from sparring.config import threads
from sparring.config.threads import CoreUse, ThreadChoice, own_number, suitable

CPU = torch.device("cpu")
SINCE = CoreUse(100.0, busy=50.0, own=10.0)


@pytest.fixture
def four_threads(monkeypatch):
    """PyTorch has four threads, the machine four cores, of which others used as many as the test says in the last second."""
    monkeypatch.delitem(os.environ, "OMP_NUM_THREADS")
    monkeypatch.setattr(threads, "num_cores", lambda: 4)
    moments = [SINCE]
    monkeypatch.setattr(CoreUse, "now", lambda: moments[-1])
    monkeypatch.setattr(threads, "SHORTEST", 0.0)
    with own_number(4):
        yield lambda others: moments.append(CoreUse(101.0, busy=52.0 + others, own=12.0))


@pytest.mark.parametrize(
    ("others", "number"), [(0.0, 4), (0.4, 4), (0.6, 3), (1.0, 3), (2.9, 1), (4.0, 1), (7.0, 1), (-0.1, 4)]
)
def test_a_thread_for_every_core_that_is_free(others, number, four_threads):
    said = []
    choice = ThreadChoice(None, CPU)
    four_threads(others)
    choice.take(said.append)
    assert torch.get_num_threads() == number
    assert len(said) == (number < 4)


def test_a_run_that_goes_on_keeps_its_threads_as_far_as_there_are_any(four_threads):
    choice = ThreadChoice(None, CPU)
    four_threads(3.0)
    for kept, number in ((2, 2), (16, 4)):
        choice.take(pytest.fail, kept)
        assert torch.get_num_threads() == number
        torch.set_num_threads(4)


def test_where_more_gain_nothing_there_is_one_at_once(four_threads, monkeypatch):
    choice = ThreadChoice(None, CPU)
    monkeypatch.setattr(threads, "SHORTEST", 100.0)  # there is nothing to look at
    choice.take(pytest.fail, gain=1)
    assert (torch.get_num_threads(), choice.most) == (1, 1)


def test_what_was_kept_beats_what_gains(four_threads):
    choice = ThreadChoice(None, CPU)
    four_threads(0.0)
    choice.take(pytest.fail, kept=2, gain=1)
    assert (torch.get_num_threads(), choice.most) == (2, 4)


@pytest.mark.parametrize(
    ("asked", "device", "variable", "number"),
    [(3, CPU, "", 3), (7, CPU, "2", 7), (None, torch.device("cuda"), "", 4), (None, CPU, "4", 4)],
)
def test_nothing_is_chosen_where_a_number_was_asked_for_or_on_a_gpu(asked, device, variable, number, four_threads, monkeypatch):
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", variable)
    choice = ThreadChoice(asked, device)
    four_threads(3.0)
    choice.take(pytest.fail)
    assert choice.most is None
    assert torch.get_num_threads() == number


def test_suitable():
    assert [suitable(2, free) for free in (-1.0, 0.2, 1.4, 1.6, 9.0)] == [1, 1, 1, 2, 2]


def test_this_process_is_not_among_the_others():
    before = CoreUse.now()
    deadline = before.own + 0.3
    while (now := CoreUse.now()).own < deadline:
        pass
    assert now.busy > before.busy
    assert now.seconds > before.seconds
    assert 0 <= before.free_since(now) <= threads.num_cores()


def test_afterwards_there_are_as_many_threads_as_before():
    with own_number():
        torch.set_num_threads(2)
        with own_number(3):
            assert torch.get_num_threads() == 3
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 1
