"""The whole server with the engines themselves: espeak-ng's real voice, Kokoro's real code."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeStart, SynthesizeVoice

from tests.tts.fakes import STREAMED, heard, kinds, sound, stream
from wyoming_voice.errors import EngineError
from wyoming_voice.service import serving
from wyoming_voice.tts.engine import Samples
from wyoming_voice.tts.server import build
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.wire import Connection, connect

TEXT = (
    "Well, the weather today is sunny, with some clouds in the afternoon. Tomorrow it will rain! "
    "Do you want to hear more about the days after that? Then say so:\n- more\n- stop\n"
)
CEILING = 10 ** (-1 / 20)


@asynccontextmanager
async def client(**settings: object) -> AsyncIterator[Connection]:
    loaded = TtsSettings.model_validate({"uri": "tcp://127.0.0.1:0", **settings})
    async with serving(build(loaded), loaded) as address, connect(str(address)) as connection:
        yield connection


def rate_hz(events: list[Event]) -> int:
    return int(events[0].data["rate"])


def frame_levels(audio: Samples, rate: int) -> Samples:
    """Root mean squares of 10 ms frames."""
    size = rate // 100
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    levels: Samples = np.sqrt(np.mean(np.square(frames), axis=1))
    return levels


async def test_espeak_speaks_cleanly() -> None:
    async with client(engine="espeak") as connection:
        events = await stream(connection, [TEXT[at : at + 5] for at in range(0, len(TEXT), 5)])
    assert kinds(events) == STREAMED
    audio, rate = sound(events), rate_hz(events)
    assert rate == 22_050
    assert 10 < len(audio) / rate < 25
    assert 0.3 < np.abs(audio).max() <= CEILING + 1e-3
    first = np.flatnonzero(np.abs(audio) > 0.01)[0] / rate
    assert 0.015 <= first <= 0.040
    levels = frame_levels(audio, rate)
    gaps_ms = (np.diff(np.flatnonzero(levels > 0.005)) - 1) * 10
    assert np.count_nonzero(gaps_ms > 100) >= 5
    assert gaps_ms.max() <= 420


async def test_espeaks_seams_have_no_clicks() -> None:
    async with client(engine="espeak") as connection:
        audio = sound(await stream(connection, [TEXT]))
    sounding = np.flatnonzero(audio)
    seams = np.flatnonzero(np.diff(sounding) > 2500)
    assert len(seams) >= 5
    ends = np.abs(audio[sounding[seams]])
    starts = np.abs(audio[sounding[seams + 1]])
    assert max(ends.max(), starts.max()) < 0.01


async def test_espeaks_pieces_are_equally_loud() -> None:
    async with client(engine="espeak") as connection:
        events = await stream(connection, ["One two three four. Six seven eight. Nine ten eleven."])
    audio, rate = sound(events), rate_hz(events)
    levels = frame_levels(audio, rate)
    loud = np.flatnonzero(levels > 0.02)
    pieces = np.split(levels[loud], np.flatnonzero(np.diff(loud) > 25) + 1)
    assert len(pieces) == 3
    means = [float(np.sqrt(np.mean(np.square(piece)))) for piece in pieces]
    assert max(means) / min(means) < 10 ** (3 / 20)


@pytest.mark.parametrize(("speed", "shortest_s", "longest_s"), [(0.5, 4, 9), (2.0, 1, 2.4)])
async def test_speed_is_heard(speed: float, shortest_s: float, longest_s: float) -> None:
    async with client(engine="espeak", speed=speed) as connection:
        events = await stream(connection, ["This is a sentence of a common length, I think."])
    assert shortest_s < len(sound(events)) / rate_hz(events) < longest_s


async def test_espeak_speaks_with_the_voice_that_is_asked_for() -> None:
    async with client(engine="espeak") as connection:
        said = []
        for name in ("en-us", "en-gb"):
            voice = SynthesizeVoice(name=name)
            await connection.write(Synthesize(text="Dance with me.", voice=voice).event())
            said.append(sound(await heard(connection, "audio-stop")))
    assert not np.array_equal(said[0], said[1])


async def test_kokoro_speaks_with_its_real_code(tiny_kokoro: Path) -> None:
    async with client(model=str(tiny_kokoro), device="cpu", cpu_threads=1) as connection:
        events = await stream(connection, [TEXT[:70], TEXT[70:95]])
        assert kinds(events) == STREAMED
        assert rate_hz(events) == 24_000
        assert 4 < len(sound(events)) / 24_000 < 12
        assert 0.01 < np.abs(sound(events)).max() <= CEILING + 1e-3
        voice = SynthesizeVoice(name="af_bella(2)+af_sky(1)")
        await connection.write(Synthesize(text="Hello.", voice=voice).event())
        assert kinds(await heard(connection, "audio-stop")) == STREAMED[:3]


def test_kokoro_lists_the_voices_of_its_directory(tiny_kokoro: Path) -> None:
    (program,) = build(TtsSettings(model=str(tiny_kokoro))).info.tts
    names = [voice.name for voice in program.voices]
    assert names[0] == "af_heart"
    assert set(names) == {path.stem for path in tiny_kokoro.glob("voices/*.pt")}


async def test_kokoro_without_an_extra_tells_the_client(tiny_kokoro: Path, tmp_path: Path) -> None:
    for name in ("config.json", "kokoro-v1_0.pth"):
        (tmp_path / name).symlink_to(tiny_kokoro / name)
    (tmp_path / "voices").mkdir()
    for name in ("af_heart", "zf_xiaoni"):
        (tmp_path / "voices" / f"{name}.pt").symlink_to(tiny_kokoro / "voices" / "af_heart.pt")
    pytest.importorskip("misaki")
    async with client(model=str(tmp_path), device="cpu", cpu_threads=1) as connection:
        await connection.write(SynthesizeStart(voice=SynthesizeVoice(name="zf_xiaoni")).event())
        await connection.write(Event("synthesize-chunk", {"text": "你好。\n"}))
        await connection.write(Event("synthesize-stop"))
        events = await heard(connection, "never")
    if kinds(events) == STREAMED:
        pytest.skip("misaki's Chinese extra is installed")
    assert kinds(events) == ["error", "synthesize-stopped"]
    assert "pip install 'misaki[zh]'" in events[0].data["text"]


async def test_a_model_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    settings = TtsSettings(uri="tcp://127.0.0.1:0", model=str(tmp_path / "none"))
    # Where Kokoro itself can't be had, that is said first.
    with pytest.raises(EngineError, match=r"models fetch tts|stops at Python 3\.12"):
        async with serving(build(settings), settings):
            pass
