"""What clients may send together: what is large has an end, and what is small never waits for it."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.types import Message

from tests.http.small_door import House, Wish, open_door, raw
from wyoming_voice.http.bodies import read
from wyoming_voice.http.leaving import ClientLeft

pytestmark = pytest.mark.asyncio(loop_scope="module")

LARGE_BYTES = 1_900_000
LARGE, SMALL = {"file": bytes(LARGE_BYTES)}, {"file": b"abc"}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
AT_A_TIME = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with open_door(max_upload_mb=2) as house:
        yield house


@contextlib.asynccontextmanager
async def large_ones_come(house: House) -> AsyncIterator[None]:
    """As many as there is room for have begun, and go on for ever."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(AT_A_TIME):
            sender = await stack.enter_async_context(raw(house))
            await sender.say(
                "POST /form HTTP/1.1",
                "Host: localhost",
                "Content-Type: multipart/form-data; boundary=x",
                "Content-Length: 2000000",
                "Expect: 100-continue",
            )
            assert (await sender.head())[0] == 100  # what it declares has been weighed
        yield


async def test_a_large_one_too_many_is_refused_before_it_comes(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.uri) as client, large_ones_come(house):
        answer = await client.post("/form", files=LARGE)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "busy"
        assert answer.headers["retry-after"]
        assert (await client.post("/form", files=SMALL)).json()["size"] == 3


async def test_one_that_declares_nothing_is_weighed_as_it_comes(house: House) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(18):
            yield bytes(100_000)

    async with httpx.AsyncClient(base_url=house.uri) as client, large_ones_come(house):
        answer = await client.post("/form", content=pieces(), headers=FORM)
        assert answer.status_code == 503


async def test_who_is_answered_or_has_left_makes_room(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.uri) as client:
        async with large_ones_come(house):
            pass
        while (answer := await client.post("/form", files=LARGE)).status_code == 503:
            pass  # the server has not noticed yet
        for _ in range(2 * AT_A_TIME):
            assert answer.json()["size"] == LARGE_BYTES
            answer = await client.post("/form", files=LARGE)


async def test_who_leaves_amid_a_text_is_not_at_fault() -> None:
    heard = [{"type": "http.request", "body": b'{"word', "more_body": True}]

    async def receive() -> Message:
        return heard.pop() if heard else {"type": "http.disconnect"}

    with pytest.raises(ClientLeft):
        await read(Request({"type": "http", "headers": []}, receive), Wish, 100)
