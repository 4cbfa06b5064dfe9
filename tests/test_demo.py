"""The whole stack, as a person starts it: servers as processes, a recorded question, a spoken answer."""

import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np

OFFLINE = {"HF_HUB_OFFLINE": "1", "WYOMING_VOICE_HANDLE_LLM_URL": "none"}


def demo(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wyoming_voice", "demo", "--fast", *arguments]
    environ = {**os.environ, **OFFLINE, "HF_HUB_CACHE": str(directory / "hub")}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=55, env=environ, cwd=directory, check=False
    )


def test_the_recorded_question_is_answered_aloud(tmp_path: Path) -> None:
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stderr
    told = ended.stdout.lower()
    steps = ("speech found", "speech ended", "transcript  what time is it", "it is ")
    assert all(step in told for step in steps), told
    for stage in ("end of speech noticed", "transcript", "first sentence", "first audio"):
        assert stage in told.split("latency")[1]
    with wave.open(str(tmp_path / "reply.wav")) as file:
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert 0.5 < len(samples) / rate_hz < 10
    assert 0.05 < np.abs(samples).max() < 1.0


def test_a_file_without_speech_fails_with_the_reason(tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    with wave.open(str(silence), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000 * 2))
    ended = demo(tmp_path, "--question", str(silence))
    assert ended.returncode == 1
    assert f"no speech was found in {silence}" in ended.stderr
    assert not (tmp_path / "reply.wav").exists()
