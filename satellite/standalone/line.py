"""A server, what is known of it, and an open connection to it."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from wyoming_voice.core.own_languages import primary
from wyoming_voice.describing import Description, describe_on
from wyoming_voice.wire import Connection, WireLimits, connect


@dataclass(eq=False)
class Server:
    """One server of a kind; `pace` is how fast its voice was last (`pace.measured_pace`).

    `seen_s` is when it was known to be there last, by the event loop's clock.
    """

    kind: str
    uri: str
    info: Description | None = None
    pace: float | None = None
    seen_s: float | None = None

    @property
    def streams(self) -> bool:
        """Whether it is a TTS server that takes text in pieces."""
        programs = self.info.tts if self.info is not None else []
        return any(program.supports_synthesize_streaming for program in programs)

    def speaks(self, language: str) -> bool:
        """Whether it is a TTS server with a voice of that language."""
        programs = self.info.tts if self.info is not None else []
        voices = (voice for program in programs for voice in program.voices)
        return any(primary(language) == primary(tag) for voice in voices for tag in voice.languages)

    @property
    def extensions(self) -> frozenset[str]:
        """What it does beyond the protocol, as far as is known."""
        return self.info.extensions if self.info is not None else frozenset()


@dataclass
class Line:
    """An open connection to a server."""

    server: Server
    connection: Connection
    stack: contextlib.AsyncExitStack = field(repr=False)

    async def close(self) -> None:
        """Hang up."""
        await self.stack.aclose()


async def open_line(server: Server, connect_s: float) -> Line:
    """Connect, and learn what the server can do where nobody has; OSError, UpstreamError."""
    async with contextlib.AsyncExitStack() as stack:
        limits = WireLimits(data_bytes=16 * 1024 * 1024, write_timeout_s=5.0)
        opening = connect(server.uri, timeout_s=connect_s, limits=limits)
        connection = await stack.enter_async_context(opening)
        if server.info is None:
            async with asyncio.timeout(connect_s):
                server.info = await describe_on(connection, server.uri)
        server.seen_s = asyncio.get_running_loop().time()
        return Line(server, connection, stack.pop_all())
