"""Decides whose the audio is that Home Assistant sends: a turn's answer, an announcement, or nobody's.

Nothing in the audio itself tells. Rule: a turn is answered only once it was transcribed; what is left of
an abandoned turn is nobody's, up to its `audio-stop`; all else is an announcement.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from wyoming.event import Event

from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import BadEvent

LATE_MS = 1_500
"""After a turn was abandoned in the making, its answer may still begin for this long."""

SYNTHESIZED_MS = 30_000
"""Likewise when its speech was being made already, which nothing stops."""


@dataclass
class Run:
    """A turn in Home Assistant's hands, and how far it has come."""

    epoch: int
    language: str = ""
    hearing: bool = True  # we have not ended its audio
    heard_enough: bool = False  # but Home Assistant has
    transcribed: bool = False
    synthesized: bool = False
    answered: bool = False

    @property
    def at_work(self) -> bool:
        """Whether Home Assistant's pipeline may still be busy with it."""
        return not (self.synthesized or self.answered)

    @property
    def awaits_audio(self) -> bool:
        """Whether its answer may be what comes next."""
        return self.transcribed and not self.answered


class Owner(Enum):
    """Whose audio it is."""

    NOBODY = auto()
    TURN = auto()
    ANNOUNCEMENT = auto()


@dataclass
class _Leftovers:
    """The answer of an abandoned turn, which may still begin; `sure`: its speech is being made."""

    until_ms: int = 0
    sure: bool = False

    def explain(self, run: Run | None, now_ms: int) -> bool:
        """Whether audio that begins is the old answer and not one of `run`."""
        expected = run is not None and (run.synthesized if self.sure else run.transcribed)
        return now_ms < self.until_ms and not expected


@dataclass
class Incoming:
    """The audio that comes in, from one `audio-start` to the next `audio-stop`."""

    owner: Owner = Owner.NOBODY
    _rest: bytes = b""
    _leftovers: _Leftovers = field(default_factory=_Leftovers)

    def begin(self, run: Run | None, now_ms: int) -> Owner:
        """Audio begins while `run` is what we wait for."""
        self._rest = b""
        if self._leftovers.explain(run, now_ms):
            self.owner = Owner.NOBODY
        elif run is not None and run.awaits_audio:
            self.owner = Owner.TURN
        else:
            self.owner = Owner.ANNOUNCEMENT
        return self.owner

    def sound(self, event: Event) -> Sound | None:
        """A chunk of it in whole samples, None when there is nothing to play.

        Home Assistant cuts chunks where its reads from ffmpeg or a file end, which may be inside a
        sample. Raises BadEvent for a format that can't be.
        """
        rate_hz, width, channels = (_number(event, n) for n in ("rate", "width", "channels"))
        if self.owner is Owner.NOBODY:
            return None
        pcm_format = AudioFormat(rate_hz, width, channels)
        pcm = self._rest + (event.payload or b"")
        whole_bytes = len(pcm) - len(pcm) % pcm_format.frame_bytes
        self._rest = pcm[whole_bytes:]
        return Sound(pcm[:whole_bytes], pcm_format) if whole_bytes else None

    def end(self) -> Owner:
        """It is complete; whose it was."""
        owner, self.owner = self.owner, Owner.NOBODY
        if owner is Owner.NOBODY:
            self._leftovers = _Leftovers()
        return owner

    def disown(self, run: Run, now_ms: int) -> None:
        """Nobody waits for the answer of `run` any more, begun or still to come."""
        if self.owner is Owner.TURN:
            self.owner = Owner.NOBODY
        elif run.awaits_audio:
            late_ms = SYNTHESIZED_MS if run.synthesized else LATE_MS
            self._leftovers = _Leftovers(now_ms + late_ms, sure=run.synthesized)


def _number(event: Event, name: str) -> int:
    number = event.data.get(name)
    most = 384_000 if name == "rate" else 8
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
        raise BadEvent(f"{event.type!r} needs {name!r}, a number from 1 to {most}")
    return number
