"""A stage for the turn machine: a clock that is moved by hand, effects as words, and a ledger.

The ledger sees every effect and knows what must hold whatever happens, in stories as in random walks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

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
    Moment,
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
from satellite.events import (
    Event,
    MicrophoneReady,
    PlaybackHeard,
    ReplyAudio,
    ReplyText,
    Stopped,
    Tick,
    Transcribed,
    Via,
    ViaChanged,
    WakeWord,
    Woken,
)
from satellite.turn import State, TurnSettings, step
from wyoming_voice.client import Sound
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted
from wyoming_voice.core.pcm import AudioFormat

HOME, DIRECT = Via.HOME_ASSISTANT, Via.DIRECT
NABU = WakeWord("okay_nabu", "okay nabu", voice="af_heart", prompt="be brief")
STOP_WORD = WakeWord("stop", "stop", stops=True)
SECOND = Sound(bytes(44_100), AudioFormat(22_050, 2, 1))
"""A second of silence, as Home Assistant sends it."""


@dataclass
class Ledger:
    """What is open, by the effects alone; every rule of the pairs is asserted as they come."""

    sending: int | None = None
    begun: set[int] = field(default_factory=set)
    cancelled: set[int] = field(default_factory=set)
    playing: dict[int, bool] = field(default_factory=dict)  # complete or not
    last_playback: int = 0
    nobody: Via | None = None  # who is never to be told anything
    unreported: int = 0
    waiting: int = 0
    on: dict[str, bool] = field(default_factory=dict)

    def note(self, event: Event, effects: Iterable[Effect], state: State) -> None:
        match event:
            case PlaybackHeard(number) if list(self.playing.items())[:1] == [(number, True)]:
                del self.playing[number]
            case Stopped():
                self.unreported += self.waiting
            case _:
                pass
        self.waiting = len(state.waiting)
        for effect in effects:
            self._note(effect, state)
        line = {playback.number: playback.complete for playback in state.line}
        assert self.playing == line
        assert self.unreported == sum(playback.via is not None for playback in state.line)
        assert not state.waiting or state.name in ("listening", "processing")
        for via in Via:
            behind = state.line[1:] if state.name == "responding" else state.line
            assert sum(p.via is via and not p.complete for p in behind) <= 1
        assert self.sending == (
            state.turn.epoch if state.turn and state.name == "listening" else None
        )
        assert self.on.get("thinking", False) == (state.name == "processing")
        assert self.on.get("ducked", False) == state.ducked
        assert self.on.get("ringing", False) == (bool(state.ringing) and state.name == "idle")
        assert state.name != "idle" or not state.ducked
        assert state.deadline_ms is not None or (state.name == "idle" and not state.ringing)

    def _note(self, effect: Effect, state: State) -> None:
        match effect:
            case Prepare():
                assert not state.muted
            case BeginTurn(epoch, replaces=part):
                assert not state.muted
                assert self.sending is None
                assert part is None or part in self.cancelled, "it would be answered as well"
                assert epoch == len(self.begun) + 1
                self.begun.add(epoch)
                self.sending = epoch
            case _:
                self._note_pairs(effect)

    def _note_pairs(self, effect: Effect) -> None:
        match effect:
            case EndAudio(epoch):
                assert self.sending == epoch
                self.sending = None
            case CancelTurn(epoch):
                assert epoch in self.begun - self.cancelled
                assert self.sending != epoch
                self.cancelled.add(epoch)
            case BeginPlayback(number):
                self._begin_playback(number)
                self.unreported += 1
                self.playing[number] = False
            case PlaySentence(number):
                self._begin_playback(number)
                self.playing[number] = True
            case Play(number):
                assert self.playing[number] is False
            case EndPlayback(number):
                assert self.playing[number] is False
                self.playing[number] = True
            case AbortPlayback(number):
                del self.playing[number]
            case ReportPlayed(via):
                assert via is not self.nobody
                self.unreported -= 1
            case SetThinking(on):
                self._switch("thinking", on)
            case SetRinging(on):
                self._switch("ringing", on)
            case Tell(Moment.DUCK | Moment.UNDUCK as moment):
                self._switch("ducked", moment is Moment.DUCK)
            case _:
                pass

    def _begin_playback(self, number: int) -> None:
        assert number == self.last_playback + 1
        self.last_playback = number

    def _switch(self, name: str, on: bool) -> None:
        assert self.on.get(name, False) is not on, f"{name} is {on} already"
        self.on[name] = on


class Stage:
    """A satellite in the middle of a play; starts idle, with `ready` who answer."""

    def __init__(self, settings: TurnSettings | None = None, ready: tuple[Via, ...] = (DIRECT,)):
        self.settings = settings or TurnSettings()
        self.now_ms = 1_000_000
        self.state = State.initial(self.settings, self.now_ms)
        self.ledger = Ledger(nobody=HOME if self.settings.mode == "standalone" else None)
        self.do(MicrophoneReady())
        for via in ready:
            self.do(ViaChanged(via, True))

    def do(self, *events: Event) -> list[str]:
        """Have these happen; the effects in words."""
        words: list[str] = []
        for event in events:
            self.state, effects = step(self.settings, self.state, event, self.now_ms)
            self.ledger.note(event, effects, self.state)
            words += [in_words(effect) for effect in effects]
        return words

    def wait(self, ms: int) -> list[str]:
        """Let time go by, with a Tick at each deadline."""
        words: list[str] = []
        until_ms = self.now_ms + ms
        while (deadline_ms := self.state.deadline_ms) is not None and deadline_ms <= until_ms:
            self.now_ms = max(self.now_ms, deadline_ms)
            words += self.do(Tick())
        self.now_ms = until_ms
        return words

    def heard(self) -> list[str]:
        """The first in line is heard to its end."""
        return self.do(PlaybackHeard(self.state.line[0].number))

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def epoch(self) -> int:
        return self.state.epoch

    @property
    def sending(self) -> int | None:
        """The turn whose audio goes out."""
        return self.ledger.sending


def in_words(effect: Effect) -> str:
    """An effect in a few words, to be read in a story."""
    match effect:
        case BeginTurn(epoch, via, from_ms, word, follow_up):
            by = f" by {word.name}" if word else ""
            return f"begin {epoch} {_short(via)} from {from_ms}{by}{' again' if follow_up else ''}"
        case EndAudio(number, via):
            return f"end {number} {_short(via)}"
        case CancelTurn(number, via):
            return f"cancel {number} {_short(via)}"
        case Prepare(via):
            return f"prepare {_short(via)}"
        case ReportPlayed(via):
            return f"played {_short(via)}"
        case RestartEars(at_ms):
            return f"ears {'here' if at_ms is None else at_ms}"
        case Tell(moment, text):
            return f"{moment}: {text}" if text else moment.upper()
        case ExpectEnd(completeness, at_ms):
            return f"expect {completeness}" + ("" if at_ms is None else f" by {at_ms}")
        case NotePause(pause_ms):
            return f"pause of {pause_ms}"
        case _:
            return _mouth_in_words(effect)


def _mouth_in_words(effect: Effect) -> str:
    match effect:
        case BeginPlayback(number):
            return f"playback {number}"
        case Play(number):
            return f"play {number}"
        case EndPlayback(number):
            return f"whole {number}"
        case AbortPlayback(number):
            return f"abort {number}"
        case PlaySentence(number, trouble, language):
            return f"sentence {number} {trouble}" + (f" in {language}" if language else "")
        case PlayTone(tone):
            return f"tone {tone}"
        case SetThinking(on):
            return f"think {'on' if on else 'off'}"
        case SetRinging(on):
            return f"ring {'on' if on else 'off'}"
        case DismissTimers(timer_id):
            return f"dismiss {timer_id or 'all'}"
        case Speak(text):
            return f"speak {text}"
        case CancelSpeak():
            return "speak no more"
        case _:
            raise AssertionError(f"no words for {effect}")


def _short(via: Via) -> str:
    return "ha" if via is HOME else "direct"


def with_settings(**changes: object) -> TurnSettings:
    """The default settings, but for some."""
    return replace(TurnSettings(), **changes)  # type: ignore[arg-type]


SPEAK_SOON = with_settings(barge_in="speech", echo_cancelled=True)


def asked(settings: TurnSettings | None = None, ready: tuple[Via, ...] = (DIRECT,)) -> Stage:
    """A wake word and a question: an answer is being made."""
    stage = Stage(settings, ready)
    stage.do(Woken(NABU, 3000), SpeechStarted(3400), SpeechEnded(5000))
    assert stage.name == "processing"
    return stage


def answered(
    settings: TurnSettings | None = None,
    ready: tuple[Via, ...] = (DIRECT,),
    text: str = "It is ten.",
) -> Stage:
    """A second of an answer has come."""
    stage = asked(settings, ready)
    stage.do(Transcribed(1, "What time is it?"), ReplyText(1, text), ReplyAudio(1, SECOND))
    assert stage.name == "responding"
    return stage
