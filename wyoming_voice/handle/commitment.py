"""Whether a question that was asked on speculation has turned out to be one.

Rule: until it has, nothing that acts is done and nothing is remembered. Whatever acts awaits `wait`; what
only has to follow from it is left with `then`. A question asked outright is committed from the start.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from wyoming.event import Event

from wyoming_voice.errors import DeadlineExceeded

COMMIT_WITHIN_S = 30.0
"""A speaker is silent for a second or two before a client knows; one that takes longer has forgotten."""


class Commitment:
    """The client's word for one question: given (`make`), refused (`withdraw`), or still open."""

    def __init__(self, due_s: float | None = None) -> None:
        """Open, until `due_s` of the event loop's clock at the latest."""
        self._due_s = due_s
        self._made = asyncio.Event()
        self._withdrawn = False
        self._then: list[Callable[[], None]] = []
        self._step: asyncio.Timeout | None = None

    @classmethod
    def outright(cls) -> "Commitment":
        """That of a question which was meant when it was asked."""
        commitment = cls()
        commitment.make()
        return commitment

    @property
    def made(self) -> bool:
        """Whether the question has been asked for good."""
        return self._made.is_set()

    @property
    def open(self) -> bool:
        """Whether nobody knows yet."""
        return not (self.made or self._withdrawn)

    def make(self) -> None:
        """The question stands; means nothing once it was withdrawn, or twice."""
        if not self.open:
            return
        self._made.set()
        self._end_at(None)
        for act in self._then:
            act()

    def withdraw(self) -> None:
        """The question was none; means nothing once it stands."""
        if not self.open:
            return
        self._withdrawn = True
        self._end_at(asyncio.get_running_loop().time())

    def then(self, act: Callable[[], None]) -> None:
        """Do `act` in the moment the question stands: at once when it does already, else perhaps never."""
        if self.made:
            act()
        else:
            self._then.append(act)

    async def wait(self) -> None:
        """Wait until the question stands; cancelled where it doesn't."""
        await self._made.wait()

    async def kept(self, replies: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """`replies`, until the question is withdrawn; once they are over it can't be made any more.

        Raises DeadlineExceeded when it is open for too long.
        """
        try:
            async with contextlib.aclosing(replies):
                while not self._withdrawn and (event := await self._next(replies)) is not None:
                    yield event
        except _OverdueError:
            if not self._withdrawn:
                raise DeadlineExceeded(
                    f"no 'commit' within {COMMIT_WITHIN_S:g} s; send it, or hang up"
                ) from None
        finally:
            self.withdraw()

    async def _next(self, replies: AsyncGenerator[Event, None]) -> Event | None:
        step = asyncio.timeout_at(self._due_s)
        try:
            async with step:
                self._step = step
                return await anext(replies, None)
        except TimeoutError as error:
            if not step.expired():
                raise
            raise _OverdueError from error
        finally:
            self._step = None

    def _end_at(self, due_s: float | None) -> None:
        self._due_s = due_s
        if self._step is not None and not self._step.expired():
            self._step.reschedule(due_s)


class _OverdueError(Exception):
    """The time is up, or was ended."""
