"""The edges of `ask`: which files it takes, which servers it talks to, what it writes."""

import struct
import wave
from pathlib import Path

import pytest

from satellite.ask import (
    FRAME_BYTES,
    AskSettings,
    endpointing_of,
    find_servers,
    read_frames,
    with_silence,
    write_wav,
)
from satellite.hearing.ears import Ears, EarSettings
from tests.fakes import FakeProgram, on_loopback
from wyoming_voice.client import Sound
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.endpointing import SILENCES, EndpointSettings, SpeechEnded
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import ConfigError, UpstreamError
from wyoming_voice.service import serving


def wav(path: Path, rate_hz: int, width_bytes: int, channels: int, frames: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setframerate(rate_hz)
        file.setsampwidth(width_bytes)
        file.setnchannels(channels)
        file.writeframes(bytes(frames * width_bytes * channels))
    return path


@pytest.mark.parametrize(
    ("rate_hz", "width_bytes", "channels"), [(16_000, 2, 1), (44_100, 2, 2), (8_000, 1, 1)]
)
def test_a_second_of_any_format_is_a_second(
    tmp_path: Path, rate_hz: int, width_bytes: int, channels: int
) -> None:
    frames = read_frames(wav(tmp_path / "a.wav", rate_hz, width_bytes, channels, rate_hz))
    assert {len(frame) for frame in frames} == {FRAME_BYTES}
    assert 31 <= len(frames) <= 32


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"once upon a time", "does not start with RIFF id"),
        # A header of 32-bit floating point, which is no plain PCM.
        (
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"
            + struct.pack("<HHIIHH", 3, 1, 16_000, 64_000, 4, 32)
            + b"data\0\0\0\0",
            "-b 16",
        ),
    ],
)
def test_a_file_that_is_no_plain_wav_is_told_with_the_remedy(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"can't be read as plain PCM") as caught:
        read_frames(path)
    assert said in str(caught.value)


def test_speech_up_to_the_end_of_a_file_is_ended_by_silence_as_from_a_microphone() -> None:
    settings = EarSettings(endpointing=EndpointSettings(min_silence_ms=800))
    ears = Ears(settings)
    speech = [b"S" * FRAME_BYTES] * 20
    heard = with_silence(speech, 800)
    events = [e for frame in heard for e in ears.push(frame, 0.9 if frame[0] else 0.0)]
    assert isinstance(events[-1], SpeechEnded)  # without being told that the audio is over


@pytest.mark.parametrize("plain_ms", [100, 800, 5000])
def test_what_was_said_makes_the_silence_shorter_or_longer_and_never_the_other_way_round(
    plain_ms: int,
) -> None:
    usual = SILENCES["default"]
    settings = AskSettings(text="hello", min_silence_ms=plain_ms)
    assert [endpointing_of(settings).silence_ms(one) for one in Completeness] == [
        min(usual.complete_ms, plain_ms),
        max(usual.open_ms, plain_ms),
        plain_ms,
    ]
    fixed = settings.model_copy(update={"endpoint": "fixed"})
    assert {endpointing_of(fixed).silence_ms(one) for one in Completeness} == {plain_ms}


def test_a_written_answer_can_be_read_again(tmp_path: Path) -> None:
    speech = AudioFormat(rate_hz=24_000, width_bytes=2, channels=1)
    sounds = [Sound(bytes(24_000), speech), Sound(bytes(24_000), speech)]
    assert write_wav(tmp_path / "answer.wav", sounds) == 1.0
    with wave.open(str(tmp_path / "answer.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (24_000, 24_000)
    with pytest.raises(ConfigError, match="can't be written: No such file"):
        write_wav(tmp_path / "no" / "answer.wav", sounds)


async def test_a_server_of_another_kind_is_told_before_the_turn() -> None:
    async with serving(FakeProgram(), on_loopback()) as address:
        settings = AskSettings(
            text="hello", handle_uri=str(address), tts_uri="tcp://127.0.0.1:9", asr_uri=""
        )
        with pytest.raises(UpstreamError, match=f"{address} is no handle server, but "):
            await find_servers(settings)


async def test_a_named_server_that_is_not_there() -> None:
    settings = AskSettings(text="hello", handle_uri="tcp://127.0.0.1:9")
    with pytest.raises(UpstreamError, match=r"no handle server answers at tcp://127\.0\.0\.1:9"):
        await find_servers(settings)
