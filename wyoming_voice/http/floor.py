"""What the routes of a door stand on: who is well, who counts, and how a request is told of afterwards."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy, VoiceError
from wyoming_voice.http.errors import Loading
from wyoming_voice.outcome import recorded


def _nothing() -> dict[str, Any]:
    return {}


class Books(Protocol):
    """Where it is written down what comes of clients and their requests."""

    def finished(self, record: TurnRecord, outcome: str) -> None:
        """A request is over."""

    def failed(self, code: str, text: str) -> None:
        """A client was told an error."""

    def refused(self) -> None:
        """A client was turned away before it had a request."""


@dataclass
class Floor:
    """`unwell`: why no request should be sent here, "" when there is no reason; `page`: Prometheus' numbers.

    `most_requests` are served at a time. `details` is what `/health` says beside its status. `unready` says
    why `/ready` is no where `/health` is yes, such as another server that is missing; requests are served
    all the same.
    """

    unwell: Callable[[], str]
    page: Callable[[], tuple[bytes, str]]
    books: Books
    most_requests: int
    details: Callable[[], dict[str, Any]] = _nothing
    unready: Callable[[], str] = str
    requests: int = 0

    def check_well(self) -> None:
        """Raises Loading where no request can be served."""
        if unwell := self.unwell():
            raise Loading(f"not ready for requests ({unwell}); try again later")

    def check_room(self) -> None:
        """Raises Busy where one more request would not be served."""
        if self.requests >= self.most_requests:
            raise Busy(f"{self.requests} requests are being served already; try again later")

    def check_ready(self) -> None:
        """Raises Loading or Busy where one more request would fail at this moment."""
        self.check_well()
        if unready := self.unready():
            raise Loading(f"not ready for requests ({unready}); try again later")
        self.check_room()

    @contextlib.contextmanager
    def occupied(self) -> Iterator[None]:
        """Within it a client has a place, whose requests are told of one by one. Raises Busy, Loading."""
        try:
            self._check()
        except VoiceError:
            self.books.refused()
            raise
        with self._counted():
            yield

    def _check(self) -> None:
        self.check_well()
        self.check_room()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1

    @contextlib.contextmanager
    def serving(self, record: TurnRecord) -> Iterator[None]:
        """Within it a request is served; it is logged and counted when it is over. Raises Busy, Loading."""
        with recorded(record, self.books.finished):
            self._check()
            with self._counted():
                yield
