"""A turn without Home Assistant, through servers that work: what is posted, sent, kept and cut off."""

import asyncio
import logging

import pytest

from satellite.effects import BeginTurn
from satellite.events import (
    AnnouncementAudio,
    AnnouncementEnded,
    Progressed,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    SpeechEndedRemotely,
    Transcribed,
    Via,
    WakeWord,
)
from satellite.standalone.direct import MAX_UTTERANCE_BYTES
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
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeHandle, FakeTts, read_aloud


async def test_a_turn_from_speech_to_speech() -> None:
    asr, handle, tts = FakeAsr(), FakeHandle(*ANSWER), FakeTts()
    async with standalone(asr, handle, tts) as (direct, posts):
        await answered(direct, posts)
        assert asr.heard == UTTERANCE
        assert posts.text == posts.spoken == "".join(ANSWER)
        assert posts.of(Transcribed) == [Transcribed(1, "what time is it")]
        kinds = [type(event) for event in posts.events if not isinstance(event, Progressed)]
        assert kinds[1:3] == [Transcribed, ReplyText]
        assert kinds[-1] is ReplyEnded
        context = handle.questions[0].data["context"]
        assert set(context) == {"conversation_id", "turn_id"}
        assert direct.status() == {
            "turn": False,
            "announcements": 0,
            "speculation_hits": 0,
            "speculation_misses": 0,
        }


async def test_text_is_spoken_as_it_is_written() -> None:
    handle = FakeHandle("It is noon. And ", "then?")
    handle.pauses_at = 1
    async with standalone(FakeAsr(), handle, FakeTts()) as (direct, posts):
        asking(direct)
        said(direct)
        await posts.until(ReplyAudio)
        assert posts.text == "It is noon. And "
        handle.go_on.set()
        await posts.until(*END)
        assert posts.spoken == "It is noon. And then?"


async def test_nothing_understood_ends_the_turn() -> None:
    async with standalone(FakeAsr("  "), FakeHandle(), FakeTts()) as (direct, posts):
        asking(direct)
        said(direct)
        await posts.until(Transcribed)
        assert posts.events[1:] == [Transcribed(1, "")]


async def test_a_transcript_before_the_end_of_speech_ends_it() -> None:
    asr = FakeAsr(early=4096)
    async with standalone(asr, FakeHandle(), FakeTts()) as (direct, posts):
        asking(direct)
        for chunk in CHUNKS[:4]:
            direct.feed(1, chunk)
        await posts.until(ReplyEnded)
        assert [type(event) for event in posts.of(SpeechEndedRemotely, Transcribed)] == [
            SpeechEndedRemotely,
            Transcribed,
        ]


async def test_no_more_of_an_utterance_is_kept_than_a_minute() -> None:
    asr, half_a_minute = FakeAsr(), bytes(MAX_UTTERANCE_BYTES // 2)
    async with standalone(asr, FakeHandle(), FakeTts()) as (direct, posts):
        asking(direct)
        said(direct, chunks=[half_a_minute] * 3)
        await posts.until(ReplyEnded)
        assert len(asr.heard) == MAX_UTTERANCE_BYTES


async def test_a_handle_server_that_does_not_stream() -> None:
    handle = FakeHandle(*ANSWER, whole=True)
    async with standalone(FakeAsr(), handle, FakeTts()) as (direct, posts):
        await answered(direct, posts)
        assert posts.text == posts.spoken == "".join(ANSWER)


async def test_a_tts_server_that_takes_whole_texts_gets_sentence_by_sentence() -> None:
    tts = FakeTts(streams=False)
    async with standalone(FakeAsr(), FakeHandle(*ANSWER), tts) as (direct, posts):
        await answered(direct, posts)
        assert tts.given == [
            "It is noon.",
            "The sun is high over the hills.",
            "Lunch has been on the table for a while.",
            "Shall I tell the others, who are out in the garden?",
        ]
        assert posts.spoken == "".join(tts.given)


async def test_the_voice_of_a_wake_word_goes_before_the_satellite_s() -> None:
    tts = FakeTts()
    async with standalone(FakeAsr(), FakeHandle(), tts, voice="af_hart") as (direct, posts):
        await answered(direct, posts, word=WakeWord("jarvis", "hey jarvis", voice="bm_george"))
        assert tts.voices[0] == "bm_george"


async def test_cancelling_hangs_up_and_nothing_is_posted_from_then_on() -> None:
    handle, tts = FakeHandle(*ANSWER), FakeTts()
    handle.pauses_at = 2
    async with standalone(FakeAsr(), handle, tts) as (direct, posts):
        asking(direct)
        said(direct)
        await posts.until(ReplyAudio)
        before = list(posts.events)
        direct.cancel(1)
        await tts.until(open_=0)
        handle.go_on.set()
        await handle.until(open_=0)
        assert posts.events == before
        await answered(direct, posts, epoch=2)
        assert posts.events[-1] == ReplyEnded(2)
        assert all(getattr(event, "epoch", 2) == 2 for event in posts.events[len(before) :])


async def test_a_turn_ends_with_the_satellite() -> None:
    handle, before = FakeHandle(silent=True), asyncio.all_tasks()
    async with standalone(FakeAsr(), handle, FakeTts()) as (direct, posts):
        asking(direct)
        said(direct)
        await handle.until(asked=1)
    await handle.until(open_=0)
    assert posts.of(*END) == []
    assert asyncio.all_tasks() - before == set()


async def test_a_new_turn_takes_the_place_of_the_old_one() -> None:
    async with standalone(FakeAsr(), FakeHandle(), FakeTts()) as (direct, posts):
        asking(direct, epoch=1)
        direct.feed(1, CHUNKS[0])
        await answered(direct, posts, epoch=2)
        assert {event.epoch for event in posts.of(Transcribed, *END)} == {2}  # type: ignore[union-attr]


async def test_no_more_speech_is_taken_than_there_is_room_for() -> None:
    rooms = asyncio.Semaphore(3)

    async def room() -> None:
        await rooms.acquire()

    async with standalone(FakeAsr(), FakeHandle(*ANSWER), FakeTts(), room=room) as (direct, posts):
        asking(direct)
        said(direct)
        await posts.until(ReplyAudio, count=3)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(posts.of(ReplyAudio)) == 3
        for _ in range(1000):
            rooms.release()
        await posts.until(ReplyEnded)
        assert posts.spoken == "".join(ANSWER)


async def test_connections_are_open_before_they_are_needed() -> None:
    servers = FakeAsr(), FakeHandle(), FakeTts()
    async with standalone(*servers) as (direct, posts):
        direct.prepare()
        for server in servers:
            await server.until(opened=2)
            server.stop_listening()  # whoever connects from here on is refused
        await answered(direct, posts)
        assert posts.spoken == "It is noon."


async def test_a_turn_opens_all_of_its_connections_when_it_begins() -> None:
    handle, tts = FakeHandle(), FakeTts()
    async with standalone(FakeAsr(), handle, tts) as (direct, posts):
        asking(direct)
        await handle.until(opened=2, open_=1)
        await tts.until(opened=2, open_=1)
        said(direct)
        await posts.until(ReplyEnded)
        assert (handle.opened, tts.opened) == (2, 2)


async def test_an_announcement_that_was_cut_off_is_no_answer() -> None:
    handle = FakeHandle(*ANSWER)
    async with standalone(FakeAsr(), handle, FakeTts()) as (direct, posts):
        await answered(direct, posts)
        direct.say("Dinner is ready.")
        await posts.until(AnnouncementEnded)
        await answered(direct, posts, 2, heard_ms=300)
        assert "interrupted" not in handle.questions[1].data["context"]


async def test_follow_ups_belong_to_the_conversation_and_other_prompts_begin_another() -> None:
    handle = FakeHandle()
    jarvis = WakeWord("jarvis", "hey jarvis", prompt="You are a butler.")
    async with standalone(FakeAsr(), handle, FakeTts()) as (direct, posts):
        await answered(direct, posts, 1, word=jarvis)
        await answered(direct, posts, 2, follow_up=True)
        await answered(direct, posts, 3, word=WakeWord("nabu", "okay nabu"))
        contexts = [question.data["context"] for question in handle.questions]
        ids = [context["conversation_id"] for context in contexts]
        assert ids[0] == ids[1] != ids[2]
        prompts = [context.get("system_prompt") for context in contexts]
        assert prompts == ["You are a butler.", "You are a butler.", None]


async def test_the_handle_server_is_told_how_much_was_heard() -> None:
    handle = FakeHandle(*ANSWER)
    async with standalone(FakeAsr(), handle, FakeTts()) as (direct, posts):
        await answered(direct, posts)
        await answered(direct, posts, 2, heard_ms=2000)
        await answered(direct, posts, 3)
        contexts = [question.data["context"] for question in handle.questions]
        assert [context.get("interrupted") for context in contexts] == [None, True, None]
        assert contexts[1]["heard"] == "It is noon. The sun is"


async def test_an_announcement_is_spoken() -> None:
    async with standalone(FakeTts()) as (direct, posts):
        direct.say("Dinner is ready.")
        direct.say("Really.")
        await posts.until(AnnouncementEnded, count=2)
        sounds = [event.sound for event in posts.events if isinstance(event, AnnouncementAudio)]
        assert all(
            event.via is Via.DIRECT
            for event in posts.events
            if isinstance(event, AnnouncementAudio)
        )
        assert read_aloud(sounds) == "Dinner is ready.Really."
        assert posts.events[-1] == AnnouncementEnded(Via.DIRECT)


async def test_announcements_that_are_not_wanted_any_more_end_at_once_and_only_once() -> None:
    tts = FakeTts()
    made = asyncio.Event()

    async def room() -> None:
        await made.wait()

    async with standalone(tts, room=room) as (direct, posts):
        direct.say("Dinner is ready.")
        direct.say("Really.")
        await tts.until(opened=2)
        direct.unsay()
        direct.unsay()
        assert posts.of(AnnouncementEnded) == [AnnouncementEnded(Via.DIRECT)]
        made.set()
        direct.say("Supper is ready.")
        await posts.until(AnnouncementEnded, count=2)
        sounds = [event.sound for event in posts.events if isinstance(event, AnnouncementAudio)]
        assert read_aloud(sounds) == "Supper is ready."
        direct.unsay()
        assert len(posts.of(AnnouncementEnded)) == 2


async def test_servers_and_the_log_know_a_turn_by_the_id_it_was_begun_with(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="wyoming_voice.outcome")
    asr, handle, tts = FakeAsr(), FakeHandle(), FakeTts()
    async with standalone(asr, handle, tts) as (direct, posts):
        direct.begin(BeginTurn(1, Via.DIRECT, 0, turn_id="t-77"))
        direct.feed(1, bytes(3200))
        direct.end_audio(1)
        await posts.until(ReplyEnded)
    assert handle.contexts[-1]["turn_id"] == "t-77"
    assert "turn=t-77 kind=turn" in caplog.text
