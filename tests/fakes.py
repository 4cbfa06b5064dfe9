"""Small scripted stand-ins: a program that does what a client tells it, and work whose pace a test sets."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator

from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Info

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.describing import Description
from wyoming_voice.errors import BadEvent, EngineError
from wyoming_voice.program import Request
from wyoming_voice.settings import ServiceSettings

ATTRIBUTION = Attribution(name="tests", url="")


def a_model(name: str) -> AsrModel:
    return AsrModel(name, ATTRIBUTION, True, None, None, languages=["en"])


INFO = Description(
    asr=[AsrProgram("fake", ATTRIBUTION, True, None, None, models=[a_model("small")])],
)


def on_loopback(uri: str = "tcp://127.0.0.1:0", **settings: object) -> ServiceSettings:
    """Settings of a server that only this machine sees."""
    return ServiceSettings.model_validate({"uri": uri, "no_zeroconf": True, **settings})


class FakeProgram:
    """Does what each event is called: `echo`, `hold`, `flood`, `fail`, `crash`, `wrong`, `stumble`."""

    kind = "asr"

    def __init__(self, load_error: EngineError | None = None) -> None:
        self.info: Info = INFO
        self.load_error = load_error
        self.may_load = asyncio.Event()
        self.may_load.set()
        self.release = asyncio.Event()
        self.cleaned_up = asyncio.Event()
        self.closed = False
        self.busy = False
        self.stuck = False

    @property
    def healthy(self) -> bool:
        return not self.stuck

    async def load(self) -> None:
        await self.may_load.wait()
        if self.load_error is not None:
            raise self.load_error

    def converse(self) -> "FakeConversation":
        return FakeConversation(self)

    async def close(self) -> None:
        self.closed = True


class FakeConversation:
    """Turns an event into a request whose replies are the generator of that name."""

    def __init__(self, program: FakeProgram) -> None:
        self._program = program

    def push(self, event: Event) -> Request | None:
        match event.type:
            case "wrong":
                raise BadEvent("wrong on purpose")
            case "stumble":
                raise KeyError("a bug in a conversation")
            case "echo" | "hold" | "flood" | "fail" | "crash":
                replies = getattr(self, f"_{event.type}")(event)
                return Request(TurnRecord("asr"), replies, farewell=(Event("farewell"),))
        return None

    async def _echo(self, event: Event) -> AsyncGenerator[Event, None]:
        yield Event("echoed", dict(event.data), event.payload)

    async def _hold(self, event: Event) -> AsyncGenerator[Event, None]:
        try:
            yield Event("held")
            await self._program.release.wait()
            yield Event("released")
        finally:
            self._program.cleaned_up.set()

    async def _flood(self, event: Event) -> AsyncGenerator[Event, None]:
        try:
            while True:
                yield Event("water", payload=bytes(65_536))
        finally:
            self._program.cleaned_up.set()

    async def _fail(self, event: Event) -> AsyncGenerator[Event, None]:
        yield Event("begun")
        raise EngineError("the engine failed on purpose")

    async def _crash(self, event: Event) -> AsyncGenerator[Event, None]:
        yield Event("begun")
        raise OSError("a bug on purpose")


class Steps:
    """Work in a thread that waits at each item until the test lets it go on; `log` says what happened."""

    def __init__(self, name: str, log: list[str], items: int = 3) -> None:
        self.name, self.items, self._log = name, items, log
        self._gates = [threading.Event() for _ in range(items)]
        self._begun = [threading.Event() for _ in range(items)]
        self.cleaned_up = threading.Event()

    def __call__(self) -> Iterator[str]:
        try:
            for number in range(self.items):
                self._begun[number].set()
                self._gates[number].wait(10)
                self._log.append(f"{self.name}{number}")
                yield f"{self.name}{number}"
        finally:
            self._log.append(f"{self.name} cleaned up")
            self.cleaned_up.set()

    def let(self, *numbers: int) -> "Steps":
        for number in numbers or range(self.items):
            self._gates[number].set()
        return self

    async def begun(self, number: int = 0) -> None:
        assert await asyncio.to_thread(self._begun[number].wait, 10)
