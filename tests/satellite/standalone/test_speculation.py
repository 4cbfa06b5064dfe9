"""An answer that is begun before the speaker has finished: used if it was foreseen, else never heard of."""

import asyncio

import pytest

from satellite.events import (
    Foreseen,
    Progressed,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    Supposed,
    Transcribed,
    WakeWord,
)
from tests.satellite.standalone.guesses import (
    QUESTION,
    guessed,
    guessed_again,
    guessing,
    guessing_asr,
    guessing_handle,
    kinds,
    over,
)
from tests.satellite.standalone.stage import ANSWER, CHUNKS, answered, asking, said, standalone
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeHandle, FakeTts
from tests.satellite.waiting import until
from wyoming_voice.extensions import SPECULATIVE_TRANSCRIPT

BEYOND = {"speculative", "endpointing", "replaces"}


async def test_what_was_foreseen_is_answered_in_the_moment_it_is_transcribed() -> None:
    handle, tts = guessing_handle(), FakeTts()
    async with guessing(handle, tts) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await tts.until(asked=1, open_=0)  # all has been spoken
        assert posts.events[1:] == [Supposed(1, QUESTION, audio_ms=500)]
        assert handle.commits == 0
        said(direct, 1, CHUNKS[1:])
        await posts.until(ReplyAudio)
        assert posts.spoken == posts.text == "It is noon."
        assert posts.of(ReplyEnded) == []  # the handle server has yet to hear that it was asked
        await posts.until(ReplyEnded)
        assert kinds(posts) == [Transcribed, Foreseen, ReplyText, ReplyAudio, ReplyEnded]
        assert handle.commits == 1
        assert [context["speculative"] for context in handle.contexts] == [True]
        await until(lambda: direct.status()["speculation_hits"] == 1)


async def test_no_sign_of_life_comes_from_an_answer_that_nobody_wants_yet() -> None:
    tts = FakeTts()
    async with guessing(guessing_handle(), tts) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await tts.until(asked=1)
        await over(direct, posts)
        first = next(at for at, event in enumerate(posts.events) if isinstance(event, ReplyText))
        assert not any(isinstance(event, Progressed) for event in posts.events[:first])


async def test_a_foreseen_answer_goes_on_live() -> None:
    handle = guessing_handle(*ANSWER)
    handle.pauses_at = 2
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        said(direct, 1, CHUNKS[1:])
        await posts.until(ReplyText, count=2)
        assert posts.text == "".join(ANSWER[:2])
        handle.go_on.set()
        await posts.until(ReplyEnded)
        assert posts.text == posts.spoken == "".join(ANSWER)
        assert (len(handle.questions), handle.commits) == (1, 1)


async def test_an_answer_whose_end_is_not_told_is_spoken_to_the_end_all_the_same() -> None:
    handle = guessing_handle()
    handle.tells = False
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        await over(direct, posts)
        assert posts.spoken == "It is noon."
        assert handle.commits == 1


async def test_a_handle_server_that_answers_nothing_before_it_is_certain() -> None:
    handle = guessing_handle(*ANSWER)
    handle.acts = True
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        await over(direct, posts)
        assert posts.text == posts.spoken == "".join(ANSWER)
        assert (len(handle.questions), handle.commits) == (1, 1)


async def test_a_tts_server_that_takes_whole_texts_begins_early_too() -> None:
    tts = FakeTts(streams=False)
    async with guessing(guessing_handle(*ANSWER), tts) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await tts.until(asked=1)
        assert posts.of(ReplyAudio) == []
        await over(direct, posts)
        assert posts.spoken == "".join(tts.given)
        assert len(tts.given) == 4


async def test_what_was_foreseen_wrongly_is_never_heard_of() -> None:
    handle = guessing_handle("Never.")
    async with guessing(handle, asr=guessing_asr("what is the time in Rome")) as (
        direct,
        posts,
        asr,
    ):
        await guessed(direct, posts, asr, "what is the time")
        await handle.until(asked=1)
        handle.deltas, handle.pauses_at = ANSWER, 1
        said(direct, 1, CHUNKS[1:])
        await posts.until(ReplyText)
        await until(lambda: sum(caller.busy for caller in handle.callers) == 1)
        handle.go_on.set()
        await posts.until(ReplyEnded)
        assert posts.text == posts.spoken == "".join(ANSWER)
        assert handle.commits == 0
        assert [question.data["text"] for question in handle.questions] == [
            "what is the time",
            "what is the time in Rome",
        ]
        assert "speculative" not in handle.contexts[1]
        await until(lambda: direct.status()["speculation_misses"] == 1)
        await handle.idle()


async def test_the_next_guess_takes_the_place_of_the_one_before() -> None:
    handle = guessing_handle("Never.")
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr, "a story")
        await handle.until(asked=1)
        handle.deltas = ANSWER
        await guessed_again(posts, asr, QUESTION)
        await handle.until(asked=2)
        await until(lambda: len(handle.callers) == 1)  # nobody waits for the first any more
        await over(direct, posts)
        assert posts.text == "".join(ANSWER)
        assert [context["speculative"] for context in handle.contexts] == [True, True]
        assert handle.commits == 1


async def test_the_same_guess_again_is_one_question() -> None:
    handle = guessing_handle()
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        await guessed_again(posts, asr, f" {QUESTION}\n")
        await over(direct, posts)
        assert posts.of(Supposed) == [Supposed(1, QUESTION, audio_ms=500)] * 2
        assert (len(handle.questions), handle.commits) == (1, 1)


async def test_what_hangs_in_the_air_is_not_answered() -> None:
    handle = guessing_handle(*ANSWER)
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr, "turn on the")
        await over(direct, posts)
        assert posts.of(Supposed) == [Supposed(1, "turn on the", audio_ms=500)]
        assert posts.text == "".join(ANSWER)
        assert ["speculative" in context for context in handle.contexts] == [False]


async def test_if_nothing_may_have_been_said_nobody_is_asked() -> None:
    handle, tts = guessing_handle(), FakeTts()
    async with guessing(handle, tts, asr=guessing_asr("")) as (direct, posts, asr):
        await guessed(direct, posts, asr, "")
        await guessed_again(posts, asr, "lamp")
        await handle.until(asked=1)
        await guessed_again(posts, asr, "")
        await handle.idle()
        said(direct, 1, CHUNKS[1:])
        await posts.until(Transcribed)
        assert posts.events[-1] == Transcribed(1, "")
        assert [question.data["text"] for question in handle.questions] == ["lamp"]
        assert handle.commits == 0


@pytest.mark.parametrize("pauses_at", [0, 2, 99])
async def test_a_turn_that_is_cancelled_takes_its_guess_along(pauses_at: int) -> None:
    """Before the first word, in the midst of the text, and when all of it waits to be wanted."""
    before = asyncio.all_tasks()
    handle, tts = guessing_handle(*ANSWER), FakeTts()
    handle.pauses_at = pauses_at
    async with guessing(handle, tts) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        if pauses_at:
            await tts.until(asked=1)
        direct.cancel(1)
        handle.go_on.set()
        for server in (asr, handle, tts):
            await server.idle()
        assert posts.events[1:] == [Supposed(1, QUESTION, audio_ms=500)]
        assert handle.commits == 0
        await until(lambda: direct.status()["speculation_misses"] == 1)
    assert asyncio.all_tasks() - before == set()


async def test_a_turn_that_is_over_with_what_was_said_is_not_asked_for_certain() -> None:
    """Who says `stop` wants no answer."""
    handle, tts = guessing_handle("Never."), FakeTts()
    async with guessing(handle, tts) as (direct, posts, asr):
        posts.told = lambda event: direct.cancel(1) if isinstance(event, Transcribed) else None
        await guessed(direct, posts, asr)
        await tts.until(asked=1)
        said(direct, 1, CHUNKS[1:])
        await posts.until(Transcribed)
        await handle.idle()
        assert handle.commits == 0
        assert posts.text == ""


async def test_a_foreseen_answer_that_is_cancelled_ends_at_once() -> None:
    handle, tts = guessing_handle(*ANSWER), FakeTts()
    handle.pauses_at = 2
    async with guessing(handle, tts) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await tts.until(asked=1)
        said(direct, 1, CHUNKS[1:])
        await posts.until(ReplyAudio)
        before = list(posts.events)
        direct.cancel(1)
        handle.go_on.set()
        for server in (handle, tts):
            await server.idle()
        assert posts.events == before


async def test_no_more_than_two_seconds_are_taken_in_before_they_are_wanted() -> None:
    never = asyncio.Event()

    async def room() -> None:
        await never.wait()

    handle, tts = guessing_handle(*ANSWER), FakeTts()
    async with guessing(handle, tts, room=room) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await until(lambda: "".join(tts.given) == "".join(ANSWER))
        for _ in range(500):
            await asyncio.sleep(0)
        said(direct, 1, CHUNKS[1:])
        await posts.until(ReplyAudio)
        sounds = [event.sound for event in posts.events if isinstance(event, ReplyAudio)]
        held_ms = sum(sound.ms for sound in sounds)
        assert 0 < held_ms <= 2000 + sounds[-1].ms
        for _ in range(500):
            await asyncio.sleep(0)
        assert len(posts.of(ReplyAudio)) == len(
            sounds
        )  # from there on as much as there is room for


async def test_servers_hear_nothing_beyond_the_protocol_that_they_do_not_list() -> None:
    asr, handle = FakeAsr(extensions=["another"]), FakeHandle(extensions=["another"])
    async with standalone(asr, handle, FakeTts()) as (direct, posts):
        await answered(direct, posts, 1)
        await answered(direct, posts, 2, replaces=1)
        (transcribe, *_) = [event for event in asr.seen if event.type == "transcribe"]
        assert set(transcribe.data["context"]) == {"turn_id"}
        assert {event.type for event in handle.seen} == {"describe", "transcript"}
        for context in handle.contexts:
            assert not BEYOND & set(context)


async def test_an_asr_server_is_asked_for_what_it_lists_alone() -> None:
    asr = FakeAsr(extensions=[SPECULATIVE_TRANSCRIPT])
    async with guessing(guessing_handle(), asr=asr) as (direct, posts, _):
        await answered(direct, posts)
    async with guessing(guessing_handle()) as (direct, posts, both):
        await answered(direct, posts)
    contexts = [
        event.data["context"] for event in (*asr.seen, *both.seen) if event.type == "transcribe"
    ]
    assert [context.get("speculative") for context in contexts] == [True, True]
    assert [context.get("endpointing") for context in contexts] == [None, False]


async def test_a_handle_server_that_does_not_speculate_is_asked_once_all_is_certain() -> None:
    handle = FakeHandle()
    async with guessing(handle) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await over(direct, posts)
        assert posts.of(Supposed)
        assert len(handle.questions) == 1
        assert (direct.status()["speculation_hits"], direct.status()["speculation_misses"]) == (
            0,
            0,
        )


async def test_what_was_heard_of_a_foreseen_answer_is_told_with_each_next_question() -> None:
    handle, asr = guessing_handle(*ANSWER), guessing_asr()
    async with guessing(handle, asr=asr) as (direct, posts, _):
        await guessed(direct, posts, asr)
        await over(direct, posts)
        await guessed(direct, posts, asr, "another", epoch=2, heard_ms=2000)
        await handle.until(asked=2)
        await over(direct, posts, epoch=2)
        heard = [context.get("heard") for context in handle.contexts]
        assert heard == [None, "It is noon. The sun is", "It is noon. The sun is"]


@pytest.mark.parametrize(("guess", "fact"), [(QUESTION, "hit"), ("a story", "miss"), ("", "none")])
async def test_the_log_says_what_became_of_a_guess(
    guess: str, fact: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with guessing(guessing_handle()) as (direct, posts, asr):
        await guessed(direct, posts, asr, guess)
        await over(direct, posts)
        await until(lambda: "outcome=ok" in caplog.text)
    (line,) = [text for text in caplog.messages if "kind=turn" in text]
    assert f"speculation={fact}" in line
    assert (" saved=" in line) == (fact == "hit")


async def test_a_question_is_announced_once_when_its_turn_begins() -> None:
    handle = guessing_handle()
    jarvis = WakeWord("jarvis", "hey jarvis", prompt="You are a butler.")
    async with guessing(handle, language="de") as (direct, posts, asr):
        await guessed(direct, posts, asr, word=jarvis)
        assert len(handle.warmed) == 1
        await over(direct, posts)
        (warmed,) = handle.warmed
        context = dict(handle.contexts[0])
        assert context.pop("speculative")
        assert warmed.data == {"context": context, "language": "de"}
        assert context["system_prompt"] == "You are a butler."
        types = [event.type for event in handle.seen if event.type != "describe"]
        assert types == ["warm-up", "transcript", "commit"]  # all on one connection


async def test_a_connection_that_waits_is_told_of_each_turn() -> None:
    handle = guessing_handle()
    async with guessing(handle, asr=guessing_asr("")) as (direct, posts, _):
        for epoch in (1, 2):
            asking(direct, epoch)
            said(direct, epoch)
            await posts.until(Transcribed, count=epoch)
            assert len(handle.warmed) == epoch
        assert handle.opened == 2  # for the first look, and to wait


async def test_a_turn_that_goes_on_names_the_question_that_it_replaces() -> None:
    handle = guessing_handle()
    async with guessing(handle) as (direct, posts, _):
        await answered(direct, posts, 1)
        await answered(direct, posts, 2, replaces=1)
        first, second = handle.contexts
        assert second["replaces"] == first["turn_id"]
        assert second["conversation_id"] == first["conversation_id"]
        assert "replaces" not in first
