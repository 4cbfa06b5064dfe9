"""Debian's HAProxy with deploy/haproxy/haproxy.cfg, in front of small servers on this machine.

The file is taken as it is but for what belongs to a machine: addresses, users, paths, name servers, and for
who is in a hurry the pace of the checks. Linux alone has every address of 127.0.0.0/8: each server has one,
all of them with the same ports, as on machines of their own.
"""

import asyncio
import contextlib
import csv
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ROOT
from wyoming_voice.errors import UpstreamError
from wyoming_voice.stack import end_process

CONFIGURATION = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
_FRONTS = ("asr", "tts", "handle", "numbers")
SCRIPTED = "bench.scripted_server"
_LOOK_S = 0.02
_READY_WITHIN_S = 30.0
HURRIED = {
    " inter 2s": " inter 200ms",
    " downinter 1s": " downinter 100ms",
    " fastinter 500ms": " fastinter 50ms",
}
"""Checks ten times as often as in the file: what stands there, and what stands there instead."""

OF_A_SERVER = (
    "check inter 2s fastinter 500ms rise 2 fall 2 maxconn 56 "
    "observe layer4 error-limit 1 on-error mark-down"
)
"""What the README says of a server that is added: it gets nothing from `default-server`."""

_OF_A_MACHINE = r"^ *(user|group|chroot|server|maxconn) .*\n|^ *parse-resolv-conf\n"

Row = Mapping[str, str]
"""One line of `show stat`, by the names of its columns."""


def program() -> str | None:
    """Where HAProxy is; None where this machine has none that can be used here."""
    return shutil.which("haproxy") if sys.platform == "linux" else None


@dataclass(frozen=True)
class Site:
    """The ports that all servers of a fleet have, on an address each; `changes`: of the file, by its text."""

    service: int
    metrics: int
    fronts: Mapping[str, int]
    changes: Mapping[str, str]

    @classmethod
    def free(cls, changes: Mapping[str, str] = HURRIED) -> "Site":
        """Ports that nobody has at this moment."""
        service, metrics, *fronts = _free_ports(2 + len(_FRONTS))
        return cls(service, metrics, dict(zip(_FRONTS, fronts, strict=True)), changes)

    def host(self, number: int) -> str:
        """The address of a server, from 1 on."""
        return f"127.0.77.{number}"


@dataclass
class Worker:
    """One server process behind the balancer; `name` is what HAProxy calls it."""

    name: str
    host: str
    process: asyncio.subprocess.Process


def written(site: Site, servers: Mapping[str, Sequence[tuple[str, str]]], folder: Path) -> str:
    """The configuration for this site; `servers`: backend -> names and hosts."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    text = re.sub(r"/run/haproxy/admin.sock", str(folder / "admin.sock"), text)
    text = re.sub(_OF_A_MACHINE, "", text, flags=re.MULTILINE)
    text = re.sub(r"connect port \d+", f"connect port {site.metrics}", text)
    text = changed(text, site)
    for kind, port in site.fronts.items():
        bind = re.compile(rf"(frontend {kind}\n(?: +[^b].*\n)* +bind )\S+( v4v6)?")
        text = bind.sub(rf"\g<1>127.0.0.1:{port}", text)
    for kind, named in servers.items():
        lines = "".join(
            f"    server {name} {host}:{site.service} tcp-ut 20s\n" for name, host in named
        )
        text = re.sub(rf"^backend {kind}\n", rf"\g<0>{lines}", text, flags=re.MULTILINE)
    path = folder / "haproxy.cfg"
    path.write_text(text, encoding="utf-8")
    return str(path)


def changed(text: str, site: Site) -> str:
    """As the site has it."""
    for there, instead in site.changes.items():
        text = text.replace(there, instead)
    return text


class Balancer:
    """A running HAProxy, and its admin's door."""

    def __init__(self, site: Site, admin: Path, pid: int) -> None:
        self.site = site
        self.pid = pid
        self._admin = admin

    def uri(self, kind: str) -> str:
        """Where clients come."""
        return f"tcp://127.0.0.1:{self.site.fronts[kind]}"

    async def do(self, command: str) -> str:
        """What HAProxy says to a command on its stats socket."""
        reader, writer = await asyncio.open_unix_connection(str(self._admin))
        writer.write(f"{command}\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        return answer.strip()

    async def server(self, backend: str, name: str) -> Row:
        """The numbers of one server: `status`, `scur` sessions, `stot` of them so far, …"""
        lines = (await self.do("show stat")).lstrip("# ").splitlines()
        for row in csv.DictReader(lines):
            if (row["pxname"], row["svname"]) == (backend, name):
                return row
        raise UpstreamError(f"HAProxy knows no server {backend}/{name}")

    async def until(self, backend: str, name: str, true: Callable[[Row], bool]) -> Row:
        """Wait for something to become true of a server."""
        async with asyncio.timeout(_READY_WITHIN_S):
            while not true(row := await self.server(backend, name)):  # noqa: ASYNC110  (it tells nobody)
                await asyncio.sleep(_LOOK_S)
        return row

    async def add(self, backend: str, one: "Worker") -> None:
        """One more server, without a reload; returns once it is given clients."""
        for command in (
            f"add server {backend}/{one.name} {one.host}:{self.site.service} "
            + changed(OF_A_SERVER, self.site),
            f"enable health {backend}/{one.name}",
            f"enable server {backend}/{one.name}",
        ):
            said = await self.do(command)
            if said not in ("", "New server registered."):
                raise UpstreamError(f"{command}: {said}")
        await self.until_status(backend, "UP", one.name)

    async def drain(self, backend: str, name: str) -> None:
        """Give a server no more clients; returns once those that it has have gone."""
        await self.do(f"set server {backend}/{name} state drain")
        await self.until(backend, name, lambda row: row["scur"] == "0")

    async def until_status(self, backend: str, status: str, *names: str) -> None:
        """Wait until HAProxy holds servers for `UP`, `DOWN`, `DRAIN`, …"""
        for name in names:
            await self.until(backend, name, lambda row: row["status"].startswith(status))


@contextlib.asynccontextmanager
async def balancing(
    site: Site, servers: Mapping[str, Sequence[tuple[str, str]]], folder: Path
) -> AsyncIterator[Balancer]:
    """HAProxy in front of servers that run already, or don't."""
    path = written(site, servers, folder)
    binary = program()
    assert binary is not None, "whoever calls this has looked"
    with (folder / "haproxy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(binary, "-db", "-f", path), stdout=log, stderr=log
        )
    balancer = Balancer(site, folder / "admin.sock", process.pid)
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            while process.returncode is None and not await _answers(balancer):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)
        if process.returncode is not None:
            raise UpstreamError((folder / "haproxy.log").read_text(encoding="utf-8"))
        yield balancer
    finally:
        await end_process(process)


@contextlib.asynccontextmanager
async def worker(
    site: Site, number: int, *arguments: str, module: str = SCRIPTED, log: Path | None = None
) -> AsyncIterator[Worker]:
    """Server number so-and-so, listening (ready, where its module loads nothing)."""
    name, host = f"s{number}", site.host(number)
    doors = (
        "--uri",
        f"tcp://{host}:{site.service}",
        "--metrics-uri",
        f"tcp://{host}:{site.metrics}",
    )
    named = ("--name", name) if module == SCRIPTED else ()
    command = (sys.executable, "-m", module, "--no-zeroconf", *doors, *named, *arguments)
    with (log or Path("/dev/null")).open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=errors, cwd=ROOT
        )
    try:
        await _says(process, "ready" if module == SCRIPTED else "listening")
        yield Worker(name, host, process)
    finally:
        await end_process(process)


@contextlib.asynccontextmanager
async def fleet(site: Site, numbers: Sequence[int], *arguments: str) -> AsyncIterator[list[Worker]]:
    """Several scripted servers, started side by side."""
    async with contextlib.AsyncExitStack() as stack:
        starting = [worker(site, number, *arguments) for number in numbers]
        yield list(await asyncio.gather(*map(stack.enter_async_context, starting)))


async def _says(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None  # it was opened as a pipe
    async with asyncio.timeout(_READY_WITHIN_S):
        async for line in process.stdout:
            if line.decode().partition(" ")[0] == word:
                return
    raise UpstreamError(f"a server ended before it was {word}")


async def _answers(balancer: Balancer) -> bool:
    try:
        return bool(await balancer.do("show info"))
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
