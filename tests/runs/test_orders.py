"""Orders to a run: what is an order, and the file through which they come."""

import json
import math
import os
import stat
import subprocess
import sys

import pytest

from sparring.errors import InputError
from sparring.runs import orders
from sparring.storage import locks

ALL = (
    {"order": "pause"},
    {"order": "go"},
    {"order": "rounds", "rounds": 5},
    {"order": "slow", "ms": 20.0},
    {"order": "only", "side": "g", "rounds": 3},
    {"order": "factor", "of": "g_lr", "value": 0.5},
    {"order": "release", "of": "moves"},
    {"order": "moves", "g": 1, "d": 5},
    {"order": "picture"},
    {"order": "score"},
    {"order": "checkpoint"},
    {"order": "stop"},
    {"order": "extend", "images": 1000},
)


@pytest.fixture
def trained(tmp_path):
    """The folder of a run that is being trained, as far as a sender can tell."""
    (tmp_path / "recipe.json").write_text("{}")
    orders.open_file(tmp_path, 4)
    with locks.run_lock(tmp_path):
        yield tmp_path


def sent(run):
    return [json.loads(line) for line in (run / orders.FILE).read_text().splitlines()]


def test_every_kind_is_sent_with_the_next_number(trained):
    assert {order["order"] for order in ALL} == {*orders.KINDS}
    assert [orders.send(trained, order) for order in ALL] == [*range(5, 5 + len(ALL))]
    assert sent(trained)[1:] == [{"number": number} | order for number, order in enumerate(ALL, 5)]
    assert [orders.parse_line(json.dumps(line).encode()) for line in sent(trained)[1:]] == [*enumerate(ALL, 5)]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")
def test_the_file_is_for_its_user_alone(trained):
    orders.send(trained, {"order": "pause"})
    assert stat.S_IMODE((trained / orders.FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (None, "with its name"),
        ([{"order": "pause"}], "with its name"),
        ({}, "with its name"),
        ({"order": ["pause"]}, "with its name"),
        ({"order": b"pause"}, "no JSON"),
        ({"order": "paws"}, "did you mean 'pause'"),
        ({"order": "pause\u202e"}, "there is no order"),
        ({"order": "pause", "for": 3}, "unknown setting 'order.for'"),
        ({"order": "pause", "number": 3}, "unknown setting 'order.number'"),
        ({"order": "slow"}, "order lacks ms"),
        ({"order": "slow", "ms": math.nan}, "NaN is no number"),
        ({"order": "slow", "ms": -1}, "order.ms is -1"),
        ({"order": "slow", "ms": 1e300}, "order.ms is 1e\\+300; it must lie in 0..60,000"),
        ({"order": "rounds", "rounds": True}, "order.rounds is true; it must be a whole number"),
        ({"order": "rounds", "rounds": 1.5}, "order.rounds is 1.5; it must be a whole number"),
        ({"order": "rounds", "rounds": 10**5000}, "no valid JSON|no JSON"),
        ({"order": "only", "side": "both", "rounds": 3}, "it must be one of g, d"),
        ({"order": "factor", "of": "beta2", "value": 0.5}, "it must be one of g_lr, d_lr, gamma, strength"),
        ({"order": "factor", "of": "strength", "value": 1.5}, "must lie in 0..1 for strength"),
        ({"order": "moves", "g": 0, "d": 5}, "order.g is 0"),
        ({"order": "moves", "g": 1, "d": 101}, "order.d is 101"),
        ({"order": "extend"}, "exactly one of rounds, epochs and images"),
        ({"order": "extend", "rounds": 3, "epochs": 3}, "exactly one of rounds, epochs and images"),
    ],
)
def test_whatever_is_no_order_is_refused_in_a_sentence(trained, order, words):
    with pytest.raises(InputError, match=words):
        orders.send(trained, order)
    assert sent(trained) == [{"number": 4}]


def test_an_order_to_nobody_is_refused(tmp_path, trained):
    with pytest.raises(InputError, match="is no run"):
        orders.send(tmp_path / "nothing", {"order": "pause"})
    orders.close_file(trained)
    with pytest.raises(InputError, match="takes no orders, as with --no-steer"):
        orders.send(trained, {"order": "pause"})


def test_an_order_to_a_run_that_has_ended_is_refused(tmp_path):
    with locks.run_lock(tmp_path):
        (tmp_path / "recipe.json").write_text("{}")
        orders.open_file(tmp_path, 0)  # which a kill leaves
    with pytest.raises(InputError, match="is not being trained, so nothing follows an order; `sparring resume"):
        orders.send(tmp_path, {"order": "pause"})


def test_a_half_written_line_spoils_no_later_one(trained):
    with (trained / orders.FILE).open("a") as stream:
        stream.write('{"number": 5, "order": "slow", "m')
    assert orders.send(trained, {"order": "pause"}) == 5
    *_, spoilt, whole = (trained / orders.FILE).read_bytes().splitlines()
    with pytest.raises(InputError):
        orders.parse_line(spoilt)
    assert orders.parse_line(whole) == (5, {"order": "pause"})


@pytest.mark.parametrize(
    "line", [b'{"order": "pause"}', b"7", b'{"number": true, "order": "go"}', b'{"number": 1}' + b" " * 2000]
)
def test_lines_that_are_no_orders(line):
    with pytest.raises(InputError):
        orders.parse_line(line)


def test_two_senders_at_once(trained):
    code = "import sys; from pathlib import Path; from sparring.runs.orders import send\n"
    code += "print([send(Path(sys.argv[1]), {'order': 'pause'}) for _ in range(100)]); assert 'torch' not in sys.modules"
    both = [subprocess.Popen([sys.executable, "-c", code, trained], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    numbers = [json.loads(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(numbers[0] + numbers[1]) == [*range(5, 205)]
    assert [line["number"] for line in sent(trained)] == [*range(4, 205)]
