"""A Wyoming server whose every reply a test decides: it answers, errs, hangs up, or stays silent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    Info,
    TtsProgram,
    TtsVoice,
)
from wyoming.tts import SynthesizeStopped

from wyoming_voice.listening import start_server
from wyoming_voice.wire import Connection, WireLimits, parse_uri

_BY = Attribution("tests", "")
_NAMED = ("small", _BY, True, None, None)
RATE_HZ = 16_000
INFOS = {
    "asr": Info(asr=[AsrProgram(*_NAMED, models=[AsrModel(*_NAMED, languages=["en"])])]),
    "tts": Info(
        tts=[
            TtsProgram(
                *_NAMED,
                voices=[TtsVoice(*_NAMED, languages=["en"])],
                supports_synthesize_streaming=True,
            )
        ]
    ),
    "whole tts": Info(tts=[TtsProgram(*_NAMED, voices=[TtsVoice(*_NAMED, languages=["en"])])]),
    "handle": Info(
        handle=[HandleProgram(*_NAMED, models=[HandleModel(*_NAMED, languages=["en"])])]
    ),
}
TONE = (np.sin(np.arange(RATE_HZ // 10)) * 8000).astype("<i2").tobytes()
SPEECH = (
    AudioStart(RATE_HZ, 2, 1).event(),
    AudioChunk(RATE_HZ, 2, 1, TONE).event(),
    AudioStop().event(),
)

Replies = Sequence[Event] | None
"""None: hang up."""

Behaviour = Callable[[Event], Replies]


def answering(event: Event) -> Replies:
    """As every server should."""
    match event.type:
        case "audio-stop":
            return [Transcript("hello").event()]
        case "synthesize-stop":
            return [*SPEECH, SynthesizeStopped().event()]
        case "synthesize":
            return SPEECH
        case "transcript":
            return [Handled("hi").event()]
    return []


def failing(event: Event) -> Replies:
    """Says that it can't, as soon as all is there."""
    return [Error("out of order", "engine-failed").event()] if answering(event) else []


def hanging_up(event: Event) -> Replies:
    """Leaves instead of answering."""
    return None if answering(event) else []


def never_answering(event: Event) -> Replies:
    """Takes everything, and says nothing."""
    return []


@contextlib.asynccontextmanager
async def server(kind: str, behaviour: Behaviour) -> AsyncIterator[str]:
    """The address of one that describes itself, and behaves so."""
    info = INFOS[kind]
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(_serve(Connection(reader, writer, WireLimits()), info)))

    async def _serve(connection: Connection, info: Info) -> None:
        with contextlib.suppress(ConnectionError):
            async for event in connection:
                replies = [info.event()] if event.type == "describe" else behaviour(event)
                if replies is None:
                    break
                for reply in replies:
                    await connection.write(reply)
        await connection.close()

    listening, address = await start_server(parse_uri("tcp://127.0.0.1:0"), accept, 65_536)
    async with listening:
        yield str(address)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
