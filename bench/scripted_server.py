"""python -m bench.scripted_server: a real server whose engine takes a time that is set, and computes nothing.

For what is measured around engines: waiting lines, balancers, connections. It listens to an utterance and
makes its transcript, which is the server's name, and speaks a second of silence for each `synthesize`.
Rule: the engine sleeps in a worker's thread, so that a server with one thread is one waiting line, as with
a real engine, and needs none of the processor that others are measured on.
"""

import random
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution
from wyoming.tts import Synthesize

from wyoming_voice.cli import COMMANDS, Command, main
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.describing import Description
from wyoming_voice.program import Request
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.worker import Worker

SPEECH_RATE_HZ = 24_000
_PIECES = 10
_NOBODY = Attribution("bench", "")


class Spread(StrEnum):
    """How service times lie around their mean."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"


class ScriptedSettings(ServiceSettings):
    """Settings of the scripted server."""

    section: ClassVar[str] = "scripted"

    uri: str = Field("tcp://127.0.0.1:0", description="where to listen")
    name: str = Field("scripted", description="what it understands of everything")
    service_ms: float = Field(
        0, ge=0, description="what its engine takes for a request, on the mean"
    )
    spread: Spread = Field(Spread.FIXED, description="how the times lie around that")
    threads: int = Field(1, ge=1, description="requests that its engine serves at a time")
    seed: int = Field(1, description="of the times")


class ScriptedProgram:
    """As long as it is told it is busy with each request."""

    kind = "asr"
    healthy = True

    def __init__(self, settings: ScriptedSettings) -> None:
        model = AsrModel("scripted", _NOBODY, True, None, None, languages=["en"])
        program = AsrProgram(settings.name, _NOBODY, True, None, None, models=[model])
        self.info = Description(asr=[program])
        self.settings = settings
        self._random = random.Random(settings.seed)
        self._worker = Worker("scripted", threads=settings.threads, max_requests=settings.max_queue)

    @property
    def busy(self) -> bool:
        """Whether somebody is served; a sleep can't be ended."""
        return self._worker.busy

    async def load(self) -> None:
        """Nothing is needed."""

    def converse(self) -> "ScriptedConversation":
        """One client."""
        return ScriptedConversation(self)

    async def work(self, record: TurnRecord) -> None:
        """One request's time in the engine, after its time in the line."""
        took_s = self.settings.service_ms / 1000
        if self.settings.spread is Spread.EXPONENTIAL:
            took_s = self._random.expovariate(1 / took_s)
        if took_s > 0:
            deadline_s = self.settings.deadline_s
            await self._worker.call(_sleep(took_s), deadline_s=deadline_s, record=record)

    async def close(self) -> None:
        """End the thread."""
        self._worker.close()


class ScriptedConversation:
    """An utterance counts from `audio-stop`, a text from `synthesize`."""

    def __init__(self, program: ScriptedProgram) -> None:
        self._program = program

    def push(self, event: Event) -> Request | None:
        """A request once all of it is here."""
        record = TurnRecord("asr")
        if AudioStop.is_type(event.type):
            return Request(record, self._heard(record))
        if Synthesize.is_type(event.type):
            return Request(record, self._spoken(record))
        return None

    async def _heard(self, record: TurnRecord) -> AsyncGenerator[Event, None]:
        await self._program.work(record)
        yield Transcript(text=self._program.settings.name).event()

    async def _spoken(self, record: TurnRecord) -> AsyncGenerator[Event, None]:
        await self._program.work(record)
        for event in _second_of_silence():
            yield event


def _sleep(took_s: float) -> Callable[[], None]:
    return lambda: time.sleep(took_s)


def _second_of_silence() -> Iterator[Event]:
    width, channels = SPEECH.width_bytes, SPEECH.channels
    yield AudioStart(SPEECH_RATE_HZ, width, channels).event()
    piece = bytes(SPEECH_RATE_HZ // _PIECES * width)
    for _ in range(_PIECES):
        yield AudioChunk(SPEECH_RATE_HZ, width, channels, piece).event()
    yield AudioStop().event()


def build(settings: ScriptedSettings) -> ScriptedProgram:
    """What the command line calls."""
    return ScriptedProgram(settings)


if __name__ == "__main__":
    COMMANDS["scripted"] = Command("bench.scripted_server", "ScriptedSettings", "", "serve a time")
    sys.exit(main(["scripted", *sys.argv[1:]]))
