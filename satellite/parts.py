"""What the satellite's parts offer each other: the shapes behind which devices and servers can be swapped.

Every method that is not `async` returns at once and may be called from the event loop at any time; what
comes of it is posted as an event (`Post`). Rule: nothing here ever blocks, and a part mends itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from satellite.effects import BeginTurn, Tell, Tone
from satellite.events import Event, Trouble, WakeWord
from wyoming_voice.client import Sound
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.errands import Done
from wyoming_voice.errors import VoiceError

Audio = npt.NDArray[np.float32]
Post = Callable[[Event], None]
Listener = Callable[[Tell], None]
"""Is told of moments; returns at once."""
Status = dict[str, object]
"""Facts for `status` and the log, as JSON takes them; each part has a `status()`."""


class DeviceError(VoiceError):
    """A microphone or loudspeaker that can't be opened or has gone; says which, why, and what to do."""

    code = "device-failed"


class DeviceHangs(DeviceError):
    """A call into the sound system that has not come back, and may hold up every later one."""


class Backend(Protocol):
    """Home Assistant, or servers of our own: who answers turns."""

    def prepare(self) -> None:
        """A turn is likely soon: open connections."""

    def begin(self, turn: BeginTurn) -> None:
        """A turn begins; its audio follows."""

    def feed(self, epoch: int, pcm: bytes) -> None:
        """Audio of the turn: 16 kHz, 16 bit, mono."""

    def end_audio(self, epoch: int) -> None:
        """The turn's audio is complete."""

    def cancel(self, epoch: int) -> None:
        """Nobody waits for the answer any more; nothing of it may be posted from here on."""

    def played(self) -> None:
        """A reply or an announcement of this backend's has been heard, or was cut off."""

    def say(self, text: str) -> None:
        """Speak a text as an announcement."""

    def unsay(self) -> None:
        """Nobody waits for what `say` was asked for: AnnouncementEnded is posted now, or was already."""

    async def run(self) -> None:
        """Live until cancelled; posts ViaChanged when it can or can't answer."""


class Mouth(Protocol):
    """The loudspeaker with everything that sounds; playbacks are numbered and play one after another."""

    volume: float  # 0 to 1

    def begin(self, playback: int) -> None:
        """A playback is about to come; its audio may come in pieces."""

    def play(self, playback: int, sound: Sound) -> None:
        """A piece of it, of any format."""

    def end(self, playback: int) -> None:
        """It is complete: PlaybackHeard is posted when its last sample was heard."""

    def abort(self, playback: int) -> int:
        """Give the device nothing more of it; PlaybackHeard never comes. Returns how much was heard in ms."""

    def sentence(self, playback: int, trouble: Trouble, language: str) -> None:
        """A whole playback that needs no server, for whoever speaks a language ("": not known)."""

    def tone(self, tone: Tone) -> None:
        """A short sound, mixed over what plays."""

    def think(self, on: bool) -> None:
        """Begin or end the thinking sound."""

    def ring(self, on: bool) -> None:
        """Begin or end the sound of a timer."""

    async def room(self) -> None:
        """Wait until less than two seconds of sound wait to be played."""

    async def run(self) -> None:
        """Live until cancelled; opens the device, and opens it again when it fails."""


@dataclass(frozen=True)
class HeardFrame:
    """512 samples of cleaned 16 kHz, 16-bit mono PCM, and what the detectors think of them.

    `end_ms` is where the frame ends on the line of captured audio, which never runs backwards. `word` was
    noticed in this frame, and ended about `word_end_ms`, which is earlier. `completeness` is what speech
    sounds like that was followed by a pause up to this frame.
    """

    pcm: bytes
    end_ms: int
    probability: float
    level_dbfs: float
    word: WakeWord | None = None
    word_end_ms: int = 0
    completeness: Completeness | None = None


PostFrame = Callable[[HeardFrame], None]
"""Takes a frame on the event loop."""


class Tools(Protocol):
    """What the satellite can do for who answers a turn."""

    @property
    def specs(self) -> Sequence[Mapping[str, object]]:
        """As `context.tools` of a question lists them (`wyoming_voice.extensions`); always the same."""

    def do(self, name: str, arguments: Mapping[str, object]) -> Done:
        """Do it at once, as a whole or not at all; nothing of name and arguments is certain."""


class Controls(Protocol):
    """What people and programs can do to a running satellite."""

    def trigger(self) -> None:
        """Begin a turn, as a wake word would."""

    def press(self) -> None:
        """Push to talk: begin a turn."""

    def release(self) -> None:
        """Push to talk: that was all."""

    def stop(self) -> None:
        """Silence: of an answer, an announcement, a ringing timer."""

    def mute(self, on: bool) -> None:
        """Close the ear, or open it."""

    def say(self, text: str) -> None:
        """Speak a text."""

    def set_volume(self, percent: int) -> None:
        """0 to 100."""

    def add_timer(self, seconds: float, name: str) -> str:
        """Start a timer of our own; its id."""

    def cancel_timer(self, timer_id: str) -> bool:
        """Forget a timer, ringing or not; whether there was one."""

    def status(self) -> Status:
        """All that is known."""


class Source(Protocol):
    """A microphone of some kind: delivers blocks of 16 kHz, 16-bit mono PCM, from any thread."""

    @property
    def name(self) -> str:
        """What it is, and where known what the sound server has made of it."""

    @property
    def overflows(self) -> int:
        """How often the device had to throw sound away because nobody took it."""

    async def open(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Begin; `lost` is called once with the reason when it ends by itself. Raises DeviceError.

        The reason is `""` when nothing is wrong, and it only has to be opened anew.
        """

    async def close(self) -> None:
        """End; also after a failed `open`; returns within a second whatever the device does."""


class Sink(Protocol):
    """A loudspeaker of some kind: asks for samples when it needs some, from any thread."""

    rate_hz: int

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def latency_ms(self) -> float:
        """How long after `fill` a sample is heard."""

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        """Begin: `fill(n)` gives n mono samples within [-1, 1]. Raises DeviceError."""

    async def close(self) -> None:
        """End; also after a failed `open`; returns within a second whatever the device does."""
