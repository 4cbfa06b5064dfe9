"""Servers of all three kinds in this process, with engines of `codes`; and one request to each, with its end.

Rule: a result is a result when it is the right one: each request has a number, and it alone may come back.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import Enum
from typing import Any

import numpy as np

from tests.chaos.codes import numbers_heard, numbers_in, tune_of, word_of
from tests.chaos.engines import CodeEars, CodeVoice, Fates
from tests.chaos.llm import CodeLlm
from tests.tts.fakes import MADE_BY
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.audio import to_pcm16
from wyoming_voice.client import Refused, Speech, answer, say_utterance, transcript
from wyoming_voice.errors import VoiceError
from wyoming_voice.handle.server import build as build_handle
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.program import Program
from wyoming_voice.service import Service
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue
from wyoming_voice.wire import Address, Connection, connect

KINDS = ("asr", "tts", "handle")


class End(Enum):
    """How a request ended for whoever asked."""

    RESULT = "result"
    ERROR = "error in words"
    EMPTY = "nothing, and not a word of why"
    HUNG_UP = "hung up"
    PATIENCE = "given up by its client"


class Place:
    """A running server of some kind."""

    def __init__(self, service: Service, program: Program, kind: str, address: Address) -> None:
        self.service = service
        self.program = program
        self.kind = kind
        self.address = address

    @property
    def load(self) -> dict[str, float]:
        """The numbers that the server counts itself: connections, requests in progress and waiting."""
        return dict(self.service._gauges())

    @property
    def empty(self) -> bool:
        load = self.load
        names = ("connections", "requests_in_progress", "requests_waiting")
        return not any(load[name] for name in names)


@contextlib.asynccontextmanager
async def place(kind: str, fates: Fates | None = None, **given: Any) -> AsyncIterator[Place]:
    """A server of a kind; of `handle` a language model is given by `llm_url`."""
    program, settings = _program(kind, fates, {"uri": "tcp://127.0.0.1:0", **given})
    service = Service(program, settings)
    address = await service.listen()
    try:
        await service.load()
        yield Place(service, program, kind, address)
    finally:
        await service.stop()


@contextlib.asynccontextmanager
async def answering(kind: str, fates: Fates | None = None, **given: Any) -> AsyncIterator[Place]:
    """The same, with a language model where it needs one."""
    async with CodeLlm() as llm:
        if kind == "handle":
            given = {"llm_url": llm.url, **given}
        async with place(kind, fates, **given) as one:
            yield one


def _program(
    kind: str, fates: Fates | None, given: dict[str, Any]
) -> tuple[Program, ServiceSettings]:
    given = {"no_zeroconf": True, **given}
    match kind:
        case "asr":
            asr = AsrSettings.model_validate({"no_vad_gate": True, **given})
            return AsrProgram(asr, [CodeEars(fates)]), asr
        case "tts":
            tts = TtsSettings.model_validate(given)
            voices = BlendingCatalogue(KOKORO_VOICES, "af_heart")
            return TtsProgram(tts, CodeVoice(fates), voices, MADE_BY), tts
        case _:
            handle = HandleSettings.model_validate(given)
            return build_handle(handle), handle


async def request(kind: str, address: Address, number: int, within_s: float = 10.0) -> End:
    """One request on a connection of its own, and how it ended; AssertionError for a wrong result."""
    try:
        async with asyncio.timeout(within_s), connect(str(address)) as connection:
            got = await ask(kind, connection, number)
    except TimeoutError:
        return End.PATIENCE
    except Refused:
        return End.ERROR
    except (OSError, VoiceError):
        return End.HUNG_UP
    return judged(kind, got, number)


def judged(kind: str, got: list[int], number: int) -> End:
    """The end of a request that came to a regular one: its number, or none, which `handle` says in words."""
    assert got in ([number], []), f"{number} was asked for, {got} has come"
    if got:
        return End.RESULT
    return End.ERROR if kind == "handle" else End.EMPTY


async def ask(kind: str, connection: Connection, number: int) -> list[int]:
    """The numbers in what comes back."""
    match kind:
        case "asr":
            return numbers_in(await _understood(connection, number))
        case "tts":
            return await _spoken(connection, number)
        case _:
            context = {"turn_id": f"t{number}", "conversation_id": f"c{number}"}
            asked = f"what about {word_of(number)}"
            return numbers_in(
                "".join([piece async for piece in answer(connection, asked, context)])
            )


async def _understood(connection: Connection, number: int) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        pcm = to_pcm16(tune_of(number, 16_000))
        for at in range(0, len(pcm), 1024):
            yield pcm[at : at + 1024]

    saying = asyncio.create_task(say_utterance(connection, chunks(), f"t{number}"))
    try:
        return await transcript(connection)
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)


async def _spoken(connection: Connection, number: int) -> list[int]:
    speech = Speech(connection, f"t{number}")
    with contextlib.suppress(OSError):  # why it has gone is in what is read
        await speech.begin()
        await speech.add(f"This is {word_of(number)}.")
        await speech.end()
    sounds = [sound async for sound in speech.sounds()]
    if not sounds:
        return []
    pcm = b"".join(sound.pcm for sound in sounds)
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)
    return numbers_heard(samples, sounds[0].format.rate_hz)
