"""A turn through servers that fail, anywhere: one answer, nothing said and nothing written is lost."""

import asyncio
import random
from collections.abc import Callable

import pytest
from wyoming.error import Error

from satellite.events import (
    AnnouncementAudio,
    AnnouncementEnded,
    Progressed,
    ReplyEnded,
    Transcribed,
    Trouble,
)
from satellite.standalone.patience import Patience
from tests.satellite.standalone.stage import (
    ANSWER,
    CHUNKS,
    END,
    UTTERANCE,
    answered,
    asking,
    said,
    standalone,
)
from tests.satellite.standalone.wyoming_servers import Caller, FakeAsr, FakeHandle, FakeTts

REFUSAL = Error("no such thing", "bad-request")


async def test_an_asr_server_killed_in_mid_utterance_is_followed_by_one_that_hears_all() -> None:
    first, second = FakeAsr(), FakeAsr("all of it")
    async with standalone(first, second, FakeHandle(), FakeTts()) as (direct, posts):
        asking(direct)
        for chunk in CHUNKS[:60]:
            direct.feed(1, chunk)
        await first.until(asked=1)
        first.kill()
        await second.until(asked=1)
        said(direct, chunks=CHUNKS[60:])
        await posts.until(*END)
        assert second.heard == UTTERANCE
        assert posts.of(Transcribed) == [Transcribed(1, "all of it")]
        assert posts.spoken == "It is noon."


async def test_the_only_asr_server_is_asked_once_more_when_it_hung_up() -> None:
    asr = FakeAsr()
    async with standalone(asr, FakeHandle(), FakeTts()) as (direct, posts):
        asking(direct)
        direct.feed(1, CHUNKS[0])
        await asr.until(asked=1)
        asr.hang_up()
        await asr.until(asked=2)
        said(direct, chunks=CHUNKS[1:])
        await posts.until(*END)
        assert asr.heard == UTTERANCE
        assert posts.of(*END) == [ReplyEnded(1)]


@pytest.mark.parametrize(
    "first",
    [
        lambda: FakeAsr(leaves_at=2000),
        lambda: FakeAsr(leaves_at=len(UTTERANCE) * 2),
        lambda: FakeAsr(refusal=REFUSAL),
    ],
    ids=["hangs up", "hangs up after all", "refuses"],
)
async def test_an_asr_server_that_fails_after_the_end_of_speech(
    first: Callable[[], FakeAsr],
) -> None:
    second = FakeAsr("all of it")
    async with standalone(first(), second, FakeHandle(), FakeTts()) as (direct, posts):
        await answered(direct, posts)
        assert second.heard == UTTERANCE
        assert posts.of(*END) == [ReplyEnded(1)]


async def test_an_asr_server_that_stalls_is_given_up() -> None:
    first, second = FakeAsr(silent=True), FakeAsr("all of it")
    patience = Patience(transcript_s=0.05)
    async with standalone(first, second, FakeHandle(), FakeTts(), patience=patience) as (
        direct,
        posts,
    ):
        await answered(direct, posts)
        assert second.heard == UTTERANCE
        assert posts.of(Transcribed) == [Transcribed(1, "all of it")]
        assert posts.of(Progressed)


async def test_no_asr_server_is_left() -> None:
    asr = FakeAsr()
    async with standalone(asr, FakeHandle(), FakeTts()) as (direct, posts):
        asr.kill()
        await answered(direct, posts)
        assert posts.failure.trouble is Trouble.NO_ASR
        assert "no asr server answers at" in posts.failure.text


async def test_all_asr_servers_refuse() -> None:
    asr = [FakeAsr(refusal=REFUSAL), FakeAsr(refusal=REFUSAL)]
    async with standalone(*asr, FakeHandle(), FakeTts()) as (direct, posts):
        await answered(direct, posts)
        assert posts.failure.trouble is Trouble.FAILED
        assert posts.failure.text == "the asr server says: no such thing"
        assert [server.asked for server in asr] == [1, 1]


async def test_a_handle_server_lost_before_its_first_word_is_followed_by_the_next() -> None:
    first, second = FakeHandle(leaves_at=0), FakeHandle(*ANSWER)
    async with standalone(FakeAsr(), first, second, FakeTts()) as (direct, posts):
        await answered(direct, posts)
        assert posts.text == posts.spoken == "".join(ANSWER)


async def test_what_a_handle_server_wrote_before_it_was_lost_is_spoken() -> None:
    first, second = FakeHandle(*ANSWER, leaves_at=2), FakeHandle("Never.")
    async with standalone(FakeAsr(), first, second, FakeTts()) as (direct, posts):
        await answered(direct, posts)
        assert posts.text == posts.spoken == "It is noon. The sun is "
        assert posts.failure.trouble is Trouble.FAILED
        assert posts.events[-1] is posts.failure
        assert second.questions == []


async def test_a_handle_server_that_stalls_is_given_up() -> None:
    first, second = FakeHandle(silent=True), FakeHandle("All right.")
    patience = Patience(words_s=0.05)
    async with standalone(FakeAsr(), first, second, FakeTts(), patience=patience) as (
        direct,
        posts,
    ):
        await answered(direct, posts)
        assert posts.spoken == "All right."


async def test_no_handle_server_is_left() -> None:
    handle = FakeHandle()
    async with standalone(FakeAsr(), handle, FakeTts()) as (direct, posts):
        handle.kill()
        await answered(direct, posts)
        assert posts.failure.trouble is Trouble.NO_HANDLE


def words(text: str) -> list[str]:
    return text.split()


def nothing_lost(spoken: str, whole: str, cut_at: int) -> bool:
    """`spoken` is the beginning of `whole` up to `cut_at`, then all from a place that isn't after it."""
    head, rest = spoken[:cut_at], spoken[cut_at:]
    begins = len(" ".join(whole.split())) - len(rest.strip())
    return whole.startswith(head) and whole.endswith(rest.strip()) and begins <= cut_at


@pytest.mark.parametrize("cut_at", [0, 5, 30, 60, 100, 125])
async def test_the_rest_of_an_answer_is_spoken_by_the_next_tts_server(cut_at: int) -> None:
    first, second = FakeTts(leaves_at=cut_at), FakeTts()
    async with standalone(FakeAsr(), FakeHandle(*ANSWER), first, second) as (direct, posts):
        await answered(direct, posts)
        assert posts.of(*END) == [ReplyEnded(1)]
        assert nothing_lost(posts.spoken, "".join(ANSWER), cut_at), posts.spoken


async def test_sentences_that_were_spoken_for_certain_are_not_repeated() -> None:
    """The voice has been heard before, so its pace is known: the sentence in progress is repeated alone."""
    first, second = FakeTts(), FakeTts()
    async with standalone(FakeAsr(), FakeHandle(*ANSWER), first, second) as (direct, posts):
        await answered(direct, posts)
        posts.events.clear()
        first.leaves_at = 105
        await answered(direct, posts, epoch=2)
        assert posts.spoken[85:105] == "Shall I tell the oth"
        assert posts.spoken[105:].strip() == "Shall I tell the others, who are out in the garden?"


class MuteTts(FakeTts):
    """Takes a text and says nothing."""

    async def speak(self, caller: Caller, text: str) -> None:
        pass


async def test_a_tts_server_that_says_nothing_is_followed_by_the_next() -> None:
    servers = FakeAsr(), FakeHandle(), MuteTts(), FakeTts()
    async with standalone(*servers) as (direct, posts):
        await answered(direct, posts)
        assert posts.spoken == "It is noon."


async def test_a_tts_server_that_takes_whole_texts_is_lost_in_a_sentence() -> None:
    first, second = FakeTts(streams=False, leaves_at=21), FakeTts(streams=False)
    async with standalone(FakeAsr(), FakeHandle(*ANSWER), first, second) as (direct, posts):
        await answered(direct, posts)
        assert posts.spoken.startswith("It is noon.The sun isThe sun is high over the hills.")
        assert first.asked == 2  # the second sentence was on a connection of its own


async def test_a_tts_server_that_stalls_is_given_up() -> None:
    first, second = FakeTts(silent=True), FakeTts()
    patience = Patience(speech_s=0.05)
    async with standalone(FakeAsr(), FakeHandle(), first, second, patience=patience) as (
        direct,
        posts,
    ):
        await answered(direct, posts)
        assert posts.spoken == "It is noon."


async def test_no_tts_server_is_left() -> None:
    tts = FakeTts()
    async with standalone(FakeAsr(), FakeHandle(), tts) as (direct, posts):
        tts.kill()
        await answered(direct, posts)
        assert posts.failure.trouble is Trouble.NO_TTS


async def test_a_voice_that_is_not_known_is_replaced_by_the_server_s_own() -> None:
    tts = FakeTts()
    async with standalone(FakeAsr(), FakeHandle(), tts, voice="af_hart") as (direct, posts):
        await answered(direct, posts)
        assert posts.spoken == "It is noon."
        assert tts.voices == ["af_hart", None]


async def test_a_prepared_connection_that_died_is_replaced() -> None:
    servers = FakeAsr(), FakeHandle(), FakeTts()
    async with standalone(*servers) as (direct, posts):
        direct.prepare()
        for server in servers:
            await server.until(opened=2)
            server.hang_up()
        await answered(direct, posts)
        assert posts.of(*END) == [ReplyEnded(1)]
        assert posts.spoken == "It is noon."


async def test_an_announcement_that_can_t_be_spoken_ends_too() -> None:
    async with standalone(FakeTts(refusal=REFUSAL)) as (direct, posts):
        direct.say("Dinner is ready.")
        await posts.until(AnnouncementEnded)
        assert posts.of(AnnouncementAudio) == []


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_fails_the_answer_is_one_and_whole(seed: int) -> None:
    """The first servers fail somewhere, the second ones work: nothing said and nothing written is lost."""
    dice = random.Random(seed)
    whole = "".join(ANSWER)
    cut_at = dice.randrange(len(whole) + 20)
    first = (
        FakeAsr(leaves_at=dice.randrange(1, len(UTTERANCE) + 5000)),
        FakeHandle(leaves_at=0, refusal=dice.choice([None, REFUSAL])),
        FakeTts(leaves_at=cut_at, streams=dice.random() < 0.7),
    )
    second = FakeAsr("all of it"), FakeHandle(*ANSWER), FakeTts(streams=dice.random() < 0.7)
    async with standalone(*first, *second) as (direct, posts):
        asking(direct)
        for chunk in CHUNKS:
            direct.feed(1, chunk)
            if dice.random() < 0.3:
                await asyncio.sleep(0)
        direct.end_audio(1)
        await posts.until(*END)
        assert posts.of(*END) == [ReplyEnded(1)]
        assert second[0].heard == UTTERANCE
        assert posts.text == whole
        assert set(words(whole)) <= set(words(posts.spoken.replace(".", ". ").replace("?", "? ")))
