"""Who is missing, told from the signs that all leave in one store."""

import threading
import time
from collections.abc import Iterator

import pytest
from torch import distributed

from sparring.distributed.heartbeat import Vigil
from sparring.errors import InputError, MachineError

PERIOD = 0.02


@pytest.fixture
def vigils() -> Iterator[list[Vigil]]:
    """Three processes' vigils, all awake, in one process."""
    store = distributed.HashStore()  # pyright: ignore[reportPrivateImportUsage]
    found = [Vigil(store, rank, 3, f"host{rank // 2}", PERIOD) for rank in range(3)]
    for vigil in found:
        vigil.round, vigil.met = 7, 40
        vigil.start()
    time.sleep(5 * PERIOD)
    yield found
    for vigil in found:
        vigil.close()


def test_who_gives_no_sign_is_named_with_host_and_round(vigils):
    vigils[2].close()
    error = vigils[0].explain(RuntimeError("closed"))
    assert isinstance(error, MachineError)
    assert str(error) == "rank 2 on host1 gives no sign of life; it was last seen in round 7"


def test_who_is_alive_but_behind_is_named(vigils):
    vigils[0].met = vigils[2].met = 41
    error = vigils[0].explain(RuntimeError("timed out"))
    assert str(error) == "rank 1 on host0 is alive but stuck; it was last seen in round 7"


def test_where_all_are_well_the_line_between_them_is_not(vigils):
    assert str(vigils[1].explain(RuntimeError("no route"))) == "the processes lost each other in round 7: no route"


def test_who_left_with_an_error_has_said_why(vigils):
    vigils[2].leave(InputError("bad rows"))
    vigils[2].close()
    error = vigils[0].explain(RuntimeError("closed"))
    assert (type(error), str(error)) == (InputError, "bad rows")


def test_who_left_with_a_traceback_is_named_too(vigils):
    vigils[1].leave(KeyError("x"))
    error = vigils[0].explain(RuntimeError("closed"))
    assert (type(error), str(error)) == (MachineError, "rank 1 on host0, in round 7, failed: KeyError: 'x'")


def test_one_of_each_host_tells(vigils):
    assert [vigil.first_to_tell() for vigil in vigils] == [True, False, True]


def test_one_outstays_another_until_it_leaves_or_dies(vigils):
    threading.Timer(0.3, vigils[0].leave, [None]).start()
    before = time.monotonic()
    vigils[1].outstay(0, timeout=0.1)  # it lives all the while
    assert 0.25 < time.monotonic() - before < 5
    vigils[2].close()
    vigils[1].outstay(2, timeout=0.1)
    assert time.monotonic() - before < 5
