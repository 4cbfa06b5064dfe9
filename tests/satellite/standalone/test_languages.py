"""The language of a turn: what was asked for, else what was heard; who answers and who speaks are told."""

from typing import Any

import pytest
from wyoming.error import Error

from satellite.events import AnnouncementEnded, Transcribed
from tests.satellite.standalone.guesses import ASR_EXTENSIONS, guessed_again, guessing_handle
from tests.satellite.standalone.stage import CHUNKS, answered, asking, said, standalone
from tests.satellite.standalone.wyoming_servers import (
    Caller,
    FakeAsr,
    FakeHandle,
    FakeServer,
    FakeTts,
    Left,
)
from tests.satellite.waiting import until
from wyoming_voice.extensions import SPOKEN_MARKS

ENGLISH_AND_GERMAN = ("en-US", "de-DE")


def told(server: FakeServer, kind: str, field: str) -> list[object]:
    return [event.data.get(field) for event in server.seen if event.type == kind]


@pytest.mark.parametrize(
    ("asked_for", "heard", "language"),
    [("", "de", "de"), ("de-AT", "en", "de-AT"), ("", None, None)],
)
async def test_the_handle_server_is_told_the_language(
    asked_for: str, heard: str | None, language: str | None
) -> None:
    asr, handle, tts = FakeAsr(language=heard), FakeHandle(), FakeTts()
    async with standalone(asr, handle, tts, language=asked_for) as (direct, posts):
        await answered(direct, posts)
    assert told(handle, "transcript", "language") == [language]
    assert posts.of(Transcribed) == [Transcribed(1, asr.text, language or "")]


async def test_a_question_that_is_only_supposed_has_its_language() -> None:
    asr, handle = FakeAsr(language="de", extensions=ASR_EXTENSIONS), guessing_handle()
    async with standalone(asr, handle, FakeTts()) as (direct, posts):
        asking(direct)
        direct.feed(1, CHUNKS[0])
        await asr.until(asked=1)
        await guessed_again(posts, asr, asr.text, language="de")
        await handle.until(asked=1)
    assert told(handle, "transcript", "language") == ["de"]


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("languages", "voice"),
    [(ENGLISH_AND_GERMAN, {"language": "de"}), (("en-US",), None), ((), None)],
)
async def test_the_tts_server_is_asked_for_a_voice_of_the_language_if_it_has_one(
    streams: bool, languages: tuple[str, ...], voice: object
) -> None:
    tts = FakeTts(languages=languages, streams=streams)
    async with standalone(FakeAsr(language="de"), FakeHandle("Ja."), tts) as (direct, posts):
        await answered(direct, posts)
        assert posts.spoken == "Ja."
    assert told(tts, "synthesize-start" if streams else "synthesize", "voice") == [voice]


class Particular(FakeTts):
    """Fails on who says something of the voice and doesn't name it: with an error, or by hanging up."""

    def __init__(self, *, reason: str = "", **how: Any) -> None:
        super().__init__(**how)
        self._reason = reason

    async def speak(self, caller: Caller, text: str) -> None:
        asked = [event for event in self.seen if event.type == "synthesize-start"]
        if not asked[-1].data.get("voice"):
            await super().speak(caller, text)
            return
        if self._reason:
            await caller.send(Error("no voice specified", self._reason).event())
        raise Left


@pytest.mark.parametrize("reason", ["", "ValueError"])
async def test_a_foreign_server_that_cant_do_with_a_language_alone_speaks_as_it_does(
    reason: str,
) -> None:
    tts = Particular(languages=ENGLISH_AND_GERMAN, reason=reason)
    async with standalone(FakeAsr(language="de"), FakeHandle("Ja."), tts) as (direct, posts):
        await answered(direct, posts)
        assert posts.spoken == "Ja."
    assert told(tts, "synthesize-start", "voice") == [{"language": "de"}, None]


async def test_one_of_ours_that_fails_is_not_asked_for_less() -> None:
    tts = Particular(languages=ENGLISH_AND_GERMAN, extensions=[SPOKEN_MARKS])
    async with standalone(FakeAsr(language="de"), FakeHandle("Ja."), tts) as (direct, posts):
        await answered(direct, posts)
        assert posts.failure
    assert None not in told(tts, "synthesize-start", "voice")


async def test_a_foreign_server_of_which_no_language_was_asked_has_no_second_chance() -> None:
    tts = FakeTts(languages=("en-US",), refusal=Error("out of order"))
    async with standalone(FakeAsr(language="de"), FakeHandle("Ja."), tts) as (direct, posts):
        await answered(direct, posts)
        assert "out of order" in posts.failure.text
        assert tts.asked == 1


async def test_a_voice_that_was_chosen_goes_before_the_language_and_one_of_that_follows() -> None:
    tts = FakeTts(languages=ENGLISH_AND_GERMAN)
    servers = (FakeAsr(language="de"), FakeHandle("Ja."), tts)
    async with standalone(*servers, voice="en-US") as (direct, posts):
        await answered(direct, posts)
    assert told(tts, "synthesize-start", "voice") == [{"name": "en-US"}, {"language": "de"}]


async def test_a_text_out_of_the_blue_is_spoken_in_the_language_of_the_satellite() -> None:
    tts = FakeTts(languages=ENGLISH_AND_GERMAN)
    async with standalone(FakeAsr(), FakeHandle(), tts, language="de") as (direct, posts):
        direct.say("Das Essen ist fertig.")
        await posts.until(AnnouncementEnded)
    assert told(tts, "synthesize-start", "voice") == [{"language": "de"}]


async def test_the_next_turn_is_heard_anew() -> None:
    asr, handle = FakeAsr(language="de"), FakeHandle()
    async with standalone(asr, handle, FakeTts()) as (direct, posts):
        await answered(direct, posts)
        asr.language = "fr"
        asking(direct, 2)
        said(direct, 2)
        await posts.until(Transcribed, count=2)
    assert posts.of(Transcribed)[1] == Transcribed(2, asr.text, "fr")


async def test_the_handle_server_is_prepared_for_the_language_that_was_spoken_last() -> None:
    """Simple commands are understood with the sentences of a language, which take a while to load."""
    asr, handle = FakeAsr(language="de"), guessing_handle()
    async with standalone(asr, handle, FakeTts()) as (direct, posts):
        for epoch in (1, 2):
            await answered(direct, posts, epoch)
            await until(lambda epoch=epoch: len(handle.warmed) == epoch)  # type: ignore[misc]
    assert [event.data.get("language") for event in handle.warmed] == [None, "de"]
