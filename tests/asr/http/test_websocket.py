"""`WS /ws/transcribe`: utterances are found, answered in order, and forgotten when they should be."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
import pytest_asyncio

from tests.asr.driving import until
from tests.asr.fakes import ScriptedEngine, soon
from tests.asr.http.doors import (
    END,
    Doors,
    commands,
    floats,
    message,
    messages,
    pieces,
    scripted,
    texts,
)
from tests.asr.speech import said, silence
from wyoming_voice.asr.engine import RATE_HZ

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIGHT, MUSIC, TIME = "Turn on the kitchen light.", "Stop the music.", "What time is it?"
PAUSE = silence(1.2)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors() -> AsyncIterator[Doors]:
    async with commands() as found:
        yield found


def kinds(told: list[dict[str, object]]) -> list[object]:
    return [one["type"] for one in told if one["type"] != "partial"]


async def test_each_utterance_has_its_final(doors: Doors) -> None:
    audio = np.concatenate([part for text in (LIGHT, MUSIC, TIME) for part in (said(text), PAUSE)])
    async with doors.socket() as socket:
        for piece in pieces(floats(audio), 6401):
            await socket.send(piece)
        await socket.send(END)
        told = await messages(socket)
        assert socket.close_code == 1000
    assert texts(told) == [LIGHT, MUSIC, TIME]
    for kind in ("speech_started", "speech_stopped", "final"):
        assert kinds(told).count(kind) == 3
    assert told[-1] == {"type": "done"}
    finals = [one for one in told if one["type"] == "final"]
    begin_s = 0.0
    for final, text in zip(finals, (LIGHT, MUSIC, TIME), strict=True):
        end_s = begin_s + len(said(text)) / RATE_HZ
        assert begin_s < final["start"] < final["end"] < end_s
        assert [word["word"] for word in final["words"]] == text.split()
        assert final["language"] == "en"
        begin_s = end_s + len(PAUSE) / RATE_HZ
    ends = [one["at"] for one in told if one["type"] in ("speech_started", "speech_stopped")]
    assert ends == sorted(ends)
    assert [one["utterance"] for one in finals] == [1, 2, 3]
    await doors.nothing_left()


async def test_who_speaks_is_told_of_before_the_end(doors: Doors) -> None:
    async with doors.socket() as socket:
        await socket.send(
            json.dumps({"type": "start", "words": False, "sensitivity": "aggressive"})
        )
        await socket.send(floats(np.concatenate((said(LIGHT), silence(1.2)))))
        started = await message(socket, "speech_started")
        assert started["at"] == pytest.approx(0.2, abs=0.1)
        final = await message(socket, "final")
        assert final["text"] == LIGHT
        assert "words" not in final
        await socket.send(floats(said(MUSIC)))
        await socket.send(b"")
        assert texts(await messages(socket)) == [MUSIC]


async def heard(doors: Doors, size: int) -> None:
    """So much is heard, and what was begun because of it has ended."""
    await until(lambda: doors.program.audio.held_bytes >= size)
    for _ in range(5):
        await asyncio.sleep(0)
    await until(lambda: doors.program.house.free)


async def test_what_is_stable_only_grows(doors: Doors) -> None:
    audio = np.concatenate((said(LIGHT), silence(0.2), said(TIME)))
    async with doors.socket("?endpointing=false") as socket:
        sent = 0
        for piece in pieces(floats(audio), 4 * RATE_HZ // 5):
            await socket.send(piece)
            sent += len(piece)
            await heard(doors, sent)
        await socket.send(END)
        told = await messages(socket)
    partials = [one for one in told if one["type"] == "partial"]
    assert partials
    stable = ""
    for one in partials:
        assert one["stable"].startswith(stable)
        assert one["text"].startswith(one["stable"])
        stable = one["stable"]
    assert texts(told) == [f"{LIGHT} {TIME}"]


async def test_the_client_may_say_where_it_ends(doors: Doors) -> None:
    audio = np.concatenate((said(LIGHT), PAUSE, said(MUSIC)))
    start = {"type": "start", "endpointing": False, "format": "s16le", "sample_rate": 16000}
    async with doors.socket() as socket:
        await socket.send(json.dumps(start))
        for piece in pieces((audio * 32767).astype("<i2").tobytes(), 1_000):
            await socket.send(piece)
        await socket.send(END)
        told = await messages(socket)
    assert texts(told) == [f"{LIGHT} {MUSIC}"]
    assert kinds(told) == [*["speech_started", "speech_stopped"] * 2, "final", "done"]


@pytest.mark.parametrize(("query", "finals"), [("", []), ("?endpointing=false", [""])])
async def test_silence(doors: Doors, query: str, finals: list[str]) -> None:
    async with doors.socket(query) as socket:
        await socket.send(floats(silence(20.0)))
        await socket.send(END)
        told = await messages(socket)
    assert texts(told) == finals
    assert kinds(told) == ["final"] * len(finals) + ["done"]


async def test_speech_after_a_long_silence_is_whole() -> None:
    """The server gives the silence up after 8 s, within the first word here."""
    engine = ScriptedEngine("yes")
    async with scripted(engine, speculate_after_ms=0) as doors:
        for quiet_s in (7.75, 1.75):
            async with doors.socket("?partials=false") as socket:
                await socket.send(floats(np.concatenate((silence(quiet_s), said(LIGHT), PAUSE))))
                await socket.send(END)
                told = await messages(socket)
            assert texts(told) == ["yes"]
            (started,) = [one for one in told if one["type"] == "speech_started"]
            assert started["at"] == pytest.approx(quiet_s + 0.2, abs=0.1)
    (late_s, _), (early_s, _) = engine.calls
    assert late_s == pytest.approx(early_s, abs=0.1)


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 2), (44_100, 1), (8_000, 1)])
async def test_other_formats(doors: Doors, rate_hz: int, channels: int) -> None:
    import soxr

    audio = soxr.resample(said(LIGHT), RATE_HZ, rate_hz).astype(np.float32)
    many = np.repeat(audio[:, None], channels, axis=1)
    async with doors.socket(f"?sample_rate={rate_hz}&channels={channels}") as socket:
        for piece in pieces(floats(many), 7_777):
            await socket.send(piece)
        await socket.send(END)
        assert texts(await messages(socket)) == [LIGHT]


async def test_what_is_no_number_is_silence(doors: Doors) -> None:
    audio = np.concatenate((np.full(1_600, np.nan, np.float32), said(LIGHT)))
    audio[:100], audio[-100:] = np.inf, -np.inf
    async with doors.socket() as socket:
        for piece in pieces(floats(audio), 4_096):
            await socket.send(piece)
        await socket.send(END)
        told = await messages(socket)
    assert texts(told) == [LIGHT]
    assert kinds(told).count("warning") == 1


async def test_what_is_cancelled_is_forgotten() -> None:
    engine = ScriptedEngine("first", "second", held=True)
    async with scripted(engine, speculate_after_ms=0) as doors:
        async with doors.socket("?partials=false") as socket:
            await socket.send(floats(np.concatenate((said(LIGHT), PAUSE, said(TIME)))))
            await soon(engine.begun)
            await socket.send(json.dumps({"type": "cancel"}))
            await message(socket, "cancelled")
            engine.may_go_on.set()
            await soon(engine.closed)
            await socket.send(floats(said(MUSIC)))
            await socket.send(END)
            assert texts(await messages(socket)) == ["second"]
        await doors.nothing_left()


async def test_who_leaves_is_not_decoded_for(
    lines: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    engine = ScriptedEngine(held=True)
    async with scripted(engine) as doors:
        async with doors.socket() as socket:
            await socket.send(floats(np.concatenate((said(LIGHT), PAUSE))))
            await soon(engine.begun)
        await until(lambda: any("outcome=gone" in line for line in lines()))
        engine.may_go_on.set()
        await soon(engine.closed)
        await doors.nothing_left()
    assert engine.finished == 0
    assert "told to a client" not in caplog.text


async def test_each_utterance_has_its_log_line(lines: Callable[[], list[str]]) -> None:
    async with scripted(ScriptedEngine("yes")) as doors, doors.socket() as socket:
        await socket.send(floats(np.concatenate((said(LIGHT), PAUSE, said(TIME)))))
        await socket.send(END)
        await messages(socket)
        request_id = socket.response.headers["x-request-id"] if socket.response else ""
        page = (await doors.http.get("/metrics")).text
    first, second = lines()
    assert f"turn={request_id}-1 " in first
    assert f"turn={request_id}-2 " in second
    assert "endpoint=server" in first
    assert "endpoint=client" in second
    assert 'wyoming_voice_requests_total{kind="asr",outcome="ok"} 2.0' in page


async def test_a_fast_client_waits() -> None:
    """The engine is at the first of many utterances: most of what is sent stays with the client."""
    engine = ScriptedEngine(held=True)
    audio = floats(np.concatenate((said(LIGHT), PAUSE)))
    async with scripted(engine) as doors, doors.socket() as socket:

        async def send_for_ever() -> None:
            while True:
                await socket.send(audio)

        sending = asyncio.create_task(send_for_ever())
        await soon(engine.begun)
        most = 0
        for _ in range(500):
            await asyncio.sleep(0)
            most = max(most, doors.program.audio.held_bytes)
        assert most < 10 * len(audio)
        sending.cancel()
        socket.transport.abort()
        engine.may_go_on.set()
