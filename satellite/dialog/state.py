"""What a satellite is at: one dialog state at a time, and what lies over it.

Rule: everything here is frozen, every dialog state but Idle has a deadline, and only Listening has an
open ear: from its BeginTurn on until its EndAudio. All times are `now_ms` unless they are called `at_ms`
or `from_ms`, which are places on the line of captured audio.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Self

from satellite.dialog.links import Links
from satellite.dialog.settings import TurnSettings
from satellite.events import MuteSource, Via, WakeWord
from wyoming_voice.client import Sound


@dataclass(frozen=True)
class Playback:
    """What was given to the mouth and is not over.

    `via` is told when it is; None for a sentence of our own. `sound_ms` of it have come, which are heard
    by `heard_by_ms`, unless something else sounds before it.
    """

    number: int
    via: Via | None
    heard_by_ms: float
    sound_ms: float = 0
    complete: bool = False


@dataclass(frozen=True)
class Turn:
    """A turn that was begun: what it takes to begin it again with somebody else, perhaps with all `said`.

    `interrupts` is the answer that it cut off, `replaces` the turn that it goes on with. Speech ended at
    `ended_at_ms`, and what begins by `joins_until_ms` belongs to it yet.
    """

    epoch: int
    via: Via
    from_ms: int
    word: WakeWord | None = None
    follow_up: bool = False
    said: bool = False
    interrupts: Playback | None = None
    replaces: int | None = None
    ended_at_ms: int = 0
    joins_until_ms: int = -1


@dataclass(frozen=True)
class Waiting:
    """An announcement of Home Assistant's that came in the middle of a turn of our own."""

    sounds: tuple[Sound, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class Booting:
    """The microphone is being opened."""

    name: ClassVar = "booting"
    deadline_ms: int


@dataclass(frozen=True)
class Idle:
    """Nobody is at it."""

    name: ClassVar = "idle"
    deadline_ms: ClassVar[None] = None


@dataclass(frozen=True)
class Listening:
    """A turn is open and its audio goes out.

    Speech may begin until `patience_ms`, and began at `speech_ms`; a `held` button decides by itself.
    """

    name: ClassVar = "listening"
    deadline_ms: int
    turn: Turn
    patience_ms: int
    speech_ms: int | None = None
    held: bool = False


@dataclass(frozen=True)
class Processing:
    """All was said, and `understood` or not yet; the answer, so far `text`, isn't to be heard yet."""

    name: ClassVar = "processing"
    deadline_ms: int
    turn: Turn
    text: str = ""
    understood: bool = False


@dataclass(frozen=True)
class Responding:
    """The answer is the first of the playbacks in line."""

    name: ClassVar = "responding"
    deadline_ms: int
    turn: Turn
    text: str


@dataclass(frozen=True)
class Guarding:
    """The answer to `before` was heard, and wants a reply; its last echo dies away."""

    name: ClassVar = "guarding"
    deadline_ms: int
    before: Turn


@dataclass(frozen=True)
class Awaiting:
    """A reply to the answer to `before` may come, without a wake word; nothing is sent until it does."""

    name: ClassVar = "listening"
    deadline_ms: int
    before: Turn


@dataclass(frozen=True)
class Announcing:
    """What is in line is no answer; or nothing is, when what was `asked` for is still coming in."""

    name: ClassVar = "announcing"
    deadline_ms: int
    asked: bool = False


Dialog = Booting | Idle | Listening | Processing | Responding | Guarding | Awaiting | Announcing


@dataclass(frozen=True)
class Ringing:
    """A timer that has run out; at `deadline_ms` it is given up."""

    timer_id: str
    name: str
    deadline_ms: int


@dataclass(frozen=True)
class State:
    """One dialog state and what lies over it; `epoch` and `playback` are the last numbers given.

    `line` holds the playbacks in the mouth, the first of which sounds: none but in Responding and
    Announcing; `waiting`, what gets in line after Listening and Processing. Until `dropping_until_ms` the
    rest of a cut-off announcement of Home Assistant's is expected and dropped; of texts of our own that
    were cut off, as many ends as `unsaid` are still to come. `language` is the one that was spoken last.
    """

    dialog: Dialog
    epoch: int = 0
    playback: int = 0
    line: tuple[Playback, ...] = ()
    muted: frozenset[MuteSource] = frozenset()
    ringing: tuple[Ringing, ...] = ()
    links: Links = field(default_factory=Links)
    says: tuple[str, ...] = ()
    ducked: bool = False
    microphone: bool = False
    waiting: tuple[Waiting, ...] = ()
    unsaid: int = 0
    dropping_until_ms: int | None = None
    language: str = ""

    @classmethod
    def initial(cls, settings: TurnSettings, now_ms: int) -> Self:
        """The state to start from."""
        return cls(Booting(now_ms + settings.boot_ms), language=settings.language)

    @property
    def name(self) -> str:
        """The dialog state in a word."""
        return self.dialog.name

    @property
    def deadline_ms(self) -> int | None:
        """When a Tick is wanted; None when nothing is going on."""
        deadlines = [timer.deadline_ms for timer in self.ringing]
        if self.dialog.deadline_ms is not None:
            deadlines.append(self.dialog.deadline_ms)
        return min(deadlines, default=None)

    @property
    def turn(self) -> Turn | None:
        """The turn that is being listened to, worked at or answered."""
        match self.dialog:
            case Listening(turn=turn) | Processing(turn=turn) | Responding(turn=turn):
                return turn
            case _:
                return None

    @property
    def answer(self) -> Playback | None:
        """What is being answered, as it is heard."""
        return self.line[0] if isinstance(self.dialog, Responding) else None

    @property
    def asked(self) -> bool:
        """Whether a text of our own is being made into speech."""
        return isinstance(self.dialog, Announcing) and self.dialog.asked

    def announcement(self, via: Via) -> Playback | None:
        """The announcement of theirs that is still coming in; there is one at most, and no answer is one."""
        behind = (p for p in self.line if p != self.answer)
        return next((p for p in behind if p.via is via and not p.complete), None)

    @property
    def thinking(self) -> bool:
        """Whether the sound of work in progress is wanted."""
        return isinstance(self.dialog, Processing)

    @property
    def rings(self) -> bool:
        """Whether timers sound: they wait while anything else goes on."""
        return bool(self.ringing) and isinstance(self.dialog, Idle)
