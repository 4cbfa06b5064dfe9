"""Answers that are made while they are sent, and clients that leave in the middle."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.http.small_door import BLOCK, House, Raw, open_door, raw
from wyoming_voice.http.leaving import until_gone

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with open_door() as house:
        yield house


async def ask(client: Raw, path: str) -> None:
    await client.say(f"GET {path} HTTP/1.1", "Host: localhost")


async def test_a_stream_whole(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.uri) as client:
        answer = await client.get("/stream?most=3")
        assert answer.content == BLOCK * 3
        assert (answer.headers["content-type"], answer.headers["x-rate"]) == ("audio/wav", "16000")
        assert (await client.get("/stream?most=0")).content == b""
    assert [await house.outcome(), await house.outcome()] == ["ok", "ok"]


async def test_what_fails_after_the_first_item_breaks_off(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.uri) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/stream?fail_at=2")
    assert await house.outcome() == "engine-failed"


async def test_the_first_item_is_sent_before_there_is_a_second(house: House) -> None:
    async with raw(house) as client:
        await ask(client, "/stream?most=1")
        assert (await client.head())[0] == 200
        await client.reader.readexactly(len(BLOCK))
        assert not house.cleaned_up.is_set()
        house.release.set()
        await client.reader.readuntil(b"0\r\n\r\n")
    assert await house.outcome() == "ok"


async def test_a_client_that_leaves_ends_a_stream_that_waits(house: House) -> None:
    async with raw(house) as client:
        await ask(client, "/stream?most=1")
        await client.head()
    await house.cleaned_up.wait()
    assert await house.outcome() == "gone"
    assert house.floor.requests == 0


async def test_a_client_that_leaves_ends_a_stream_that_flows(house: House) -> None:
    async with raw(house) as client:
        await ask(client, "/stream?most=1000000")
        await client.head()
    await house.cleaned_up.wait()
    assert await house.outcome() == "gone"


async def test_a_client_that_leaves_ends_the_work_for_a_plain_answer(house: House) -> None:
    async with raw(house) as client:
        await ask(client, "/hold")
        await house.started.wait()
        assert house.floor.requests == 1
    await house.cleaned_up.wait()
    assert await house.outcome() == "gone"
    assert house.floor.requests == 0


async def test_a_client_that_stays_gets_its_plain_answer(house: House) -> None:
    async with raw(house) as client:
        await ask(client, "/hold")
        await house.started.wait()
        house.release.set()
        assert (await client.answer())[2] == {"held": "yes"}
        await ask(client, "/hold")
        assert (await client.answer())[2] == {"held": "yes"}
    assert [await house.outcome(), await house.outcome()] == ["ok", "ok"]


async def test_one_more_than_there_is_room_for(house: House) -> None:
    house.floor.most_requests = 1
    async with raw(house) as first, raw(house) as second:
        await ask(first, "/hold")
        await house.started.wait()
        await ask(second, "/hold")
        status, _, told = await second.answer()
        assert (status, told["error"]["code"]) == (503, "busy")
        house.release.set()
        assert (await first.answer())[0] == 200


async def test_two_questions_in_one_breath(house: House) -> None:
    async with raw(house) as client:
        await client.say(*["GET /health HTTP/1.1\r\nHost: localhost\r\n"] * 2, end="\r\n")
        for _ in range(2):
            assert (await client.answer())[0] == 200


async def test_the_second_of_two_waits_for_the_first(house: House) -> None:
    async with raw(house) as client:
        lines = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n" for path in ("/hold", "/health")]
        await client.say(*lines, end="\r\n")
        await house.started.wait()
        house.release.set()
        assert (await client.answer())[2] == {"held": "yes"}
        assert (await client.answer())[2]["status"] == "ok"


async def test_somebody_elses_cancelling_is_not_taken_for_a_client_that_left(house: House) -> None:
    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def work() -> None:
        async with until_gone(never):
            house.started.set()
            await house.release.wait()

    task = asyncio.create_task(work())
    await house.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
