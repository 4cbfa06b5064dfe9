"""Pages that keep no rules: what makes no sense, comes too often, or isn't read."""

import asyncio
import contextlib

import pytest
from websockets.exceptions import ConnectionClosed

from tests.asr.speech import said
from tests.gateway.conftest import gateway
from tests.gateway.page import PATIENCE_S, Browser
from tests.handle.talking import served
from tests.llama_swap import FakeLlamaSwap, words
from tests.satellite.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("frames", "words_"),
    [
        ([b"\0\0\0\0"], "the first message"),
        (['{"type": "press"}'], "the first message"),
        (["no JSON"], "no JSON"),
        (["[1]"], '"type"'),
        (['{"type": "start", "sample_rate": 3}'], "sample_rate"),
        (['{"type": "start", "sample_rate": "NaN"}'], "sample_rate"),
        (['{"type": "start", "format": "mp3"}'], "format"),
        (['{"type": "start"}', '{"type": "start"}'], "begun already"),
        (['{"type": "start"}', b"\0\0\0"], "no whole number"),
        (['{"type": "start"}', b"\0\0\xc0\x7f"], "was it s16le? say so in `start`"),
        (['{"type": "start", "sample_rte": 16000}'], "did you mean 'sample_rate'?"),
        (['{"type": "start", "\\ud800": 1}'], "unknown field"),
        (['{"type": "strt"}'], "did you mean 'start'?"),
        (['{"type": "start"}', '{"type": "relese"}'], "did you mean 'release'?"),
        (['{"type": "start"}', '{"type": "foo"}'], "known: alive, heard, press"),
        (
            ['{"type": "start"}', '{"type": "heard", "playback": 1, "msec": 1}'],
            "unknown field 'msec'",
        ),
        (['{"type": "start"}', bytes(4 * 48_000 * 4)], "at most 3000 ms"),
        (['{"type": "start"}', '{"type": "heard", "playback": 1, "ms": NaN}'], "ms"),
        (['{"type": "start"}', '{"type": "heard", "playback": -1, "ms": 1}'], "playback"),
        (['{"type": "start"}', f'{{"type": "{"x" * 20_000}"}}'], "10000 are the most"),
    ],
)
async def test_nonsense_is_told_and_ends_the_conversation(
    browser: Browser, frames: list[str | bytes], words_: str
) -> None:
    async with browser.page() as page:
        for frame in frames:
            await page.socket.send(frame)
        error = (await page.until("error"))["error"]
        assert await page.closed() == 1008
    assert words_ in error["message"]
    assert error["type"] == "invalid_request_error"
    assert error["request_id"]
    await until(lambda: browser.gateway.talks.count == 0)


async def test_a_giant_frame_is_not_even_read(browser: Browser) -> None:
    async with browser.page() as page:
        await page.start()
        with contextlib.suppress(ConnectionClosed):
            await page.socket.send(bytes(5_000_000))
        assert await page.closed() == 1009


async def test_what_has_nothing_to_say_does_no_harm(browser: Browser) -> None:
    async with browser.page() as page:
        await page.start()
        await page.say(type="alive")
        await page.say(type="heard", playback=99, ms=5)
        await page.say(type="release")
        await page.say(type="stop")
        await page.say(type="press")
        await page.until("state", state="listening")


async def test_no_more_conversations_than_there_is_room_for(servers: dict[str, str]) -> None:
    async with gateway(servers, max_talks=1) as browser, browser.page() as page:
        await page.start()
        async with browser.page() as other:
            error = (await other.until("error"))["error"]
            assert error["code"] == "busy"
            assert await other.closed() == 1013


async def test_whoever_says_nothing_is_let_go(servers: dict[str, str]) -> None:
    async with gateway(servers, idle_timeout_s=0.2) as browser, browser.page() as page:
        await page.start()
        assert (await page.until("error"))["error"]["code"] == "too-slow"
        await page.closed()


async def test_a_page_that_stops_reading_is_let_go(servers: dict[str, str]) -> None:
    async with (
        FakeLlamaSwap(words("This is one more sentence of a long story. " * 120)) as llm,
        served(llm_url=llm.url) as handle,
        gateway({**servers, "handle": handle}, http_timeout_s=0.5) as browser,
        browser.silent_page() as page,
    ):
        await page.say(type="start", mode="push", sample_rate=16_000, format="s16le")
        await page.hold(said("What time is it?"))
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE_S):
                while True:  # it says that it hears all of it, and has read nothing
                    await page.say(type="heard", playback=1, ms=1e6)
                    await asyncio.sleep(0.001)
        await until(lambda: browser.gateway.talks.count == 0)
