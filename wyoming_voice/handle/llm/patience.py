"""How long a question may wait for the model, and when it is asked again.

Rule: whoever has spoken waits in silence, so each kind of trouble gets the time in which it may pass and not
a second more: a model that loads takes tens of seconds, a refused connection is a restart or is for good. A
server that fails in the middle of its stream has failed like any other.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from wyoming_voice.handle.llm.deltas import Calls, Delta, Failed, Finished, Text, Thinking, Waiting
from wyoming_voice.handle.llm.failures import Failure, LlmError

T = TypeVar("T")
_log = logging.getLogger(__name__)

UNREACHABLE_S = 5.0
"""How long a server that can't be connected to is asked again: a restart takes about as long."""

DRAIN_S = 1.0
"""How long the end of a finished answer is waited for, so that the connection can be used again."""

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits in seconds: until the model's first sign of life and between two, and for all of it."""

    first_token_s: float = 60.0
    total_s: float = 120.0


class Deadline:
    """The time that is left for one question; all times are readings of one monotonic clock."""

    def __init__(self, patience: Patience, start_s: float) -> None:
        self._patience = patience
        self._end_s = start_s + patience.total_s
        self._sign_s = min(start_s + patience.first_token_s, self._end_s)
        self._connected_s = min(start_s + UNREACHABLE_S, self._sign_s)
        self.loading = False

    @property
    def next_sign_s(self) -> float:
        """When the model must have given its next sign of life."""
        return self._sign_s

    def alive(self, now_s: float) -> None:
        """The model gave a sign of life."""
        self.loading = False
        self._sign_s = min(now_s + self._patience.first_token_s, self._end_s)

    def loads(self) -> None:
        """The model is being loaded, which is no sign of its life."""
        self.loading = True

    def finished(self, now_s: float) -> None:
        """The model is done; only the end of the stream is missing."""
        self._sign_s = min(now_s + DRAIN_S, self._end_s)

    def allows(self, again_s: float, *, connected: bool) -> bool:
        """Whether it makes sense to ask again at `again_s`."""
        return again_s < (self._sign_s if connected else self._connected_s)


async def in_time(step: Awaitable[T], deadline: Deadline) -> T:
    """What `step` gives; LlmError where that is later than the next sign of life has to come."""
    try:
        async with asyncio.timeout_at(deadline.next_sign_s):
            return await step
    except TimeoutError as error:
        raise LlmError(
            Failure.LOADING if deadline.loading else Failure.TOO_SLOW,
            "no sign of life in time; see --first-token-timeout-s and --llm-timeout-s",
        ) from error


def note_sign(delta: Delta, deadline: Deadline) -> None:
    """Have the deadline follow what has come; raises LlmError where that is a failure."""
    match delta:
        case Text() | Thinking() | Calls():
            deadline.alive(_now_s())
        case Waiting():
            deadline.loads()
        case Finished():
            deadline.finished(_now_s())
        case Failed(kind, message):
            _log.debug("error in the stream: %s", message)
            raise LlmError(
                Failure.FAILED,
                f"an error in the stream (type {kind}); --log-level debug shows what it says",
            )


def pause_s(attempt: int, retry_after: str | None, now: datetime) -> float:
    """Seconds before the attempt after number `attempt` (from 0).

    Twice as long each time, and at least what the server's `Retry-After` asks for, in seconds or as a
    date (RFC 9110, 10.2.3). llama-swap sends `1` with its 429 (internal/swaputil/httperror.go).
    """
    own_s = min(_FIRST_PAUSE_S * 2.0**attempt, _LONGEST_PAUSE_S)
    return max(own_s, _asked_for_s(retry_after or "", now))


def _asked_for_s(retry_after: str, now: datetime) -> float:
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _now_s() -> float:
    return asyncio.get_running_loop().time()
