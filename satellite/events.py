"""What can happen to a satellite: the events that go into `turn.step`, from the ears to the clock.

Rule: an event of a turn carries the epoch of that turn, and one of a playback its number, so that what is
stale can be told. `at_ms` is a place on the line of captured audio.
"""

from dataclasses import dataclass
from enum import StrEnum

from wyoming_voice.client import Sound
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted


class Via(StrEnum):
    """Who answers a turn: Home Assistant, or the servers that the satellite talks to itself."""

    HOME_ASSISTANT = "home-assistant"
    DIRECT = "direct"


class MuteSource(StrEnum):
    """Who can close the ear; it is open when none of them has."""

    SOFTWARE = "software"
    HOME_ASSISTANT = "home-assistant"


class Trouble(StrEnum):
    """What can keep a turn from being answered; each has a sentence that can be spoken without a server."""

    NO_ASR = "no-asr"
    NO_HANDLE = "no-handle"
    NO_TTS = "no-tts"
    NO_HOME_ASSISTANT = "no-home-assistant"
    TIMEOUT = "timeout"
    FAILED = "failed"


@dataclass(frozen=True)
class WakeWord:
    """A wake word as set up; `stops` makes it a stop word, `voice` and `prompt` are for standalone turns."""

    name: str
    phrase: str
    voice: str = ""
    prompt: str = ""
    stops: bool = False


@dataclass(frozen=True)
class MicrophoneReady:
    """Sound comes in."""


@dataclass(frozen=True)
class MicrophoneLost:
    """No sound comes in; it is being opened again."""

    reason: str


@dataclass(frozen=True)
class Woken:
    """A wake word was heard; it ended at `at_ms`."""

    word: WakeWord
    at_ms: int


@dataclass(frozen=True)
class Triggered:
    """Somebody wants a turn, without a wake word: a button, the control socket."""

    at_ms: int


@dataclass(frozen=True)
class Pressed:
    """The push-to-talk button went down."""

    at_ms: int


@dataclass(frozen=True)
class Released:
    """The push-to-talk button came up."""


@dataclass(frozen=True)
class Stopped:
    """Somebody wants silence: a button, the control socket, a stop word."""


@dataclass(frozen=True)
class MuteChanged:
    """One of those who can close the ear did so, or opened it."""

    source: MuteSource
    muted: bool


@dataclass(frozen=True)
class Say:
    """Somebody wants a text to be spoken."""

    text: str


@dataclass(frozen=True)
class ViaChanged:
    """Home Assistant, or the servers of our own, can (`missing` empty) or can't answer turns."""

    via: Via
    ready: bool
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progressed:
    """A sign of life: the turn is being worked at."""

    epoch: int


@dataclass(frozen=True)
class SpeechEndedRemotely:
    """The other side has heard enough (Home Assistant's `voice-stopped`, an early transcript)."""

    epoch: int


@dataclass(frozen=True)
class Supposed:
    """What will have been said if the speaker has finished; each replaces the one before.

    `language` is its code, `""` where it isn't known. It is said of the first `audio_ms` of the turn's
    audio, which end in a pause; None where nobody knows which one.
    """

    epoch: int
    text: str
    language: str = ""
    audio_ms: int | None = None


@dataclass(frozen=True)
class Understanding:
    """The beginning of what is being said, as far as it is certain; for whoever looks on."""

    epoch: int
    text: str


@dataclass(frozen=True)
class Transcribed:
    """What was said; `""` when nothing was understood, which ends the turn in silence.

    `language` is its code, `""` where it isn't known.
    """

    epoch: int
    text: str
    language: str = ""


@dataclass(frozen=True)
class Foreseen:
    """What was supposed was said: its answer was begun `ahead_ms` ago; for whoever looks on."""

    epoch: int
    ahead_ms: int


@dataclass(frozen=True)
class Unmet:
    """A wish of the turn that no server could meet, such as a voice, and why; for whoever looks on."""

    epoch: int
    reason: str


@dataclass(frozen=True)
class ReplyText:
    """A piece of the answer's text, in order."""

    epoch: int
    text: str


@dataclass(frozen=True)
class ReplyAudio:
    """A piece of the spoken answer, in order."""

    epoch: int
    sound: Sound


@dataclass(frozen=True)
class ReplyEnded:
    """All of the answer has come, spoken or not."""

    epoch: int


@dataclass(frozen=True)
class TurnFailed:
    """The turn can't be answered; `silent` for what nobody needs to hear of. `text` is for the log."""

    epoch: int
    trouble: Trouble
    text: str
    silent: bool = False


@dataclass(frozen=True)
class AnnouncementAudio:
    """Speech out of the blue (Home Assistant's), or what `Speak` asked for (direct): a piece, in order."""

    via: Via
    sound: Sound


@dataclass(frozen=True)
class AnnouncementEnded:
    """All of it has come; also when nothing could be spoken."""

    via: Via


@dataclass(frozen=True)
class PlaybackHeard:
    """The last sample of a playback was heard (or would have been, had there been a loudspeaker)."""

    playback: int


@dataclass(frozen=True)
class TimerFinished:
    """A timer has run out and wants to ring."""

    timer_id: str
    name: str


@dataclass(frozen=True)
class TimerDismissed:
    """A ringing timer was dismissed by its name."""

    timer_id: str


@dataclass(frozen=True)
class Tick:
    """The state's deadline has come."""


Event = (
    MicrophoneReady
    | MicrophoneLost
    | Woken
    | SpeechStarted
    | SpeechEnded
    | Triggered
    | Pressed
    | Released
    | Stopped
    | MuteChanged
    | Say
    | ViaChanged
    | Progressed
    | SpeechEndedRemotely
    | Supposed
    | Understanding
    | Transcribed
    | Foreseen
    | Unmet
    | ReplyText
    | ReplyAudio
    | ReplyEnded
    | TurnFailed
    | AnnouncementAudio
    | AnnouncementEnded
    | PlaybackHeard
    | TimerFinished
    | TimerDismissed
    | Tick
)
