"""Wyoming microphone and loudspeaker servers in place of devices of our own.

A microphone server sends `audio-start` and `audio-chunk`s to whoever connects; a loudspeaker server is
sent them and, after `audio-stop`, answers `played` (https://github.com/rhasspy/wyoming, sections "Mic"
and "Snd").
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.snd import Played

from satellite.devices.convert import SpeechConverter, encode
from satellite.devices.pace import pump
from satellite.devices.tasks import end
from satellite.parts import Audio, DeviceError
from wyoming_voice.audio import checked_format
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import VoiceError, why
from wyoming_voice.wire import Connection, WireLimits, connect

CONNECT_S = 3.0
PLAYED_S = 0.4
"""How long a loudspeaker's server may play on after the end; leaving sooner would cut it off."""
HANG_UP_S = 0.4
SINK_LEAD_MS = 150
SERVER_MS = 100
"""What the network and the server's own player are taken to hold back."""
_LIMITS = WireLimits(write_timeout_s=2.0)


class WyomingSource:
    """The microphone of a Wyoming server, in whatever format it sends."""

    overflows = 0

    def __init__(self, address: str) -> None:
        self._link = _Link(address)
        self._listening: asyncio.Task[None] | None = None
        self._converter: SpeechConverter | None = None

    @property
    def name(self) -> str:
        """Where it is."""
        return self._link.name

    async def open(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Connect; raises DeviceError when nobody answers."""
        self._converter = None
        connection = await self._link.open()
        self._listening = asyncio.create_task(
            self._link.until_lost(self._listen(connection, deliver), lost)
        )

    async def close(self) -> None:
        """Hang up."""
        await end(self._listening)
        await self._link.close()

    async def _listen(self, connection: Connection, deliver: Callable[[bytes], None]) -> None:
        async for event in connection:
            _raise_error(event)
            if AudioChunk.is_type(event.type) and (pcm := self._speech(event)):
                deliver(pcm)

    def _speech(self, event: Event) -> bytes:
        sent = checked_format(*(event.data.get(name) for name in ("rate", "width", "channels")))
        if self._converter is None or self._converter.source != sent:
            self._converter = SpeechConverter(sent)
        return self._converter.push(event.payload or b"")


class WyomingSink:
    """The loudspeaker of a Wyoming server: one long sound for as long as it is open."""

    latency_ms = float(SINK_LEAD_MS + SERVER_MS)

    def __init__(self, address: str, rate_hz: int = 22_050) -> None:
        self.rate_hz = rate_hz
        self._sent = AudioFormat(rate_hz, 2, 1)
        self._link = _Link(address)
        self._connection: Connection | None = None
        self._feeding: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._played = asyncio.Event()

    @property
    def name(self) -> str:
        """Where it is."""
        return self._link.name

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        """Connect and begin; raises DeviceError when nobody answers."""
        self._played.clear()
        self._connection = connection = await self._link.open()
        self._feeding = asyncio.create_task(self._feed(connection, fill))
        self._listening = asyncio.create_task(
            self._link.until_lost(self._listen(connection, self._feeding), lost)
        )

    async def close(self) -> None:
        """Let what was sent be played out, for as long as there is time, and hang up."""
        await end(self._feeding)
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, VoiceError):  # it is gone, or plays on for too long
                async with asyncio.timeout(PLAYED_S):
                    await connection.write(AudioStop().event())
                    await self._played.wait()
        await end(self._listening)
        await self._link.close()

    async def _feed(self, connection: Connection, fill: Callable[[int], Audio]) -> None:
        async def write(samples: Audio) -> None:
            pcm = encode(samples, self._sent)
            await connection.write(AudioChunk(self._sent.rate_hz, 2, 1, pcm).event())

        with contextlib.suppress(OSError, VoiceError):  # whoever listens is told the same
            await connection.write(AudioStart(self._sent.rate_hz, 2, 1).event())
            await pump(self.rate_hz, SINK_LEAD_MS, fill, write)

    async def _listen(self, connection: Connection, feeding: asyncio.Task[None]) -> None:
        try:
            async for event in connection:
                _raise_error(event)
                if Played.is_type(event.type):
                    self._played.set()
        finally:
            self._played.set()  # nobody is left to say so
            feeding.cancel()


class _Link:
    """One connection to a server that stands in for a device."""

    def __init__(self, address: str) -> None:
        self.name = f"wyoming://{address}"
        self._uri = f"tcp://{address}"
        self._open = contextlib.AsyncExitStack()

    async def open(self) -> Connection:
        """Connect; raises DeviceError."""
        try:
            return await self._open.enter_async_context(
                connect(self._uri, timeout_s=CONNECT_S, limits=_LIMITS)
            )
        except OSError as error:
            raise DeviceError(
                f"{self.name} can't be reached: {why(error)}; is it running?"
            ) from error

    async def close(self) -> None:
        """Hang up, in good order if that goes fast."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_S):
                await self._open.aclose()

    async def until_lost(
        self, listening: Coroutine[None, None, None], lost: Callable[[str], None]
    ) -> None:
        """Listen to the server until it fails or hangs up, and tell."""
        try:
            await listening
            reason = "it has hung up"
        except (VoiceError, OSError) as error:
            reason = str(error) or "the connection broke"
        lost(f"{self.name}: {reason}")


def _raise_error(event: Event) -> None:
    if Error.is_type(event.type):
        raise DeviceError(str(event.data.get("text", ""))[:200] or "it sent an error")
