"""A real little HTTP server that behaves like llama-swap, or misbehaves, as a test's script says.

Each chat request takes the next reply of the script, the last one stays. What was asked is recorded;
`hung_up` is set when a client leaves a reply that stalls. Standard library only.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Do(Enum):
    STALL = "send nothing more until the client has gone"
    CUT = "reset the connection"


Part = bytes | Do | asyncio.Event


@dataclass(frozen=True)
class Reply:
    """Status, headers, and pieces of a chunked body, each sent on its own; an Event is waited for."""

    parts: Sequence[Part] = ()
    status: int = 200
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "text/event-stream"}
    )


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


def delta(finish: str | None = None, **fields: Any) -> bytes:
    """One server-sent event with one chunk of a chat completion."""
    return event({"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]})


def event(document: object) -> bytes:
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
END = (delta("stop"), DONE)


def words(*texts: str) -> Reply:
    """An answer that streams `texts`, one chunk each."""
    first = delta(role="assistant", content=None)
    return Reply([first, *(delta(content=text) for text in texts), *END])


CUTS = ((0, 5), (5, None))


def asks(*calls: tuple[str, Mapping[str, Any]], text: str = "") -> Reply:
    """An answer that wants `calls` done, streamed as OpenAI does: each in fragments, by its index."""
    parts = [delta(role="assistant", content=text or None)]
    for index, (name, arguments) in enumerate(calls):
        head = {"index": index, "id": f"id_{name}_{index}", "type": "function"}
        parts.append(delta(tool_calls=[{**head, "function": {"name": name, "arguments": ""}}]))
        written = json.dumps(arguments)
        rest = [{"index": index, "function": {"arguments": written[a:b]}} for a, b in CUTS]
        parts += [delta(tool_calls=[piece]) for piece in rest]
    return Reply([*parts, delta("tool_calls"), DONE])


def banner(model: str = "qwen") -> list[bytes]:
    """llama-swap's loading banner, cut as it cuts it: five characters at a time."""
    text = f"━━━━━\nllama-swap loading model: {model}\n\nWaking up ....\nDone! (7.26s)\n━━━━━\n \n"
    pieces = [text[start : start + 5] for start in range(0, len(text), 5)]
    return [event({"choices": [{"delta": {"reasoning_content": piece}}]}) for piece in pieces]


def refusal(status: int, **headers: str) -> Reply:
    """An error before any answer, as llama-swap words it."""
    body = {"src": "llama-swap", "error": {"message": "no", "type": "server_error", "param": None}}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply([json.dumps(body).encode()], status, {"Content-Type": "application/json", **names})


class FakeLlamaSwap:
    """Use `async with`; `url` is where it listens, on the loopback interface."""

    def __init__(
        self,
        *script: Reply,
        models: Sequence[str] = ("qwen",),
        key: str = "",
        port: int = 0,
        listing: bytes | Reply = b"",
        hold: bool = False,
    ) -> None:
        """`listing` replaces the list of `models`; `hold` sends not even the headers of an answer."""
        self._script = list(script)
        self._key, self._port, self._listing, self._hold = key, port, listing, hold
        self._busy: set[asyncio.Task[None]] = set()
        self.models = models
        self.connections = 0
        self.asked: list[Asked] = []
        self.hung_up = asyncio.Event()
        self.stalled = asyncio.Event()
        self.chatted = asyncio.Event()

    @property
    def chats(self) -> list[Any]:
        """The bodies of the chat requests."""
        return [asked.body for asked in self.asked if asked.method == "POST"]

    async def __aenter__(self) -> "FakeLlamaSwap":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            async for asked in _requests(reader):
                self.asked.append(asked)
                if asked.method == "POST":
                    self.chatted.set()
                if self._hold and asked.method == "POST":
                    await self._stall(reader)
                    break
                if not await self._send(self._reply(asked), reader, writer):
                    break
        writer.close()

    def _reply(self, asked: Asked) -> Reply:
        if self._key and asked.headers.get("authorization") != f"Bearer {self._key}":
            return refusal(401)
        if asked.path == "/v1/models":
            if isinstance(self._listing, Reply):
                return self._listing
            listing = {"object": "list", "data": [{"id": name} for name in self.models]}
            return Reply([self._listing or json.dumps(listing).encode()])
        if asked.path != "/v1/chat/completions":
            return refusal(404)
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    async def _send(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection can take another request."""
        headers = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        head = f"HTTP/1.1 {reply.status} X\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
        writer.write(head.encode())
        for part in reply.parts:
            if part is Do.CUT:
                writer.transport.abort()
                return False
            if part is Do.STALL:
                await self._stall(reader)
                return False
            if isinstance(part, asyncio.Event):
                await part.wait()
                continue
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _stall(self, reader: asyncio.StreamReader) -> None:
        self.stalled.set()
        await reader.read()
        self.hung_up.set()


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[Asked]:
    while head := await reader.readuntil(b"\r\n\r\n"):
        first, *lines = head.decode().rstrip().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        yield Asked(method, path, headers, json.loads(body) if body else None)
