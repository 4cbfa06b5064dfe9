"""A turn through servers that fail: who failed is told in its own words, and nothing waits for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.resources import as_file, files

import pytest
from wyoming.error import Error
from wyoming.event import async_read_event, async_write_event

from satellite.ask import read_frames
from satellite.hearing.ears import EarSettings
from satellite.link import (
    Audible,
    FirstWords,
    Happening,
    SentenceWritten,
    Servers,
    Turn,
)
from tests.satellite.standalone.wyoming_servers import FakeHandle, FakeTts, read_aloud
from wyoming_voice.errors import UpstreamError

NOWHERE = "tcp://127.0.0.1:1"


class RefusingServer:
    """Answers the first event of one type with an error, or with nothing, and hangs up."""

    def __init__(self, kind: str, says: str) -> None:
        self.gone = asyncio.Event()
        self._kind = kind
        self._says = says

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await async_read_event(reader)) is not None:
            if event.type == self._kind:
                break
        if self._says:
            await async_write_event(Error(text=self._says).event(), writer)
        writer.close()
        self.gone.set()


async def test_a_voice_that_was_named_and_is_not_known_is_told() -> None:
    handle, tts = FakeHandle(), FakeTts()
    async with handle.listening() as handle_uri, tts.listening() as tts_uri:
        servers = Servers(asr=NOWHERE, handle=handle_uri, tts=tts_uri)
        with pytest.raises(UpstreamError, match="the tts server says: unknown voice"):
            await Turn(servers, report=lambda _: None, voice="af_hart").respond("hello")


async def test_a_typed_question_is_answered_aloud() -> None:
    told: list[Happening] = []
    handle, tts = FakeHandle("It is noon. ", "Lunch is ready."), FakeTts()
    async with handle.listening() as handle_uri, tts.listening() as tts_uri:
        servers = Servers(asr=NOWHERE, handle=handle_uri, tts=tts_uri)
        sounds = await Turn(servers, told.append).respond("hello")
    assert read_aloud(sounds) == "It is noon. Lunch is ready."
    assert [one.text for one in told if isinstance(one, SentenceWritten)] == [
        "It is noon.",
        "Lunch is ready.",
    ]
    assert [type(one) for one in told if not isinstance(one, SentenceWritten)] == [
        FirstWords,
        Audible,
    ]
    context = handle.questions[0].data["context"]
    assert context["conversation_id"] == context["turn_id"]


@pytest.mark.parametrize(
    ("says", "told"),
    [("no such language", "the asr server says: no such language"), ("", "the asr server hung up")],
)
async def test_an_asr_server_that_refuses_during_speech_ends_the_turn(says: str, told: str) -> None:
    server = RefusingServer("audio-start", says)
    with as_file(files("wyoming_voice") / "data" / "question.wav") as recorded:
        frames = read_frames(recorded)[20:40]

    async def spoken() -> AsyncIterator[bytes]:
        for frame in frames:
            yield frame
        await server.gone.wait()
        while True:  # speech without end: only a refusal ends it
            for frame in frames:
                yield frame
                await asyncio.sleep(0)

    async with server.listening() as uri:
        turn = Turn(Servers(asr=uri, handle=NOWHERE, tts=NOWHERE), report=lambda _: None)
        with pytest.raises(UpstreamError, match=told):
            await turn.hear(spoken(), EarSettings())
