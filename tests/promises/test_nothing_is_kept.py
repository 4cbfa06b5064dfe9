"""Nothing that was said is written to disk or into a log unless somebody asked for it.

Real processes at the default log level, each in a home of its own that is empty: a satellite's whole turn,
the HTTP doors, large uploads, a question that fails. Afterwards no file, no line of a log, no page of
numbers and no status holds the words.
"""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from wyoming.asr import Transcript
from wyoming.event import Event

from tests.asr.media import wav
from tests.asr.speech import COMMAND_MODEL, said, silence
from tests.llama_swap import Asked, FakeLlamaSwap, Reply, words
from tests.processes import Process, at_home
from tests.spoken_turn import spoken_turn
from tests.wire_client import client_of

SPOKEN = "What time is it?"
HEARD = "time is it"
ANSWER = "Marzipan pamphlets quarrel with xylophones."
ASKED = "Do zebras yodel at fjords?"
READ_OUT = "Quixotic jodhpurs embarrass trombones."
UNANSWERED = "Wherefore art the wombats effervescent?"
WORDS = {HEARD, "marzipan", "xylophone", "zebra", "fjord", "quixotic", "jodhpur", "trombone"}
WORDS |= {"wombat", "effervescent"}

_LOCAL = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf")
_HTTP = ("--http", "tcp://127.0.0.1:0")
_WHISPER = (
    "--model",
    str(COMMAND_MODEL),
    "--language",
    "en",
    "--cpu-threads",
    "1",
    "--workers",
    "1",
)


def unnamed_files(process: Process) -> list[str]:
    """Open files below its home that have no name any more."""
    links = []
    for descriptor in Path(f"/proc/{process.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(descriptor.readlink()))
    return [link for link in links if link.startswith(str(process.home)) and "deleted" in link]


class Model(FakeLlamaSwap):
    """A language model that fails at one question, and repeats it."""

    def _reply(self, asked: Asked) -> Reply:
        fails = UNANSWERED in str(asked.body)
        return Reply([UNANSWERED.encode()], 500) if fails else super()._reply(asked)


def multipart(file: bytes) -> bytes:
    head = 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return f"--x\r\n{head}".encode() + file + b"\r\n--x--\r\n"


def files(*processes: Process) -> list[Path]:
    return [path for one in processes for path in one.home.rglob("*") if path.is_file()]


async def upload(asr: Process, kind: str) -> None:
    """A file of 1.9 MB, of which the second half comes when the first has been looked for."""
    file = wav(np.concatenate((said(SPOKEN), silence(58)))).getvalue()
    body = multipart(file) if kind == "multipart/form-data; boundary=x" else file
    half = 1_500_000

    async def parts() -> AsyncIterator[bytes]:
        yield body[:half]
        while not unnamed_files(asr):  # noqa: ASYNC110  (the kernel tells nobody)
            await asyncio.sleep(0.01)
        assert files(asr) == []
        yield body[half:]

    async with httpx.AsyncClient(timeout=30) as http, asyncio.timeout(40):
        url = f"{asr.door}/v1/audio/transcriptions"
        answer = await http.post(url, content=parts(), headers={"Content-Type": kind})
    assert HEARD in answer.json()["text"].lower()
    assert (unnamed_files(asr), files(asr)) == ([], [])


async def asked(handle: Process, question: str) -> None:
    async with client_of(handle.said["ready"]) as client:
        await client.send(Transcript(question).event())
        while (event := await client.read()) is not None:
            if event.type in ("handled-stop", "not-handled"):
                return
    raise AssertionError("hung up without an end")


async def read_out(tts: Process) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        body = {"model": "tts-1", "input": READ_OUT, "voice": "en-us"}
        assert (await http.post(f"{tts.door}/v1/audio/speech", json=body)).is_success


async def status_of(server: Process) -> str:
    async with client_of(server.said["ready"]) as client:
        answer = await client.ask(Event("status"))
    assert answer is not None
    return str(answer.data)


async def numbers(server: Process) -> str:
    """The page of numbers of a server, wherever it says that it is."""
    at = server.said.get("http", "")
    if not at:
        found = re.search(r"metrics.*?(tcp://[\d.]+:\d+)", server.log)
        assert found is not None
        at = found[1]
    async with httpx.AsyncClient() as http:
        page = await http.get(f"{at.replace('tcp:', 'http:')}/metrics")
    assert "wyoming_voice" in page.text
    return page.text


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
async def test_nothing_that_was_said_is_kept(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as running:
        enter = running.enter_async_context
        asr = await enter(at_home(tmp_path, "asr", *_LOCAL, *_HTTP, *_WHISPER))
        tts = await enter(at_home(tmp_path, "tts", *_LOCAL, *_HTTP, "--engine", "espeak"))
        async with Model(words(ANSWER)) as llm:
            numbered = ("--metrics-uri", "tcp://127.0.0.1:0")
            talks = ("--llm-url", llm.url)
            handle = await enter(at_home(tmp_path, "handle", *_LOCAL, *numbered, *talks))
            servers = {"asr": asr, "tts": tts, "handle": handle}
            uris = {kind: await server.says("ready") for kind, server in servers.items()}
            satellite = await spoken_turn(tmp_path, SPOKEN, uris)
            await asked(handle, ASKED)
            await asked(handle, UNANSWERED)
            questions = [chat["messages"][-1]["content"] for chat in llm.chats]
        assert any(HEARD in question.lower() for question in questions), "a whole turn"
        await read_out(tts)
        for kind in ("multipart/form-data; boundary=x", "audio/wav"):
            await upload(asr, kind)
        told = [await numbers(one) for one in servers.values()]
        told += [await status_of(one) for one in servers.values()]
    every = (*servers.values(), satellite)
    for one in every:
        assert one.log, f"{one.home.name} logs at its default level"
    told += [one.log for one in every]
    told += [path.read_bytes().decode(errors="replace") for path in files(*every)]
    for text in told:
        assert [word for word in WORDS if word in text.lower()] == []
    assert files(*every) == []
