"""What is being done, conversation by conversation.

Rule: what has begun is let run to its end, whoever hangs up meanwhile, since nobody can say of a light that
was switched by half whether it is on. So each act is a task of its own; in one conversation there is never
more than one. It bounds itself in time, since others wait for it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from wyoming_voice.peer import end

T = TypeVar("T")


class Acts:
    """All acts of one server."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def busy(self, conversation: str) -> bool:
        """Whether something is being done in a conversation."""
        return conversation in self._tasks

    async def free(self, conversation: str, until_s: float) -> bool:
        """Whether nothing is being done in a conversation any more; waits for that, `until_s` at most."""
        try:
            async with asyncio.timeout_at(until_s):
                while (task := self._tasks.get(conversation)) is not None:
                    await asyncio.wait((task,))
        except TimeoutError:
            return False
        return True

    def begin(self, conversation: str, act: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Do it, in a conversation that is `free`; who waits for it must not cancel it."""
        task = asyncio.create_task(act)
        self._tasks[conversation] = task
        task.add_done_callback(lambda _: self._tasks.pop(conversation))
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
