"""What Prometheus is told of turns: how they end, and how long people wait for an answer.

A wait is the response gap: from the last moment of speech to the first of the answer that can be heard, if it
is played as it comes. Rule: each turn is counted once, and each first sound of an answer.
"""

import itertools
import time
from collections.abc import Callable

from satellite.around.tally import Outcome, Tally
from satellite.dialog.state import State
from satellite.effects import Tell
from satellite.events import Event, ReplyAudio, Via
from satellite.parts import HeardFrame
from wyoming_voice.audio import first_audible_s
from wyoming_voice.metrics import Sheet


class TurnMetrics:
    """The counts of a satellite, or of all conversations of a gateway."""

    def __init__(self, sheet: Sheet) -> None:
        self.turns = sheet.counter("turns", "Turns that are over.", ["via", "outcome"])
        self.gap = sheet.histogram(
            "response_gap_seconds", "From the end of speech to the first audible answer.", ["via"]
        )
        for via, outcome in itertools.product(Via, Outcome):
            self.turns.labels(via.value, outcome.value)
        for via in Via:
            self.gap.labels(via.value)


class Follower:
    """Follows one conversation: `tell` is a Listener, `watch` a Watcher, `frame` takes what is heard."""

    def __init__(
        self, counts: TurnMetrics, voiced: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`voiced` is the probability down to which speech goes on."""
        self._counts = counts
        self._voiced = voiced
        self._now_s = now_s
        self._tally = Tally()
        self._voiced_s = now_s()
        self._state = ""
        self._silent_since_s: float | None = None  # while somebody waits for an answer

    def tell(self, told: Tell) -> None:
        """Count how turns end."""
        if (over := self._tally.push(told)) is not None:
            self._counts.turns.labels(over.via.value, over.outcome.value).inc()

    def frame(self, frame: HeardFrame) -> None:
        """Somebody speaks, or not."""
        if frame.probability >= self._voiced:
            self._voiced_s = self._now_s()

    def watch(self, event: Event, state: State) -> None:
        """Time what comes after speech has ended."""
        before, self._state = self._state, state.name
        if before == "listening" and self._state == "processing":
            self._silent_since_s = self._voiced_s
        if state.turn is None or self._state == "listening":
            self._silent_since_s = None
        elif isinstance(event, ReplyAudio) and event.epoch == state.turn.epoch:
            self._heard(event, state.turn.via)

    def _heard(self, answer: ReplyAudio, via: Via) -> None:
        if self._silent_since_s is None:
            return
        offset_s = first_audible_s(answer.sound.pcm, answer.sound.format)
        if offset_s is not None:
            gap_s = self._now_s() + offset_s - self._silent_since_s
            self._counts.gap.labels(via.value).observe(gap_s)
            self._silent_since_s = None
