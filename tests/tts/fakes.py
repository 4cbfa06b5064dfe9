"""Engines that are scripted and fail on demand, and a client that keeps what it hears."""

import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from wyoming.event import Event
from wyoming.info import Attribution
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeVoice,
)

from wyoming_voice.core.word_times import Mark
from wyoming_voice.errors import EngineError
from wyoming_voice.service import serving
from wyoming_voice.tts.engine import Engine, Samples, Sound, Utterance, never
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue
from wyoming_voice.wire import Connection, connect

RATE_HZ = 8_000
MADE_BY = Attribution(name="tests", url="")
GROUP = ["audio-start", "audio-chunk", "audio-stop"]
STREAMED = [*GROUP, "synthesize-stopped"]


@dataclass
class Beeper:
    """Half a second of tone for each utterance; fails at the one that contains `fails_at`."""

    sample_rate_hz: int = RATE_HZ
    fails_at: str = ""
    spoken: list[Utterance] = field(default_factory=list)
    loaded: bool = False

    def load(self) -> None:
        self.loaded = True

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        self.spoken.append(utterance)
        if self.fails_at and self.fails_at in utterance.text:
            raise EngineError("the engine lost its voice")
        yield Sound(tone(500, rate_hz=self.sample_rate_hz))

    @property
    def texts(self) -> list[str]:
        """What was asked for, without the rehearsals."""
        return [utterance.text for utterance in self.spoken[2:]]


@dataclass
class Stuck(Beeper):
    """Makes "stuck" items until nobody wants them, as a model does in the middle of a layer."""

    began: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        yield from super().synthesize(utterance, stopped)
        if "stuck" in utterance.text:
            self.began.set()
            pause = threading.Event()
            while not stopped():
                pause.wait(0.005)
            self.left.set()


@dataclass
class Speller(Beeper):
    """100 ms for each character, in as many sounds as there are words, of which each is marked."""

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        self.spoken.append(utterance)
        for word in re.finditer(r"\S+", utterance.text):
            count = len(word[0]) * self.sample_rate_hz // 10
            quiet = np.zeros(self.sample_rate_hz // 4, np.float32)
            sound = tone(len(word[0]) * 100, rate_hz=self.sample_rate_hz)
            mark = Mark(*word.span(), len(quiet), len(quiet) + count)
            yield Sound(np.concatenate((quiet, sound, quiet)), (mark,))


def tone(ms: float, amplitude: float = 0.3, rate_hz: int = RATE_HZ) -> Samples:
    """A sine of 200 Hz."""
    count = round(ms * rate_hz / 1000)
    wave: Samples = (amplitude * np.sin(2 * np.pi * 200 / rate_hz * np.arange(count))).astype(
        np.float32
    )
    return wave


@asynccontextmanager
async def served(engine: Engine, **changes: object) -> AsyncIterator[str]:
    """The address of a server that speaks with `engine`."""
    settings = TtsSettings.model_validate({"uri": "tcp://127.0.0.1:0", **changes})
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    async with serving(TtsProgram(settings, engine, catalogue, MADE_BY), settings) as address:
        yield str(address)


@asynccontextmanager
async def caller(engine: Engine, **changes: object) -> AsyncIterator[Connection]:
    """A client's connection to such a server."""
    async with served(engine, **changes) as uri, connect(uri) as connection:
        yield connection


async def heard(connection: Connection, last: str) -> list[Event]:
    """The events up to the first of type `last`, or to the end."""
    events: list[Event] = []
    async for event in connection:
        events.append(event)
        if event.type == last:
            break
    return events


async def plain(connection: Connection, text: str, voice: str | None = None) -> list[Event]:
    """What comes back for one text."""
    wish = SynthesizeVoice(name=voice) if voice else None
    await connection.write(Synthesize(text=text, voice=wish).event())
    return await heard(connection, "audio-stop")


async def stream(connection: Connection, texts: Sequence[str]) -> list[Event]:
    """What comes back for a stream of these texts."""
    await connection.write(SynthesizeStart().event())
    for text in texts:
        await connection.write(SynthesizeChunk(text=text).event())
    await connection.write(SynthesizeStop().event())
    return await heard(connection, "synthesize-stopped")


def kinds(events: Sequence[Event]) -> list[str]:
    """The types of events, chunks in a row as one."""
    types = [event.type for event in events]
    return [kind for at, kind in enumerate(types) if at == 0 or kind != types[at - 1]]


def sound(events: Sequence[Event]) -> Samples:
    """The audio in events, float32."""
    pcm = b"".join(event.payload or b"" for event in events if event.type == "audio-chunk")
    samples: Samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0
    return samples
