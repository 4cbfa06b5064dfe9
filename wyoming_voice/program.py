"""What a server adds to the service: a Program, a Conversation for each connection, Requests within it."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from wyoming.event import Event
from wyoming.info import Info

from wyoming_voice.core.timing import TurnRecord

if TYPE_CHECKING:
    from fastapi import APIRouter

    from wyoming_voice.http.floor import Floor


@dataclass
class Request:
    """One thing that a client asked for.

    `replies` is an async generator of what is sent, in order; a VoiceError from it becomes an `error`
    event, after which `farewell` is sent and the connection closes. When the client hangs up the
    generator is cancelled where it waits; its clean-up must not wait for a thread. `record` becomes
    the log line. `awaits_input` says whether more of it is to come from the client: where that is known
    to be over, the client may be silent for as long as the work takes.
    """

    record: TurnRecord
    replies: AsyncGenerator[Event, None]
    farewell: tuple[Event, ...] = ()
    awaits_input: Callable[[], bool] = lambda: True


class Conversation(Protocol):
    """One connection's side of the protocol."""

    def push(self, event: Event) -> Request | None:
        """Take one event, at once; raises PeerError. Unknown events mean nothing.

        A Request may be returned while its input is still to come. `describe` and `ping` never
        arrive here.
        """


class Program(Protocol):
    """What a server is, beside a Wyoming server."""

    kind: str
    """`asr`, `tts` or `handle`."""

    info: Info
    """What `describe` is answered with, also before `load`."""

    @property
    def busy(self) -> bool:
        """Whether a thread is at work that can't be interrupted."""

    @property
    def healthy(self) -> bool:
        """Whether the engine makes progress; asked once loaded. Who says no is killed and restarted."""

    async def load(self) -> None:
        """Get ready to work; raises EngineError with the remedy."""

    def converse(self) -> Conversation:
        """The side of one new connection."""

    async def close(self) -> None:
        """Give back what `load` took."""


@runtime_checkable
class MayReload(Protocol):
    """A Program whose engine may fail without it, and is then started again."""

    @property
    def reloading(self) -> bool:
        """Whether the engine has failed and is not back yet: requests wait for it."""


@runtime_checkable
class HasRoutes(Protocol):
    """A Program that HTTP clients can use, too."""

    def routes(self, floor: "Floor") -> "Sequence[APIRouter]":
        """What is served beside `/health`, `/ready` and `/metrics`; imports what that takes."""


@runtime_checkable
class HasNumbers(Protocol):
    """A Program that has something to count: how full it is, how its engine does."""

    def numbers(self) -> Iterator[tuple[str, float]]:
        """Names and values as they are at this moment, such as `queue_depth`.

        What `service_metrics.ABOUT` says of a name is what Prometheus is told.
        """
