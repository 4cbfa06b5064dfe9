"""The shipped command model hears its commands through the real faster-whisper."""

from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from tests.models.train_command_whisper.data import to_audio
from tests.models.train_command_whisper.espeak import Espeak, Manner, Speech

DIRECTORY = Path(__file__).with_name("command_whisper")
RATE_HZ = 16000
COMMANDS = (
    "Turn on the kitchen lamp.",
    "Set the living room light to fifty percent.",
    "Set a timer for five minutes.",
    "What time is it?",
    "Stop.",
)
LONG_PROMPT = "Zigbee, Ankara, Okonkwo and the others. " * 8


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return WhisperModel(str(DIRECTORY), device="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak()


def framed(speech: Speech) -> NDArray[np.float32]:
    silence = np.zeros(RATE_HZ // 5)
    return np.concatenate([silence, to_audio(speech), silence]).astype(np.float32)


def text(model: WhisperModel, audio: NDArray[np.float32], **options: object) -> str:
    segments, _ = model.transcribe(audio, language="en", **options)
    return "".join(segment.text for segment in segments).strip()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"beam_size": 1, "without_timestamps": True},
        {"word_timestamps": True},
        {"initial_prompt": LONG_PROMPT},
        {"hotwords": "Okonkwo Zigbee"},
    ],
    ids=["defaults", "greedy", "words", "long prompt", "hotwords"],
)
def test_a_command_is_heard_exactly(
    model: WhisperModel, espeak: Espeak, command: str, options: dict[str, object]
) -> None:
    audio = framed(espeak.say(command, "en-us", Manner()))
    assert text(model, audio, **options) == command


@pytest.mark.parametrize("level", [0.0, 0.001, 0.01, 0.1])
@pytest.mark.parametrize("seconds", [0.5, 3.0, 31.0])
def test_noise_and_silence_say_nothing(model: WhisperModel, level: float, seconds: float) -> None:
    noise = np.random.default_rng(3).standard_normal(int(seconds * RATE_HZ))
    assert text(model, (level * noise).astype(np.float32)) == ""


def test_word_times_follow_the_speech(model: WhisperModel, espeak: Espeak) -> None:
    speech = espeak.say("Turn on the kitchen lamp.", "en-us", Manner())
    segments, _ = model.transcribe(framed(speech), language="en", word_timestamps=True)
    words = [word for segment in segments for word in segment.words]
    assert [word.word.strip() for word in words] == ["Turn", "on", "the", "kitchen", "lamp."]
    kitchen_s = speech.word_starts_s[len("Turn on the ")] + 0.2
    assert words[3].start == pytest.approx(kitchen_s, abs=0.1)
    assert words[4].end == pytest.approx(0.2 + speech.phones[-1][0], abs=0.2)


def test_two_commands_are_two_sentences(model: WhisperModel, espeak: Espeak) -> None:
    parts = [framed(espeak.say(command, "en-us", Manner())) for command in COMMANDS[3:]]
    assert text(model, np.concatenate(parts)) == "What time is it? Stop."
