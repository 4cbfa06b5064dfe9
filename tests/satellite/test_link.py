"""A turn through servers that fail: who failed is told in its own words, and nothing waits for ever."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from importlib.resources import as_file, files

import numpy as np
import pytest
from wyoming.audio import AudioChunk
from wyoming.error import Error
from wyoming.event import async_read_event, async_write_event

from satellite.ask import FRAME_BYTES, read_frames
from satellite.hearing.ears import Ears, EarSettings
from satellite.link import (
    Audible,
    FirstWords,
    Foreseen,
    Guessed,
    Happening,
    SentenceWritten,
    Servers,
    SpeechFound,
    SpeechOver,
    Transcribed,
    Turn,
)
from satellite.standalone.reports import Report, Spoken, Written
from tests.fakes import INFO
from tests.satellite.standalone.guesses import guessing_asr, guessing_handle
from tests.satellite.standalone.wyoming_servers import (
    RATE_HZ,
    Caller,
    FakeHandle,
    FakeTts,
    read_aloud,
)
from tests.satellite.waiting import until
from wyoming_voice.core.completeness import Completeness, completeness
from wyoming_voice.core.endpointing import EndpointSettings, SpeechEnded
from wyoming_voice.errors import UpstreamError
from wyoming_voice.vad import FRAME_MS, Silero

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
            if event.type == "describe":
                await async_write_event(INFO.event(), writer)
            if event.type == self._kind:
                break
        else:
            writer.close()
            return
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


class HesitantTts(FakeTts):
    """Its speech begins with a long silence, in one piece with what is audible."""

    async def speak(self, caller: Caller, text: str) -> None:
        self.given.append(text)
        samples = np.full(round(5.5 * RATE_HZ), 20_000, "<i2")
        samples[: 5 * RATE_HZ] = 0
        await caller.send(AudioChunk(RATE_HZ, 2, 1, samples.tobytes()).event())


class WatchedTurn(Turn):
    """Knows when speech has come to it."""

    spoken = 0

    def _take(self, news: Report) -> None:
        super()._take(news)
        self.spoken += isinstance(news, Spoken)


async def test_what_is_audible_is_told_after_what_was_written_before_it() -> None:
    told: list[Happening] = []
    handle, tts = FakeHandle("It is noon. ", "Lunch is ready."), HesitantTts()
    handle.pauses_at = 1
    async with handle.listening() as handle_uri, tts.listening() as tts_uri:
        turn = WatchedTurn(Servers(asr=NOWHERE, handle=handle_uri, tts=tts_uri), told.append)
        responding = asyncio.create_task(turn.respond("hello"))
        await until(lambda: turn.spoken)
        handle.go_on.set()
        await responding
    assert [type(one) for one in told if not isinstance(one, FirstWords)] == [
        SentenceWritten,
        SentenceWritten,
        Audible,
    ]


class BusyTurn(Turn):
    """Its event loop has no time between the first speech and text that is written after it is heard."""

    def _take(self, news: Report) -> None:
        super()._take(news)
        if isinstance(news, Spoken):
            heard_s = time.monotonic() + 0.01
            while time.monotonic() < heard_s:
                pass
            super()._take(Written("And so on. And on."))


async def test_what_is_audible_is_told_before_what_is_written_after_it() -> None:
    told: list[Happening] = []
    handle, tts = FakeHandle("It is noon. "), FakeTts()
    async with handle.listening() as handle_uri, tts.listening() as tts_uri:
        servers = Servers(asr=NOWHERE, handle=handle_uri, tts=tts_uri)
        await BusyTurn(servers, told.append).respond("hello")
    times_s = [one.at_s for one in told]
    assert times_s == sorted(times_s)
    assert any(isinstance(one, Audible) for one in told)


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


SILENT_FRAMES = 60


def question_frames() -> list[bytes]:
    """A question, and the silence after it."""
    with as_file(files("wyoming_voice") / "data" / "question.wav") as recorded:
        return [*read_frames(recorded), *[bytes(FRAME_BYTES)] * SILENT_FRAMES]


def spoken_frames(frames: list[bytes]) -> int:
    """How many there are up to the end of the last one with speech."""
    ears, silero = Ears(EarSettings()), Silero()
    for pcm in frames:
        score = silero.score(np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0)
        for endpoint in ears.push(pcm, score):
            if isinstance(endpoint, SpeechEnded):
                return endpoint.at_ms // FRAME_MS
    raise AssertionError("speech without end")


class Room:
    """Where a question is asked, and the ASR server supposes `text` in the silence after it."""

    def __init__(self, text: str, language: str = "") -> None:
        self.language = language
        self.told: list[Happening] = []
        self.asr, self.handle, self.tts = guessing_asr(text), guessing_handle(), FakeTts()
        self.silent = 0  # frames since the last one with speech

    async def turn(self, ears: EarSettings) -> None:
        async with (
            self.asr.listening() as asr,
            self.handle.listening() as handle,
            self.tts.listening() as tts,
        ):
            turn = Turn(Servers(asr, handle, tts), self.told.append)
            sounds = await turn.respond(await turn.hear(self._frames(), ears))
            assert read_aloud(sounds) == "It is noon."
            for server in (self.asr, self.handle, self.tts):
                await server.until(open_=0)  # nobody is kept waiting

    async def _frames(self) -> AsyncIterator[bytes]:
        frames = question_frames()
        spoken = spoken_frames(frames)
        for number, frame in enumerate(frames):
            self.silent = number - spoken
            if self.silent == 6:
                await self.asr.suppose(self.asr.text, self.language)
                await until(lambda: any(isinstance(one, Guessed) for one in self.told))
                if completeness(self.asr.text, self.language) is not Completeness.OPEN:
                    await self.tts.until(asked=1)
            yield frame


async def test_a_turn_tells_what_was_supposed_and_what_came_of_it_in_order() -> None:
    before = asyncio.all_tasks()
    room = Room("What time is it?")
    await room.turn(EarSettings())
    assert [type(one) for one in room.told] == [
        SpeechFound,
        Guessed,
        SpeechOver,
        Transcribed,
        Foreseen,
        FirstWords,
        Audible,
        SentenceWritten,
    ]
    times_s = [one.at_s for one in room.told if not isinstance(one, SpeechOver)]
    assert times_s == sorted(times_s)
    (foreseen,) = [one for one in room.told if isinstance(one, Foreseen)]
    (guessed,) = [one for one in room.told if isinstance(one, Guessed)]
    assert 0 < foreseen.since_s <= foreseen.at_s - guessed.at_s
    assert room.handle.commits == 1
    assert len(room.handle.warmed) == 1
    assert asyncio.all_tasks() - before == set()


@pytest.mark.parametrize(
    ("text", "language", "silent_frames"),
    [
        ("What time is it?", "", 10),
        ("What time is the", "", 40),
        ("tell me something", "", 25),
        ("De?", "fr", 40),
        ("De?", "es", 10),
    ],
)
async def test_the_silence_that_ends_a_question_depends_on_what_was_said(
    text: str, language: str, silent_frames: int
) -> None:
    silences = EndpointSettings(
        min_silence_ms=25 * FRAME_MS,
        complete_silence_ms=10 * FRAME_MS,
        open_silence_ms=40 * FRAME_MS,
    )
    room = Room(text, language)
    await room.turn(EarSettings(silences))
    assert room.silent == silent_frames - 1  # counted from 0


async def test_a_question_that_nobody_understood_leaves_nothing_open() -> None:
    before = asyncio.all_tasks()
    asr, handle, tts = guessing_asr(""), guessing_handle(), FakeTts()

    async def frames() -> AsyncIterator[bytes]:
        for number, frame in enumerate(question_frames()):
            yield frame
            if number == 30:
                await asr.suppose("lamp")
                await handle.until(asked=1)

    async with asr.listening() as one, handle.listening() as two, tts.listening() as three:
        turn = Turn(Servers(one, two, three), report=lambda _: None)
        assert await turn.hear(frames(), EarSettings()) == ""
        for server in (asr, handle, tts):
            await server.until(open_=0)
    assert asyncio.all_tasks() - before == set()
