"""Which server is asked first, what a failure costs it, and when a conversation is possible."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from satellite.events import Event, Via, ViaChanged
from satellite.standalone.servers import Pulse, Roster
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeHandle, FakeServer, FakeTts
from tests.satellite.waiting import running, until
from wyoming_voice.discovery import Found, Gone

NOWHERE = "tcp://127.0.0.1:1"
QUICK = Pulse(check_s=0.01, first_retry_s=0.001, settle_s=0.0, return_s=0.0)
SLOW = Pulse(check_s=600, settle_s=0.0, return_s=0.0)


class News:
    """The network, as a test announces it."""

    def __init__(self) -> None:
        self._news: asyncio.Queue[Found | Gone] = asyncio.Queue()

    def announce(self, name: str, uri: str) -> None:
        self._news.put_nowait(Found(name, uri, {}))

    def leave(self, name: str) -> None:
        self._news.put_nowait(Gone(name))

    async def watch(self) -> AsyncGenerator[Found | Gone, None]:
        while True:
            yield await self._news.get()


@contextlib.asynccontextmanager
async def listening(*servers: FakeServer) -> AsyncIterator[dict[str, list[str]]]:
    """URIs by kind."""
    uris: dict[str, list[str]] = {"asr": [], "handle": [], "tts": []}
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            uris[server.kind].append(await stack.enter_async_context(server.listening()))
        yield uris


def ranked(roster: Roster, kind: str) -> list[str]:
    return [server.uri for server in roster.ranked(kind)]


async def test_named_servers_keep_their_order() -> None:
    async with listening(FakeAsr(), FakeAsr(), FakeHandle(), FakeTts()) as uris:
        posts: list[Event] = []
        roster = Roster(posts.append, uris, watch=None, pulse=SLOW)
        async with running(roster.run()):
            await until(lambda: posts)
            assert posts == [ViaChanged(Via.DIRECT, True)]
            assert ranked(roster, "asr") == uris["asr"]


async def test_those_that_answer_go_before_those_that_don_t() -> None:
    async with listening(FakeAsr(), FakeHandle(), FakeTts()) as uris:
        uris["asr"].insert(0, NOWHERE)
        posts: list[Event] = []
        roster = Roster(posts.append, uris, watch=None, pulse=SLOW)
        async with running(roster.run()):
            await until(lambda: posts)
            assert ranked(roster, "asr") == [uris["asr"][1], NOWHERE]
            shown = roster.status()["servers"]
            assert isinstance(shown, list)
            assert [(row["kind"], row["answers"]) for row in shown[:2]] == [
                ("asr", True),
                ("asr", False),
            ]
            assert shown[1]["error"] == "Connection refused"


async def test_one_that_failed_in_a_turn_stands_back_until_it_has_worked() -> None:
    async with listening(FakeAsr(), FakeAsr(), FakeHandle(), FakeTts()) as uris:
        posts: list[Event] = []
        roster = Roster(posts.append, uris, watch=None, pulse=SLOW)
        async with running(roster.run()):
            await until(lambda: posts)
            first, second = roster.ranked("asr")
            roster.failed(first, "it hung up")
            assert roster.ranked("asr") == [second, first]
            assert first.strikes == 1
            rest_s = first.rests_until_s
            roster.failed(first, "it hung up")
            assert first.rests_until_s >= rest_s + SLOW.first_rest_s
            roster.worked(first)
            assert roster.ranked("asr") == [first, second]


async def test_the_conversation_is_possible_while_every_kind_has_a_server_that_answers() -> None:
    tts = FakeTts()
    async with listening(FakeAsr(), FakeHandle(), tts) as uris:
        posts: list[Event] = []
        roster = Roster(posts.append, uris, watch=None, pulse=QUICK)
        async with running(roster.run()):
            await until(lambda: len(posts) == 1)
            tts.kill()
            await until(lambda: len(posts) == 2)
            async with tts.listening(port=int(uris["tts"][0].rpartition(":")[2])):
                await until(lambda: len(posts) == 3)
        ready = ViaChanged(Via.DIRECT, True)
        assert posts == [ready, ViaChanged(Via.DIRECT, False, ("tts",)), ready]


async def test_a_named_server_of_another_kind_does_not_count() -> None:
    async with listening(FakeAsr(), FakeHandle()) as uris:
        posts: list[Event] = []
        roster = Roster(posts.append, {**uris, "tts": uris["asr"]}, watch=None, pulse=SLOW)
        async with running(roster.run()):
            await until(lambda: posts)
            missing = posts[0]
            assert isinstance(missing, ViaChanged)
            assert "tts" in missing.missing


async def test_what_is_announced_comes_and_goes() -> None:
    asr, news = FakeAsr(), News()
    async with listening(asr, FakeHandle(), FakeTts()) as uris:
        posts: list[Event] = []
        named = {"handle": uris["handle"], "tts": uris["tts"]}
        roster = Roster(posts.append, named, watch=news.watch, local={}, pulse=SLOW)
        async with running(roster.run()):
            await until(lambda: posts)
            assert posts == [ViaChanged(Via.DIRECT, False, ("asr",))]
            news.announce("kitchen asr", uris["asr"][0])
            await until(lambda: len(posts) == 2)
            assert ranked(roster, "asr") == uris["asr"]
            checked = roster.ranked("asr")[0].host.checked
            checked.clear()
            news.leave("kitchen asr")
            news.announce("no address", "tcp://:0")
            await checked.wait()
            assert ranked(roster, "asr") == uris["asr"]  # it said goodbye, but it still answers
            asr.kill()
            roster.failed(roster.ranked("asr")[0], "it hung up")
            await until(lambda: not ranked(roster, "asr"))
            assert posts[-1] == ViaChanged(Via.DIRECT, False, ("asr",))


async def test_a_server_that_moved_is_followed() -> None:
    old, new, news = FakeAsr(), FakeAsr(), News()
    async with listening(old, new, FakeHandle(), FakeTts()) as uris:
        posts: list[Event] = []
        named = {"handle": uris["handle"], "tts": uris["tts"]}
        roster = Roster(posts.append, named, watch=news.watch, local={}, pulse=SLOW)
        async with running(roster.run()):
            news.announce("kitchen asr", uris["asr"][0])
            await until(lambda: ranked(roster, "asr") == uris["asr"][:1])
            old.kill()
            news.announce("kitchen asr", uris["asr"][1])
            await until(lambda: ranked(roster, "asr") == uris["asr"][1:])


async def test_this_machine_s_servers_go_first_and_then_the_fastest() -> None:
    async with listening(FakeAsr(), FakeAsr(), FakeAsr(), FakeHandle(), FakeTts()) as uris:
        posts: list[Event] = []
        news = News()
        named = {"handle": uris["handle"], "tts": uris["tts"]}
        roster = Roster(posts.append, named, watch=news.watch, local={}, pulse=SLOW)
        async with running(roster.run()):
            for number, uri in enumerate(uris["asr"]):
                news.announce(str(number), uri)
            await until(lambda: len(ranked(roster, "asr")) == 3)
            slow, fast, local = roster.ranked("asr")
            slow.host.local, slow.host.round_trip_ms = False, 30.0
            fast.host.local, fast.host.round_trip_ms = False, 3.0
            local.host.round_trip_ms = 50.0
            assert list(roster.ranked("asr")) == [local, fast, slow]


async def test_this_machine_s_default_ports_count_where_nothing_is_named() -> None:
    async with listening(FakeAsr(), FakeHandle(), FakeTts()) as uris:
        posts: list[Event] = []
        local = {"asr": uris["asr"][0], "handle": NOWHERE, "tts": NOWHERE}
        named = {"handle": uris["handle"], "tts": uris["tts"]}
        roster = Roster(posts.append, named, watch=None, local=local, pulse=SLOW)
        async with running(roster.run()):
            await until(lambda: posts)
            assert posts == [ViaChanged(Via.DIRECT, True)]
            assert ranked(roster, "asr") == uris["asr"]
            assert ranked(roster, "tts") == uris["tts"]


async def test_one_late_answer_is_no_reason_to_leave_a_server() -> None:
    asr = FakeAsr()
    async with listening(asr, FakeHandle(), FakeTts()) as uris:
        posts: list[Event] = []
        pulse = replace(SLOW, answer_s=0.2, first_retry_s=0.001)
        roster = Roster(posts.append, uris, watch=None, pulse=pulse)
        async with running(roster.run()):
            await until(lambda: posts)
            asr.deaf = True
            roster.ranked("asr")[0].host.look.set()
            await asr.until(opened=2)
            await asr.until(opened=3)
            assert len(posts) == 1
            await until(lambda: len(posts) == 2)


async def test_who_comes_and_goes_is_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    asr, tts = FakeAsr(), FakeTts()
    async with listening(asr, FakeHandle(), tts) as uris:
        posts: list[Event] = []
        uris["asr"].append(NOWHERE)
        roster = Roster(posts.append, uris, watch=None, pulse=QUICK)
        async with running(roster.run()):
            await until(lambda: posts)
            tts.kill()
            await until(lambda: len(posts) == 2)
            await asr.until(opened=9)
    lines = [record.getMessage() for record in caplog.records if "tcp://" in record.getMessage()]
    assert sorted(lines) == sorted(
        [
            *(f"{kind}: {uris[kind][0]}" for kind in uris),
            f"asr at {NOWHERE}: Connection refused",
            f"tts at {uris['tts'][0]}: Connection refused",
        ]
    )


async def test_a_first_answer_that_is_late_is_waited_for_once_more() -> None:
    asr = FakeAsr()
    asr.deaf = True
    async with listening(asr, FakeHandle(), FakeTts()) as uris:
        posts: list[Event] = []
        pulse = replace(SLOW, answer_s=0.2, first_retry_s=600)
        roster = Roster(posts.append, uris, watch=None, pulse=pulse)
        async with running(roster.run()):
            await asr.until(opened=1)
            asr.deaf = False
            await until(lambda: posts)
            assert posts == [ViaChanged(Via.DIRECT, True)]


@dataclass(frozen=True)
class Watched(Pulse):
    """Keeps what it was asked to vary; none of it is waited for."""

    asked: list[float] = field(default_factory=list)

    def about(self, wait_s: float) -> float:
        self.asked.append(wait_s)
        return 0.0 if len(self.asked) < 8 else 600.0


async def test_satellites_that_began_together_part() -> None:
    waits_s = [SLOW.about(30.0) for _ in range(100)]
    assert len(set(waits_s)) > 50
    assert min(waits_s) >= 22.5
    assert max(waits_s) <= 37.5


async def test_every_wait_for_a_host_varies() -> None:
    there, gone = Watched(check_s=30, return_s=0), Watched(check_s=30, return_s=0)
    asr, posts = FakeAsr(), list[Event]()
    async with listening(asr) as uris:
        roster = Roster(posts.append, uris, watch=None, local={}, pulse=there)
        async with running(roster.run()):
            await until(lambda: len(there.asked) == 8)
    roster = Roster(posts.append, {"asr": [NOWHERE]}, watch=None, local={}, pulse=gone)
    async with running(roster.run()):
        await until(lambda: len(gone.asked) == 8)
    assert there.asked == [30.0] * 8
    assert gone.asked == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]


async def test_what_is_missing_for_long_is_warned_of_once_where_nobody_else_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, alone = 0, False

    def is_alone() -> bool:
        nonlocal asked
        asked += 1
        return alone

    async with listening(FakeAsr(), FakeHandle()) as uris:
        uris["tts"] = [NOWHERE]
        pulse = replace(SLOW, warn_s=0.0)
        roster = Roster(lambda event: None, uris, watch=None, pulse=pulse, alone=is_alone)
        async with running(roster.run()):
            await until(lambda: asked > 9)
            assert "no server answers" not in caplog.text
            alone = True
            await until(lambda: "no server answers" in caplog.text)
            rounds = asked
            await until(lambda: asked > rounds + 3 or len(roster.ranked("asr")) == 1)
    assert caplog.text.count("no server answers for: ") == 1
    assert "no server answers for: tts" in caplog.text
    assert "--tts-uri tcp://127.0.0.1:10200" in caplog.text
