"""Decides what Home Assistant's events mean for our turns, and what it has to be told.

Wyoming events and our own turns go in; events to send, events of ours, and timers come out. Rule: one run
at a time, and nothing of a run that was abandoned comes out. What Home Assistant does was read in the
source of 2026.11, `components/wyoming/assist_satellite.py` and `components/assist_satellite/entity.py`.
"""

from dataclasses import dataclass, field

from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event as WireEvent
from wyoming.snd import Played
from wyoming.wake import Detection

from satellite.effects import BeginTurn
from satellite.events import (
    AnnouncementAudio,
    AnnouncementEnded,
    MuteChanged,
    MuteSource,
    Progressed,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    SpeechEndedRemotely,
    Transcribed,
    Trouble,
    TurnFailed,
    Via,
    ViaChanged,
)
from satellite.home_assistant.audio import Incoming, Owner, Run
from satellite.home_assistant.messages import CANCEL, RUN, HangUp, Outcome, Send, TimerNews
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import BadEvent

SILENCE_MS = 10_000
"""Pings come every 2 s; after this long without any event the link is dead."""

GOODBYE_MS = 2_000
"""A pause that is followed so soon by the end of the link is a shut-down, not a mute."""

DENIAL_MS = 500
"""How long an answer to `CANCEL` is waited for; 2026.2 gives none."""

SETTLE_MS = 50
"""Home Assistant answers `CANCEL` a moment before it has put the run away."""

DUPLICATE_MS = 2_500
"""The same wake word counts once in 2 s for all satellites: a second `detection` would end the run."""

SILENT_CODES = {"stt-no-text-recognized", "duplicate_wake_up_detected"}
"""What nobody needs to hear of."""

_DENIAL_CODE = "validation-error"
_CHUNK_BYTES = 8_192


@dataclass
class Session:
    """All that is known of Home Assistant, over one link after another."""

    ready: bool = False
    muted: bool = False
    _muted_at_ms: int = 0
    _run: Run | None = None
    _incoming: Incoming = field(default_factory=Incoming)
    _denial_due: bool = False
    _hold_until_ms: int | None = None
    _held: list[Outcome] = field(default_factory=list)
    _pinged: bool = False
    _heard_at_ms: int = 0
    _last_detection: tuple[str, int] | None = None

    @property
    def deadline_ms(self) -> int | None:
        """When `tick` is to be called, unless something happens before."""
        watched = self.ready and self._pinged and not self.muted
        deadlines = [self._heard_at_ms + SILENCE_MS] if watched else []
        if self._hold_until_ms is not None:
            deadlines.append(self._hold_until_ms)
        return min(deadlines, default=None)

    def tick(self, now_ms: int) -> list[Outcome]:
        """Do what the time has come for."""
        deadline_ms = self.deadline_ms
        if deadline_ms is None or now_ms < deadline_ms:
            return []
        if self._hold_until_ms is not None and now_ms >= self._hold_until_ms:
            held, self._held, self._hold_until_ms = self._held, [], None
            return held
        return [HangUp(f"Home Assistant has said nothing for {SILENCE_MS // 1000} s")]

    def connected(self, now_ms: int) -> list[Outcome]:
        """`run-satellite` has come, on a link that takes the place of any before it."""
        outcomes = self._cut_off("Home Assistant has connected anew")
        if self.muted:
            outcomes.append(MuteChanged(MuteSource.HOME_ASSISTANT, muted=False))
        if not self.ready:
            outcomes.append(ViaChanged(Via.HOME_ASSISTANT, ready=True))
        self.ready, self.muted = True, False
        self._pinged, self._heard_at_ms = False, now_ms
        return outcomes

    def disconnected(self, now_ms: int) -> list[Outcome]:
        """The link has ended, from either side."""
        outcomes = self._cut_off("the link to Home Assistant has ended")
        if self.muted and now_ms - self._muted_at_ms < GOODBYE_MS:
            self.muted = False
            outcomes.append(MuteChanged(MuteSource.HOME_ASSISTANT, muted=False))
        self.ready = False
        outcomes.append(ViaChanged(Via.HOME_ASSISTANT, ready=False))
        return outcomes

    def _cut_off(self, reason: str) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if self._run is not None and not self._run.answered:
            outcomes.append(TurnFailed(self._run.epoch, Trouble.NO_HOME_ASSISTANT, reason))
        if self._incoming.owner is Owner.ANNOUNCEMENT:
            outcomes.append(AnnouncementEnded(Via.HOME_ASSISTANT))
        self._run, self._incoming = None, Incoming()
        self._denial_due, self._hold_until_ms, self._held = False, None, []
        return outcomes

    def begin(self, turn: BeginTurn, now_ms: int) -> list[Outcome]:
        """A turn begins."""
        outcomes = self._abandon(now_ms)
        if not self.ready or self.muted:
            reason = "Home Assistant has muted us" if self.ready else "Home Assistant has gone"
            return [*outcomes, TurnFailed(turn.epoch, Trouble.NO_HOME_ASSISTANT, reason)]
        self._run = Run(turn.epoch)
        if turn.word is not None and self._is_news(turn.word.name, now_ms):
            outcomes += self._sent(Detection(name=turn.word.name).event())
        return outcomes + self._sent(RUN)

    def feed(self, epoch: int, pcm: bytes) -> list[Outcome]:
        """What is heard in it."""
        if self._run is None or self._run.epoch != epoch or not self._run.hearing:
            return []
        pieces = (pcm[at : at + _CHUNK_BYTES] for at in range(0, len(pcm), _CHUNK_BYTES))
        rate_hz, width, channels = SPEECH.rate_hz, SPEECH.width_bytes, SPEECH.channels
        return [
            outcome
            for piece in pieces
            for outcome in self._sent(AudioChunk(rate_hz, width, channels, piece).event())
        ]

    def end_audio(self, epoch: int) -> list[Outcome]:
        """All of it was heard."""
        if self._run is None or self._run.epoch != epoch or not self._run.hearing:
            return []
        self._run.hearing = False
        return self._sent(AudioStop().event())

    def cancel(self, epoch: int, now_ms: int) -> list[Outcome]:
        """Its answer is not wanted any more."""
        return self._abandon(now_ms) if self._run and self._run.epoch == epoch else []

    def played(self) -> list[Outcome]:
        """Something was heard to its end, or was cut off."""
        return [Send(Played().event())] if self.ready else []

    def _sent(self, event: WireEvent) -> list[Outcome]:
        if self._hold_until_ms is None:
            return [Send(event)]
        self._held.append(Send(event))
        return []

    def _is_news(self, word: str, now_ms: int) -> bool:
        last, self._last_detection = self._last_detection, (word, now_ms)
        return last is None or last[0] != word or now_ms - last[1] >= DUPLICATE_MS

    def _abandon(self, now_ms: int) -> list[Outcome]:
        run = self._run
        if run is None:
            return []
        self._run = None
        self._incoming.disown(run, now_ms)
        if self._hold_until_ms is not None:  # Home Assistant has not heard of it
            self._held = []
            return []
        if not run.at_work:
            return []
        self._denial_due, self._hold_until_ms = True, now_ms + DENIAL_MS
        return [Send(CANCEL)]

    def received(self, event: WireEvent, now_ms: int) -> list[Outcome]:
        """Any event of the link; raises BadEvent for what makes no sense."""
        self._heard_at_ms = now_ms
        match event.type:
            case "ping":
                self._pinged = True
                return []
            case "pause-satellite":
                return self._paused(now_ms)
            case "audio-start":
                return self._audio_begins(now_ms)
            case "audio-chunk":
                return self._audio(event)
            case "audio-stop":
                return self._audio_ends()
            case "error":
                return self._failed(event, now_ms)
            case "timer-started" | "timer-updated" | "timer-cancelled" | "timer-finished":
                _text(event, "id")
                return [TimerNews(event)]
        if self._run is None or self._hold_until_ms is not None:
            return []
        return self._progress(self._run, event)

    def _paused(self, now_ms: int) -> list[Outcome]:
        if self.muted:
            return []
        self.muted, self._muted_at_ms = True, now_ms
        return [MuteChanged(MuteSource.HOME_ASSISTANT, muted=True)]

    def _progress(self, run: Run, event: WireEvent) -> list[Outcome]:
        match event.type:
            case "transcribe":
                language = event.data.get("language")
                run.language = language if isinstance(language, str) else ""
                return [Progressed(run.epoch)]
            case "voice-started":
                return [Progressed(run.epoch)]
            case "voice-stopped":
                return self._enough(run) or [Progressed(run.epoch)]
            case "transcript":
                run.transcribed, text = True, _text(event, "text")
                return [*self._enough(run), Transcribed(run.epoch, text, run.language)]
            case "synthesize":
                run.synthesized = True
                text = _text(event, "text")
                return [ReplyText(run.epoch, text) if text else Progressed(run.epoch)]
        return []

    def _enough(self, run: Run) -> list[Outcome]:
        if run.heard_enough or not run.hearing:
            return []
        run.heard_enough = True
        return [SpeechEndedRemotely(run.epoch)]

    def _failed(self, event: WireEvent, now_ms: int) -> list[Outcome]:
        code = str(event.data.get("code") or "")
        if self._denial_due and code == _DENIAL_CODE:
            self._denial_due = False
            if self._hold_until_ms is not None:
                self._hold_until_ms = min(self._hold_until_ms, now_ms + SETTLE_MS)
            return []
        run = self._run
        if run is None or self._hold_until_ms is not None:
            return []
        self._run = None
        self._incoming.disown(run, now_ms)
        if run.answered:
            return []
        text = f"Home Assistant says: {event.data.get('text')} ({code or 'no code'})"
        return [TurnFailed(run.epoch, Trouble.FAILED, text, silent=code in SILENT_CODES)]

    def _audio_begins(self, now_ms: int) -> list[Outcome]:
        announcing = self._incoming.owner is Owner.ANNOUNCEMENT
        outcomes: list[Outcome] = [AnnouncementEnded(Via.HOME_ASSISTANT)] if announcing else []
        owner = self._incoming.begin(self._run, now_ms)
        if owner is Owner.TURN and self._run is not None:
            outcomes.append(Progressed(self._run.epoch))
        if owner is Owner.ANNOUNCEMENT:
            outcomes += self._displaced()
        return outcomes

    def _displaced(self) -> list[Outcome]:
        """Home Assistant cancels a run, without a word, for an announcement."""
        run = self._run
        if run is None or run.answered:
            return []
        self._run, self._held, self._hold_until_ms = None, [], None
        reason = "an announcement of Home Assistant's came between"
        return [TurnFailed(run.epoch, Trouble.FAILED, reason, silent=True)]

    def _audio(self, event: WireEvent) -> list[Outcome]:
        sound = self._incoming.sound(event)
        if sound is None:
            return []
        if self._incoming.owner is Owner.TURN and self._run is not None:
            return [ReplyAudio(self._run.epoch, sound)]
        return [AnnouncementAudio(Via.HOME_ASSISTANT, sound)]

    def _audio_ends(self) -> list[Outcome]:
        owner = self._incoming.end()
        if owner is Owner.ANNOUNCEMENT:
            return [AnnouncementEnded(Via.HOME_ASSISTANT)]
        if owner is not Owner.TURN or self._run is None:
            return []
        self._run.answered = True
        return [ReplyEnded(self._run.epoch)]


def _text(event: WireEvent, name: str) -> str:
    text = event.data.get(name)
    if not isinstance(text, str):
        raise BadEvent(f"{event.type!r} needs {name!r}, a string")
    return text
