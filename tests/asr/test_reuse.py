"""The text is the same whatever was decoded ahead: over any scores, in any chunks, with any pauses."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wyoming.event import Event

from tests.asr.driving import text_of
from tests.asr.fakes import HashingEngine, LoudDetector
from tests.asr.speech import chunk
from wyoming_voice.asr import recording
from wyoming_voice.asr.engine import Audio
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.audio import to_pcm16
from wyoming_voice.vad import FRAME_SAMPLES

LEVELS = st.sampled_from([0.01, 0.1, 0.2, 0.32, 0.9])
RUNS = st.lists(st.tuples(LEVELS, st.integers(1, 60)), min_size=1, max_size=12)
CHUNKS = st.lists(st.integers(100, 9000), min_size=1, max_size=5)


@pytest.fixture(scope="module", autouse=True)
def loudness_is_speech() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recording, "Silero", LoudDetector)
        yield


def audio_of(runs: Sequence[tuple[float, int]], rest: int) -> Audio:
    """As loud as the levels say, each for so many frames, and never twice the same; `rest` samples more."""
    levels = [level for level, frames in runs for _ in range(frames)]
    peaks = np.repeat(np.array(levels, np.float32), FRAME_SAMPLES)
    noise = np.random.default_rng(len(peaks)).uniform(0, 0.5, len(peaks)).astype(np.float32)
    audio = peaks * noise
    audio[::FRAME_SAMPLES] = peaks[::FRAME_SAMPLES] + 0.001
    return np.concatenate((audio, np.full(rest, 0.004, np.float32)))


def chunks_of(audio: Audio, sizes: Sequence[int]) -> Iterator[Event]:
    at, size = 0, itertools.cycle(sizes)
    while at < len(audio):
        step = next(size)
        yield chunk(to_pcm16(audio[at : at + step]))
        at += step


def text_by(audio: Audio, sizes: Sequence[int], longest_s: float, **changed: object) -> str:
    """What a server says that may decode ahead as it likes."""

    async def said() -> str:
        asked = AsrSettings.model_validate({"no_zeroconf": True, **changed})
        program = AsrProgram(asked, [HashingEngine(longest_s)])
        text = await text_of(program, chunks_of(audio, sizes))
        await program.close()
        return text

    return asyncio.run(said())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    runs=RUNS,
    rest=st.integers(0, FRAME_SAMPLES),
    sizes=CHUNKS,
    longest_s=st.sampled_from([3.0, 28.0]),
    partials=st.booleans(),
)
def test_the_text_is_that_of_the_slow_path(
    runs: list[tuple[float, int]], rest: int, sizes: list[int], longest_s: float, partials: bool
) -> None:
    audio = audio_of(runs, rest)
    slow = text_by(audio, [len(audio)], longest_s, speculate_after_ms=0)
    ahead = text_by(audio, sizes, longest_s, partials=partials)
    assert ahead == slow


def test_the_engine_tells_any_difference() -> None:
    """Else the test above would hold whatever the server did."""
    audio = audio_of([(0.9, 30), (0.01, 30)], 0)
    other = audio.copy()
    other[3000] += 0.01
    texts = [text_by(heard, [1000], 28.0) for heard in (audio, other, audio[: 40 * 512])]
    assert texts[0] != texts[1]
    assert texts[0] == texts[2]
