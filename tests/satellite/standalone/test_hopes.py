"""Who is asked again after it has gone, and for how long; and that a server that returns is found."""

import asyncio
import contextlib

import pytest
from wyoming.event import Event as WyomingEvent

from satellite.events import Event, ReplyEnded, Transcribed, Trouble, ViaChanged
from satellite.standalone.hopes import LATELY_S, Hopes, Unreachable
from satellite.standalone.line import Server
from satellite.standalone.patience import Patience
from satellite.standalone.servers import Pulse, Roster
from tests.satellite.standalone.stage import answered, standalone
from tests.satellite.standalone.wyoming_servers import Caller, FakeAsr, FakeHandle, FakeTts
from tests.satellite.waiting import running, until
from wyoming_voice.client import HungUp
from wyoming_voice.errors import UpstreamError
from wyoming_voice.extensions import ACTING, ACTS

GONE = Unreachable("nobody answers")


def pauses(hopes: Hopes, server: Server, error: Exception) -> list[float]:
    """How long is waited between one loss and the next, each at once after the pause."""
    now_s = 0.0
    found: list[float] = []
    while hopes.lost(server, error, now_s) is not None:
        pause_s = hopes.pause_s(now_s)
        if pause_s is None:
            return found
        now_s += pause_s
        found.append(pause_s)
    return found


def test_one_that_has_just_gone_is_asked_again_until_its_time_is_up() -> None:
    server = Server("asr", "tcp://127.0.0.1:1", seen_s=0.0)
    assert pauses(Hopes(10, 0.0), server, GONE) == [0.25, 0.5, 1, 2, 2, 2, 2]
    assert pauses(Hopes(10, 0.0), server, HungUp("asr")) == [0.25, 0.5, 1, 2, 2, 2, 2]
    assert pauses(Hopes(0, 0.0), server, GONE) == []


@pytest.mark.parametrize("seen_s", [None, -LATELY_S])
def test_one_that_was_not_there_lately_is_not_waited_for(seen_s: float | None) -> None:
    server = Server("asr", "tcp://127.0.0.1:1", seen_s=seen_s)
    assert pauses(Hopes(10, 0.0), server, GONE) == []


@pytest.mark.parametrize("error", [UpstreamError("no"), TimeoutError()])
def test_one_that_refused_or_took_too_long_is_not_asked_again(error: Exception) -> None:
    server = Server("asr", "tcp://127.0.0.1:1", seen_s=0.0)
    assert pauses(Hopes(10, 0.0), server, error) == []
    hopes = Hopes(10, 0.0)
    hopes.lost(server, GONE, 0.0)
    hopes.lost(server, error, 1.0)
    assert not hopes.of(server)
    assert hopes.of(Server("asr", "tcp://127.0.0.1:2"))  # it has just come


async def test_the_only_asr_server_is_waited_for_when_it_is_started_again() -> None:
    asr = FakeAsr()
    async with standalone(asr, FakeHandle(), FakeTts(), patience=Patience()) as (direct, posts):
        asr.kill()

        async def start_again() -> None:
            await until(lambda: posts.events[1:])  # it was missed
            async with asr.listening(int(asr.uri.rpartition(":")[2])):
                await asyncio.Event().wait()

        async with running(start_again()):
            await answered(direct, posts)
            assert Transcribed(1, "what time is it") in posts.events
            assert posts.events[-1] == ReplyEnded(1)


class ActingHandle(FakeHandle):
    """Says that it acts, and leaves."""

    async def work(self, caller: Caller) -> None:
        self.questions.append(await caller.read_until("transcript"))
        await caller.send(WyomingEvent(ACTING))


async def test_after_a_server_that_may_have_acted_nobody_else_is_asked() -> None:
    first, second = ActingHandle(extensions={ACTS}), FakeHandle(extensions={ACTS})
    async with standalone(FakeAsr(), first, second, FakeTts()) as (direct, posts):
        await answered(direct, posts)
        assert first.contexts[0][ACTS] is True
        assert second.questions == []
        assert posts.failure.trouble is Trouble.FAILED


async def test_a_server_that_has_just_gone_is_not_missing_yet_and_is_found_when_it_works() -> None:
    tts = FakeTts()
    async with contextlib.AsyncExitStack() as stack:
        servers = {"asr": FakeAsr(), "handle": FakeHandle(), "tts": tts}
        uris = {
            kind: [await stack.enter_async_context(one.listening())]
            for kind, one in servers.items()
        }
        posts: list[Event] = []
        pulse = Pulse(check_s=600, first_retry_s=600, settle_s=0, return_s=600)
        roster = Roster(posts.append, uris, watch=None, pulse=pulse)
        await stack.enter_async_context(running(roster.run()))
        await until(lambda: posts)
        (server,) = roster.ranked("tts")
        tts.kill()
        roster.failed(server, "it hung up")
        await until(lambda: not server.host.answers)
        async with tts.listening(int(tts.uri.rpartition(":")[2])):
            roster.worked(server)
            await until(lambda: server.host.answers)
        assert [type(post) for post in posts] == [ViaChanged]
