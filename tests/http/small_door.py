"""A real door on loopback with routes that do what a test tells them, and a raw client for it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Request, Response, UploadFile, WebSocket
from pydantic import BaseModel, Field

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import BadAudio, Busy, EngineError
from wyoming_voice.http.app import application
from wyoming_voice.http.door import Door
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.leaving import leaving
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.http.streaming import streamed
from wyoming_voice.wire import Address, PeerGone

KEY = "a-key-of-sixteen-and-more"
BLOCK = b"x" * 65_536


def http_settings(**settings: object) -> HttpSettings:
    """Settings of a door that only this machine sees."""
    return HttpSettings.model_validate({"http": "tcp://127.0.0.1:0", **settings})


class Wish(BaseModel):
    """A JSON body."""

    word: str
    speed: float = Field(1.0, ge=0.5, le=2.0)


@dataclass
class Books:
    """What is written down, for a test to read."""

    requests: asyncio.Queue[tuple[TurnRecord, str]] = field(default_factory=asyncio.Queue)
    failures: list[tuple[str, str]] = field(default_factory=list)
    turned_away: int = 0

    def finished(self, record: TurnRecord, outcome: str) -> None:
        self.requests.put_nowait((record, outcome))

    def failed(self, code: str, text: str) -> None:
        self.failures.append((code, text))

    def refused(self) -> None:
        self.turned_away += 1


@dataclass
class House:
    """What the routes below share with a test."""

    unwell: str = ""
    started: asyncio.Event = field(default_factory=asyncio.Event)
    cleaned_up: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    books: Books = field(default_factory=Books)
    most_requests: int = 8
    address: Address = field(default_factory=Address)
    door: Door | None = None

    def __post_init__(self) -> None:
        self.floor = Floor(
            lambda: self.unwell,
            lambda: (b"numbers 1\n", "text/plain"),
            self.books,
            self.most_requests,
            details=lambda: {"rooms": 3},
        )

    def app(self, settings: HttpSettings) -> FastAPI:
        """The application with these routes."""
        return application("test", [self.router()], self.floor, settings, free=("/", "/page/"))

    @property
    def uri(self) -> str:
        """Where the door is, for a client."""
        return str(self.address).replace("tcp:", "http:")

    async def outcome(self) -> str:
        """How the request that is over next ended."""
        return (await self.books.requests.get())[1]

    @contextlib.contextmanager
    def _work(self) -> Iterator[None]:
        self.started.set()
        try:
            yield
        finally:
            self.cleaned_up.set()

    async def _items(self, request: Request, fail_at: int, most: int) -> AsyncGenerator[bytes]:
        with self.floor.serving(TurnRecord("asr", request_id_of(request))), self._work():
            async with asyncio.timeout(60):  # which has to end in the task in which it began
                for number in range(most):
                    if number == fail_at:
                        raise EngineError("the engine broke")
                    yield BLOCK
                    await asyncio.sleep(0)
                if most == 1:
                    await self.release.wait()

    def router(self) -> APIRouter:
        """Routes that hold, stream, fail and crash."""
        router = APIRouter()

        @router.post("/wish")
        async def wish(body: Wish) -> dict[str, Any]:
            return body.model_dump()

        @router.post("/form")
        async def form(file: UploadFile, count: Annotated[int, Form(ge=1)] = 1) -> dict[str, int]:
            return {"size": len(await file.read()), "count": count}

        @router.get("/hold")
        async def hold(request: Request) -> dict[str, str]:
            with self.floor.serving(TurnRecord("asr", request_id_of(request))):
                async with leaving(request):
                    with self._work():
                        await self.release.wait()
            return {"held": "yes"}

        @router.get("/stream")
        async def stream(request: Request, fail_at: int = -1, most: int = 3) -> Response:
            items = self._items(request, fail_at, most)
            return await streamed(request, items, "audio/wav", {"X-Rate": "16000"})

        @router.get("/bug")
        async def bug() -> None:
            raise ZeroDivisionError("what somebody said")

        @router.get("/upstream")
        async def upstream() -> None:
            raise PeerGone("reset")

        @router.get("/group")
        async def group() -> None:
            async def fail() -> None:
                raise BadAudio("odd")

            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())

        @router.websocket("/ws")
        async def ws(socket: WebSocket) -> None:
            await socket.accept()
            while True:
                await self._obey(socket, await socket.receive_text())

        @router.websocket("/ws/full")
        async def full(_socket: WebSocket) -> None:
            raise Busy("no room")

        @router.websocket("/ws/{number}")
        async def numbered(socket: WebSocket, number: int) -> None:
            await socket.accept()

        return router

    async def _obey(self, socket: WebSocket, wanted: str) -> None:
        match wanted:
            case "fail":
                raise BadRequest("that makes no sense", "text")
            case "crash":
                raise ZeroDivisionError("what somebody said")
            case "flood":
                with self._work():
                    while True:
                        await socket.send_bytes(BLOCK)
            case "drip":
                with self._work():
                    while True:
                        await socket.send_bytes(b"x")
                        await asyncio.sleep(0)
            case _:
                await socket.send_text(wanted)


@contextlib.asynccontextmanager
async def open_door(house: House | None = None, **settings: object) -> AsyncIterator[House]:
    """A house with an open door."""
    house = house or House()
    said = http_settings(**settings)
    house.door = Door(house.app(said), said, refused=house.books.refused)
    house.address = await house.door.listen()
    try:
        yield house
    finally:
        await house.door.close()


def key_file(directory: Path) -> Path:
    """A file with a key."""
    path = directory / "keys"
    path.write_text(f"# who: the tests\n\n{KEY}\n")
    return path


class Raw:
    """A client that says exactly what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def say(self, *lines: str, body: bytes = b"", end: str = "\r\n\r\n") -> None:
        """Send the lines of a header and what follows it."""
        self._writer.write("\r\n".join(lines).encode() + end.encode() + body)
        await self._writer.drain()

    async def go_on(self, text: str) -> None:
        """Say it again and again, until the other side hangs up; raises ConnectionError then."""
        while True:
            await self.say(text, end="")
            await asyncio.sleep(0.005)

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of the next answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        pairs = (line.partition(":") for line in lines[1:])
        return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of the next answer."""
        status, headers = await self.head()
        body = await self.reader.readexactly(int(headers["content-length"]))
        return status, headers, json.loads(body)

    async def gone(self) -> bool:
        """Waits until the other side has hung up; whether it said nothing before."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read() == b""
        return True

    def reset(self) -> None:
        """Go without a word."""
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def raw(house: House) -> AsyncIterator[Raw]:
    """A raw connection to a door."""
    reader, writer = await asyncio.open_connection(house.address.host, house.address.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
