"""The list of a training's observers: the recorder, the coach, the progress bar, then the user's own."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from sparring.coach import Remark
from sparring.config.non_finite import DivergenceError
from sparring.config.schedules import RoundInfo
from sparring.errors import InputError, SparringError
from sparring.runs.expected import TimeToExpect
from sparring.runs.follower import FollowerRank
from sparring.runs.inbox import Inbox, Tempo
from sparring.runs.progress import Progress
from sparring.runs.recorder import Ending, Recorder
from sparring.runs.replay import Recording
from sparring.runs.signals import Ended
from sparring.runs.snapshots import Snapshots
from sparring.runs.steering import SERVED, GivenOrder, length_in, pop_orders, refusal
from sparring.training.observers import METHODS, Event, Numbers, Observer, Request, Requests, overrides

OF_LINES = {"epoch": "on_epoch", "sample": "on_sample", "score": "on_score"}
"""The methods that follow a line of the journal of this kind."""

REQUESTS: tuple[Request, ...] = ("pictures", "score", "checkpoint", "stop")


class CoachObserver(Observer):
    """Shows the journal to the coach, and writes the coach's remarks; at a run's end those on its newest review."""

    def __init__(self, recorder: Recorder):
        self._recorder = recorder

    def on_line(self, event: Event) -> None:
        for remark in self._recorder.coach.observe(event.line):
            self._write(remark, event.line["round"], event.line["epoch"])

    def on_end(self, event: Event) -> None:
        if event.ending in ("finished", "patience"):
            self._recorder.save(event.info)  # before these remarks, which a run that goes on from there must not know
            for remark in self._recorder.coach.conclude():
                self._write(remark, event.info.round, event.info.epoch)

    def _write(self, remark: Remark, round_: int, epoch: int) -> None:
        self._recorder.write("warning", round=round_, **vars(remark))
        self._recorder.say(f"coach, epoch {epoch}: {remark}")


class Watch:
    """The observers of a training, told of everything in their order, and what they ask for.

    The built-in ones are called at once; the user's own wait until all of the round has been written, so that an error of
    theirs leaves nothing half done. The first such error, `failure`, ends the training. `info`: the last round told of. In
    ranks other than 0 the only observer with work to do is the `FollowerRank`. Orders from outside come through an `inbox`.
    """

    def __init__(
        self, recorder: Recorder | FollowerRank, progress: Progress, own: Sequence[object], inbox: Inbox | None = None
    ):
        self._recorder, self.info = recorder, RoundInfo(0, 0, 1, 0.0)
        self._inbox, self._tempo = inbox, Tempo()
        self._recording = Recording.in_facts(recorder.run.facts)
        built_in: list[Observer] = [recorder, progress]
        if isinstance(recorder, Recorder):
            recorder.listen = self._heard
            snapshots = Snapshots(recorder.engine.gan, recorder.say)
            # the coach first, so that the recorder's last line comes after all others
            built_in = [CoachObserver(recorder), recorder, snapshots, progress]
            built_in += [] if progress.is_quiet else [TimeToExpect(recorder, progress.say)]
            self._watched = bool(own)
            self._requests = Requests(recorder.reference is not None)
        else:
            self._watched, own = recorder.watched, ()
            self._requests = Requests(recorder.scored)
        self._built_in = {name: _methods(name, built_in) for name in METHODS}
        self._own = {name: _methods(name, own) for name in METHODS}
        self._waiting: deque[tuple[str, Event]] = deque()
        self._numbers: Numbers | None = None
        self._failed = self._has_orders = False  # in rank 0
        self.failure: BaseException | None = None
        self.is_stopping = False

    def on_start(self, start: RoundInfo) -> None:
        """Announce the training, and write what is due before the first round; DivergenceError as from `on_round`."""
        event = self._begin(start)
        self._tell("on_start", event)
        if start.round == 0 and self._recorder.saved_round < 0:
            self._recorder.on_round(event)
        self._finish()

    def on_round(self, info: RoundInfo) -> None:
        """Tell of a round, and do what observers ask for; DivergenceError where a value is not finite."""
        event = self._begin(info)
        try:
            self._tell("on_round", event)
            self._finish()
            if self._recording and info.round == self._recording.rounds:
                self._stop()
            if isinstance(self._recorder, Recorder) and not (info.last or self.is_stopping):
                self._recorder.write_recovery(info)
        except DivergenceError as error:
            raise DivergenceError(error.non_finite, info) from None

    def on_end(self, ending: Ending, reason: str | None) -> None:
        """Tell how the run ended, after the last round; MachineError where it could not be saved."""
        info = self.info
        end = {"event": "end", "round": info.round, "ending": ending, "seconds": info.seconds}
        event = self._event(end if reason is None else end | {"reason": reason})
        for call in self._built_in["on_end"]:
            call(event)
        self._waiting.append(("on_end", event))  # only now: where the run could not be saved, it ends in another way
        self._deliver()

    @property
    def ending(self) -> Ending:
        """How a run ends that no signal stopped."""
        if not self.is_stopping or self.info.last:
            return "finished"
        return "interrupted" if self.failure is not None else self._requests.ending

    @property
    def reason(self) -> str | None:
        """The error of an observer in words."""
        return None if self.failure is None else f"{type(self.failure).__name__}: {self.failure}"

    def raise_failure(self) -> None:
        """Raise the error of an observer as it is; in other ranks than 0, an error that says so."""
        if self.failure is not None:
            raise self.failure
        if self._failed:
            raise SparringError("training was stopped, for an observer failed in rank 0")

    def _begin(self, info: RoundInfo) -> Event:
        self.info, self._numbers = info, info.numbers
        return self._event()

    def _event(self, line: Mapping[str, Any] | None = None) -> Event:
        recorder = self._recorder
        read = partial(self._read, self.info)
        return Event(recorder.run, self.info, len(recorder.engine.data), self._requests, read, line or {})

    def _read(self, info: RoundInfo) -> Numbers | None:
        """The numbers of a round, once for all observers."""
        if info is not self.info:
            raise InputError(f"the numbers of round {info.round} can be read only until the next one; keep them from on_round")
        if self._numbers is None and info.read is not None:
            if self._recorder.engine.group.size > 1 and self._recorder.run.recipe.round.read == "after":
                raise InputError(
                    f"the numbers of round {info.round} need all processes; read those of rounds that the journal holds, "
                    "or set round.read=during"
                )
            self._numbers = info.read()
        return self._numbers

    def _heard(self, line: Mapping[str, Any]) -> None:
        event = self._event(line)
        self._tell("on_line", event)
        if line["event"] in OF_LINES:
            self._tell(OF_LINES[line["event"]], event)

    def _tell(self, name: str, event: Event) -> None:
        if self._own[name]:
            self._waiting.append((name, event))
        for call in self._built_in[name]:
            call(event)

    def _finish(self) -> None:
        """Tell the user's observers of this round, and do what they ask for; in the events that follow they may ask again."""
        self._deliver()
        while self._watched and not self.is_stopping and (asked := self._agreed_requests()):
            self._recorder.serve(asked, self.info)
            if "stop" in asked:
                self._stop()
            self._deliver()
        self._steer()

    def _stop(self) -> None:
        if not self.is_stopping:
            self.is_stopping = True
            self._recorder.log_last(self.info)

    def _steer(self) -> None:
        """Follow the orders of this round: those that a cut of the journal took, those that observers give now, and those that
        come from outside."""
        again = pop_orders(self._recorder.cut_orders, self.info.round)
        given, self._requests.orders = self._requests.orders, []
        if self._has_orders and not self.is_stopping:  # after a stop rank 0 alone writes them down
            given = self._recorder.engine.group.on_rank0(lambda: given)
        for order in again:
            self._follow(order, again=True)
        for order in given:
            if order not in again:
                self._follow(order)
        if self._inbox is not None and not (self.info.last or self.is_stopping):
            self._take_orders(self._inbox)

    def _follow(self, order: GivenOrder, again: bool = False) -> None:
        """Follow an order, in all ranks. A run that stopped in its middle does not do so when it is played again."""
        recorder = self._recorder
        recorder.steer(order, self.info)
        if "refused" in order:
            return
        kind = order.get("order", "")
        if kind in SERVED:
            recorder.serve({SERVED[kind]}, self.info)
        if length := length_in(order):
            recorder.extend(length, self.info)
        if kind == "stop" and again and self._recording and self.info.round < self._recording.rounds:
            recorder.log_last(self.info)
            recorder.save(self.info)
        elif kind == "stop":
            self._stop()
        self._deliver()

    def _take_orders(self, inbox: Inbox) -> None:
        """Follow the orders that have come, and wait for further ones while they hold the training up."""
        group, round_, waited = self._recorder.engine.group, self.info.round, 0.0
        while not self.is_stopping:
            for order in inbox.poll():
                self._follow_first(order)
                self._tempo.follow(order, round_)
            seconds = self._tempo.seconds_to_wait(round_, waited)
            if not seconds or group.stop_request():
                break
            group.wait(seconds)
            waited += seconds

    def _follow_first(self, order: GivenOrder) -> None:
        """Follow an order that has come now, unless this run cannot; nothing where one before it stops the run."""
        recorder = self._recorder
        if self.is_stopping or not isinstance(recorder, Recorder):
            return
        reason = refusal(order, recorder.run.recipe, self.info, len(recorder.engine.data))
        if order["order"] == "score" and recorder.reference is None:
            reason = "the run takes no scores: its recipe has no review, or no extractor fits the data"
        if order["order"] == "score" and recorder.has_scored(self.info):
            reason = "there is a score of this round already"
        self._follow(order if reason is None else {**order, "refused": reason})
        words = " ".join(str(value) for name, value in order.items() if name != "number")
        recorder.say(f"round {self.info.round}, order {order['number']}: {words}" + (f", refused: {reason}" if reason else ""))

    def _agreed_requests(self) -> set[Request]:
        """What the observers have asked for since the last time, an error being a wish to stop; all ranks then know it.

        Also notes whether there are orders.
        """
        asked, self._requests.asked = self._requests.asked, set()
        if isinstance(self._recorder, Recorder) and self._recorder.has_scored(self.info):
            asked.discard("score")
        self._failed, self._has_orders = self.failure is not None, bool(self._requests.orders)
        group = self._recorder.engine.group
        if group.size > 1:
            flags = torch.tensor([self._failed, self._has_orders, *(name in asked for name in REQUESTS)], dtype=torch.uint8)
            group.broadcast([flags])
            self._failed, self._has_orders, *given = map(bool, flags.tolist())
            asked: set[Request] = {name for name, flag in zip(REQUESTS, given, strict=True) if flag}
        if self._failed:
            asked.add("stop")
        return asked

    def _deliver(self) -> None:
        """Call the user's observers; after an error none is called any more, except at the end."""
        while self._waiting:
            name, event = self._waiting.popleft()
            for call in self._own[name]:
                if self.failure is None or name == "on_end":
                    self._call(call, event)

    def _call(self, call: Callable[[Event], None], event: Event) -> None:
        try:
            call(event)
        except (Ended, DivergenceError):
            raise
        except BaseException as error:
            self.failure = self.failure or error


def _methods(name: str, observers: Sequence[object]) -> list[Callable[[Event], None]]:
    return [getattr(observer, name) for observer in observers if overrides(observer, name)]
