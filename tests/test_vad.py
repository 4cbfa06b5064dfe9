"""Silero through its one importer: quiet is low, speech is high, and a stream scores as a recording does."""

import os
import subprocess
import sys
import wave
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.scores import speech_probabilities
from wyoming_voice.audio import MonoResampler
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.vad import FRAME_MS, FRAME_SAMPLES, RATE_HZ, Silero

Audio = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def question() -> Audio:
    """The recorded question that the package ships, at 16 kHz."""
    path = files("wyoming_voice") / "data" / "question.wav"
    with path.open("rb") as file, wave.open(file) as recording:
        source = AudioFormat(
            recording.getframerate(), recording.getsampwidth(), recording.getnchannels()
        )
        pcm = recording.readframes(recording.getnframes())
    resampler = MonoResampler(source, RATE_HZ)
    return np.concatenate([resampler.push(pcm), resampler.finish()])


def quiet(seconds: float) -> Audio:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def noise(seconds: float, level: float) -> Audio:
    normal = np.random.default_rng(7).standard_normal(round(seconds * RATE_HZ))
    return (normal * level).astype(np.float32)


def hum(seconds: float) -> Audio:
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * 50 * at)).astype(np.float32)


def test_a_frame_is_32_ms() -> None:
    assert FRAME_MS == 32
    assert FRAME_SAMPLES * 1000 == FRAME_MS * RATE_HZ


@pytest.mark.parametrize("audio", [quiet(1), noise(1, 0.001), noise(1, 0.05), hum(1)])
def test_what_is_no_speech_scores_low(audio: Audio) -> None:
    scores = speech_probabilities(audio)
    assert scores.max() < 0.5
    assert np.median(scores) < 0.2


def test_speech_scores_high_and_the_quiet_around_it_low(question: Audio) -> None:
    scores = speech_probabilities(np.concatenate([quiet(0.64), question, quiet(0.96)]))
    assert (scores[:20] < 0.3).all()
    assert scores.max() > 0.9
    assert (scores > 0.5).sum() * FRAME_MS > 500
    assert (scores[-10:] < 0.3).all()


def test_a_stream_scores_as_the_recording_does(question: Audio) -> None:
    batch = speech_probabilities(question)
    silero, buffer = Silero(), np.zeros(FRAME_SAMPLES, np.float32)
    for number, score in enumerate(batch[:-1]):
        buffer[:] = question[number * FRAME_SAMPLES :][:FRAME_SAMPLES]  # one buffer, used again
        assert silero.score(buffer) == pytest.approx(score, abs=1e-6)


def test_two_streams_side_by_side_do_not_disturb_each_other(question: Audio) -> None:
    speech, silence = Silero(), Silero()
    frames = [
        question[at : at + FRAME_SAMPLES] for at in range(0, 20 * FRAME_SAMPLES, FRAME_SAMPLES)
    ]
    scores = []
    for frame in frames:
        scores.append(speech.score(frame))
        silence.score(np.zeros(FRAME_SAMPLES, np.float32))
    np.testing.assert_allclose(scores, speech_probabilities(question)[:20], atol=1e-6)


def test_reset_forgets_the_stream(question: Audio) -> None:
    silero = Silero()
    frames = question[: 30 * FRAME_SAMPLES].reshape(30, FRAME_SAMPLES)
    first = [silero.score(frame) for frame in frames]
    assert silero.score(frames[0]) != pytest.approx(first[0], abs=1e-6)
    silero.reset()
    assert [silero.score(frame) for frame in frames] == first


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (512, 1), (513, 2), (1024, 2)])
def test_the_last_frame_is_padded(samples: int, frames: int) -> None:
    scores = speech_probabilities(np.zeros(samples, np.float32))
    assert scores.shape == (frames,)
    assert scores.dtype == np.float32


def test_a_frame_is_heard_with_the_end_of_the_one_before(question: Audio) -> None:
    before, frame = question[20 * FRAME_SAMPLES :][: 2 * FRAME_SAMPLES].reshape(2, FRAME_SAMPLES)
    silero = Silero()
    silero.score(before)
    silero._state[:] = 0
    assert silero.score(frame) != pytest.approx(Silero().score(frame), abs=1e-4)


def test_scoring_reports_to_nobody(tmp_path: Path) -> None:
    """ONNX Runtime would keep what it reports, and a number of this device, in the user's cache."""
    environment = {name: text for name, text in os.environ.items() if "TELEMETRY" not in name}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    code = "import numpy, wyoming_voice.vad as v; v.Silero().score(numpy.zeros(512, numpy.float32))"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
