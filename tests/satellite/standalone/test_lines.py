"""Connections to servers: who is asked in which order, what is kept open, and who is told how it went."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from satellite.standalone.commitment import Commitment, NotToBe
from satellite.standalone.conversation import Question
from satellite.standalone.line import Line, Server
from satellite.standalone.lines import Lines, NobodyLeft, Unfinished
from satellite.standalone.spare import Spare
from tests.satellite.standalone.wyoming_servers import FakeTts
from tests.satellite.waiting import until
from wyoming_voice.client import HungUp
from wyoming_voice.describing import Description
from wyoming_voice.errors import UpstreamError
from wyoming_voice.extensions import WARM_UP


class Notes:
    """A directory of the servers that a test names, which notes how they did."""

    def __init__(self, *uris: str) -> None:
        self.servers = [Server("tts", uri) for uri in uris]
        self.did: list[tuple[str, Server]] = []

    def ranked(self, kind: str) -> Sequence[Server]:
        return self.servers if kind == "tts" else ()

    def worked(self, server: Server) -> None:
        self.did.append(("worked", server))

    def failed(self, server: Server, reason: str) -> None:
        self.did.append((reason, server))


@contextlib.asynccontextmanager
async def lines_to(*servers: FakeTts, keep_s: float = 600) -> AsyncIterator[tuple[Lines, Notes]]:
    async with contextlib.AsyncExitStack() as stack:
        notes = Notes(*[await stack.enter_async_context(one.listening()) for one in servers])
        lines = Lines(notes, keep_s=keep_s)
        yield lines, notes
        await lines.close()


async def test_the_next_server_is_asked_when_one_can_t_and_both_are_noted() -> None:
    async with lines_to(FakeTts(), FakeTts()) as (lines, notes):

        async def work(line: Line) -> str:
            if line.server is notes.servers[0]:
                raise UpstreamError("not today")
            return line.server.uri

        first, second = notes.servers
        assert await lines.attempt("tts", work) == second.uri
        assert notes.did == [("not today", first), ("worked", second)]


async def test_one_that_hung_up_is_asked_once_more_after_the_others() -> None:
    asked: list[Server] = []

    async def work(line: Line) -> None:
        asked.append(line.server)
        raise HungUp("tts")

    async with lines_to(FakeTts(), FakeTts()) as (lines, notes):
        with pytest.raises(NobodyLeft, match="hung up") as caught:
            await lines.attempt("tts", work)
        assert caught.value.reached
        first, second = notes.servers
        assert asked == [first, second, first, second]


async def test_what_has_been_used_already_is_not_begun_again() -> None:
    async def work(_: Line) -> None:
        raise Unfinished("half of it is gone")

    async with lines_to(FakeTts(), FakeTts()) as (lines, notes):
        with pytest.raises(Unfinished):
            await lines.attempt("tts", work)
        assert notes.did == [("half of it is gone", notes.servers[0])]


@pytest.mark.parametrize("error", [HungUp("tts"), Unfinished("half of it"), OSError("reset")])
async def test_what_nobody_wants_yet_fails_once_and_is_noted_of_nobody(error: Exception) -> None:
    asked: list[Server] = []

    async def work(line: Line) -> None:
        asked.append(line.server)
        raise error

    async with lines_to(FakeTts(), FakeTts()) as (lines, notes):
        commitment = Commitment()
        with pytest.raises(NotToBe):
            await lines.attempt("tts", work, commitment=commitment)
        assert asked == notes.servers[:1]
        assert notes.did == []
        assert not commitment.make()  # whoever wants it after that asks anew


async def test_who_cannot_be_reached_for_what_nobody_wants_yet_is_not_noted_either() -> None:
    async def work(_: Line) -> None:
        raise AssertionError("nobody is there")

    notes = Notes("tcp://127.0.0.1:1")
    for kind in ("tts", "asr"):
        with pytest.raises(NotToBe):
            await Lines(notes).attempt(kind, work, commitment=Commitment())
    assert notes.did == []


async def test_what_comes_to_be_wanted_is_done_by_the_next_server_like_all_else() -> None:
    commitment = Commitment()

    async def work(line: Line) -> str:
        if line.server is notes.servers[0]:
            commitment.make()
            raise UpstreamError("not today")
        return line.server.uri

    async with lines_to(FakeTts(), FakeTts()) as (lines, notes):
        first, second = notes.servers
        assert await lines.attempt("tts", work, commitment=commitment) == second.uri
        assert notes.did == [("not today", first), ("worked", second)]


async def test_nobody_is_reached() -> None:
    async def work(_: Line) -> None:
        raise AssertionError("nobody is there")

    lines = Lines(Notes("tcp://127.0.0.1:1"))
    with pytest.raises(NobodyLeft, match="Connection refused") as caught:
        await lines.attempt("tts", work)
    assert not caught.value.reached
    with pytest.raises(NobodyLeft, match="no asr server is known"):
        await lines.attempt("asr", work)


async def test_what_a_tts_server_can_do_is_asked_where_nobody_knows() -> None:
    async def streams(line: Line) -> bool:
        return line.server.streams

    async with lines_to(FakeTts(streams=False)) as (lines, _):
        assert await lines.attempt("tts", streams) is False
    async with lines_to(FakeTts()) as (lines, _):
        assert await lines.attempt("tts", streams) is True


async def test_a_prepared_line_is_used_once_and_an_unused_one_is_closed() -> None:
    async def nothing(_: Line) -> None:
        pass

    tts = FakeTts()
    async with lines_to(tts) as (lines, _):
        lines.prepare(("tts",))
        await tts.until(opened=1, open_=1)
        lines.prepare(("tts",))  # it is there already
        await lines.attempt("tts", nothing)
        assert tts.opened == 1
        await lines.attempt("tts", nothing)
        assert tts.opened == 2
    async with lines_to(tts, keep_s=0.01) as (lines, _):
        lines.prepare(("tts",))
        await tts.until(opened=3)
        await tts.until(open_=0)


async def test_a_prepared_line_that_died_is_opened_again_at_the_next_preparation() -> None:
    tts = FakeTts()
    async with lines_to(tts) as (lines, _):
        lines.prepare(("tts",))
        await tts.until(opened=1, open_=1)
        tts.hang_up()
        await tts.until(open_=0)

        def opened_again() -> bool:
            lines.prepare(("tts",))
            return tts.opened > 1

        await until(opened_again)


async def test_another_server_s_line_is_prepared_when_it_has_become_the_best() -> None:
    first, second = FakeTts(), FakeTts()
    async with lines_to(first, second) as (lines, notes):
        lines.prepare(("tts",))
        await first.until(opened=1, open_=1)
        notes.servers.reverse()
        lines.prepare(("tts",))
        await second.until(opened=1, open_=1)
        await first.until(open_=0)


async def test_being_cancelled_hangs_up() -> None:
    tts, at_work = FakeTts(), asyncio.Event()

    async def work(_: Line) -> None:
        at_work.set()
        await asyncio.Event().wait()

    async with lines_to(tts) as (lines, _):
        task = asyncio.create_task(lines.attempt("tts", work))
        await at_work.wait()
        task.cancel()
        await tts.until(open_=0)


async def test_a_server_that_does_not_take_what_it_is_told_holds_nobody_up() -> None:
    before, done = asyncio.all_tasks(), asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    uri = f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    server = Server("handle", uri, Description(extensions=frozenset({WARM_UP})))
    spare = Spare(server, connect_s=10, keep_s=600)
    spare.warm_up(Question("t1", {"system_prompt": "x" * 20_000_000}), "")
    line = await spare.take()
    assert line is not None
    assert len(asyncio.all_tasks() - before) == 1  # the server's own
    done.set()
    await line.close()
    listening.close()
