"""A real Prometheus for one test: asks ports of this machine five times a second, and answers queries."""

import asyncio
import contextlib
import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

PATIENCE_S = 60.0


class Asked:
    """Its HTTP API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/query"

    def query(self, expression: str) -> list[Any]:
        """What an expression is at this moment; fails on one that it can't read."""
        data = urllib.parse.urlencode({"query": expression}).encode()
        try:
            with urllib.request.urlopen(self._url, data, timeout=PATIENCE_S) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.SERVICE_UNAVAILABLE:  # an OSError: it is not quite there
                raise
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        assert body["status"] == "success"
        rows = body["data"]["result"]
        assert isinstance(rows, list)
        return rows

    async def until(self, expression: str, value: float) -> None:
        """Wait until an expression has a value."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(OSError):  # it has not begun to listen
                    rows = await asyncio.to_thread(self.query, expression)
                    if rows and float(rows[0]["value"][1]) == value:
                        return
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def prometheus(directory: Path, ports: dict[str, int]) -> AsyncIterator[Asked]:
    """One that asks each of `ports`."""
    configuration = directory / "prometheus.yml"
    targets = [f"127.0.0.1:{port}" for port in ports.values()]
    job = {"job_name": "wyoming-voice", "static_configs": [{"targets": targets}]}
    configuration.write_text(
        yaml.safe_dump({"global": {"scrape_interval": "200ms"}, "scrape_configs": [job]})
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    try:
        yield Asked(port)
    finally:
        process.kill()  # what it has stored is a test's
        await process.wait()
