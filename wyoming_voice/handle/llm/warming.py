"""Has a model load, and read what a question will begin with, before there is a question.

Rule: no question pays for it. One at a time; none while a question is being answered, nor for a prompt
that was read a moment ago. What goes wrong is of no interest, the question will tell.

A question that comes meanwhile goes out at once. What becomes of the warm-up then:
- Where the model was at work within LOADED_S, it is there, and the warm-up is reading: it is closed.
  llama.cpp's server looks after each batch whether the client is there, and keeps what it has read, so
  that a question with the same beginning goes on from it, and one with another waits for a batch only.
- Else the model is being loaded, which the question has to wait for anyway: it is let be. Ollama stops
  loading when the client that it loads for has gone (`WaitUntilRunning`, https://github.com/ollama/ollama).
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from wyoming_voice.handle.llm.failures import LlmError
from wyoming_voice.handle.steps import Message
from wyoming_voice.handle.tools.toolbox import Tool

_log = logging.getLogger(__name__)

AGAIN_S = 10.0
"""How long a prompt that has been read counts as read: a model's server may give its memory to others."""

LOADED_S = 60.0
"""How long a model counts as loaded after a sign of life; servers keep one for minutes."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model goes on from: the messages, and the tools that there are."""

    messages: Sequence[Message]
    tools: tuple[Tool, ...] = ()


class Reader(Protocol):
    """Whoever can have a model read something."""

    async def read(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """Have the model loaded and all of it read; raises LlmError."""


class Warming:
    """The warm-ups of one model."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._reading: asyncio.Task[None] | None = None
        self._questions = 0
        self._last: Prompt | None = None
        self._last_s = self._alive_s = float("-inf")

    def begin(self, found: Callable[[], Awaitable[Prompt]]) -> None:
        """Have the prompt that is `found` read, unless that would be of no use or in the way."""
        if self._questions or self._reading is not None:
            return
        self._reading = asyncio.create_task(self._read(found))
        # Not at the end of `_read`, of which nothing runs when it is cancelled before it began.
        self._reading.add_done_callback(self._over)

    def alive(self) -> None:
        """The model gave a sign of life."""
        self._alive_s = _now_s()

    @contextlib.contextmanager
    def making_way(self) -> Iterator[None]:
        """While a question is with the model."""
        if self._reading is not None and _now_s() < self._alive_s + LOADED_S:
            self._reading.cancel()
        self._questions += 1
        try:
            yield
        finally:
            self._questions -= 1

    async def close(self) -> None:
        """Stop what is in progress."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait((self._reading,))

    async def _read(self, found: Callable[[], Awaitable[Prompt]]) -> None:
        prompt = await found()
        if self._questions or (self._last == prompt and _now_s() < self._last_s + AGAIN_S):
            return
        self._last, start_s = prompt, _now_s()
        try:
            await self._reader.read(prompt.messages, prompt.tools)
            self.alive()
            _log.debug("warm-up: %.0f ms", (_now_s() - start_s) * 1000.0)
        except LlmError as error:
            _log.debug("warm-up: %s", error)
        finally:
            self._last_s = _now_s()

    def _over(self, _: "asyncio.Task[None]") -> None:
        self._reading = None


def _now_s() -> float:
    return asyncio.get_running_loop().time()
