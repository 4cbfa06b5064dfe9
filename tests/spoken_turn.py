"""A spoken turn through real processes: a satellite hears a file, and says when it has played the answer."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import numpy as np

from tests.asr.media import wav
from tests.asr.speech import said, silence
from tests.processes import PATIENCE_S, Process, at_home

_SATELLITE = (
    *("--mode", "standalone", "--gate", "vad", "--snd", "none", "--aec", "off"),
    *("--no-tones", "--no-thinking-sound", "--no-zeroconf", "--no-control"),
)


async def spoken_turn(
    room: Path, question: str, servers: Mapping[str, str], *arguments: str
) -> Process:
    """The satellite that asked `question` of the servers, kind -> URI, and has ended."""
    microphone = room / "mic.wav"
    audio = np.concatenate((silence(0.5), said(question), silence(2)))
    microphone.write_bytes(wav(audio).getvalue())
    async with told_through(room / "played") as played:
        uris = [word for kind, uri in servers.items() for word in (f"--{kind}-uri", uri)]
        heard = ("--mic", f"file:{microphone}", "--on-played", f"echo > {room / 'played'}")
        async with at_home(room, "satellite", *_SATELLITE, *heard, *uris, *arguments) as satellite:
            async with asyncio.timeout(PATIENCE_S):
                await played.wait()
    return satellite


@contextlib.asynccontextmanager
async def told_through(path: Path) -> AsyncIterator[asyncio.Event]:
    """A fifo at `path`, and the event that something was written into it."""
    os.mkfifo(path)
    fifo = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    told = asyncio.Event()

    def read() -> None:
        os.read(fifo, 100)
        told.set()

    asyncio.get_running_loop().add_reader(fifo, read)
    try:
        yield told
    finally:
        asyncio.get_running_loop().remove_reader(fifo)
        os.close(fifo)
