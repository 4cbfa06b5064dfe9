"""Files in place of devices, at the speed of devices."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from satellite.devices.files import FileSink, FileSource, NoSink
from satellite.parts import Audio, DeviceError
from wyoming_voice.audio import to_pcm16

pytestmark = pytest.mark.timeout(20)
TONE = (np.sin(np.arange(4_800) * 2 * np.pi * 1000 / 48_000) / 2).astype(np.float32)


def nobody(reason: str) -> None:
    raise AssertionError(reason)


def written(path: Path, samples: Audio, channels: int) -> Path:
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(2)
        wav.setframerate(48_000)
        wav.writeframes(np.repeat(np.frombuffer(to_pcm16(samples), "<i2"), channels).tobytes())
    return path


async def test_a_file_speaks_and_is_silent_for_ever(tmp_path: Path) -> None:
    source = FileSource(written(tmp_path / "a.wav", TONE, 2))
    blocks: asyncio.Queue[bytes] = asyncio.Queue()
    await source.open(blocks.put_nowait, nobody)
    heard = b"".join([await blocks.get() for _ in range(15)])
    await source.close()
    samples = np.frombuffer(heard, "<i2")
    assert np.abs(samples[:1000]).max() == pytest.approx(16_384, rel=0.02)
    assert not samples[1700:].any()
    assert blocks.empty()


async def test_each_opening_begins_anew(tmp_path: Path) -> None:
    source = FileSource(written(tmp_path / "a.wav", TONE, 1))
    first: asyncio.Queue[bytes] = asyncio.Queue()
    second: asyncio.Queue[bytes] = asyncio.Queue()
    await source.open(first.put_nowait, nobody)
    block = await first.get()
    await source.close()
    await source.open(second.put_nowait, nobody)
    assert await second.get() == block
    await source.close()


@pytest.mark.parametrize("content", [None, b"", b"no sound at all, but some text"])
async def test_what_is_no_wav_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    source = FileSource(tmp_path / "a.wav")
    with pytest.raises(DeviceError, match=r"a\.wav can't be heard: .+; give a PCM WAV file"):
        await source.open(lambda pcm: None, nobody)
    await source.close()


async def test_what_is_played_is_written(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "out.wav", 16_000)
    asked: asyncio.Queue[int] = asyncio.Queue()

    def fill(samples: int) -> Audio:
        asked.put_nowait(samples)
        return np.full(samples, 0.25, np.float32)

    await sink.open(fill, nobody)
    total = sum([await asked.get() for _ in range(5)])
    await sink.close()
    with wave.open(str(tmp_path / "out.wav"), "rb") as wav:
        assert wav.getframerate() == 16_000
        assert wav.getnframes() >= total
        assert set(np.frombuffer(wav.readframes(total), "<i2")) == {8192}


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_what_was_written_before_a_rest_stays(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "out.wav", 16_000)
    for _ in range(2):
        asked = asyncio.Event()

        def fill(samples: int, asked: asyncio.Event = asked) -> Audio:
            asked.set()
            return np.full(samples, 0.25, np.float32)

        await sink.open(fill, nobody)
        await asked.wait()
        await sink.close()
    assert _names(tmp_path) == ["out-2.wav", "out.wav"]


async def test_a_file_of_silence_is_written_over(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "out.wav", 16_000)
    for value in (0.0, 0.25):
        asked: asyncio.Queue[int] = asyncio.Queue()

        def fill(samples: int, asked: asyncio.Queue[int] = asked, value: float = value) -> Audio:
            asked.put_nowait(samples)
            return np.full(samples, value, np.float32)

        await sink.open(fill, nobody)
        samples = await asked.get() + await asked.get()
        await sink.close()
    assert _names(tmp_path) == ["out.wav"]
    with wave.open(str(tmp_path / "out.wav"), "rb") as wav:
        assert set(np.frombuffer(wav.readframes(samples), "<i2")) == {8192}


async def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "missing" / "out.wav")
    with pytest.raises(DeviceError, match="No such file or directory; name another file"):
        await sink.open(lambda samples: np.zeros(samples, np.float32), nobody)
    await sink.close()


async def test_without_a_loudspeaker_sound_still_takes_its_time() -> None:
    sink = NoSink()
    asked: asyncio.Queue[int] = asyncio.Queue()

    def fill(samples: int) -> Audio:
        asked.put_nowait(samples)
        return np.zeros(samples, np.float32)

    await sink.open(fill, nobody)
    assert [await asked.get() for _ in range(3)] == [960, 960, 960]
    await sink.close()
