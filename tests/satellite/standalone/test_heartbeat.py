"""Servers that freeze, and servers that are slow: the ones are given up early, the others are not."""

import asyncio
import re
import time
from dataclasses import replace

import pytest
from wyoming.event import Event as WyomingEvent

from satellite.events import Progressed, ReplyEnded, Transcribed
from satellite.standalone import script
from satellite.standalone.heartbeat import Heartbeat, Silent
from satellite.standalone.hopes import Hopes
from satellite.standalone.line import Server, open_line
from satellite.standalone.patience import Patience
from tests.satellite.standalone.guesses import HANDLE_EXTENSIONS, guessed, guessing, over
from tests.satellite.standalone.stage import (
    ANSWER,
    END,
    UTTERANCE,
    answered,
    asking,
    said,
    standalone,
)
from tests.satellite.standalone.test_hopes import pauses
from tests.satellite.standalone.wyoming_servers import Caller, FakeAsr, FakeHandle, FakeTts
from tests.satellite.waiting import until
from wyoming_voice.describing import Description
from wyoming_voice.errors import VoiceError
from wyoming_voice.extensions import COMMIT, PONGS

PONGING = (PONGS,)
WATCHFUL = Patience(transcript_s=60, words_s=60, speech_s=60, return_s=0, quiet_s=0.01, pong_s=0.3)
"""Of servers of which only the one that freezes is asked for signs of life."""

PATIENT = Patience(return_s=0, quiet_s=0.01, pong_s=60)
"""Asks again and again, and waits for an answer."""


def pings(server: FakeAsr | FakeHandle | FakeTts) -> int:
    return sum(event.type == "ping" for event in server.seen)


class FreezingAsr(FakeAsr):
    """Whose first connections, so many as `freezes`, are taken and never served, as by a balancer."""

    freezes = 0

    async def work(self, caller: Caller) -> None:
        self.freezes -= 1
        if self.freezes >= 0:
            await asyncio.Event().wait()
        await super().work(caller)


class SlowAsr(FakeAsr):
    """Says that it lives a few times before it says what it has understood."""

    async def work(self, caller: Caller) -> None:
        await caller.read_until("audio-stop")
        reading = asyncio.create_task(caller.silence())
        await until(lambda: pings(self) >= 5)
        reading.cancel()
        await caller.send(WyomingEvent("transcript", {"text": self.text}))


async def test_an_asr_server_that_is_frozen_is_followed_by_one_that_hears_all() -> None:
    first, second = FakeAsr(extensions=PONGING), FakeAsr("all of it")
    at_once = replace(WATCHFUL, quiet_s=60)  # who is frozen was so before it is asked, as a rule
    async with standalone(first, second, FakeHandle(), FakeTts(), patience=at_once) as (
        direct,
        posts,
    ):
        first.thawed.clear()
        asking(direct)
        await second.until(asked=1)  # before all has been said
        said(direct)
        await posts.until(*END)
        assert second.heard == UTTERANCE
        assert posts.of(Transcribed, *END) == [Transcribed(1, "all of it"), ReplyEnded(1)]


async def test_the_address_is_asked_again_where_a_balancer_may_have_another() -> None:
    asr = FreezingAsr("by another", extensions=PONGING)
    patience = Patience(transcript_s=60, pong_s=1.0)
    async with standalone(asr, FakeHandle(), FakeTts(), patience=patience) as (direct, posts):
        asr.freezes = 1
        await answered(direct, posts)
        assert posts.of(Transcribed, *END) == [Transcribed(1, "by another"), ReplyEnded(1)]
        assert asr.heard == UTTERANCE


@pytest.mark.parametrize("kind", ["asr", "handle", "tts"])
async def test_who_was_given_up_wrongly_is_asked_again_and_nothing_is_lost(kind: str) -> None:
    asr, tts = FakeAsr(extensions=PONGING), FakeTts(extensions=PONGING)
    handle = FakeHandle(*ANSWER, extensions=PONGING)
    (gone,) = (server for server in (asr, handle, tts) if server.kind == kind)
    patience = replace(WATCHFUL, return_s=10)
    async with standalone(asr, handle, tts, patience=patience) as (direct, posts):
        gone.thawed.clear()
        asking(direct)
        said(direct)
        await posts.until(Progressed)  # it was missed
        gone.thawed.set()
        await posts.until(*END)
        assert posts.of(Transcribed, *END) == [Transcribed(1, asr.text), ReplyEnded(1)]
        assert posts.spoken == "".join(ANSWER)
        assert len(handle.questions) == 1


async def test_who_is_slow_and_says_that_it_lives_is_waited_for() -> None:
    slow, second = SlowAsr("slowly", extensions=PONGING), FakeAsr("never")
    async with standalone(slow, second, FakeHandle(), FakeTts(), patience=PATIENT) as (
        direct,
        posts,
    ):
        await answered(direct, posts)
        assert posts.of(Transcribed) == [Transcribed(1, "slowly")]
        assert (slow.asked, second.asked) == (1, 0)


async def test_who_does_not_say_that_it_pongs_is_not_asked_and_waited_for_as_ever() -> None:
    foreign, handle, tts = FakeAsr(silent=True), FakeHandle(), FakeTts()
    patience = Patience(transcript_s=0.5, return_s=0, quiet_s=0, pong_s=0)
    async with standalone(foreign, handle, tts, FakeAsr(), patience=patience) as (direct, posts):
        await answered(direct, posts)
        assert posts.of(*END) == [ReplyEnded(1)]
        assert foreign.asked == 1  # it took too long, and is not asked again
        assert pings(foreign) == pings(handle) == pings(tts) == 0


async def test_a_frozen_handle_server_is_not_asked_at_all_and_nothing_comes_of_it_when_it_thaws() -> (
    None
):
    first, second = FakeHandle("Never.", extensions=PONGING), FakeHandle(*ANSWER)
    async with standalone(FakeAsr(), first, second, FakeTts(), patience=WATCHFUL) as (
        direct,
        posts,
    ):
        first.thawed.clear()
        await answered(direct, posts)
        assert posts.spoken == "".join(ANSWER)
        first.thawed.set()
        await first.until(open_=0)
        assert first.questions == []


class SleepingHandle(FakeHandle):
    """Freezes when it has been asked."""

    async def work(self, caller: Caller) -> None:
        self.questions.append(await caller.read_until("transcript"))
        self.thawed.clear()
        await caller.silence()


async def test_who_freezes_over_a_question_is_waited_for_and_nobody_else_is_asked_it() -> None:
    first, second = SleepingHandle(extensions=PONGING), FakeHandle("Never.")
    patience = Patience(words_s=2, return_s=0, quiet_s=0, pong_s=1)
    async with standalone(FakeAsr(), first, second, FakeTts(), patience=patience) as (
        direct,
        posts,
    ):
        await answered(direct, posts)
        assert "took too long" in posts.failure.text
        assert len(first.questions) == 1
        assert second.questions == []


async def test_who_is_slow_over_a_question_is_followed_by_another_as_ever() -> None:
    first, second = FakeHandle(extensions=PONGING, silent=True), FakeHandle("All right.")
    patience = Patience(words_s=0.5, return_s=0, quiet_s=60, pong_s=60)
    async with standalone(FakeAsr(), first, second, FakeTts(), patience=patience) as (
        direct,
        posts,
    ):
        await answered(direct, posts)
        assert posts.spoken == "All right."


async def test_who_froze_while_it_answered_a_guess_is_not_told_to_go_on_with_it() -> None:
    first = FakeHandle(extensions=(*HANDLE_EXTENSIONS, PONGS))
    first.pauses_at = 0
    second = FakeHandle(*ANSWER)
    async with guessing(first, second, patience=WATCHFUL) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await first.until(asked=1)
        first.thawed.clear()
        await over(direct, posts)
        assert posts.spoken == "".join(ANSWER)
        first.thawed.set()
        first.go_on.set()
        await first.idle()
        assert COMMIT not in [event.type for event in first.seen]


async def test_a_guess_is_gone_on_with_by_who_says_that_it_lives() -> None:
    handle = FakeHandle(*ANSWER, extensions=(*HANDLE_EXTENSIONS, PONGS))
    async with guessing(handle, patience=PATIENT) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await over(direct, posts)
        assert posts.spoken == "".join(ANSWER)
        assert (len(handle.questions), handle.commits) == (1, 1)


async def test_an_answer_to_a_guess_that_nobody_reads_to_its_end_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is longer than anybody wants to hear: a sign of life from who goes on and on would not be seen."""
    monkeypatch.setattr(script, "MAX_CHARS", 10)
    handle = FakeHandle(*ANSWER, extensions=(*HANDLE_EXTENSIONS, PONGS))
    async with guessing(handle, patience=PATIENT) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(open_=0)
        await over(direct, posts)
        assert posts.of(*END) == [ReplyEnded(1)]
        assert posts.spoken == ANSWER[0]


class SleepingTts(FakeTts):
    """Freezes after its first words."""

    async def speak(self, caller: Caller, text: str) -> None:
        await super().speak(caller, text)
        self.thawed.clear()


@pytest.mark.parametrize("streams", [True, False])
async def test_a_frozen_voice_is_followed_by_another(streams: bool) -> None:
    first, second = SleepingTts(streams=streams, extensions=PONGING), FakeTts()
    handle = FakeHandle(*ANSWER)
    async with standalone(FakeAsr(), handle, first, second, patience=WATCHFUL) as (direct, posts):
        await answered(direct, posts)
        assert posts.of(*END) == [ReplyEnded(1)]
        assert posts.spoken.endswith("out in the garden?")
        assert second.given


async def test_what_is_said_of_it_names_how_long_it_was_silent() -> None:
    asr = FakeAsr(extensions=PONGING, silent=True)
    async with asr.listening() as uri:
        line = await open_line(
            Server("asr", uri, asr.info if isinstance(asr.info, Description) else None), 5
        )
        asr.thawed.clear()
        with pytest.raises(Silent, match="no sign of life for") as caught:
            await Heartbeat(line, WATCHFUL).awake()
        assert caught.value.after_s >= WATCHFUL.pong_s
        assert re.search(r"for \d+\.\d s;", str(caught.value))
        await line.close()


async def test_our_own_standstill_is_not_the_silence_of_another() -> None:
    """This process is stopped, its machine sleeps, or its loop is held up, while a pong is on its way."""
    asr = FakeAsr(extensions=PONGING)
    async with asr.listening() as uri:
        line = await open_line(Server("asr", uri, Description(extensions=frozenset(PONGING))), 5)
        asr.thawed.clear()
        channel = Heartbeat(line, replace(WATCHFUL, pong_s=0.8))
        waking = asyncio.create_task(channel.awake())
        await until(lambda: channel.unanswered)
        time.sleep(1.0)  # noqa: ASYNC251
        for _ in range(20):
            await asyncio.sleep(0)
        asr.thawed.set()
        await waking
        await line.close()


@pytest.mark.parametrize("gone", ["hangs up", "refuses"])
async def test_who_has_gone_or_refuses_before_it_is_asked_is_told_as_such(gone: str) -> None:
    asr = FakeAsr(extensions=PONGING)
    async with asr.listening() as uri:
        line = await open_line(Server("asr", uri, Description(extensions=frozenset(PONGING))), 5)
        await asr.until(open_=1)
        (caller,) = asr.callers
        if gone == "refuses":
            await caller.send(WyomingEvent("error", {"text": "too late", "code": "too-slow"}))
        else:
            caller.writer.close()
        with pytest.raises(VoiceError, match="too late" if gone == "refuses" else "hung up"):
            await Heartbeat(line, PATIENT).awake()
        await line.close()


def test_where_all_are_frozen_nobody_waits_longer_than_for_one_that_hung_up_would_be() -> None:
    """All losses to silence fit into `return_s`, the first and the last among them."""
    server = Server("asr", "tcp://127.0.0.1:1", seen_s=0.0)
    hopes, now_s = Hopes(10, 0.0), 0.0
    while True:
        now_s += 2.0
        hopes.lost(server, Silent("asr", 2.0), now_s)
        if (pause_s := hopes.pause_s(now_s)) is None:
            break
        now_s += pause_s
    assert now_s <= 10
    assert pauses(Hopes(10, 0.0), server, Silent("asr", 2.0)) == [0.25, 0.5, 1, 2, 2]
    assert pauses(Hopes(3, 0.0), server, Silent("asr", 2.0)) == []
