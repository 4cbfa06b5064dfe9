"""Nothing that was said is written to disk or into a log unless somebody asked for it.

Real processes at the default log level, each in a home of its own that is empty: a satellite's whole turn,
the HTTP doors, large uploads, a question that fails. Afterwards no file, no line of a log, no page of
numbers and no status holds the words.
"""

import asyncio
import contextlib
import os
import re
import sys
import wave
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from wyoming.asr import Transcript
from wyoming.event import Event

from tests.asr.speech import COMMAND_MODEL, said, silence
from tests.llama_swap import Asked, FakeLlamaSwap, Reply, words
from tests.wire_client import client_of
from wyoming_voice.audio import to_pcm16

REPOSITORY = Path(__file__).parents[2]
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


class Process:
    """A server in an empty home; `said` is what it said of itself: `http`, `ready`."""

    def __init__(self, name: str, room: Path) -> None:
        self.name = name
        self.home = room / name
        self.home.mkdir()
        self.log = room / f"{name}.log"
        self.said: dict[str, str] = {}
        self.pid = 0
        self._process: asyncio.subprocess.Process | None = None

    @contextlib.asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator["Process"]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("WYOMING_", "XDG_"))}
        home = dict.fromkeys(("HOME", "TMPDIR"), str(self.home))
        with self.log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "wyoming_voice", self.name, *arguments),
                cwd=self.home,
                env={
                    **plain,
                    **home,
                    "PYTHONPATH": str(REPOSITORY),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
            self.pid = process.pid
            self._process = process
            try:
                yield self
                process.terminate()
                assert await process.wait() == 0
            finally:
                if process.returncode is None:
                    process.kill()
                await process.communicate()

    async def begun(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(40):
            while "ready" not in self.said:
                line = (await self._process.stdout.readline()).decode()
                word, _, uri = line.strip().partition(" ")
                assert word, self.log.read_text()
                self.said[word] = uri

    @property
    def door(self) -> str:
        return self.said["http"].replace("tcp:", "http:")

    def unnamed_files(self) -> list[str]:
        """Open files that have no name any more."""
        links = []
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                links.append(str(descriptor.readlink()))
        return [link for link in links if link.startswith(str(self.home)) and "deleted" in link]


class Model(FakeLlamaSwap):
    """A language model that fails at one question, and repeats it."""

    def _reply(self, asked: Asked) -> Reply:
        fails = UNANSWERED in str(asked.body)
        return Reply([UNANSWERED.encode()], 500) if fails else super()._reply(asked)


def wav_of(audio: np.ndarray) -> bytes:
    into = BytesIO()
    with wave.open(into, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(to_pcm16(audio))
    return into.getvalue()


def multipart(file: bytes) -> bytes:
    head = 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return f"--x\r\n{head}".encode() + file + b"\r\n--x--\r\n"


def files(*processes: Process) -> list[Path]:
    return [path for one in processes for path in one.home.rglob("*") if path.is_file()]


async def upload(asr: Process, kind: str) -> None:
    """A file of 1.9 MB, of which the second half comes when the first has been looked for."""
    file = wav_of(np.concatenate((said(SPOKEN), silence(58))))
    body = multipart(file) if kind == "multipart/form-data; boundary=x" else file
    half = 1_500_000

    async def parts() -> AsyncIterator[bytes]:
        yield body[:half]
        while not asr.unnamed_files():  # noqa: ASYNC110  (the kernel tells nobody)
            await asyncio.sleep(0.01)
        assert files(asr) == []
        yield body[half:]

    async with httpx.AsyncClient(timeout=30) as http, asyncio.timeout(40):
        url = f"{asr.door}/v1/audio/transcriptions"
        answer = await http.post(url, content=parts(), headers={"Content-Type": kind})
    assert HEARD in answer.json()["text"].lower()
    assert (asr.unnamed_files(), files(asr)) == ([], [])


async def spoken_turn(servers: list[Process], room: Path, satellite: Process) -> None:
    """A satellite hears its microphone's file, and says that the answer has been played."""
    (room / "mic.wav").write_bytes(wav_of(np.concatenate((silence(0.5), said(SPOKEN), silence(2)))))
    played = room / "played"
    os.mkfifo(played)
    fifo = os.open(played, os.O_RDWR | os.O_NONBLOCK)
    happened = asyncio.Event()
    asyncio.get_running_loop().add_reader(fifo, happened.set)
    uris = [part for one in servers for part in (f"--{one.name}-uri", one.said["ready"])]
    quiet = (
        "--no-tones",
        "--no-thinking-sound",
        "--aec",
        "off",
        "--gate",
        "vad",
        "--no-zeroconf",
        "--no-control",
    )
    devices = ("--mic", f"file:{room / 'mic.wav'}", "--snd", "none")
    try:
        async with satellite.running(
            *(
                "--mode",
                "standalone",
                "--gate",
                "vad",
                "--aec",
                "off",
                "--on-played",
                f"sh -c 'echo played >{played}'",
                *quiet,
                *devices,
                *uris,
            ),
        ):
            async with asyncio.timeout(40):
                await happened.wait()
    finally:
        asyncio.get_running_loop().remove_reader(fifo)
        os.close(fifo)


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
        found = re.search(r"metrics.*?(tcp://[\d.]+:\d+)", server.log.read_text())
        assert found is not None
        at = found[1]
    async with httpx.AsyncClient() as http:
        page = await http.get(f"{at.replace('tcp:', 'http:')}/metrics")
    assert "wyoming_voice" in page.text
    return page.text


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
async def test_nothing_that_was_said_is_kept(tmp_path: Path) -> None:
    asr, tts, handle, satellite = (
        Process(name, tmp_path) for name in ("asr", "tts", "handle", "satellite")
    )
    async with contextlib.AsyncExitStack() as running:
        enter = running.enter_async_context
        await enter(asr.running(*_LOCAL, *_HTTP, *_WHISPER))
        await enter(tts.running(*_LOCAL, *_HTTP, "--engine", "espeak"))
        async with Model(words(ANSWER)) as llm:
            numbered = ("--metrics-uri", "tcp://127.0.0.1:0")
            await enter(handle.running(*_LOCAL, *numbered, "--llm-url", llm.url))
            await asyncio.gather(asr.begun(), tts.begun(), handle.begun())
            await spoken_turn([asr, tts, handle], tmp_path, satellite)
            await asked(handle, ASKED)
            await asked(handle, UNANSWERED)
            questions = [chat["messages"][-1]["content"] for chat in llm.chats]
        assert any(HEARD in question.lower() for question in questions), "a whole turn"
        await read_out(tts)
        for kind in ("multipart/form-data; boundary=x", "audio/wav"):
            await upload(asr, kind)
        told = [await numbers(one) for one in (asr, tts, handle)]
        told += [await status_of(one) for one in (asr, tts, handle)]
    every = (asr, tts, handle, satellite)
    for one in every:
        assert one.log.read_text(), f"{one.name} logs at its default level"
    told += [one.log.read_text() for one in every]
    told += [path.read_bytes().decode(errors="replace") for path in files(*every)]
    for text in told:
        assert [word for word in WORDS if word in text.lower()] == []
    assert files(*every) == []
