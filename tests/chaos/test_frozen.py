"""Servers that freeze in the middle of a conversation: who spoke to them gets the answer of another."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.chaos.conversation import KINDS
from tests.chaos.engines import Fate
from tests.chaos.housed import Housed
from tests.chaos.llm import CodeLlm
from tests.chaos.processes import Kept
from tests.chaos.satellite import Person, satellite

_TURN_S = 80.0
"""Well below what a turn would take whose servers were waited for as long as they may be silent."""

_ANSWER_S = 360.0


@contextlib.contextmanager
def frozen(server: Kept) -> Iterator[None]:
    """A process that takes connections and what is said on them, and says nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def two_of(kind: str) -> AsyncIterator[tuple[Person, Kept]]:
    """Somebody whose first server of a kind is a process of its own, and everybody else is not."""
    async with CodeLlm() as llm, contextlib.AsyncExitStack() as stack:
        given = {"handle": {"llm_url": llm.url}}
        command, arguments = {
            "asr": ("code-asr", ["--no-vad-gate"]),
            "handle": ("handle", [f"--llm-url={llm.url}"]),
            "tts": ("code-tts", []),
        }[kind]
        first = await stack.enter_async_context(Kept(command, arguments, 0.1).running())
        others = {
            each: await stack.enter_async_context(
                Housed(each, [Fate.WORKS], 0.1, **given.get(each, {})).running()
            )
            for each in KINDS
        }
        uris = {each: [other.uri] for each, other in others.items()}
        uris[kind].insert(0, first.uri)
        yield await stack.enter_async_context(satellite(uris, _ANSWER_S)), first


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_froze_is_noticed_long_before_it_would_be_given_up(kind: str) -> None:
    async with two_of(kind) as (person, first):
        before = await person.turn(7)
        assert before.answered
        with frozen(first):
            turn = await person.turn(8, within_s=_TURN_S)
        assert turn.answered, turn
        assert not turn.twice
        assert not turn.troubles
        assert (await person.turn(9)).heard == [9]  # and nothing comes of what thawed
