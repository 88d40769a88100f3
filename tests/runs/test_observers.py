"""What observers are told, what it costs, what they may ask for, and what their errors do."""

import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import sparring
from sparring.api.session import TrainingStopped
from sparring.errors import InputError
from sparring.runs.run import Run
from sparring.training.engine import Engine
from sparring.training.observers import METHODS, Event, Observer
from tiny import SETTINGS

REVIEWED = SETTINGS["vanilla"] | {"review": '{"rounds": 6}'}
UNSCORED = SETTINGS["vanilla"] | {"review": "null"}


def train(observers: Any = (), rounds: int = 14, out: str = "run", settings: dict[str, str] = UNSCORED, **how: Any) -> Run:
    return sparring.train("vanilla", rounds=rounds, out=out, settings=settings, quiet=True, observers=observers, **how)


def kinds(run: Run) -> list[tuple]:
    """The journal without what a clock says."""
    return [tuple((k, v) for k, v in event.items() if k not in ("seconds", "time")) for event in run.journal()]


def assert_same_weights(one: Run, other: Run) -> None:
    tensors, others = (run.newest_checkpoint()[0].tensors for run in (one, other))
    assert all(torch.equal(tensor, others[name]) for name, tensor in tensors.items())


class Diary(Observer):
    """Notes what it is told, in order; `at`: calls to make, by method and round."""

    def __init__(self, **at: dict[int, Any]):
        self.told: list[tuple[str, int]] = []
        self.events: list[Event] = []
        self._at = at

    def _note(self, method: str, event: Event) -> None:
        self.told.append((method, event.round))
        self.events.append(event)
        if event.round in self._at.get(method, {}):
            self._at[method][event.round](event)

    def on_start(self, event: Event) -> None:
        self._note("on_start", event)

    def on_round(self, event: Event) -> None:
        self._note("on_round", event)

    def on_epoch(self, event: Event) -> None:
        self._note("on_epoch", event)

    def on_sample(self, event: Event) -> None:
        assert event.file.is_file()
        self._note("on_sample", event)

    def on_score(self, event: Event) -> None:
        assert event.score == event.line[event.headline]
        self._note("on_score", event)

    def on_end(self, event: Event) -> None:
        self._note("on_end", event)
        self.ending = event.ending


def fail(error: BaseException):
    def call(_: Event) -> None:
        raise error

    return call


def test_everything_is_told_in_order_once_it_is_on_disk():
    diary = Diary()
    train([diary], rounds=12, settings=REVIEWED)
    assert diary.told == [
        ("on_start", 0),
        *[("on_round", n) for n in range(1, 7)],
        ("on_score", 6),
        *[("on_round", n) for n in range(7, 12)],
        ("on_epoch", 11),
        ("on_sample", 11),
        ("on_sample", 11),
        ("on_round", 12),
        ("on_sample", 12),
        ("on_score", 12),
        ("on_end", 12),
    ]
    assert diary.ending == "finished"


def test_observers_change_nothing_in_a_run():
    lines = []
    both = [SimpleNamespace(on_line=lambda event: lines.append(dict(event.line))), Diary(on_round={5: lambda e: e.numbers})]
    seen, alone = train(both, settings=REVIEWED), train(out="alone", settings=REVIEWED)
    assert kinds(seen) == kinds(alone)
    assert_same_weights(seen, alone)
    assert lines == list(seen.journal())[1:]  # all but the start


def test_numbers_are_read_when_they_are_asked_for_and_then_once(monkeypatch):
    read, numbers = [], Engine.numbers
    monkeypatch.setattr(Engine, "numbers", lambda self, readings: read.append(1) or numbers(self, readings))
    train(rounds=12)
    alone = len(read)  # of the first epoch's end and of the last round
    assert alone == 2
    seen: dict[int, Any] = {}

    def look(event: Event) -> None:
        if event.round % 5 == 0 or event.round == 11:
            seen[event.round] = event.numbers

    run = train([SimpleNamespace(on_round=look), SimpleNamespace(on_round=look), Diary()], rounds=12, out="seen")
    assert len(read) - alone == alone + 2  # rounds 5 and 10, each for both
    assert seen[11] == {k: v for k, v in run.rounds()[0].items() if k in seen[11]}
    assert seen[5].keys() == seen[11].keys() >= {"g_loss", "d_loss", "d_real", "g_gradient"}


def test_numbers_read_by_an_observer_are_those_that_the_journal_would_hold():
    seen = []
    train([SimpleNamespace(on_round=lambda event: seen.append(event.numbers))], rounds=5, settings=UNSCORED)
    each = train(rounds=5, out="each", settings=UNSCORED | {"journal": '{"rounds": 1}'})
    assert seen == [{k: v for k, v in line.items() if k in seen[0]} for line in each.rounds()]


def test_numbers_of_a_round_that_is_over_are_refused():
    diary = Diary(on_round={3: lambda event: diary.events[1].numbers})
    with pytest.raises(InputError, match="the numbers of round 1 can be read only until the next one"):
        train([diary])


@pytest.mark.parametrize(
    ("observers", "sentence"),
    [
        ([object()], f"observers[0] is object, which has none of an observer's methods: {', '.join(METHODS)}"),
        ([Diary(), Observer()], "observers[1] is Observer, which has none of an observer's methods"),
        ([SimpleNamespace(on_round=3)], "observers[0] is SimpleNamespace, which has none of"),
        ([Diary], "observers[0] is the class Diary; give an instance: Diary()"),
        (Diary(), "observers is Diary; give a list of them: observers=[...]"),
    ],
)
@pytest.mark.parametrize("begin", [train, lambda given: sparring.resume("nowhere", observers=given)], ids=["train", "resume"])
def test_what_is_no_observer_is_refused_before_anything_is_written(observers, sentence, begin, tmp_path):
    with pytest.raises(InputError) as error:
        begin(observers)
    assert sentence in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("method", "round_"), [("on_start", 0), ("on_round", 3), ("on_score", 6), ("on_sample", 11), ("on_epoch", 11)]
)
def test_an_error_comes_out_as_it_is_and_the_run_is_saved(method, round_):
    own, other = KeyError("mine"), Diary()
    first = Diary(**{method: {round_: fail(own)}})
    with pytest.raises(KeyError) as error:
        train([first, other], rounds=14, settings=REVIEWED)
    assert error.value is own
    stopped = Run.open("run")
    end = list(stopped.journal())[-1]
    assert (end["ending"], end["round"], end["reason"]) == ("interrupted", round_, "KeyError: 'mine'")
    assert stopped.newest_checkpoint()[0].info.round == round_
    assert (first.ending, other.ending) == ("interrupted", "interrupted")
    assert (method, round_) not in other.told
    assert_same_weights(sparring.resume(stopped, quiet=True), train(out="whole", settings=REVIEWED))


def test_an_error_at_the_end_comes_out_of_a_finished_run():
    own = InputError("no place left in the cloud")
    with pytest.raises(InputError) as error:
        train([Diary(on_end={14: fail(own)})])
    assert error.value is own
    assert list(Run.open("run").journal())[-1]["ending"] == "finished"


def test_an_observer_that_exits_the_program_does_so_with_the_run_saved():
    with pytest.raises(SystemExit, match="5"):
        train([Diary(on_round={4: fail(SystemExit(5))})])
    assert Run.open("run").newest_checkpoint()[0].info.round == 4


def test_a_stop_ends_the_run_saved_and_resume_goes_on():
    diary = Diary(on_round={5: lambda event: event.stop()})
    run = train([diary])
    lines = list(run.journal())
    assert [line["event"] for line in lines[-3:]] == ["round", "checkpoint", "end"]
    assert (lines[-1]["ending"], lines[-1]["round"], lines[-3]["round"], diary.ending) == ("stopped", 5, 5, "stopped")
    assert diary.told[-1] == ("on_end", 5)
    assert_same_weights(sparring.resume(run, quiet=True), train(out="whole"))


def test_a_stop_in_the_last_round_finds_the_run_finished():
    run = train([Diary(on_round={14: lambda event: event.stop()})])
    assert kinds(run) == kinds(train(out="alone"))


def test_a_checkpoint_pictures_and_a_score_are_taken_when_asked_for():
    def ask(event: Event) -> None:
        event.save_checkpoint()
        event.take_score()
        event.draw_pictures()

    diary = Diary(on_round=dict.fromkeys((4, 6, 8), ask))  # the scores of rounds 6 and 8 and the pictures of 8 are due anyway
    run = train([diary], rounds=8, settings=REVIEWED)
    assert [line["event"] for line in run.journal() if line["round" if "round" in line else "seed"] == 4] == [
        "sample",
        "score",
        "checkpoint",  # the best so far
        "checkpoint",
    ]
    assert (run.path / "samples" / "round_000004.png").is_file()
    assert [told for told in diary.told if told[0] == "on_score"] == [("on_score", 4), ("on_score", 6), ("on_score", 8)]
    drawn = [line["file"] for line in run.journal() if line["event"] == "sample"]
    assert [name for name in drawn if name.startswith("samples/round")] == [f"samples/round_{n:06}.png" for n in (4, 6, 8)]
    assert ("on_sample", 4) in diary.told
    assert_same_weights(run, train(out="alone", rounds=8, settings=REVIEWED))


def test_a_score_is_refused_where_there_is_none():
    with pytest.raises(InputError, match="asks for a score, and this run takes none"):
        train([Diary(on_round={2: lambda event: event.take_score()})])


def test_what_is_asked_for_because_of_what_was_asked_for_is_done_as_well():
    diary = Diary(on_round={2: lambda event: event.take_score()}, on_score={2: lambda event: event.stop()})
    assert list(train([diary], settings=REVIEWED).journal())[-1]["round"] == 2


def test_a_signal_ends_it_and_observers_are_told():
    diary = Diary(on_round={3: lambda _: os.kill(os.getpid(), signal.SIGINT)})
    with pytest.raises(TrainingStopped):
        train([diary])
    assert (diary.told[-1], diary.ending) == (("on_end", 3), "interrupted")
