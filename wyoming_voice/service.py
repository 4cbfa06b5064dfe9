"""Runs one Wyoming server from its first breath to its last: bind, describe, load, announce, drain, exit.

Rule: it listens and describes itself at once, announces itself when it can work, and whatever happens
ends in bounded time.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from enum import Enum, auto
from typing import Any

from wyoming_voice import __version__, exposure, tracing
from wyoming_voice.discovery import announced
from wyoming_voice.engine_versions import installed
from wyoming_voice.entrances import Entrances
from wyoming_voice.errors import PeerError
from wyoming_voice.gate import Gate
from wyoming_voice.open_files import room_for
from wyoming_voice.peer import House, Peer, end, refuse
from wyoming_voice.program import MayReload, Program
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.side_doors import SideDoors
from wyoming_voice.sockets import tuned
from wyoming_voice.systemd import Notifier, passed_sockets, watchdog_interval_s
from wyoming_voice.wire import Address, Connection

_log = logging.getLogger(__name__)

_BEAT_S = 5.0
"""How often systemd is told that a model still loads, and that all is well where it sets no pace."""

_STOP_S = 10.0
"""How long `stop` may take beyond the drain."""

_REFUSALS = 64
"""How many clients are told at a time that there is no room; in a flood the others hear nothing."""


class Health(Enum):
    """Whether a service gets on."""

    LOADING = auto()
    WELL = auto()
    RELOADING = auto()
    STUCK = auto()


class Service:
    """One Program on one listening socket, or on all that it is handed already open."""

    def __init__(
        self,
        program: Program,
        settings: ServiceSettings,
        passed: Sequence[socket.socket] = (),
    ) -> None:
        self._program = program
        self._settings = settings
        self._ready = asyncio.Event()
        self._peers: dict[asyncio.Task[None], Peer] = {}
        self._refusals: set[asyncio.Task[None]] = set()
        self._gate = Gate(settings.allow, settings.interface)
        self._entrances = Entrances(settings, passed, self._gate, self._accept)
        self._doors = SideDoors(program, settings, self._gauges, self._unwell, self._stuck)
        self._house = House(
            program,
            self._ready,
            settings.idle_timeout_s,
            self._doors.finished,
            self._status,
            self._doors.failed,
        )
        self.addresses: list[Address] = []
        self._stopping = False
        self._engines = installed()

    @property
    def health(self) -> Health:
        """How it is, for whoever watches it."""
        if not self._ready.is_set():
            return Health.LOADING
        if not self._program.healthy:
            return Health.STUCK
        reloads = isinstance(self._program, MayReload) and self._program.reloading
        return Health.RELOADING if reloads else Health.WELL

    @property
    def metrics_address(self) -> Address | None:
        """Where the numbers are, if anywhere."""
        return self._doors.metrics_address

    @property
    def http_address(self) -> Address | None:
        """Where HTTP clients are served, if anywhere."""
        return self._doors.http_address

    async def listen(self) -> Address:
        """Answer `describe` from here on; returns the address with its real port.

        Binds where `uri` says, unless open sockets were passed: then it listens on these alone, and
        returns the first that others can reach over a network. Raises ConfigError when the address
        can't be had, a socket can't be listened on, or so many clients can't be had at a time.
        """
        room_for(self._settings.max_connections)
        self.addresses = await self._entrances.open()
        await self._doors.open(self._gate)
        exposed = exposure.wyoming(self.addresses, self._settings) + self._doors.exposed()
        exposure.tell(exposed, self._gate)
        return min(self.addresses, key=lambda address: (address.tls, bool(address.path)))

    async def load(self) -> None:
        """Load the engine; requests that came meanwhile are answered after it."""
        await self._program.load()
        self._ready.set()

    async def stop(self) -> None:
        """Take no more connections, let requests in progress end within `drain_s`, close the rest."""
        self._stopping = True
        self._entrances.close()
        for peer in self._peers.values():
            peer.leave()
        await end([task for task, peer in self._peers.items() if not peer.working])
        draining = asyncio.create_task(self._doors.drain(self._settings.drain_s))
        if self._peers:
            _log.info("waiting for %d clients to get their answers", len(self._peers))
            await asyncio.wait(self._peers, timeout=self._settings.drain_s)
        await end([*self._peers, *self._refusals])
        await draining
        await self._program.close()
        await self._doors.close()
        self._entrances.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping:  # accepted by the kernel before, handed over after
            writer.transport.abort()
            return
        tuned(writer.transport)
        connection = Connection(reader, writer, self._settings.wire_limits)
        if (refusal := self._gate.refusal(writer.transport)) is not None:
            self._refuse(connection, writer, refusal)
            return
        if (count := len(self._peers)) >= self._settings.max_connections:
            self._refuse(connection, writer, self._gate.full(writer.transport, count))
            return
        self._doors.accepted()
        peer = Peer(connection, self._house)
        task = asyncio.create_task(peer.serve())
        self._peers[task] = peer
        task.add_done_callback(self._peers.pop)

    def _refuse(
        self, connection: Connection, writer: asyncio.StreamWriter, error: PeerError
    ) -> None:
        self._doors.refused()
        if len(self._refusals) >= _REFUSALS:
            writer.transport.abort()
            return
        task = asyncio.create_task(refuse(connection, error))
        self._refusals.add(task)
        task.add_done_callback(self._refusals.discard)

    def _gauges(self) -> Iterator[tuple[str, float]]:
        peers = self._peers.values()
        yield "connections", len(peers)
        yield "requests_in_progress", sum(peer.answering for peer in peers)
        yield "requests_waiting", sum(peer.waiting for peer in peers)
        yield from self._doors.numbers()

    def _status(self) -> dict[str, Any]:
        """What the event `status` is answered with (`extensions`)."""
        numbers = dict(self._gauges())
        return {
            "version": __version__,
            "engines": self._engines,
            "health": "stopping" if self._stopping else self.health.name.lower(),
            "connections": int(numbers.pop("connections")),
            "answering": int(numbers.pop("requests_in_progress")),
            "waiting": int(numbers.pop("requests_waiting")),
            **self._doors.ledger.status(),
            "numbers": numbers,
        }

    def _unwell(self) -> str:
        """Why no request should be sent here; "" when there is no reason."""
        if self._stopping:
            return "stopping"
        match self.health:
            case Health.LOADING:
                return "loading"
            case Health.WELL:
                return ""
            case Health.RELOADING:
                return "starting the engine again"
            case Health.STUCK:
                return "stuck in the engine"

    def _stuck(self) -> str:
        """Why only a new process can help; "" when there is no reason."""
        return "stuck in the engine" if self.health is Health.STUCK else ""


async def run_service(program: Program, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain; under systemd on the sockets that it passes.

    Prints `listening URI`, `tls URI` and `http URI` where there are such doors, and `ready URI` on standard
    output, for whoever started this process. Raises ConfigError when an address can't be had and EngineError
    when the engine can't be loaded.
    """
    stop, notifier = _stop_on_signals(), Notifier()
    service = Service(program, settings, passed_sockets())
    address = await service.listen()
    print(f"listening {address}", flush=True)  # noqa: T201  (a parent process reads it)
    for under_tls in (each for each in service.addresses if each.tls):
        print(f"tls {under_tls}", flush=True)  # noqa: T201
    if service.http_address is not None:
        print(f"http {service.http_address}", flush=True)  # noqa: T201
    heart = asyncio.create_task(_beat(service, notifier))
    try:
        if await _unless_stopped(service.load(), stop):
            print(f"ready {address}", flush=True)  # noqa: T201
            notifier.ready(f"ready on {', '.join(map(str, service.addresses))}")
            async with announced(program.kind, program.info, address, settings):
                await stop.wait()
        _log.info("stopping")
    finally:
        notifier.stopping(settings.drain_s + _STOP_S)
        await service.stop()
        await end([heart])
    if (
        program.busy
    ):  # a thread in native code can't be ended, and the interpreter would wait for it
        tracing.stop()
        logging.shutdown()
        os._exit(0)


async def _beat(service: Service, notifier: Notifier) -> None:
    """Tell systemd that this loop turns and the engine gets on; nothing while the engine is stuck."""
    pace_s = min(_BEAT_S, watchdog_interval_s() or _BEAT_S)
    before = Health.LOADING
    while notifier.heard:
        health = service.health
        match health:
            case Health.LOADING:
                notifier.loading("loading; `describe` is answered, requests wait")
            case Health.WELL:
                notifier.alive()
            case Health.RELOADING:  # which is not for the watchdog to mend
                notifier.alive()
                notifier.status("starting the engine again; requests wait")
            case Health.STUCK:
                notifier.status("stuck in the engine")
        if health is not before and Health.STUCK in (health, before):
            _log.error("the engine %s", "is stuck" if health is Health.STUCK else "came round")
        before = health
        await asyncio.sleep(pace_s)


@contextlib.asynccontextmanager
async def serving(program: Program, settings: ServiceSettings) -> AsyncIterator[Address]:
    """A loaded service inside another program (tests, benchmarks); no signals, no announcement."""
    service = Service(program, settings)
    address = await service.listen()
    try:
        await service.load()
        yield address
    finally:
        await service.stop()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _unless_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether `work` ended before `stop` was set; raises what it raised."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return False
        task.result()
        return True
    finally:
        await end((task, stopped))
