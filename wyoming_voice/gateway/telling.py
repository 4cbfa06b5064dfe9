"""What a page is told of its conversation: made of the events that the turn machine takes.

Rules: what is told of a turn carries its number, and a turn that goes on after a pause keeps the one it
had; of a turn that is over nothing more is told. What is wrong is told in words, and again when it is over.
"""

import time
from collections.abc import Callable
from dataclasses import asdict

from satellite.dialog.state import State
from satellite.effects import Moment, Tell
from satellite.events import (
    Event,
    Foreseen,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    Supposed,
    Transcribed,
    Trouble,
    TurnFailed,
    Understanding,
    Unmet,
    ViaChanged,
)
from satellite.parts import HeardFrame
from satellite.standalone.script import WHOLE_SENTENCES
from wyoming_voice.audio import first_audible_s
from wyoming_voice.client import Sound
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted
from wyoming_voice.core.sentences import SentenceSplitter
from wyoming_voice.gateway.outbox import Outbox
from wyoming_voice.gateway.services import lacks
from wyoming_voice.gateway.waterfall import (
    FIRST_AUDIO,
    FIRST_SENTENCE,
    FIRST_WORDS,
    NOTICED,
    TRANSCRIPT,
    Waterfall,
)

_STATES = {
    "booting": "idle",
    "guarding": "responding",
    "announcing": "responding",
}
"""What a page calls the states that have no name of their own there."""

_TROUBLES: dict[str, str] = {
    Trouble.NO_ASR: lacks("asr"),
    Trouble.NO_HANDLE: lacks("handle"),
    Trouble.NO_TTS: lacks("tts"),
    Trouble.TIMEOUT: "no answer has come in time; ask again",
    Trouble.FAILED: "the answer has failed; ask again",
}

OfTurn = (
    Foreseen
    | Supposed
    | Understanding
    | Unmet
    | Transcribed
    | ReplyText
    | ReplyAudio
    | ReplyEnded
    | TurnFailed
)


class _Answer:
    """What has come of one answer."""

    def __init__(self, waterfall: Waterfall) -> None:
        self.waterfall = waterfall
        self.text = ""
        self._splitter = SentenceSplitter(WHOLE_SENTENCES)

    def add(self, delta: str, now_s: float) -> None:
        """More of its text."""
        self.text += delta
        self.waterfall.reached(FIRST_WORDS, now_s)
        if self._splitter.add(delta):
            self.waterfall.reached(FIRST_SENTENCE, now_s)

    def sound(self, sound: Sound, now_s: float) -> None:
        """More of its speech."""
        offset_s = first_audible_s(sound.pcm, sound.format)
        if offset_s is not None:
            self.waterfall.reached(FIRST_AUDIO, now_s + offset_s)


class Teller:
    """Watches a loop, its frames and its moments, and tells a page of them."""

    def __init__(
        self, outbox: Outbox, voiced: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`voiced` is the probability down to which speech goes on."""
        self._outbox = outbox
        self._voiced = voiced
        self._now_s = now_s
        self._state = ""
        self._numbers: dict[int, int] = {}  # of the latest turn alone: epoch -> number
        self._turn = 0  # the number of the turn that was told of last
        self._answer: _Answer | None = None
        self._voiced_s = now_s()
        self._reason = ""
        self._supposed = ""
        self._away = False

    def frame(self, frame: HeardFrame) -> None:
        """What the voice detector thinks, for whoever looks on."""
        if frame.probability >= self._voiced:
            self._voiced_s = self._now_s()
        facts = {
            "probability": round(frame.probability, 3),
            "level_dbfs": round(frame.level_dbfs, 1),
        }
        self._outbox.spare("frame", facts)

    def watch(self, event: Event, state: State) -> None:
        """See `loop.Watcher`."""
        self._number(state)
        self._follow(state)
        match event:
            case SpeechStarted():
                self._outbox.tell("speech_started")
            case SpeechEnded():
                self._outbox.tell("speech_stopped")
            case ViaChanged():
                self._services_changed(event)
            case _ if isinstance(event, OfTurn):
                if event.epoch in self._numbers:
                    self._of_turn(event)
        if state.turn is None:
            self._end_turn()

    def moment(self, told: Tell) -> None:
        """See `parts.Listener`: what is wrong, in words."""
        if told.moment is Moment.ERROR:
            reason, self._reason = self._reason, ""
            failed = told.text == Trouble.FAILED and reason
            self._outbox.tell("trouble", text=reason if failed else _words(told.text))

    def _number(self, state: State) -> None:
        turn = state.turn
        if turn is None or turn.epoch in self._numbers:
            return
        before = self._numbers.get(turn.replaces) if turn.replaces is not None else None
        if before is None:
            self._end_turn()
            self._turn += 1
        else:
            self._answer = None
            self._outbox.tell("answer", turn=before, text="")  # it will be another
        self._supposed = ""
        self._numbers = {turn.epoch: before or self._turn}

    def _follow(self, state: State) -> None:
        name = _STATES.get(state.name, state.name)
        if name == self._state:
            return
        if name == "processing" and self._state == "listening":
            self._answer = _Answer(Waterfall(self._voiced_s))
            self._answer.waterfall.reached(NOTICED, self._now_s())
        self._state = name
        self._outbox.tell("state", state=name)

    def _of_turn(self, event: OfTurn) -> None:
        now_s, answer, number = self._now_s(), self._answer, self._numbers[event.epoch]
        match event:
            case Supposed(text=text):
                self._supposed = text
                self._outbox.tell("partial", turn=number, text=text)
            case Understanding(text=text):
                shown = self._supposed if self._supposed.startswith(text) else text
                self._outbox.tell("partial", turn=number, text=shown, stable=len(text))
            case Transcribed(text=text):
                self._outbox.tell("transcript", turn=number, text=text)
                if answer is not None:
                    answer.waterfall.reached(TRANSCRIPT, now_s)
            case Foreseen(ahead_ms=ahead_ms) if answer is not None:
                answer.waterfall.ahead(ahead_ms, now_s)
            case ReplyText(text=text):
                self._outbox.tell("answer_delta", turn=number, text=text)
                if answer is not None:
                    answer.add(text, now_s)
            case ReplyAudio(sound=sound):
                if answer is not None:
                    answer.sound(sound, now_s)
            case ReplyEnded():
                self._outbox.tell("answer", turn=number, text=answer.text if answer else "")
                self._end_turn()
            case Unmet(reason=reason):
                self._outbox.tell("trouble", text=reason)
            case TurnFailed(text=text):
                self._reason = text

    def _end_turn(self) -> None:
        """Nothing more comes of the turn: where did its time go?"""
        answer, self._answer = self._answer, None
        if answer is not None:
            stages = [asdict(stage) for stage in answer.waterfall.stages]
            self._outbox.tell("waterfall", turn=self._turn, stages=stages)

    def _services_changed(self, event: ViaChanged) -> None:
        if not event.ready:
            self._outbox.tell("trouble", text="; ".join(map(lacks, event.missing)))
        elif self._away:
            self._outbox.tell("trouble", text="")
        self._away = not event.ready


def _words(trouble: str) -> str:
    return _TROUBLES.get(trouble, trouble)
