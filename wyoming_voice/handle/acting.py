"""What is being done, conversation by conversation.

Rule: what has begun is let run to its end, whoever hangs up meanwhile, since nobody can say of a light that
was switched by half whether it is on. So each act is a task of its own; in one conversation there is never
more than one. It bounds itself in time, since others wait for it.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from wyoming_voice.peer import end

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Acts:
    """All acts of one server."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def busy(self, conversation: str) -> bool:
        """Whether something is being done in a conversation."""
        return conversation in self._tasks

    async def free(self, conversation: str) -> None:
        """Wait until nothing is being done in a conversation."""
        while (task := self._tasks.get(conversation)) is not None:
            await asyncio.wait((task,))

    def begin(
        self, conversation: str, act: Callable[[], Coroutine[Any, Any, T]]
    ) -> "asyncio.Task[T]":
        """Do it, in a conversation that is `free`; await it with `shield`, or it ends with who waits."""
        task = asyncio.create_task(_begun(act))
        self._tasks[conversation] = task
        task.add_done_callback(lambda task: self._over(conversation, task))
        return task

    def afterwards(self, conversation: str, then: Callable[[], None]) -> None:
        """Do `then` once what is being done is over, before anybody who waits for that goes on."""
        task = self._tasks.get(conversation)
        if task is None:
            then()
        else:
            task.add_done_callback(lambda _: then())

    async def close(self) -> None:
        """Stop what is being done: the server ends."""
        await end(self._tasks.values())

    def _over(self, conversation: str, task: "asyncio.Task[Any]") -> None:
        if self._tasks.get(conversation) is task:
            del self._tasks[conversation]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.debug("what was begun failed: %s", type(error).__name__)


async def _begun(act: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return await act()
