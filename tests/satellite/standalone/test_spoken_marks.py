"""A voice that tells how far it has come, and is lost: the next goes on there, and nothing is said twice."""

import pytest

from satellite.events import ReplyEnded
from satellite.standalone.script import Script
from tests.satellite.standalone.stage import ANSWER, END, answered, standalone
from tests.satellite.standalone.wyoming_servers import Caller, FakeAsr, FakeHandle, FakeTts
from wyoming_voice.extensions import SPOKEN_MARKS

MARKED = [SPOKEN_MARKS]
WHOLE = "".join(ANSWER)


@pytest.mark.parametrize("cut_at", [0, 5, 11, 30, 60, 100, len(WHOLE) - 3])
async def test_the_next_voice_goes_on_where_the_first_was_lost(cut_at: int) -> None:
    first, second = FakeTts(leaves_at=cut_at, extensions=MARKED), FakeTts(extensions=MARKED)
    async with standalone(FakeAsr(), FakeHandle(*ANSWER), first, second) as (direct, posts):
        await answered(direct, posts)
        assert posts.of(*END) == [ReplyEnded(1)]
        assert posts.spoken == WHOLE
        assert second.asked == 1


async def test_one_voice_after_another_goes_on() -> None:
    voices = [FakeTts(leaves_at=20, extensions=MARKED) for _ in range(len(WHOLE) // 20 + 1)]
    async with standalone(FakeAsr(), FakeHandle(*ANSWER), *voices) as (direct, posts):
        await answered(direct, posts)
        assert posts.spoken == WHOLE


async def test_who_is_lost_after_the_last_sound_has_said_all() -> None:
    """Nobody else is asked, and nobody waited for."""

    class Last(FakeTts):
        async def speak(self, caller: Caller, text: str) -> None:
            await super().speak(caller, text)
            if text.endswith("garden?"):
                self.hang_up()

    first, second = Last(extensions=MARKED), FakeTts(extensions=MARKED)
    async with standalone(FakeAsr(), FakeHandle(*ANSWER), first, second) as (direct, posts):
        await answered(direct, posts)
        assert posts.of(*END) == [ReplyEnded(1)]
        assert posts.spoken == WHOLE
        assert second.asked == 0


async def test_a_voice_that_tells_nothing_takes_over_at_a_sentence() -> None:
    first, second = FakeTts(leaves_at=20, extensions=MARKED), FakeTts(streams=False)
    async with standalone(FakeAsr(), FakeHandle(*ANSWER), first, second) as (direct, posts):
        await answered(direct, posts)
        assert posts.spoken[:20] == WHOLE[:20]
        assert posts.spoken[20:].startswith("The sun is high over the hills.")


async def test_who_has_not_said_that_it_tells_is_not_asked_to() -> None:
    tts = FakeTts()
    async with standalone(FakeAsr(), FakeHandle(), tts) as (direct, posts):
        await answered(direct, posts)
        contexts = [event.data["context"] for event in tts.seen if event.type == "synthesize-start"]
        assert [set(context) for context in contexts] == [{"turn_id"}]


def script_of(text: str) -> Script:
    script = Script()
    for char in text:
        script.add(char)
    script.finish()
    return script


async def rest(script: Script) -> str:
    return "".join([piece async for piece in script.rest()])


@pytest.mark.parametrize(
    ("text", "sentences", "left"),
    [
        ("It is noon.  Lunch is ready.", 1, "  Lunch is ready."),
        ("**It is noon**. *Lunch* is ready.", 1, " *Lunch* is ready."),
        ("It is noon.\n---\n\n“Lunch” is ready.", 1, "\n---\n\n“Lunch” is ready."),
        ("Eggs. $5 each. Good.", 1, " $5 each. Good."),
        ("它是中午。午饭好了。", 1, "午饭好了。"),
        ("It is noon. Lunch is ready.", 2, ""),
    ],
)
async def test_what_is_left_begins_behind_whole_sentences(
    text: str, sentences: int, left: str
) -> None:
    script = script_of(text)
    script.spoke_sentences(sentences)
    assert script.spoken == sentences
    assert await rest(script) == left
    assert script.exhausted == (not left)


async def test_what_was_said_is_never_unsaid() -> None:
    script = script_of("It is noon. Lunch is ready.")
    script.spoke(15)
    script.spoke(3)
    assert (script.spoken, await rest(script)) == (1, "ch is ready.")
    script.spoke(10_000)
    assert (script.spoken, script.exhausted) == (2, True)
