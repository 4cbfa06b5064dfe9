"""The whole stack, as a person starts it: servers as processes, a recorded question, a spoken answer."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from wyoming_voice.wire import parse_uri

OFFLINE = {"HF_HUB_OFFLINE": "1", "WYOMING_VOICE_HANDLE_LLM_URL": "none"}


def demo(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with begun(directory, *arguments) as process:
        stdout, stderr = process.communicate(timeout=55)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def begun(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "wyoming_voice", "demo", "--fast", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **OFFLINE, "HF_HUB_CACHE": str(directory / "hub")},
        cwd=directory,
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


def test_a_question_that_cannot_be_read_is_told_before_a_server_starts(tmp_path: Path) -> None:
    ended = demo(tmp_path, "--question", str(tmp_path / "none.wav"))
    assert ended.returncode == 2
    assert "none.wav can't be read" in ended.stderr
    assert "ready" not in ended.stdout


def test_sigterm_ends_the_servers_too(tmp_path: Path) -> None:
    with begun(tmp_path) as process:
        assert process.stdout is not None
        (uri,) = itertools.islice(
            (line.split()[-1] for line in process.stdout if "ready at tcp://" in line), 1
        )
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=55)
    assert process.returncode == 130
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((parse_uri(uri).host, parse_uri(uri).port)).close()
