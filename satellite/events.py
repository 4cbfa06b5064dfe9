"""The words of the turn machine: what can happen to a satellite, and what it can do about it.

Events go into `turn.step`, effects come out and are carried out by `loop`. Rule: an event of a turn
carries the epoch of that turn, and one of a playback its number, so that what is stale can be told.
`at_ms` and `from_ms` are places on the line of captured audio, `now_ms` is the monotonic clock.
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

    HARDWARE = "hardware"
    SOFTWARE = "software"
    HOME_ASSISTANT = "home-assistant"


class Tone(StrEnum):
    """Short feedback sounds."""

    LISTENING = "listening"
    DONE = "done"
    ERROR = "error"


class Trouble(StrEnum):
    """What can keep a turn from being answered; each has a sentence that can be spoken without a server."""

    NO_ASR = "no-asr"
    NO_HANDLE = "no-handle"
    NO_TTS = "no-tts"
    NO_HOME_ASSISTANT = "no-home-assistant"
    TIMEOUT = "timeout"
    FAILED = "failed"


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
class WakeWord:
    """A wake word as set up; `stops` makes it a stop word, `voice` and `prompt` are for standalone turns."""

    name: str
    phrase: str
    voice: str = ""
    prompt: str = ""
    stops: bool = False


# ---- events: the ears


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


# ---- events: people and programs


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


# ---- events: who answers


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
class Transcribed:
    """What was said; `""` when nothing was understood, which ends the turn in silence."""

    epoch: int
    text: str


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
    """Speech out of the blue, or what `Speak` asked for: a piece of it, in order."""

    sound: Sound


@dataclass(frozen=True)
class AnnouncementEnded:
    """All of it has come; also when nothing could be spoken."""


# ---- events: the mouth, timers, the clock


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
    | Transcribed
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


# ---- effects: towards whoever answers


@dataclass(frozen=True)
class Prepare:
    """A turn is likely: have connections open."""

    via: Via


@dataclass(frozen=True)
class BeginTurn:
    """Open a turn and send what is heard from `from_ms` on; followed by exactly one EndAudio."""

    epoch: int
    via: Via
    from_ms: int
    word: WakeWord | None = None
    follow_up: bool = False
    heard_ms: int | None = None  # how much of the answer before was heard, where it was interrupted


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
class ReportPlayed:
    """A playback is over, heard or cut off: `played`, exactly once for each BeginPlayback of theirs."""

    via: Via


# ---- effects: ears and mouth


@dataclass(frozen=True)
class RestartEars:
    """Listen as if audio began at `at_ms` (None: here): what was said before is no part of this turn."""

    at_ms: int | None


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
    """Say what is wrong, from memory, as a playback that reports PlaybackHeard."""

    playback: int
    trouble: Trouble


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
    | ReportPlayed
    | RestartEars
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
