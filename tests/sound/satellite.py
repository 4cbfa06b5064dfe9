"""A satellite in a process of its own, and the servers that it talks to: what happens to it is followed
on its control socket, as a light or a button would."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.asr.speech import said
from tests.sound.room import PATIENCE_S, recording, speak
from wyoming_voice.stack import end_process


@dataclass(frozen=True)
class Moment:
    """Something that the satellite told of, and when we heard of it."""

    event: str
    text: str
    at_s: float


class Satellite:
    """A running `wyoming-voice satellite`, seen from its control socket."""

    def __init__(
        self, path: Path, watch: asyncio.StreamReader, process: asyncio.subprocess.Process
    ) -> None:
        self.process = process
        self.moments: list[Moment] = []
        self._path = path
        self._watch = watch
        self._changed = asyncio.Condition()

    async def follow(self) -> None:
        """Note what it tells until it ends."""
        async for line in self._watch:
            told = json.loads(line)
            if "event" in told:
                self.moments.append(Moment(told["event"], told.get("text", ""), time.monotonic()))
            async with self._changed:
                self._changed.notify_all()

    async def until(
        self, event: str, since_s: float = 0.0, timeout_s: float = PATIENCE_S
    ) -> Moment:
        """The first moment of a kind after a reading of the monotonic clock."""

        def found() -> list[Moment]:
            return [m for m in self.moments if m.event == event and m.at_s > since_s]

        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: bool(found()))
        except TimeoutError:
            told = [(m.event, m.text) for m in self.moments if m.at_s > since_s]
            raise AssertionError(f"no {event!r} came; what came: {told}") from None
        return found()[0]

    async def booted(self) -> None:
        """Wait until the microphone is open and somebody can answer."""
        await self.reaches(lambda status: status["state"] == "idle" and bool(status["answers"]))

    async def reaches(self, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask for its status until it is as wanted: for what no moment tells."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                status = await self.status()
                if met(status):
                    return status
                await asyncio.sleep(0.05)

    async def status(self) -> dict[str, Any]:
        """How it is."""
        status: dict[str, Any] = (await self.do("status"))["status"]
        return status

    async def do(self, what: str, **details: object) -> dict[str, Any]:
        """One request on the control socket, and its answer."""
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        try:
            writer.write(json.dumps({"do": what, **details}).encode() + b"\n")
            await writer.drain()
            answer: dict[str, Any] = json.loads(await reader.readline())
        finally:
            writer.close()
        return answer


def naming(servers: Mapping[str, str]) -> tuple[str, ...]:
    """Arguments that name a server of each kind."""
    return tuple(part for kind, uri in servers.items() for part in (f"--{kind}-uri", uri))


async def converse(
    environment: Mapping[str, str], running: Satellite, question: str = "what time is it"
) -> None:
    """A whole turn: it is asked aloud, understood from the first word on, and answered aloud."""
    async with recording(environment, "virt_speaker") as heard:
        asked_s = time.monotonic()
        await speak(environment, said(question))
        transcript = await running.until("transcript", asked_s)
        assert transcript.text.lower().startswith(question)
        responding = await running.until("responding", asked_s)
        await running.until("idle", responding.at_s)
        assert len(heard.loud_steps(responding.at_s)) > 50  # half a second of it


@contextlib.asynccontextmanager
async def satellite(
    environment: Mapping[str, str], folder: Path, *arguments: str
) -> AsyncIterator[Satellite]:
    """Start one on the sound server of `environment`; it is ready when the block begins."""
    async with starting(environment, folder, *arguments) as running:
        await running.booted()
        yield running


@contextlib.asynccontextmanager
async def starting(
    environment: Mapping[str, str], folder: Path, *arguments: str
) -> AsyncIterator[Satellite]:
    """Start one that may still have nobody who answers."""
    path = folder / "satellite.sock"
    fixed = ("--control", str(path), "--no-zeroconf", "--state-dir", str(folder))
    sound = ("--mic", "pulse", "--snd", "pulse")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "satellite", *fixed, *sound, *arguments),
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None  # it was opened as a pipe
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for line in process.stdout:
                if line.startswith(b"ready"):
                    break
            reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"do": "watch"}\n')
        running = Satellite(path, reader, process)
        following = asyncio.create_task(running.follow())
        yield running
        following.cancel()
        writer.close()
    finally:
        await end_process(process)
