"""Runs public client programs: one that ends and prints, or an HTTP server that stays."""

import asyncio
import contextlib
import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PATIENCE_S = 50.0
"""How long a client may take; no test measures it."""


@dataclass(frozen=True)
class Finished:
    """How a program ended, and what it wrote."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Clients:
    """The programs of one virtual environment."""

    folder: Path

    async def run(self, *command: str) -> Finished:
        """`command` is a program of the environment and its arguments."""
        program, *arguments = command
        process = await asyncio.create_subprocess_exec(
            str(self.folder / "bin" / program),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_PATIENCE_S):
                output, errors = await process.communicate()
        finally:
            await _ended(process)
        return Finished(process.returncode or 0, output.decode(), errors.decode())

    @contextlib.asynccontextmanager
    async def http_server(self, kind: str, wyoming_uri: str) -> AsyncIterator["HttpServer"]:
        """`wyoming.http.{kind}_server` in front of one of our servers."""
        port = _free_port()
        process = await asyncio.create_subprocess_exec(
            str(self.folder / "bin" / "python"),
            *("-m", f"wyoming.http.{kind}_server", "--host", "127.0.0.1", "--port", str(port)),
            *("--uri", wyoming_uri),
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None  # it was opened as a pipe
        reading = asyncio.create_task(_serving(process.stderr))
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await reading
            draining = asyncio.create_task(process.stderr.read())
            yield HttpServer(f"http://127.0.0.1:{port}")
            draining.cancel()
        finally:
            reading.cancel()
            await _ended(process)


@dataclass(frozen=True)
class HttpServer:
    """Where a public HTTP server listens."""

    url: str

    async def get(self, path: str, **query: str) -> Answer:
        """GET, as `curl URL` does."""
        return await self._send(urllib.request.Request(self._address(path, query)))

    async def post(self, path: str, body: bytes, media_type: str, **query: str) -> Answer:
        """POST, as `curl -H 'Content-Type: …' --data-binary …` does."""
        headers = {"Content-Type": media_type}
        address = self._address(path, query)
        return await self._send(urllib.request.Request(address, data=body, headers=headers))

    def _address(self, path: str, query: Mapping[str, str]) -> str:
        return f"{self.url}{path}?{urllib.parse.urlencode(query)}"

    async def _send(self, request: urllib.request.Request) -> Answer:
        return await asyncio.to_thread(_exchange, request)


def _exchange(request: urllib.request.Request) -> Answer:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_PATIENCE_S) as response:
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())


async def _serving(stderr: asyncio.StreamReader) -> None:
    """Return when Flask says where it runs."""
    said = b""
    while line := await stderr.readline():
        said += line
        if b"Running on http" in line:
            return
    raise RuntimeError(f"the HTTP server ended: {said.decode()}")


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
