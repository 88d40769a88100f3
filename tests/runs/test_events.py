import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.coach import Coach
from sparring.errors import InputError
from sparring.runs import events, journal
from sparring.runs.events import NEEDED

PLACE = {"round": 50, "epoch": 1, "images": 5000, "seconds": 0.5}
GOOD = {
    "round": PLACE | {"g_loss": 1.0, "d_loss": 2, "d_real": 0.5, "d_fake": None, "g_gradient": 1.0, "d_gradient": 1.0},
    "epoch": PLACE | {"d_real_test": 0.5},
    "sample": PLACE | {"file": "samples/epoch_0001.png"},
    "checkup": PLACE | {"d_real_train": 0.5, "d_real_held_out": 0.5, "spread": 0.1},
    "score": PLACE | {"quick": True, "extractor": "digits", "headline": "recall", "recall": 0.5, "floor": None},
    "non-finite": PLACE | {"term": "d_loss", "network": "discriminator", "value": "nan", "remedy": "skip", "batch": None},
    "end": {"round": 50, "seconds": 1, "ending": "finished"},
    "resume": {"round": 0, "device": "cpu", "threads": 1, "flush_denormal": False},
}


def line(event: dict) -> bytes:
    return json.dumps(event).encode() + b"\n"


@pytest.mark.parametrize("kind", GOOD)
def test_what_sparring_writes_is_read(kind):
    event = {"event": kind, **GOOD[kind]}
    assert journal.parse(line(event), "x") == event


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NEEDED.items() for name in names])
def test_what_readers_rely_on_must_be_there(kind, name):
    event = {"event": kind, **GOOD[kind]}
    del event[name]
    with pytest.raises(InputError, match=f"j:1: the event '{kind}' lacks {name}; the file was damaged"):
        journal.parse(line(event), "j:1")


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("round", "round", -1),
        ("round", "round", 1.5),
        ("round", "round", True),
        ("round", "seconds", -0.5),
        ("round", "seconds", "1"),
        ("round", "g_loss", None),
        ("round", "g_loss", "?"),
        ("round", "g_loss", [1]),
        ("round", "g_loss", True),
        ("round", "d_real", "x"),
        ("round", "more", {}),
        ("checkup", "spread", None),
        ("score", "floor", "x"),
        ("score", "headline", 5),
        ("score", "recall", "x"),
        ("non-finite", "remedy", "hope"),
        ("end", "ending", 5),
        ("end", "reason", None),
        ("warning", "text", 5),
        ("resume", "device", ["cpu"]),
        ("sample", "file", "../secret.png"),
        ("sample", "file", "samples/../../secret.png"),
        ("sample", "file", "/etc/passwd"),
        ("sample", "file", "samples\\..\\x"),
        ("sample", "file", "C:x"),
        ("sample", "file", "x" * 300),
        ("sample", "file", ""),
        ("sample", "file", 5),
    ],
)
def test_a_field_of_another_kind_is_named(kind, name, value):
    event = {"event": kind, **GOOD.get(kind, {}), name: value}
    with pytest.raises(InputError, match=rf"j:1: ({name} is |the event 'score' has no number for its headline)") as caught:
        journal.parse(line(event), "j:1")
    assert str(caught.value).isprintable()


def test_of_a_pair_neither_is_alone():
    for kind, first, second in (("round", "g_gradient", "d_gradient"), ("score", "largest_class_excess", "largest_class")):
        event = {"event": kind, **GOOD[kind], first: 1.0}
        event.pop(second, None)
        with pytest.raises(InputError, match=f'the event "{kind}" has {first}, but no {second}'):
            journal.parse(line(event), "j:1")


plain = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=3)
names = st.sampled_from(sorted({name for event in GOOD.values() for name in event} | {"largest_class", "share_a", "contrast"}))


@given(st.lists(st.tuples(st.sampled_from(list(GOOD)), st.dictionaries(names, plain, max_size=4)), max_size=60))
def test_the_coach_can_hear_whatever_is_accepted(drawn):
    coach = Coach()
    for kind, changes in drawn:
        try:
            event = events.check({"event": kind, **GOOD[kind], **changes}, "x")
        except InputError:
            continue
        list(coach.observe(event))


@given(st.binary(max_size=40))
def test_any_line_is_an_event_or_an_input_error(text):
    try:
        assert isinstance(journal.parse(text, "x")["event"], str)
    except InputError as error:
        assert str(error).startswith("x")  # noqa: PT017
