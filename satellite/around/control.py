"""The unix socket through which buttons, lights and scripts reach a running satellite: JSON lines both ways.

`{"do": "trigger"}` is answered with `{"ok": true}` or `{"ok": false, "error": "what to do"}`, in order;
after `{"do": "watch"}` there also comes `{"event": "wake", "text": "okay nabu", "at": 1767225600.5}` for
all that happens. Rule: nobody waits for a client. One that doesn't read loses its oldest events and is told
how many; one that writes nonsense or hangs up harms itself alone, and lets go of the button it pressed.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from satellite.around.control_lines import Answer, Request, carry_out, encode, parse, refusal
from satellite.effects import Tell
from satellite.parts import Controls, Status
from wyoming_voice.errors import ConfigError, VoiceError
from wyoming_voice.listening import SocketInUse, remove_stale_socket

_log = logging.getLogger(__name__)

LINE_BYTES = 16 * 1024
"""The longest request."""

_UNREAD_BYTES = 16 * 1024
"""How much may wait in a client's socket before its events wait here."""

_PATIENCE_S = 5.0
"""How long a client may leave the answers to its requests unread."""


@dataclass(frozen=True)
class ControlLimits:
    """How many clients there may be, and how many events may wait for one that watches."""

    clients: int = 32
    events: int = 256


def socket_mode() -> int:
    """Who may connect: we alone, or our group, too, where systemd made the directory for a service.

    A system service has a user and a group of its own; whoever is to press its buttons joins the group.
    """
    return 0o660 if "RUNTIME_DIRECTORY" in os.environ else 0o600


class Control:
    """Listens on a unix socket for what `controls` can do; `tell` is a Listener."""

    def __init__(
        self,
        path: Path,
        controls: Controls,
        limits: ControlLimits | None = None,
        mode: int | None = None,
    ) -> None:
        self._path = path
        self._controls = controls
        self._limits = limits or ControlLimits()
        self._mode = socket_mode() if mode is None else mode
        self._clients: dict[asyncio.Task[None], _Client] = {}
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Take clients from here on. Raises ConfigError when the socket can't be had."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_stale_socket(str(self._path))
            listener = _listener(self._path, self._mode)
        except SocketInUse as error:
            raise ConfigError(
                f"a satellite runs already at {self._path}; end it, or give this one another socket "
                "(--control PATH or --no-control)"
            ) from error
        except OSError as error:
            raise ConfigError(
                f"can't listen on {self._path}: {error.strerror or error}; name another path with "
                "--control, or --no-control"
            ) from error
        self._server = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=LINE_BYTES
        )

    async def run(self) -> None:
        """Serve until cancelled; then the clients are let go and the socket's file is taken away.

        Raises ConfigError when `listen` was not called before and the socket can't be had.
        """
        if self._server is None:
            await self.listen()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self._close()

    def tell(self, told: Tell) -> None:
        """Let all know who watch."""
        event: Answer = {"event": told.moment.value, "text": told.text, "at": round(time.time(), 3)}
        for client in self._clients.values():
            client.show(event)

    def status(self) -> Status:
        """Where it listens, and how many there are."""
        watching = sum(client.watching for client in self._clients.values())
        return {"path": str(self._path), "clients": len(self._clients), "watching": watching}

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= self._limits.clients:
            writer.write(encode(refusal(f"{len(self._clients)} clients are connected already")))
            writer.close()
            return
        client = _Client(reader, writer, self._controls, self._limits.events)
        task = asyncio.create_task(client.serve())
        self._clients[task] = client
        task.add_done_callback(self._clients.pop)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._clients:
            task.cancel()
        if self._clients:
            await asyncio.wait(self._clients)
        with contextlib.suppress(ConfigError):  # another satellite has taken the path over
            remove_stale_socket(str(self._path))


class _Client:
    """One program at the other end of the socket."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        controls: Controls,
        most_events: int,
    ) -> None:
        self.watching = False
        self._reader = reader
        self._writer = writer
        self._controls = controls
        self._pressed = False
        self._most_events = most_events
        self._events: deque[Answer] = deque()
        self._lost = 0
        self._news = asyncio.Event()
        writer.transport.set_write_buffer_limits(high=_UNREAD_BYTES)

    def show(self, event: Answer) -> None:
        """Have an event sent soon, at the cost of the oldest one that waits."""
        if not self.watching:
            return
        if len(self._events) >= self._most_events:
            self._events.popleft()
            self._lost += 1
        self._events.append(event)
        self._news.set()

    async def serve(self) -> None:
        """Answer until it hangs up."""
        events = asyncio.create_task(self._send_events())
        try:
            await self._answer_all()
        except OSError as error:  # TimeoutError among them
            _log.debug("a control client is gone: %s", error)
        finally:
            events.cancel()
            if self._pressed:
                self._controls.release()
            await self._close()

    async def _answer_all(self) -> None:
        while line := await self._line():
            self._writer.write(encode(self._answer(line)))
            async with asyncio.timeout(_PATIENCE_S):
                await self._writer.drain()
            await asyncio.sleep(0)  # a burst of requests keeps nobody else waiting

    async def _line(self) -> bytes:
        """The next request; nothing when there is none any more. What follows too long a line is not read."""
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return error.partial  # `printf` without a line end
        except asyncio.LimitOverrunError:
            answer = refusal(f"a line of over {LINE_BYTES} bytes; end each request with a line end")
            self._writer.write(encode(answer))
            return b""

    def _answer(self, line: bytes) -> Answer:
        try:
            return {"ok": True, **self._done(parse(line))}
        except VoiceError as error:
            return refusal(str(error))

    def _done(self, request: Request) -> Answer:
        answer = carry_out(self._controls, request)
        match request["do"]:
            case "press":
                self._pressed = True
            case "release":
                self._pressed = False
            case "watch":
                self.watching = True
        return answer

    async def _close(self) -> None:
        """Give it a second to read what is left."""
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except OSError:  # TimeoutError among them
            self._writer.transport.abort()

    async def _send_events(self) -> None:
        with contextlib.suppress(OSError):  # the reader notices, too
            while True:
                await self._news.wait()
                self._news.clear()
                while self._events:
                    if self._lost:
                        self._writer.write(encode({"event": "lost", "count": self._lost}))
                        self._lost = 0
                    self._writer.write(encode(self._events.popleft()))
                    await self._writer.drain()


def _listener(path: Path, mode: int) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.setblocking(False)
        listener.bind(str(path))
        path.chmod(mode)  # before `listen`, so that nobody gets in between
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener
