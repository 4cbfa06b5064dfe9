"""Scripted servers that speak under TLS, to clients with certificates only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import ClassVar

from tests.access.papers import Authority
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeHandle, FakeServer, FakeTts
from wyoming_voice import tls
from wyoming_voice.gate import Gate
from wyoming_voice.listening import serve, streams
from wyoming_voice.threshold import Threshold
from wyoming_voice.wire import Address

ANYWHERE = Address("127.0.0.1", 0, tls=True)


class UnderTls(FakeServer):
    """A server that wants its clients' certificates; `papers` is set by a test."""

    papers: ClassVar[Authority]

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[str]:
        tasks = set[asyncio.Task[None]]()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.create_task(self._serve(reader, writer)))

        shown = self.papers.shown(to_clients_of=self.papers)
        threshold = Threshold(
            tls.Renewing(shown, print), Gate(), lambda: streams(accept, 65_536), b""
        )
        self._server, address = await serve(ANYWHERE, threshold)
        self.uri = str(address)
        try:
            yield self.uri
        finally:
            self.kill()
            await asyncio.gather(*tasks, return_exceptions=True)


class TlsAsr(UnderTls, FakeAsr):
    """Hears."""


class TlsHandle(UnderTls, FakeHandle):
    """Answers."""


class TlsTts(UnderTls, FakeTts):
    """Speaks."""
