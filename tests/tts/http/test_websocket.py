"""`/ws/tts` over real sockets: texts whole and in parts, cancelling, mistakes, and clients that leave."""

import asyncio
import logging
from io import BytesIO

import av
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.tts.fakes import RATE_HZ, Beeper, Stuck
from tests.tts.http.door import hear, opened, say
from wyoming_voice.media.encoding import ENCODINGS


async def test_texts_are_spoken_one_after_another() -> None:
    engine = Beeper()
    async with opened(engine) as door, door.socket() as socket:
        await say(socket, text="First.", voice="am_adam", speed=1.5, turn_id="t-1")
        await say(socket, text="Second.")
        first, second = await hear(socket, "done"), await hear(socket, "done")
    assert first.kinds == second.kinds == ["start", "done"]
    start, done = first.messages
    assert start == {
        "type": "start",
        "turn_id": "t-1",
        "sample_rate": RATE_HZ,
        "channels": 1,
        "format": "pcm",
        "voice": "am_adam",
    }
    assert done["turn_id"] == "t-1"
    assert done["duration"] == pytest.approx(len(first.audio) / 2 / RATE_HZ, abs=0.001)
    assert np.abs(np.frombuffer(first.audio, "<i2")).max() > 5_000
    said = [(said.text, said.voice, said.speed) for said in engine.spoken[2:]]
    assert said == [("First.", "am_adam", 1.5), ("Second.", "af_heart", 1.0)]


async def test_audio_comes_while_the_text_is_still_coming() -> None:
    engine = Beeper()
    async with opened(engine) as door, door.socket() as socket:
        await say(socket, delta="This is the fir", voice="af_sky")
        await say(socket, delta="st. And then")
        assert (await hear(socket, "start")).messages[0]["voice"] == "af_sky"
        assert isinstance(await socket.recv(), bytes)
        await say(socket, delta=" comes the second.", end=True)
        assert (await hear(socket, "done")).kinds == ["done"]
        await say(socket, end=True)
        nothing = await hear(socket, "done")
    assert engine.texts == ["This is the first.", "And then comes the second."]
    assert nothing.messages[-1]["duration"] == pytest.approx(0.08, abs=0.03)


async def test_words_come_before_their_sound() -> None:
    async with opened() as door, door.socket() as socket:
        await say(socket, text="Doctor Who has 2 hearts.", words=True)
        heard = await hear(socket, "done")
        await say(socket, text="Doctor Who.")
        assert "words" not in (await hear(socket, "done")).kinds
    assert heard.kinds[:2] == ["start", "words"]
    told = [word for message in heard.messages[1:-1] for word in message["words"]]
    assert "".join(word["text"] for word in told).strip() == "Doctor Who has 2 hearts."
    assert all(word["start"] <= word["end"] for word in told)
    assert told[-1]["end"] <= heard.messages[-1]["duration"]


async def test_the_bytes_are_packed_as_asked() -> None:
    async with opened(Beeper()) as door, door.socket() as socket:
        await say(socket, text="Hello.", format="flac")
        heard = await hear(socket, "done")
    assert heard.audio.startswith(b"fLaC")
    assert heard.messages[0]["format"] == "flac"


@pytest.mark.parametrize("kind", ENCODINGS)
async def test_the_rate_is_that_of_what_is_sent(kind: str) -> None:
    async with opened(Beeper()) as door, door.socket() as socket:
        await say(socket, text="Hello.", format=kind)
        heard = await hear(socket, "done")
        answer = await door.http.post("/synthesize", json={"text": "Hello.", "format": kind})
    told_hz = heard.messages[0]["sample_rate"]
    assert answer.headers["X-Sample-Rate"] == str(told_hz)
    if kind == "pcm":
        assert told_hz == RATE_HZ
        return
    with av.open(BytesIO(heard.audio)) as sent:
        assert sent.streams.audio[0].rate == told_hz


async def test_cancel_ends_what_is_spoken_and_what_waits() -> None:
    engine = Stuck()
    async with opened(engine, max_queue=1) as door, door.socket() as socket:
        await say(socket, text="First. This is stuck.")
        await say(socket, text="It waits.")
        await say(socket, delta="It is open")
        assert await asyncio.to_thread(engine.began.wait, 10)
        await say(socket, cancel=True)
        assert (await hear(socket, "cancelled")).kinds[-1] == "cancelled"
        assert await asyncio.to_thread(engine.left.wait, 10)
        await say(socket, text="Again.")
        again = await hear(socket, "done", "error")
        await say(socket, cancel=True)
        assert (await hear(socket, "cancelled")).audio == b""
    assert again.kinds == ["start", "done"]
    assert engine.texts[-1] == "Again."
    assert not any("waits" in text or "open" in text for text in engine.texts)


MISTAKES: list[tuple[str | bytes, str]] = [
    ("{", "no JSON"),
    ("[]", "object is needed"),
    ("{}", "needs one of 'text'"),
    (b"\x00\x01", "texts are spoken here"),
    ('{"text": ""}', "at least 1 character"),
    ('{"text": 5}', "valid string"),
    ('{"text": "a", "speed": "fast"}', "valid number"),
    ('{"text": "a", "speed": NaN}', "no number"),
    ('{"text": "a", "format": "exe"}', "'wav'"),
    ('{"text": "a", "voice": "af_hart"}', "did you mean 'af_heart'"),
    ('{"end": "yes"}', "valid boolean"),
    ('{"text": "' + "a" * 200_000 + '"}', "at most 100000"),
    ('{"text": "' + "a" * 2_000_000 + '"}', "at most 100000"),
    ('{"text":' + "[" * 100_000, "nested too deeply"),
]


async def test_after_a_mistake_it_goes_on() -> None:
    async with opened(Beeper(fails_at="fail")) as door, door.socket() as socket:
        for message, remedy in MISTAKES:
            await socket.send(message)
            error = (await hear(socket, "error")).messages[-1]["error"]
            assert remedy in error["message"], str(message)[:60]
            assert error["request_id"]
        await say(socket, text="It goes well. Now it will fail.", turn_id="t-9")
        told = await hear(socket, "error")
        assert told.kinds == ["start", "error"]
        assert told.messages[-1]["error"]["code"] == "engine-failed"
        assert told.messages[-1]["error"]["request_id"] == "t-9"
        assert told.messages[-1]["turn_id"] == "t-9"
        await say(socket, text="Good \ud800 morning.")
        assert (await hear(socket, "done")).kinds == ["start", "done"]


async def test_a_text_that_is_refused_is_named() -> None:
    async with opened(Beeper()) as door, door.socket() as socket:
        await say(socket, text="Hello.", speed="fast", turn_id="t-1")
        assert (await hear(socket, "error")).messages[-1]["turn_id"] == "t-1"
        await say(socket, text="Hello.", voice="nobody", turn_id="t-2")
        assert (await hear(socket, "error")).messages[-1]["turn_id"] == "t-2"
        await say(socket, text="", turn_id="not an id")
        assert "turn_id" not in (await hear(socket, "error")).messages[-1]


async def test_a_text_inside_an_open_one_is_refused_and_the_open_one_goes_on() -> None:
    engine = Beeper()
    async with opened(engine) as door, door.socket() as socket:
        await say(socket, delta="Hello ")
        await say(socket, text="Stop.")
        assert (await hear(socket, "error")).messages[-1]["error"]["param"] == "text"
        await say(socket, delta="there.", end=True)
        await hear(socket, "done")
    assert engine.texts == ["Hello there."]


async def test_parts_beyond_the_limit_end_the_connection() -> None:
    async with opened(Beeper(), max_text_chars=10) as door, door.socket() as socket:
        await say(socket, delta="Hello the")
        await say(socket, delta="re and so on")
        assert (await hear(socket, "error")).messages[-1]["error"]["code"] == "too-large"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_more_texts_than_may_wait_are_refused() -> None:
    engine = Stuck()
    async with opened(engine) as door, door.socket() as socket:
        await say(socket, text="First. This is stuck.")
        assert await asyncio.to_thread(engine.began.wait, 10)
        for number in range(5):
            await say(socket, text="Hello.", turn_id=f"t-{number}")
        refused = (await hear(socket, "error")).messages[-1]
        assert refused["error"]["code"] == "busy"
        assert refused["turn_id"] == "t-4"


async def test_one_that_leaves_frees_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = Stuck()
    async with opened(engine, max_queue=1) as door:
        async with door.socket() as socket:
            await say(socket, text="First. This is stuck.")
            assert await asyncio.to_thread(engine.began.wait, 10)
        assert await asyncio.to_thread(engine.left.wait, 10)
        answer = await door.http.post("/synthesize", json={"text": "Hello."})
        assert answer.status_code == 200
    lines = [text for text in caplog.messages if text.startswith("turn=")]
    assert "kind=tts" in lines[0]
    assert lines[0].endswith("outcome=gone")


async def test_one_that_says_nothing_is_let_go() -> None:
    async with opened(Beeper(), idle_timeout_s=0.05) as door, door.socket() as socket:
        await say(socket, delta="Hello")
        assert (await hear(socket, "error")).messages[-1]["error"]["code"] == "too-slow"
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_a_socket_counts_among_the_requests() -> None:
    async with opened(Beeper(), max_http_requests=1) as door, door.socket() as socket:
        await say(socket, text="Hello.")
        await hear(socket, "start")
        with pytest.raises(InvalidStatus) as refused:
            async with door.socket():
                pass
        assert refused.value.response.status_code == 503
        assert (await door.http.post("/synthesize", json={"text": "a"})).status_code == 503


class Told(logging.Handler):
    """Notices the line that tells of a request."""

    def __init__(self) -> None:
        super().__init__()
        self.line = ""
        self.came = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "outcome=" in record.getMessage():
            self.line = record.getMessage()
            self.came.set()


async def test_one_that_does_not_read_is_waited_for_and_then_cut_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    told, engine = Told(), Beeper(sample_rate_hz=1_000_000)
    logging.getLogger("wyoming_voice.outcome").addHandler(told)
    try:
        async with (
            opened(engine, http_timeout_s=0.3, chunk_ms=1000) as door,
            door.socket() as socket,
        ):
            await say(socket, text="One more sentence. " * 1_000)
            await told.came.wait()
    finally:
        logging.getLogger("wyoming_voice.outcome").removeHandler(told)
    assert told.line.endswith("outcome=gone")
    assert len(engine.spoken) < 500
