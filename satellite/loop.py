"""Carries out what the turn machine decides: events one after another, one line for each effect.

Rule: no decision about the conversation is made here. Whatever is posted is handled in the order of the
posts, on the event loop, after the poster has returned; an effect that fails is a bug that is logged, and
the next one is carried out all the same.
"""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from satellite.effects import (
    AbortPlayback,
    BeginPlayback,
    BeginTurn,
    CancelSpeak,
    CancelTurn,
    DismissTimers,
    Effect,
    EndAudio,
    EndPlayback,
    ExpectEnd,
    NotePause,
    Play,
    PlaySentence,
    PlayTone,
    Prepare,
    ReportPlayed,
    RestartEars,
    SetRinging,
    SetThinking,
    Speak,
    Tell,
)
from satellite.events import Event, Tick, Via, Woken
from satellite.hearing.ears import Ears
from satellite.parts import Backend, HeardFrame, Listener, Mouth, Status
from satellite.turn import State, TurnSettings, step
from wyoming_voice import logs
from wyoming_voice.core.opinions import Witness
from wyoming_voice.core.timing import new_turn_id

_log = logging.getLogger(__name__)

Watcher = Callable[[Event, State], None]
"""Is shown each event with the state that it has led to, before anything comes of it."""

_AFTER_A_BUG_MS = 1_000
"""How long a deadline waits that the machine could not handle, lest it come again at once, for ever."""


class Loop:
    """The turn machine with its ears, its mouth and those who answer; `post` is the way in."""

    def __init__(
        self,
        settings: TurnSettings,
        ears: Ears,
        mouth: Mouth,
        backends: Mapping[Via, Backend],
        dismiss_timers: Callable[[str], None],
    ) -> None:
        self.listeners: list[Listener] = []
        self.watchers: list[Watcher] = []
        self._settings = settings
        self._ears = ears
        self._mouth = mouth
        self._backends = backends
        self._dismiss_timers = dismiss_timers
        self._state = State.initial(settings, _now_ms())
        self._pending: deque[Event] = deque()
        self._feeding: EndAudio | None = None
        self._turn_id = ""  # of the turn that goes on
        self._closed_ms = 0  # where the ear was closed last
        self._alarm: asyncio.TimerHandle | None = None
        self._heard_ms: dict[int, int] = {}  # of playbacks cut off since the last turn

    @property
    def state(self) -> State:
        """Whose turn it is."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether a turn goes on."""
        return self._state.turn is not None

    @property
    def ear_ms(self) -> int:
        """Where the line of captured audio has got to."""
        return self._ears.now_ms

    def post(self, event: Event) -> None:
        """Have an event handled soon."""
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._handle_all)
        self._pending.append(event)

    def hear(self, frame: HeardFrame) -> None:
        """Take the next frame from the microphone."""
        endpoints = self._ears.push(frame.pcm, frame.probability)
        if self._feeding is not None:
            self._backends[self._feeding.via].feed(self._feeding.epoch, frame.pcm)
            self._ears.note_pause()
            if frame.completeness is not None:
                self._ears.expect(Witness.SOUND, frame.completeness)
        for endpoint in endpoints:
            self.post(endpoint)
        if frame.word is not None:
            since_ms = frame.end_ms - frame.word_end_ms
            self.post(Woken(frame.word, self._ears.now_ms - since_ms))

    def close(self) -> None:
        """Let no deadline come any more: nobody is there."""
        if self._alarm is not None:
            self._alarm.cancel()

    def forget(self) -> None:
        """Forget what was heard so far."""
        self._ears.forget()

    def tell(self, told: Tell) -> None:
        """Let everybody know who listens."""
        for listener in self.listeners:
            listener(told)

    def status(self) -> Status:
        """What the machine is at."""
        state = self._state
        return {
            "state": state.name,
            "muted": sorted(state.muted),
            "answers": next(iter(state.links.ready(self._settings.mode)), ""),
            "turns": state.epoch,
        }

    def _handle_all(self) -> None:
        while self._pending:
            event = self._pending[0]  # stays until it is done, so that what it posts waits its turn
            self._handle(event)
            self._pending.popleft()

    def _handle(self, event: Event) -> None:
        effects: list[Effect] = []
        pause_ms = _AFTER_A_BUG_MS
        with logs.turn(self._turn_id):
            with _fence(event):
                self._state, effects = step(self._settings, self._state, event, _now_ms())
                pause_ms = 0
                for watcher in self.watchers:
                    watcher(event, self._state)
            for effect in effects:
                with _fence(effect):
                    self._carry_out(effect)
        if self._state.turn is None:
            self._turn_id = ""
        self._set_alarm(pause_ms)

    def _set_alarm(self, pause_ms: int) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._state.deadline_ms is not None:
            delay_s = max(pause_ms, self._state.deadline_ms - _now_ms()) / 1000
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self.post, Tick())

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Prepare(via):
                self._backends[via].prepare()
            case BeginTurn():
                self._begin(effect)
            case EndAudio(epoch, via):
                self._end_feeding()
                self._backends[via].end_audio(epoch)
            case CancelTurn(epoch, via):
                self._backends[via].cancel(epoch)
            case Speak(text):
                self._backends[Via.DIRECT].say(text)
            case CancelSpeak():
                self._backends[Via.DIRECT].unsay()
            case ReportPlayed(via):
                self._backends[via].played()
            case RestartEars(at_ms):
                for endpoint in self._ears.restart(self.ear_ms if at_ms is None else at_ms):
                    self.post(endpoint)
            case ExpectEnd(completeness, at_ms):
                self._ears.expect(Witness.WORDS, completeness, at_ms)
            case NotePause(pause_ms):
                self._ears.pauses.note(pause_ms)
            case BeginPlayback(playback):
                self._mouth.begin(playback)
            case Play(playback, sound):
                self._mouth.play(playback, sound)
            case EndPlayback(playback):
                self._mouth.end(playback)
            case AbortPlayback(playback):
                self._heard_ms[playback] = self._mouth.abort(playback)
            case PlaySentence(playback, trouble, language):
                self._mouth.sentence(playback, trouble, language)
            case PlayTone(tone):
                self._mouth.tone(tone)
            case SetThinking(on):
                self._mouth.think(on)
            case SetRinging(on):
                self._mouth.ring(on)
            case DismissTimers(timer_id):
                self._dismiss_timers(timer_id)
            case Tell():
                self.tell(effect)

    def _end_feeding(self) -> None:
        if self._feeding is not None:
            self._feeding, self._closed_ms = None, self._ears.now_ms

    def _begin(self, turn: BeginTurn) -> None:
        backend = self._backends[turn.via]
        self._turn_id = new_turn_id()
        logs.belong_to(self._turn_id)
        heard_ms = self._heard_of(turn.interrupts)
        backend.begin(dataclasses.replace(turn, heard_ms=heard_ms, turn_id=self._turn_id))
        until_ms = self._closed_ms if turn.said else None
        backend.feed(turn.epoch, self._ears.since(turn.from_ms, until_ms))
        if not turn.said:
            self._feeding = EndAudio(turn.epoch, turn.via)

    def _heard_of(self, playback: int | None) -> int | None:
        """How much was heard of the answer that a turn cut off; known until another turn begins."""
        self._heard_ms = {n: heard_ms for n, heard_ms in self._heard_ms.items() if n == playback}
        return self._heard_ms.get(playback) if playback is not None else None


@contextlib.contextmanager
def _fence(what: Event | Effect) -> Iterator[None]:
    """A bug costs one event or one effect, and nothing after it."""
    try:
        yield
    except Exception:  # noqa: BLE001  (the fence of an effect)
        _log.exception("a bug: %s could not be carried out", type(what).__name__)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
