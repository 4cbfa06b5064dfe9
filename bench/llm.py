"""A language model server of a fixed speed that always says the same, as OpenAI's chat completions do.

Where it is offered the tool of its script it calls that first, once for each question. Its first token
comes after a fixed time, the next ones at a fixed rate, so that what a turn costs beside the model can be
seen. Standard library only; one request a connection.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_HEADER_LIMIT_BYTES = 65_536
_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Script:
    """What is said, and how fast; a token is a word. `tool`: the name of one that it calls before."""

    text: str
    first_token_s: float = 0.2
    tokens_per_s: float = 20.0
    tool: str = ""

    @property
    def tokens(self) -> list[str]:
        """The words, each but the first with the space before it."""
        first, *others = self.text.split(" ")
        return [first, *(f" {word}" for word in others)]

    def calls(self, body: Mapping[str, Any]) -> bool:
        """Whether it answers such a request with a call."""
        offered = [tool["function"]["name"] for tool in body.get("tools", ())]
        return self.tool in offered and body["messages"][-1]["role"] == "user"

    async def spoken(self) -> AsyncIterator[str]:
        """The tokens at their times, counted from now, so that no delay adds up."""
        loop = asyncio.get_running_loop()
        next_s = loop.time() + self.first_token_s
        for token in self.tokens:
            await asyncio.sleep(max(0.0, next_s - loop.time()))
            yield token
            next_s += 1 / self.tokens_per_s


@contextlib.asynccontextmanager
async def scripted_llm(script: Script) -> AsyncIterator[str]:
    """A running server's URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _answer(script, reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_HEADER_LIMIT_BYTES)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _answer(
    script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = next(_lengths(head), 0)
    body = json.loads(await reader.readexactly(length)) if length else {}
    if "/chat/completions" not in head.split("\r\n")[0]:
        await _send(writer, "application/json", {"object": "list", "data": [{"id": "scripted"}]})
    elif body.get("stream"):
        await _stream(script, writer, calls=script.calls(body))
    else:
        text = "".join([token async for token in script.spoken()])
        message = {"role": "assistant", "content": text}
        await _send(writer, "application/json", {"choices": [{"index": 0, "message": message}]})


async def _stream(script: Script, writer: asyncio.StreamWriter, *, calls: bool) -> None:
    writer.write(_head("text/event-stream"))
    if calls:
        await asyncio.sleep(script.first_token_s)
        call = {"index": 0, "id": "call00000", "type": "function"}
        function = {"name": script.tool, "arguments": "{}"}
        writer.write(_delta({"tool_calls": [{**call, "function": function}]}, None))
        writer.write(_delta({}, "tool_calls") + _DONE)
        await writer.drain()
        return
    async for token in script.spoken():
        writer.write(_delta({"content": token}, None))
        await writer.drain()
    writer.write(_delta({}, "stop") + _DONE)
    await writer.drain()


async def _send(writer: asyncio.StreamWriter, media_type: str, document: object) -> None:
    writer.write(_head(media_type) + json.dumps(document).encode())
    await writer.drain()


def _head(media_type: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n".encode()


def _delta(fields: Mapping[str, object], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def _lengths(head: str) -> Iterator[int]:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            yield int(value)
