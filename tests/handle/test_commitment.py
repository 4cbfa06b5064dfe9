"""A question's commitment: what follows from it, what waits for it, and what ends without it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from wyoming.event import Event

from wyoming_voice.errors import DeadlineExceeded
from wyoming_voice.handle.commitment import Commitment

SOON_S = 0.01


def soon() -> Commitment:
    return Commitment(asyncio.get_running_loop().time() + SOON_S)


async def kinds(events: AsyncGenerator[Event, None]) -> list[str]:
    return [event.type async for event in events]


class Answer:
    """Says `begun`, waits for the commitment, says `ended`; knows whether it was stopped."""

    def __init__(self, commitment: Commitment) -> None:
        self._commitment = commitment
        self.stopped = False

    async def events(self) -> AsyncGenerator[Event, None]:
        try:
            yield Event("begun")
            await self._commitment.wait()
            yield Event("ended")
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped = True
            raise


async def test_what_follows_from_it_happens_in_the_moment_it_is_made() -> None:
    commitment, done = Commitment(), list[str]()
    commitment.then(lambda: done.append("first"))
    assert (done, commitment.made, commitment.open) == ([], False, True)
    commitment.make()
    assert (done, commitment.made, commitment.open) == (["first"], True, False)
    commitment.then(lambda: done.append("second"))
    commitment.make()
    assert done == ["first", "second"]


async def test_one_that_was_withdrawn_is_never_made_and_the_other_way_round() -> None:
    withdrawn, made = Commitment(), Commitment.outright()
    withdrawn.then(lambda: pytest.fail("nothing follows"))
    withdrawn.withdraw()
    withdrawn.make()
    assert (withdrawn.made, withdrawn.open) == (False, False)
    made.withdraw()
    assert made.made


async def test_an_answer_waits_for_it() -> None:
    commitment = Commitment()
    events = commitment.kept(Answer(commitment).events())
    assert (await anext(events)).type == "begun"
    last = asyncio.ensure_future(anext(events))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not last.done()
    commitment.make()
    assert (await last).type == "ended"


async def test_an_answer_to_what_was_no_question_ends_where_it_is() -> None:
    commitment = Commitment()
    answer = Answer(commitment)
    reading = asyncio.create_task(kinds(commitment.kept(answer.events())))
    for _ in range(10):
        await asyncio.sleep(0)
    commitment.withdraw()
    assert await reading == ["begun"]
    assert answer.stopped


async def test_an_answer_does_not_begin_once_it_is_withdrawn() -> None:
    commitment = Commitment()
    commitment.withdraw()
    assert await kinds(commitment.kept(Answer(commitment).events())) == []


async def test_it_may_be_made_or_withdrawn_while_the_client_reads() -> None:
    made, withdrawn = Commitment(), Commitment()
    events = made.kept(Answer(made).events())
    assert (await anext(events)).type == "begun"
    made.make()
    assert (await anext(events)).type == "ended"
    events = withdrawn.kept(Answer(withdrawn).events())
    assert (await anext(events)).type == "begun"
    withdrawn.withdraw()
    assert await anext(events, None) is None


async def test_an_answer_is_closed_with_what_is_kept_of_it() -> None:
    commitment = Commitment()
    answer = Answer(commitment)
    inner = answer.events()
    events = commitment.kept(inner)
    await anext(events)
    await events.aclose()
    assert answer.stopped


async def test_what_is_over_can_not_be_made_any_more() -> None:
    commitment = Commitment()
    commitment.then(lambda: pytest.fail("nothing follows"))
    events = commitment.kept(Answer(commitment).events())
    await anext(events)
    await events.aclose()
    commitment.make()
    assert not commitment.made


async def test_an_answer_that_nobody_commits_to_ends_in_time() -> None:
    commitment = soon()
    answer = Answer(commitment)
    events = commitment.kept(answer.events())
    assert (await anext(events)).type == "begun"
    with pytest.raises(DeadlineExceeded, match="no 'commit' within 30 s; send it, or hang up"):
        await anext(events)
    assert answer.stopped


async def test_there_is_time_without_end_once_it_is_made() -> None:
    commitment, over = soon(), asyncio.Event()

    async def slow() -> AsyncGenerator[Event, None]:
        commitment.make()  # while this step is being waited for
        asyncio.get_running_loop().call_later(3 * SOON_S, over.set)
        await over.wait()
        yield Event("late")
        over.clear()
        asyncio.get_running_loop().call_later(3 * SOON_S, over.set)
        await over.wait()

    assert await kinds(commitment.kept(slow())) == ["late"]


async def test_a_time_out_of_the_answer_s_own_is_not_mistaken_for_ours() -> None:
    async def failing() -> AsyncGenerator[Event, None]:
        raise TimeoutError("its own")
        yield

    with pytest.raises(TimeoutError, match="its own"):
        await kinds(Commitment().kept(failing()))
