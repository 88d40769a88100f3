"""Who is missing, told from the signs that all leave in one store."""

import threading
import time
from collections.abc import Iterator

import pytest
from torch import distributed

from sparring.distributed.heartbeat import Heartbeat
from sparring.errors import InputError, MachineError

PERIOD = 0.02


@pytest.fixture
def heartbeats() -> Iterator[list[Heartbeat]]:
    """Three processes' heartbeats, all awake, in one process."""
    store = distributed.HashStore()  # pyright: ignore[reportPrivateImportUsage]
    found = [Heartbeat(store, rank, 3, f"host{rank // 2}", PERIOD) for rank in range(3)]
    for heartbeat in found:
        heartbeat.round, heartbeat.num_collectives = 7, 40
        heartbeat.start()
    time.sleep(5 * PERIOD)
    yield found
    for heartbeat in found:
        heartbeat.close()


def test_who_gives_no_sign_is_named_with_host_and_round(heartbeats):
    heartbeats[2].close()
    error = heartbeats[0].explain(RuntimeError("closed"))
    assert isinstance(error, MachineError)
    assert str(error) == "rank 2 on host1 gives no sign of life; it was last seen in round 7"


def test_who_is_alive_but_behind_is_named(heartbeats):
    heartbeats[0].num_collectives = heartbeats[2].num_collectives = 41
    error = heartbeats[0].explain(RuntimeError("timed out"))
    assert str(error) == "rank 1 on host0 is alive but stuck; it was last seen in round 7"


def test_where_all_are_well_the_line_between_them_is_not(heartbeats):
    assert str(heartbeats[1].explain(RuntimeError("no route"))) == "the processes lost each other in round 7: no route"


def test_who_left_with_an_error_has_said_why(heartbeats):
    heartbeats[2].leave(InputError("bad rows"))
    heartbeats[2].close()
    error = heartbeats[0].explain(RuntimeError("closed"))
    assert (type(error), str(error)) == (InputError, "bad rows")


def test_who_left_with_a_traceback_is_named_too(heartbeats):
    heartbeats[1].leave(KeyError("x"))
    error = heartbeats[0].explain(RuntimeError("closed"))
    assert (type(error), str(error)) == (MachineError, "rank 1 on host0, in round 7, failed: KeyError: 'x'")


def test_one_of_each_host_tells(heartbeats):
    assert [heartbeat.claim_report() for heartbeat in heartbeats] == [True, False, True]


def test_one_wait_for_exits_another_until_it_leaves_or_dies(heartbeats):
    threading.Timer(0.3, heartbeats[0].leave, [None]).start()
    before = time.monotonic()
    heartbeats[1].wait_for_exit(0, timeout=0.1)  # it lives all the while
    assert 0.25 < time.monotonic() - before < 5
    heartbeats[2].close()
    heartbeats[1].wait_for_exit(2, timeout=0.1)
    assert time.monotonic() - before < 5
