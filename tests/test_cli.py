"""The command line as a person meets it: what it lists, and how it says what went wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wyoming_voice.cli import COMMANDS
from wyoming_voice.config import SECTIONS

NOBODY = "tcp://127.0.0.1:9"  # the discard port, on which nothing listens
ASK = ("ask", "--asr-uri", NOBODY, "--handle-uri", NOBODY, "--tts-uri", NOBODY)


def voice(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wyoming_voice", *arguments]
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", **variables}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=50, env=environ, check=False
    )


def test_help_lists_every_command() -> None:
    shown = voice("--help")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in ("asr", "tts", "handle", "up", "demo", "ask"))


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("sing",), 2, "unknown command 'sing'"),
        (("satelite",), 2, "unknown command 'satelite'; did you mean 'satellite'?"),
        (("handle", "--max-queue", "0"), 2, "--max-queue: Input should be greater"),
        (("handle", "--uri", "10500"), 2, "bad address '10500'; write tcp://HOST:PORT"),
        (("handle", "--config", "/nowhere.toml"), 2, "'/nowhere.toml' can't be read"),
        (("models", "fetch", "asr", "tiny.en"), 1, "run `wyoming-voice models fetch asr tiny.en"),
        (("models", "path", "asr", "tiny.en"), 1, "faster-whisper-tiny.en are not in"),
        (("models", "path", "asr", "tiny.en"), 1, "or take --engine pocketsphinx"),
        (("ask",), 2, "name a WAV file or give --text"),
        ((*ASK, "--text", "hello"), 1, "no handle server answers at tcp://127.0.0.1:9: Connect"),
        ((*ASK, "nowhere.wav"), 2, "nowhere.wav can't be read: No such file"),
    ],
)
def test_failures_are_said_in_words(
    arguments: tuple[str, ...], status: int, said: str, tmp_path: Path
) -> None:
    ended = voice(*arguments, HF_HUB_CACHE=str(tmp_path))
    assert ended.returncode == status
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_every_command_has_its_section() -> None:
    assert tuple(COMMANDS) == SECTIONS


def test_a_port_that_is_taken(unused_tcp_port: int) -> None:
    import socket

    with socket.create_server(("127.0.0.1", unused_tcp_port)):
        uri = f"tcp://127.0.0.1:{unused_tcp_port}"
        ended = voice("handle", "--llm-url", "none", "--uri", uri)
    assert ended.returncode == 2
    assert f"can't listen on {uri}" in ended.stderr


AT_WORK = """
import threading, time
from wyoming_voice import cli
threading.Thread(target=time.sleep, args=(600,)).start()
cli._invoke = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
raise SystemExit(cli.main(["discover"]))
"""


def test_who_interrupts_does_not_wait_for_a_model_at_work() -> None:
    assert subprocess.run([sys.executable, "-c", AT_WORK], timeout=60).returncode == 130


LACKING = """
import sys
sys.modules["fastapi"] = None
from wyoming_voice import cli
raise SystemExit(cli.main(["tts", "--engine", "espeak", "--no-zeroconf", *sys.argv[1:]]))
"""


def test_what_a_door_lacks_is_in_its_own_extra() -> None:
    doors = ("--uri", "tcp://127.0.0.1:0", "--http", "tcp://127.0.0.1:0")
    ended = subprocess.run(
        [sys.executable, "-c", LACKING, *doors], capture_output=True, text=True, timeout=50
    )
    assert ended.returncode == 2
    assert "needs 'fastapi': pip install 'wyoming-voice[tts,http]'" in ended.stderr
