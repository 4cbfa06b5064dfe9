"""Clients of a balancer: satellites that were told one URI for all servers of a kind.

They have utterances transcribed as the satellite does: its own code takes one to the servers.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator

from satellite.standalone.conversation import Question
from satellite.standalone.errand import Errand
from satellite.standalone.exchange import Exchange
from satellite.standalone.line import Server
from satellite.standalone.lines import Lines, NobodyLeft
from satellite.standalone.patience import Patience
from satellite.standalone.tape import Tape
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.core.timing import TurnRecord

_CHUNK = bytes(SPEECH.size_bytes(100))
_CHUNKS = 10
_LOOK_S = 0.01
_PATIENCE_S = 60.0
_PATIENCE = Patience()


class OneServer:
    """The directory of a satellite with one URI; `failures` are the tries that came to nothing."""

    def __init__(self, uri: str) -> None:
        self.server = Server("asr", uri)
        self.failures: list[str] = []

    def ranked(self, kind: str) -> list[Server]:
        """The one."""
        return [self.server]

    def worked(self, server: Server) -> None:
        """Nothing to remember."""

    def failed(self, server: Server, reason: str) -> None:
        """Keep why."""
        self.failures.append(reason)


class Satellite:
    """Utterances of a second one after another; `told` counts by whom, `took_s` how long each took."""

    def __init__(self, uri: str) -> None:
        self.directory = OneServer(uri)
        self.told: Counter[str] = Counter()
        self.took_s: list[float] = []
        self.lost = 0
        self._lines = Lines(self.directory, return_s=_PATIENCE.return_s)

    async def say(self) -> None:
        """One utterance; one that nobody understood is `lost`."""
        start_s = time.monotonic()
        self._lines.prepare(("asr",))
        errand = Errand(self._lines, TurnRecord("turn"), Question("turn"), patience=_PATIENCE)
        exchange = Exchange(errand, lambda _: None)
        try:
            self.told[await exchange.hear(_utterance())] += 1
        except NobodyLeft:
            self.lost += 1
        self.took_s.append(time.monotonic() - start_s)

    async def talk(self, until: asyncio.Event) -> None:
        """Without a pause."""
        while not until.is_set():
            await self.say()
        await self._lines.close()


@contextlib.asynccontextmanager
async def talking(uri: str, count: int) -> AsyncIterator[list[Satellite]]:
    """So many satellites that talk all the time."""
    over = asyncio.Event()
    satellites = [Satellite(uri) for _ in range(count)]
    async with asyncio.TaskGroup() as group:
        for satellite in satellites:
            group.create_task(satellite.talk(over))
        try:
            yield satellites
        finally:
            over.set()


async def each_says(satellites: list[Satellite], more: int = 3) -> Counter[str]:
    """Wait until each has said so much more; who understood it, altogether."""
    before = [len(satellite.took_s) for satellite in satellites]
    told_before = _told(satellites)
    async with asyncio.timeout(_PATIENCE_S):
        for satellite, count in zip(satellites, before, strict=True):
            while len(satellite.took_s) < count + more:  # noqa: ASYNC110  (they talk on)
                await asyncio.sleep(_LOOK_S)
    return _told(satellites) - told_before


def _told(satellites: list[Satellite]) -> Counter[str]:
    return sum((satellite.told for satellite in satellites), Counter[str]())


def _utterance() -> Tape[bytes]:
    tape = Tape[bytes]()
    for _ in range(_CHUNKS):
        tape.add(_CHUNK)
    tape.finish()
    return tape
