"""What a client sends is handed on in pieces, between which others have their turn.

asyncio reads a quarter of a megabyte at a time. In frames or chunks of one byte that is 40,000 of them, and
who takes them in at once holds everybody else up for a second. Rule: while something is held back, nothing
more is read.
"""

import asyncio
from typing import Any, cast

_PIECE_BYTES = 4096


class InPieces:
    """Stands before a protocol of uvicorn's."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._held = bytearray()
        self._sluice = _Sluice(transport)
        super().connection_made(cast(asyncio.Transport, self._sluice))  # type: ignore[misc]

    def data_received(self, data: bytes) -> None:
        """The client speaks."""
        self._held += data
        if len(self._held) == len(data):
            self._hand_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._held.clear()
        super().connection_lost(exc)  # type: ignore[misc]

    def _hand_on(self) -> None:
        piece = bytes(self._held[:_PIECE_BYTES])
        del self._held[:_PIECE_BYTES]
        self._sluice.holds(bool(self._held))
        if self._held:
            self.loop.call_soon(self._hand_on)
        if piece and not self.transport.is_closing():
            super().data_received(piece)  # type: ignore[misc]


class _Sluice:
    """A transport that reads where its protocol wants to, and nothing is held back."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._paused = self._held = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def pause_reading(self) -> None:
        """The protocol wants nothing more."""
        self._paused = True
        self._look()

    def resume_reading(self) -> None:
        """It does."""
        self._paused = False
        self._look()

    def holds(self, held: bool) -> None:
        """Whether something is held back."""
        self._held = held
        self._look()

    def _look(self) -> None:
        if self._transport.is_closing():  # one of TLS would raise
            return
        if self._paused or self._held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
