"""All three HTTP doors, each a process as people run it, once for the tests in this directory."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.asr.speech import COMMAND_MODEL

_QUIET = ("--log-level", "warning")
_WYOMING = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", *_QUIET)
_HTTP = ("--http", "tcp://127.0.0.1:0")
_WHISPER = ("--model", str(COMMAND_MODEL), "--language", "en", "--cpu-threads", "1")


@contextlib.contextmanager
def started(*command: str) -> Iterator[dict[str, str]]:
    """A server process until the end of the block; what it says of itself: `http`, `ready`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wyoming_voice", *command], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said: dict[str, str] = {}
        for line in process.stdout:
            word, _, uri = line.strip().partition(" ")
            said[word] = uri
            if word == "ready":
                break
        assert "ready" in said, f"{command[0]} ended with status {process.wait()}"
        yield said
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def doors() -> Iterator[dict[str, str]]:
    """`asr`, `tts`, `gateway`: where each is served, such as http://127.0.0.1:8001."""
    with contextlib.ExitStack() as stack:
        asr = stack.enter_context(started("asr", *_WYOMING, *_HTTP, *_WHISPER))
        tts = stack.enter_context(started("tts", "--engine", "espeak", *_WYOMING, *_HTTP))
        handle = stack.enter_context(started("handle", "--llm-url", "none", *_WYOMING))
        uris = ("--asr-uri", asr["ready"], "--tts-uri", tts["ready"])
        named = (*uris, "--handle-uri", handle["ready"], *_HTTP, *_QUIET)
        gateway = stack.enter_context(started("gateway", *named))
        said = {"asr": asr, "tts": tts, "gateway": gateway}
        yield {kind: words["http"].replace("tcp:", "http:") for kind, words in said.items()}
