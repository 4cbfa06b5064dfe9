"""The signs of life of a language model server: what counts as one, and how long the next is waited for.

Rule: a server that fails in the middle of its stream has failed like any other.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from wyoming_voice.handle.llm.deltas import Calls, Delta, Failed, Finished, Text, Thinking, Waiting
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.llm.patience import Deadline

T = TypeVar("T")
_log = logging.getLogger(__name__)


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


def _now_s() -> float:
    return asyncio.get_running_loop().time()
