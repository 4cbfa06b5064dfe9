"""Engines and language models that fail on a schedule: each request ends, and the next one works."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.chaos.census import back_to, census
from tests.chaos.engines import Fate, Fates
from tests.chaos.llm import CodeLlm, Upstream
from tests.chaos.places import End, answering, place, request
from tests.satellite.waiting import until

FAILING = (Fate.FAILS, Fate.BUG, Fate.MEMORY, Fate.HALF)


@pytest.mark.parametrize("fate", FAILING)
@pytest.mark.parametrize("kind", ["asr", "tts"])
async def test_who_meets_a_failing_engine_is_told_and_the_next_is_served(
    kind: str, fate: Fate
) -> None:
    fates = Fates([fate, Fate.WORKS])
    async with answering(kind, fates) as server:
        ends = [await request(kind, server.address, number) for number in range(4)]
        assert ends == [End.ERROR, End.RESULT] * 2
        await until(lambda: server.empty)


@pytest.mark.parametrize("kind", ["asr", "tts"])
async def test_an_engine_that_fails_in_every_way_harms_only_who_meets_it(kind: str) -> None:
    fates = Fates([Fate.WORKS, *FAILING, Fate.WORKS])
    async with answering(kind, fates) as server:
        await asyncio.gather(*(request(kind, server.address, number) for number in range(6)))
        await until(lambda: server.empty)
        before = census()
        ends = await asyncio.gather(*(request(kind, server.address, n) for n in range(30)))
        assert Counter(ends) == {End.RESULT: 10, End.ERROR: 20}
        await until(lambda: server.empty)
        await back_to(before)


@pytest.mark.parametrize("kind", ["asr", "tts"])
async def test_an_engine_that_is_stuck_ends_its_request_at_the_deadline(kind: str) -> None:
    fates = Fates([Fate.STALLS, Fate.WORKS])
    async with answering(kind, fates, deadline_s=0.3) as server:
        stuck = asyncio.create_task(request(kind, server.address, 1))
        await until(lambda: fates.met)
        beside = await request(kind, server.address, 2)
        assert await stuck is End.ERROR
        # Where there is another thread it is served, where there is one it waits as long as it may.
        assert beside is (End.RESULT if kind == "asr" else End.ERROR)
        fates.release.set()
        await until(lambda: not server.program.busy)
        assert await request(kind, server.address, 3) is End.RESULT


UPSTREAM = (
    Upstream.CUTS,
    Upstream.CUTS_HALFWAY,
    Upstream.STALLS,
    Upstream.STALLS_HALFWAY,
)


async def test_a_language_model_that_fails_in_every_way_is_told_of_in_words() -> None:
    async with CodeLlm([*UPSTREAM, Upstream.ANSWERS]) as llm:
        given: dict[str, Any] = {
            "llm_url": llm.url,
            "first_token_timeout_s": 0.3,
            "llm_timeout_s": 5,
        }
        async with place("handle", **given) as server:
            ends = [await request("handle", server.address, number) for number in range(12)]
            assert ends == ([End.ERROR] * len(UPSTREAM) + [End.RESULT]) * 2 + [End.ERROR] * 2
            await until(lambda: server.empty)


async def test_a_language_model_that_has_no_time_is_asked_again() -> None:
    async with (
        CodeLlm([Upstream.REFUSES, Upstream.ANSWERS]) as llm,
        place("handle", llm_url=llm.url) as server,
    ):
        ends = [await request("handle", server.address, number) for number in range(2)]
        assert ends == [End.RESULT] * 2
