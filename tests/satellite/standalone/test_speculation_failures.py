"""A guess that goes wrong, before and after it has come true: before, it has never been."""

import asyncio
import gc

import pytest
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import HandledChunk

from satellite.events import Progressed, ReplyEnded, ReplyText, Supposed, Transcribed, Trouble
from satellite.link import Servers
from satellite.standalone.conversation import Question
from satellite.standalone.errand import Errand
from satellite.standalone.lines import Lines
from satellite.standalone.patience import Patience
from satellite.standalone.reports import Report
from satellite.standalone.supposition import Supposition
from tests.satellite.standalone.guesses import (
    HANDLE_EXTENSIONS,
    guessed,
    guessing,
    guessing_asr,
    guessing_handle,
    kinds,
    over,
)
from tests.satellite.standalone.stage import ANSWER, CHUNKS, at_once, said
from tests.satellite.standalone.test_direct_failures import nothing_lost
from tests.satellite.standalone.wyoming_servers import Caller, FakeHandle, FakeTts
from tests.satellite.waiting import until
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.extensions import ANSWER_WRITTEN

BUSY = Error("the house is full", "busy")
WHOLE = "".join(ANSWER)


@pytest.mark.parametrize("spoiled", [BUSY, 0, 2], ids=["busy", "no word", "in the text"])
async def test_a_handle_server_that_fails_a_guess_is_asked_again_once_it_has_come_true(
    spoiled: Error | int, caplog: pytest.LogCaptureFixture
) -> None:
    handle, second = guessing_handle(*ANSWER), guessing_handle("Never.")
    handle.spoils = spoiled
    async with guessing(handle, second) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        await handle.idle()
        assert posts.events[1:] == [Supposed(1, "what time is it", audio_ms=500)]
        await over(direct, posts)
        assert posts.text == posts.spoken == WHOLE
        assert kinds(posts)[-1] is ReplyEnded
        assert (len(handle.questions), handle.commits) == (2, 0)
        assert "speculative" not in handle.contexts[1]
        assert second.questions == []
    gc.collect()  # nor does a task complain that nobody asked what became of it
    assert not [record for record in caplog.records if record.levelname != "INFO"]


async def test_a_handle_server_that_has_gone_during_a_guess_is_followed_by_the_next() -> None:
    handle, second = guessing_handle("Never."), guessing_handle(*ANSWER)
    async with guessing(handle, second) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        handle.kill()
        await over(direct, posts)
        assert posts.text == posts.spoken == WHOLE
        assert [question.data["context"].get("speculative") for question in second.questions] == [
            None
        ]


async def test_nobody_else_is_asked_on_a_guess_than_who_would_be_asked_anyway() -> None:
    first, second = FakeHandle(*ANSWER), guessing_handle("Never.")
    async with guessing(first, second) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await over(direct, posts)
        assert posts.text == WHOLE
        assert second.questions == []


async def test_what_was_handed_over_before_the_handle_server_died_is_all_that_comes() -> None:
    handle, second = guessing_handle(*ANSWER), guessing_handle("Never.")
    handle.pauses_at = 2
    async with guessing(handle, second) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        said(direct, 1, CHUNKS[1:])
        await posts.until(ReplyText, count=2)
        handle.kill()
        await over(direct, posts)
        assert posts.text == posts.spoken == "".join(ANSWER[:2])
        assert posts.failure.trouble is Trouble.FAILED
        assert second.questions == []


async def test_a_guess_that_came_true_without_a_word_is_taken_over_by_the_next_server() -> None:
    handle, second = guessing_handle("Never."), guessing_handle(*ANSWER)
    handle.acts, handle.leaves_at = True, 0
    async with guessing(handle, second) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        await over(direct, posts)
        assert handle.commits == 1
        assert posts.text == posts.spoken == WHOLE
        (context,) = second.contexts
        assert "speculative" not in context


async def test_a_tts_server_that_fails_a_guess_has_lost_nothing() -> None:
    handle, first, second = guessing_handle(*ANSWER), FakeTts(leaves_at=3), FakeTts()
    async with guessing(handle, first, second) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await first.until(asked=1)
        await handle.idle()  # the guess is given up
        assert posts.events[1:] == [Supposed(1, "what time is it", audio_ms=500)]
        await over(direct, posts)
        assert posts.text == posts.spoken == WHOLE
        assert posts.events[-1] == ReplyEnded(1)
        assert handle.commits == 0


@pytest.mark.parametrize("cut_at", [40, 60, 100])
async def test_a_tts_server_that_dies_once_the_guess_has_come_true(cut_at: int) -> None:
    """More than two seconds of its speech can't have been taken in before that."""
    handle, first, second = guessing_handle(*ANSWER), FakeTts(leaves_at=cut_at), FakeTts()
    async with guessing(handle, first, second) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await first.until(asked=1)
        await first.idle()
        await over(direct, posts)
        assert posts.events[-1] == ReplyEnded(1)
        assert nothing_lost(posts.spoken, WHOLE, cut_at), posts.spoken
        assert (len(handle.questions), handle.commits) == (1, 1)


async def test_what_an_asr_server_supposed_before_it_died_may_still_come_true() -> None:
    asr, second, handle = guessing_asr("never"), guessing_asr(), guessing_handle(*ANSWER)
    async with guessing(handle, second, asr=asr) as (direct, posts, _):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        asr.kill()
        await over(direct, posts)
        assert posts.of(Transcribed) == [Transcribed(1, "what time is it")]
        assert posts.spoken == WHOLE
        assert (len(handle.questions), handle.commits) == (1, 1)


async def test_a_satellite_that_ends_takes_its_guess_along() -> None:
    before = asyncio.all_tasks()
    handle, tts = guessing_handle(*ANSWER), FakeTts()
    async with guessing(handle, tts) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await tts.until(asked=1)
    assert handle.commits == 0
    assert asyncio.all_tasks() - before == set()


async def test_a_server_that_turns_out_not_to_speculate_is_asked_nothing() -> None:
    handle, told = FakeHandle(extensions=["another"]), list[Report]()
    async with handle.listening() as uri:
        lines = Lines(Servers("tcp://127.0.0.1:1", uri, "tcp://127.0.0.1:1"))
        assert lines.may_speculate()  # nobody has asked it yet what it can do
        errand = Errand(lines, TurnRecord("turn"), Question("t1"))
        supposition = Supposition("what", errand, told.append, at_once)
        await handle.until(opened=1, open_=0)
        assert not supposition.commit()
        assert not lines.may_speculate()
        assert [event.type for event in handle.seen] == ["describe"]
        await asyncio.wait((supposition.drop(),))
    assert told == []


class Hasty(FakeHandle):
    """Has done with an answer before it knows whether it was wanted."""

    async def committed(self, caller: Caller) -> None:
        pass


async def test_a_server_that_does_not_wait_is_told_that_it_was_asked_all_the_same() -> None:
    handle, tts = Hasty(*ANSWER, extensions=HANDLE_EXTENSIONS), FakeTts()
    async with guessing(handle, tts) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await tts.until(asked=1)
        await over(direct, posts)
        assert posts.text == posts.spoken == WHOLE
        await until(lambda: [event.type for event in handle.seen].count("commit") == 1)


class Endless(FakeHandle):
    """Is never done, though all has been said."""

    async def committed(self, caller: Caller) -> None:
        await super().committed(caller)
        await caller.silence()


async def test_an_answer_is_over_once_all_of_it_was_spoken_even_if_the_server_hangs() -> None:
    handle = Endless(*ANSWER, extensions=HANDLE_EXTENSIONS)
    async with guessing(handle, patience=Patience(end_s=0.01)) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        await over(direct, posts)
        assert posts.events[-1] == ReplyEnded(1)
        assert posts.text == posts.spoken == WHOLE
        assert handle.commits == 1
        await handle.idle()  # it was hung up on


class Rash(FakeHandle):
    """Says that all of an answer has come before any of it has."""

    async def _write(self, caller: Caller, until: object) -> None:
        await caller.send(Event(ANSWER_WRITTEN))
        await super()._write(caller, until)


@pytest.mark.parametrize("whole", [False, True])
async def test_all_of_an_answer_has_not_come_before_any_of_it(whole: bool) -> None:
    handle = Rash(*ANSWER, whole=whole, extensions=HANDLE_EXTENSIONS)
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        await over(direct, posts)
        assert posts.text == posts.spoken == WHOLE


class Talkative(FakeHandle):
    """Says that this was all, and then something else."""

    async def committed(self, caller: Caller) -> None:
        await super().committed(caller)
        await caller.send(HandledChunk(text="One more thing.").event())


async def test_what_comes_after_all_of_an_answer_is_no_part_of_it() -> None:
    handle = Talkative(*ANSWER, extensions=HANDLE_EXTENSIONS)
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        await over(direct, posts)
        assert posts.text == posts.spoken == WHOLE
        at = posts.events.index(Transcribed(1, "what time is it"))
        assert not any(isinstance(event, Progressed) for event in posts.events[at:])
