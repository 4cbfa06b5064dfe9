"""The ASR server over real sockets with the real faster-whisper and the command model."""

import logging
import random
import wave
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Describe, Info

from tests.asr.speech import COMMAND_MODEL, chunk, noise, said, silence, start, stop, utterance
from tests.wire_client import WireClient, client_of
from wyoming_voice.asr.engine import Audio
from wyoming_voice.asr.server import AsrSettings, build
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.service import serving
from wyoming_voice.wire import Address

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIGHT = "Turn on the kitchen light."
MUSIC = "Stop the music."


def settings(**changed: object) -> AsrSettings:
    values = {
        "uri": "tcp://127.0.0.1:0",
        "no_zeroconf": True,
        "model": [str(COMMAND_MODEL)],
        "device": "cpu",
        "cpu_threads": 1,
        "max_audio_s": 60,
    }
    return AsrSettings.model_validate({**values, **changed})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Address]:
    asked = settings()
    async with serving(build(asked), asked) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: Address) -> AsyncIterator[WireClient]:
    async with client_of(server) as connected:
        yield connected


async def transcript(client: WireClient, *events: Event) -> Transcript:
    """The one answer to these events; nothing else may come before it."""
    await client.send(*events)
    answer = await client.read()
    assert answer is not None
    assert answer.type == "transcript", answer
    return Transcript.from_event(answer)


async def refusal(client: WireClient, *events: Event) -> Event:
    """The error that these events bring, after which the server hangs up."""
    await client.send(*events)
    (error,) = await client.read_to_end()
    assert error.type == "error"
    return error


@pytest.mark.parametrize(
    "sentence", [LIGHT, "Set a timer for ten minutes.", "What time is it?", "No."]
)
@pytest.mark.parametrize("voice", ["en-us", "en-gb-scotland"])
async def test_speech_becomes_text(client: WireClient, sentence: str, voice: str) -> None:
    heard = await transcript(client, *utterance(said(sentence, voice), language="en"))
    assert (heard.text, heard.language) == (sentence, "en")


@pytest.mark.parametrize("gain", [1.6, 0.1, 0.02])
async def test_quiet_and_loud_speech_is_heard(client: WireClient, gain: float) -> None:
    assert (await transcript(client, *utterance(said(LIGHT) * np.float32(gain)))).text == LIGHT


@pytest.mark.parametrize(
    "audio",
    [silence(2), noise(2), noise(2, 0.3), silence(0), silence(0.05), silence(45)],
    ids=["silence", "noise", "loud noise", "no samples", "too short", "long silence"],
)
async def test_nothing_said_is_an_empty_transcript(client: WireClient, audio: Audio) -> None:
    heard = await transcript(client, *utterance(audio, chunk_ms=200, language="en-US"))
    assert (heard.text, heard.language) == ("", "en")
    assert (await transcript(client, *utterance(said(LIGHT)))).text == LIGHT


async def test_requests_follow_one_another_on_a_connection(client: WireClient) -> None:
    await client.send(*utterance(said(LIGHT)), *utterance(silence(1)), *utterance(said(MUSIC)))
    answers = [await client.read() for _ in range(3)]
    assert [answer.data["text"] for answer in answers if answer] == [LIGHT, "", MUSIC]


async def test_what_is_missing_is_tolerated(client: WireClient) -> None:
    pcm = to_pcm16(said(LIGHT))
    assert (await transcript(client, start(), chunk(pcm), stop())).text == LIGHT
    assert (await transcript(client, chunk(pcm), stop())).text == LIGHT
    assert (await transcript(client, Event("transcribe"), stop())).text == ""
    assert (await transcript(client, stop(), chunk(pcm), stop())).text == LIGHT


async def test_transcribe_begins_anew(client: WireClient) -> None:
    first, second = (to_pcm16(said(text)) for text in (MUSIC, LIGHT))
    events = (start(), chunk(first), Event("transcribe"), start(), chunk(second), stop())
    assert (await transcript(client, *events)).text == LIGHT


@pytest.mark.parametrize(
    ("rate_hz", "width_bytes", "channels"),
    [(8000, 2, 1), (11_025, 2, 1), (22_050, 1, 2), (44_100, 3, 2), (48_000, 4, 8), (192_000, 2, 1)],
)
async def test_any_format_is_understood(
    client: WireClient, rate_hz: int, width_bytes: int, channels: int
) -> None:
    source = AudioFormat(rate_hz, width_bytes, channels)
    pcm = in_format(said(MUSIC), source)
    size = random.Random(rate_hz).randrange(1001, 9999)
    pieces = [chunk(pcm[at : at + size], source) for at in range(0, len(pcm), size)]
    assert (await transcript(client, start(source), *pieces, stop())).text == MUSIC


def in_format(audio: Audio, source: AudioFormat) -> bytes:
    """The same sound as PCM of another format."""
    times = np.arange(int(len(audio) * source.rate_hz / 16_000)) * 16_000 / source.rate_hz
    samples = np.interp(times, np.arange(len(audio)), audio).repeat(source.channels)
    if source.width_bytes == 1:
        return (samples * 127 + 128).astype(np.uint8).tobytes()
    wide = (samples * 2_147_483_000).astype("<i4").view(np.uint8).reshape(-1, 4)
    return wide[:, 4 - source.width_bytes :].tobytes()


async def test_names_and_terms_change_nothing_that_is_clear(client: WireClient) -> None:
    asked: dict[str, Any] = {
        "transcript_names": ["Wohnzimmer", "Zigbee"],
        "transcript_terms": ["scene"] * 500,
    }
    assert (await transcript(client, *utterance(said(MUSIC), **asked))).text == MUSIC


async def test_a_model_is_chosen_by_name(client: WireClient) -> None:
    assert (await transcript(client, *utterance(said(MUSIC), name="command_whisper"))).text == MUSIC


@pytest.mark.parametrize(
    ("asked", "code", "remedy"),
    [
        ({"name": "command_wisper"}, "unknown-model", "did you mean 'command_whisper'?"),
        ({"language": "de-DE"}, "unknown-language", "--model base"),
        ({"language": "klingon"}, "unknown-language", "unknown language 'klingon'"),
        ({"language": 7}, "bad-event", "'language'"),
    ],
)
async def test_what_cannot_be_had_is_refused(
    client: WireClient, asked: dict[str, object], code: str, remedy: str
) -> None:
    error = await refusal(client, Event("transcribe", asked), start())
    assert error.data["code"] == code
    assert remedy in error.data["text"]


@pytest.mark.parametrize(
    ("source", "code"), [((300_000, 2, 1), "bad-audio"), ((16_000, 7, 1), "bad-audio")]
)
async def test_audio_that_cannot_be_converted_is_refused(
    client: WireClient, source: tuple[int, int, int], code: str
) -> None:
    odd = AudioFormat(*source)
    assert (await refusal(client, start(odd), chunk(b"abcd", odd))).data["code"] == code


async def test_ten_minutes_are_refused_when_they_are_too_much(
    server: Address, client: WireClient
) -> None:
    ten_seconds = chunk(bytes(320_000))
    error = await refusal(client, start(), *[ten_seconds] * 7)
    assert error.data["code"] == "too-large"
    async with client_of(server) as other:
        assert (await transcript(other, *utterance(said(MUSIC)))).text == MUSIC


async def test_a_record_says_what_happened_and_nothing_that_was_said(
    client: WireClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    context = {"turn_id": "t-42"}
    await transcript(client, *utterance(said(LIGHT), context=context))
    await transcript(client, *utterance(noise(1)))
    await transcript(client, *utterance(silence(0)))
    spoken, noisy, nothing = (text for text in caplog.messages if "kind=asr" in text)
    assert "turn=t-42 " in spoken
    assert "gate=passed words=5" in spoken
    assert "language=en" in spoken
    for stage in ("audio_ms=", "vad=", "decode=", "queue=", "after_stop="):
        assert stage in spoken
    assert "gate=vad words=0" in noisy
    assert "gate=short words=0" in nothing
    assert "kitchen" not in caplog.text


async def test_describe_names_program_and_model(client: WireClient) -> None:
    answer = await client.ask(Describe().event())
    assert answer is not None
    (program,) = Info.from_event(answer).asr
    assert (program.name, program.installed) == ("faster-whisper", True)
    assert not program.supports_transcript_streaming
    assert program.requires_external_vad
    (model,) = program.models
    assert (model.name, model.languages) == ("command_whisper", ["en"])


async def test_partials_grow_and_are_never_restated() -> None:
    asked = settings(partials=True)
    async with serving(build(asked), asked) as address, client_of(address) as client:
        await client.send(*utterance(said(LIGHT)))
        events = await client.read_until("transcript-stop")
    kinds = [event.type for event in events]
    assert kinds[0] == "transcript-start"
    assert kinds[-2:] == ["transcript", "transcript-stop"]
    assert kinds.count("transcript") == 1
    assert events[-2].data["text"] == LIGHT
    chunks = [event.data["text"] for event in events if event.type == "transcript-chunk"]
    assert "".join(chunks) == LIGHT


async def test_without_the_gate_the_model_is_asked_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    asked = settings(no_vad_gate=True)
    async with serving(build(asked), asked) as address, client_of(address) as client:
        assert (await transcript(client, *utterance(silence(1)))).text == ""
        assert (await transcript(client, *utterance(said(MUSIC)))).text == MUSIC
    assert "decode=" in next(text for text in caplog.messages if "kind=asr" in text)


def question() -> Audio:
    """What the demo asks."""
    with wave.open(str(files("wyoming_voice") / "data" / "question.wav")) as recording:
        pcm = recording.readframes(recording.getnframes())
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32767)


async def test_the_embedded_recogniser_serves_the_same_contract() -> None:
    asked = settings(engine="pocketsphinx")
    async with serving(build(asked), asked) as address, client_of(address) as client:
        heard = await transcript(client, *utterance(question(), language="en-GB"))
        assert (heard.text, heard.language) == ("What time is it", "en")
        assert (await transcript(client, *utterance(noise(1)))).text == ""
        answer = await client.ask(Describe().event())
        assert answer is not None
        assert Info.from_event(answer).asr[0].name == "pocketsphinx"
