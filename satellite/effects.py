"""What a satellite can do: the effects that come out of `turn.step`, and are carried out by `loop`.

Rule: an effect of a turn carries the epoch of that turn and who answers it, one of a playback its number.
`at_ms` and `from_ms` are places on the line of captured audio.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from satellite.events import Trouble, Via, WakeWord
from wyoming_voice.client import Sound
from wyoming_voice.core.completeness import Completeness


class Tone(StrEnum):
    """Short feedback sounds."""

    LISTENING = "listening"
    DONE = "done"
    ERROR = "error"


class Moment(StrEnum):
    """What lights, buttons, hooks and the control socket are told of."""

    READY = "ready"
    WAKE = "wake"
    LISTENING = "listening"
    SPEECH_STARTED = "speech-started"
    SPEECH_ENDED = "speech-ended"
    TRANSCRIPT = "transcript"
    PROCESSING = "processing"
    RESPONSE = "response"
    RESPONDING = "responding"
    PLAYED = "played"
    ANNOUNCING = "announcing"
    IDLE = "idle"
    ERROR = "error"
    WARNING = "warning"
    MUTED = "muted"
    UNMUTED = "unmuted"
    DUCK = "duck"
    UNDUCK = "unduck"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    MICROPHONE_READY = "microphone-ready"
    MICROPHONE_LOST = "microphone-lost"
    TIMER_STARTED = "timer-started"
    TIMER_UPDATED = "timer-updated"
    TIMER_CANCELLED = "timer-cancelled"
    TIMER_FINISHED = "timer-finished"
    TIMER_DISMISSED = "timer-dismissed"
    TIMER_MISSED = "timer-missed"


@dataclass(frozen=True)
class Prepare:
    """A turn is likely: have connections open."""

    via: Via


@dataclass(frozen=True)
class BeginTurn:
    """Open a turn and send what is heard from `from_ms` on; followed by exactly one EndAudio.

    Where all was `said` to another already, nothing is sent that came after the ear was closed. A turn
    that goes on after a pause is the whole of the one that it `replaces`, which was cancelled.
    """

    epoch: int
    via: Via
    from_ms: int
    word: WakeWord | None = None
    follow_up: bool = False
    said: bool = False
    heard_ms: int | None = None  # how much of the answer before was heard, where it was interrupted
    interrupts: int | None = None  # that answer's playback
    replaces: int | None = None  # the epoch of a turn that was not over
    turn_id: str = field(default="", compare=False)  # what logs and servers know it by


@dataclass(frozen=True)
class EndAudio:
    """Nothing more is to be sent: `audio-stop`."""

    epoch: int
    via: Via


@dataclass(frozen=True)
class CancelTurn:
    """The answer is not wanted any more, whatever has come of it."""

    epoch: int
    via: Via


@dataclass(frozen=True)
class Speak:
    """Turn a text into an announcement (AnnouncementAudio, AnnouncementEnded); standalone only."""

    text: str


@dataclass(frozen=True)
class CancelSpeak:
    """What `Speak` asked for is not wanted any more; one AnnouncementEnded comes of it all the same."""


@dataclass(frozen=True)
class ReportPlayed:
    """A playback is over, heard or cut off: `played`, exactly once for each BeginPlayback of theirs."""

    via: Via


@dataclass(frozen=True)
class RestartEars:
    """Listen as if audio began at `at_ms` (None: here): what was said before is no part of this turn."""

    at_ms: int | None


@dataclass(frozen=True)
class ExpectEnd:
    """What the words so far look like: how long a silence ends them; forgotten when speech goes on.

    They were heard by `at_ms`, in a pause; None where nobody knows in which one.
    """

    completeness: Completeness
    at_ms: int | None = None


@dataclass(frozen=True)
class NotePause:
    """Speech went on after this much silence, and belongs to the same turn."""

    pause_ms: int


@dataclass(frozen=True)
class BeginPlayback:
    """Something is about to be played; `playback` counts up."""

    playback: int


@dataclass(frozen=True)
class Play:
    """A piece of it."""

    playback: int
    sound: Sound


@dataclass(frozen=True)
class EndPlayback:
    """All of it has come: report PlaybackHeard after its last sample."""

    playback: int


@dataclass(frozen=True)
class AbortPlayback:
    """Silence at once; PlaybackHeard is not reported for it."""

    playback: int


@dataclass(frozen=True)
class PlaySentence:
    """Say what is wrong, without a server, as a playback that reports PlaybackHeard.

    `language` is that of whoever is told, `""` where it isn't known.
    """

    playback: int
    trouble: Trouble
    language: str = ""


@dataclass(frozen=True)
class PlayTone:
    """A short sound, over whatever plays."""

    tone: Tone


@dataclass(frozen=True)
class SetThinking:
    """The sound of work in progress, until it is taken back."""

    on: bool


@dataclass(frozen=True)
class SetRinging:
    """The sound of a timer, until it is taken back."""

    on: bool


@dataclass(frozen=True)
class DismissTimers:
    """Forget the timers that ring; `timer_id` for one of them alone."""

    timer_id: str = ""


SOUND_AGAIN = "gives sound again"
"""How a WARNING ends that takes an earlier one back."""


@dataclass(frozen=True)
class Tell:
    """Let lights, hooks and programs know."""

    moment: Moment
    text: str = ""


Effect = (
    Prepare
    | BeginTurn
    | EndAudio
    | CancelTurn
    | Speak
    | CancelSpeak
    | ReportPlayed
    | RestartEars
    | ExpectEnd
    | NotePause
    | BeginPlayback
    | Play
    | EndPlayback
    | AbortPlayback
    | PlaySentence
    | PlayTone
    | SetThinking
    | SetRinging
    | DismissTimers
    | Tell
)
