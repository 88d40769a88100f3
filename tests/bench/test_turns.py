"""Two programs in turns."""

import time

import pytest

from sparring.bench.turns import Quartiles, time_in_turns


def test_programs_take_turns_and_are_timed_apart():
    order, told = [], []

    def slow() -> None:
        order.append("slow")
        time.sleep(0.02)

    times = time_in_turns(
        (slow, lambda: order.append("fast")), most=4, seconds=60, progress=lambda done, total: told.append((done, total))
    )
    assert order == ["slow", "fast"] * 4
    assert [len(taken) for taken in times] == [4, 4]
    assert min(times[0]) >= 0.019
    assert sorted(times[1])[1] < 0.01
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(("most", "turns"), [(1, 1), (2, 2), (9, 3)])
def test_three_turns_are_taken_when_the_time_is_over(most, turns):
    told = []
    (times,) = time_in_turns([lambda: None], most, seconds=0, progress=lambda done, total: told.append((done, total)))
    assert len(times) == turns
    assert told[-1] == (most, most)


def test_a_median_with_its_quartiles():
    assert Quartiles.of([5, 1, 2, 4, 3]) == Quartiles(2, 3, 4)
    assert Quartiles.of([1, 2]) == Quartiles(1.25, 1.5, 1.75)
    assert Quartiles.of([7]) == Quartiles(7, 7, 7)
