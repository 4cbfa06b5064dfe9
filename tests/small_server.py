"""A server with a fake engine, run as `python -m tests.small_server`: how its process starts and ends."""

import signal
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import ClassVar

from pydantic import Field
from wyoming.event import Event

from tests.fakes import INFO, FakeConversation, FakeProgram
from wyoming_voice.cli import COMMANDS, Command, main
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import EngineError
from wyoming_voice.program import Request
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.worker import Worker


class SmallSettings(ServiceSettings):
    """Settings of the fake server."""

    section: ClassVar[str] = "small"

    uri: str = Field("tcp://127.0.0.1:0", description="where to listen")
    load: str = Field("at once", description="at once, never or broken")


class SmallProgram(FakeProgram):
    """A FakeProgram whose loading may fail or hang in a thread, and whose `stick` never ends."""

    def __init__(self, settings: SmallSettings) -> None:
        super().__init__()
        self.info = INFO
        self._load = settings.load
        self._worker = Worker("small")
        self._stuck_s = settings.stuck_s

    @property
    def healthy(self) -> bool:
        return not self._worker.stuck(self._stuck_s)

    async def load(self) -> None:
        if self._load == "broken":
            raise EngineError("no model in '/nowhere'; fetch it with: wyoming-voice models fetch")
        if self._load == "never":
            await self._worker.call(threading.Event().wait, deadline_s=600)

    def converse(self) -> "SmallConversation":
        return SmallConversation(self, self._worker)

    async def close(self) -> None:
        self._worker.close()
        self.busy = self._worker.busy


class SmallConversation(FakeConversation):
    """`release` lets a `hold` end; `stick` occupies the thread for ever, `freeze` the event loop.

    `break` is a native crash in the thread.
    """

    def __init__(self, program: SmallProgram, worker: Worker) -> None:
        super().__init__(program)
        self._worker = worker

    def push(self, event: Event) -> Request | None:
        if event.type == "release":
            self._program.release.set()
        if event.type == "freeze":
            threading.Event().wait()
        if event.type == "stick":
            return Request(TurnRecord("asr"), self._in_thread(threading.Event().wait))
        if event.type == "break":
            return Request(TurnRecord("asr"), self._in_thread(_crash))
        return super().push(event)

    async def _in_thread(self, end: Callable[[], object]) -> AsyncGenerator[Event, None]:
        def work() -> Iterator[str]:
            yield "stuck"
            end()

        async for kind in self._worker.stream(work, deadline_s=600):
            yield Event(kind)


def _crash() -> None:
    signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)


def build(settings: SmallSettings) -> SmallProgram:
    """What the command line calls."""
    return SmallProgram(settings)


if __name__ == "__main__":
    COMMANDS["small"] = Command("tests.small_server", "SmallSettings", "", "serve nothing much")
    sys.exit(main(["small", *sys.argv[1:]]))
