"""A standalone satellite with a microphone that says tunes and a loudspeaker that listens for them.

The turn machine, the ears, the mouth, the roster and the talk with the servers are the real ones; only the
devices are not, and both run some times as fast as life. Rule: a turn is over when the satellite rests again,
and what was heard and told until then is all that the person got.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from satellite.effects import Moment, Tell
from satellite.events import Event, MicrophoneReady, Via
from satellite.hearing.ears import Ears, EarSettings
from satellite.loop import Loop
from satellite.parts import Audio, HeardFrame
from satellite.speaking.speaker import Speaker, SpeakerSettings
from satellite.standalone.direct import Direct, DirectSettings
from satellite.standalone.patience import Patience
from satellite.standalone.servers import Roster
from satellite.turn import TurnSettings
from tests.chaos.codes import numbers_heard, numbers_in, tune_of
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.endpointing import endpoint_settings
from wyoming_voice.vad import FRAME_MS, FRAME_SAMPLES

RATE_HZ = 16_000
SPEED = 12
"""How much faster than life sound passes."""

_FRAME_BYTES = 2 * FRAME_SAMPLES
_SILENCE = bytes(_FRAME_BYTES)


class TuneSink:
    """A loudspeaker that keeps what it was given."""

    rate_hz = RATE_HZ
    name = "tunes"
    latency_ms = 0.0

    def __init__(self) -> None:
        self._blocks: list[Audio] = []
        self._task: asyncio.Task[None] | None = None

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        self._task = asyncio.create_task(self._run(fill))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self, fill: Callable[[int], Audio]) -> None:
        clock = asyncio.get_running_loop()
        due_s = clock.time()
        while True:
            due_s = max(due_s + FRAME_MS / 1000 / SPEED, clock.time() - 0.1)
            self._blocks.append(fill(FRAME_SAMPLES))
            await asyncio.sleep(due_s - clock.time())

    def heard(self) -> list[int]:
        """The numbers since the last look.

        On a busy machine sound comes too late for a loudspeaker so many times as fast as life, and has gaps,
        through which a person hears.
        """
        blocks, self._blocks = self._blocks, []
        if not blocks:
            return []
        sound = np.concatenate(blocks)
        return numbers_heard(sound, RATE_HZ) or numbers_heard(without_gaps(sound), RATE_HZ)


def without_gaps(sound: Audio) -> Audio:
    """The sound without its silence; a tone is never 0 twice in a row."""
    silent = sound == 0
    in_a_row = silent & (np.roll(silent, 1) | np.roll(silent, -1))
    return np.delete(sound, in_a_row)


@dataclass
class Turn:
    """What became of one utterance, for the person who said it."""

    number: int
    text: str = ""
    understood: list[int] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def answered(self) -> bool:
        return self.number in self.heard

    @property
    def lost(self) -> bool:
        """Neither the whole answer was heard, nor that there is none."""
        return not self.answered and not self.troubles

    @property
    def twice(self) -> bool:
        """The answer was heard again, or that of another question was."""
        return len(self.heard) > 1 or not {*self.heard} <= {self.number}


class Person:
    """Somebody in front of the satellite."""

    def __init__(self, loop: Loop, sink: TuneSink, score: Callable[[bytes], float]) -> None:
        self.told: list[Tell] = []
        self._score = score
        self._loop = loop
        self._sink = sink
        self._speech: list[bytes] = []
        self._frames = 0
        self._rests = asyncio.Event()
        self._begun = asyncio.Event()
        loop.listeners.append(self._take)

    async def turn(self, number: int, within_s: float = 90.0, pcm: bytes = b"") -> Turn:
        """Say a number, and wait until the satellite rests; AssertionError when it never does.

        `pcm` is what is said in place of its tune.
        """
        clock = asyncio.get_running_loop()
        stray = self._sink.heard()  # of a turn that was over: it counts against this one
        self.told.clear()
        self._begun.clear()
        pcm = pcm or to_pcm16(tune_of(number, RATE_HZ))
        begin_s = clock.time()
        self._speech = [pcm[at : at + _FRAME_BYTES] for at in range(0, len(pcm), _FRAME_BYTES)]
        try:
            async with asyncio.timeout(within_s):
                await self._begun.wait()
                await self._rests.wait()
        except TimeoutError:
            raise AssertionError(
                f"turn {number} never ended, begun: {self._begun.is_set()}; {self._loop.state}"
            ) from None
        turn = Turn(number, took_s=clock.time() - begin_s)
        turn.heard = stray + self._sink.heard()
        for tell in self.told:
            if tell.moment is Moment.ERROR:
                turn.troubles.append(tell.text)
            if tell.moment is Moment.TRANSCRIPT:
                turn.text = tell.text
                turn.understood += numbers_in(tell.text) or [-1]
        return turn

    async def be(self) -> None:
        """The room's sound, frame by frame, for ever."""
        clock = asyncio.get_running_loop()
        due_s = clock.time()
        while True:
            self._frames += 1
            pcm = self._speech.pop(0) if self._speech else _SILENCE
            pcm = pcm.ljust(_FRAME_BYTES, b"\0")
            heard = HeardFrame(pcm, self._frames * FRAME_MS, self._score(pcm), -30.0)
            self._loop.hear(heard)
            due_s = max(due_s + FRAME_MS / 1000 / SPEED, clock.time() - 0.1)
            await asyncio.sleep(due_s - clock.time())

    def _take(self, tell: Tell) -> None:
        self.told.append(tell)
        if tell.moment in (Moment.LISTENING, Moment.SPEECH_STARTED, Moment.ERROR):
            self._begun.set()
            self._rests.clear()
        if tell.moment is Moment.IDLE:
            self._rests.set()


def _loud(pcm: bytes) -> float:
    """All sound is speech."""
    return 0.95 if any(pcm) else 0.0


@contextlib.asynccontextmanager
async def satellite(
    uris: Mapping[str, Sequence[str]],
    answer_s: float = 30.0,
    score: Callable[[bytes], float] = _loud,
) -> AsyncIterator[Person]:
    """A satellite whose servers these are, best first, ready to be spoken to.

    `score` is the probability of speech in a frame.
    """
    settings = TurnSettings(
        gate="vad", mode="standalone", follow_up="off", barge_in="off",
        answer_ms=round(answer_s * 1000),
    )  # fmt: skip
    sink = TuneSink()

    def post(event: Event) -> None:
        loop.post(event)

    speaker = Speaker(post, sink, SpeakerSettings(no_tones=True, no_thinking=True))
    roster = Roster(post, uris, watch=None, local={})
    wishes = DirectSettings(patience=Patience.within(answer_s))
    direct = Direct(post, roster, speaker.room, wishes)
    ears = Ears(EarSettings(endpoint_settings("aggressive", 0.5, 20, dynamic=False)))
    loop = Loop(settings, ears, speaker, {Via.DIRECT: direct}, lambda _: None)
    person = Person(loop, sink, score)
    lives = [part.run() for part in (speaker, roster, direct)]
    tasks = [asyncio.create_task(life) for life in (*lives, person.be())]
    loop.post(MicrophoneReady())
    try:
        async with asyncio.timeout(20):
            while not loop.state.links.direct.ready:  # noqa: ASYNC110  (it is no event of anybody's)
                await asyncio.sleep(0.01)
        yield person
    finally:
        loop.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
