import asyncio
from collections.abc import AsyncGenerator, Iterator

import pytest

from tests.tts.fakes import Beeper
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import BadEvent
from wyoming_voice.tts.engine import Pace
from wyoming_voice.tts.source import TextSource
from wyoming_voice.tts.speech import Speech, Studio, one_ahead
from wyoming_voice.tts.ssml import SsmlStripper
from wyoming_voice.tts.voices import Voice
from wyoming_voice.worker import Worker

VOICE = Voice("af_heart", "en-US", "Heart")
LONG = (
    "The train to the airport leaves from platform nine every twenty minutes at this time of day."
)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker("tts")
    yield worker
    worker.close()


async def said(worker: Worker, pace: Pace, text: str) -> list[str]:
    engine = Beeper()
    source = TextSource()
    source.put(text)
    source.close()
    speech = Speech(Studio(engine, worker, 10.0, pace=pace), VOICE, source, TurnRecord("tts"))
    async for _ in speech.audio():
        pass
    return [utterance.text for utterance in engine.spoken]


async def test_a_fast_engine_speaks_whole_sentences(worker: Worker) -> None:
    assert await said(worker, Pace(rtf=0.01), LONG) == [LONG]


async def test_a_slow_engine_starts_with_few_words(worker: Worker) -> None:
    texts = await said(worker, Pace(rtf=1.0), LONG)
    assert len(texts[0]) <= 14
    assert " ".join(texts) == LONG


async def test_behind_a_slow_engine_later_pieces_are_whole_short_sentences(worker: Worker) -> None:
    sentences = [
        "It rains in the north of the country until this evening.",
        "The south stays dry and bright.",
    ]
    texts = await said(worker, Pace(rtf=50.0), " ".join([LONG, *sentences]))
    assert texts[-2:] == sentences
    assert " ".join(texts[:-2]) == LONG
    assert len(texts[0]) <= 14
    assert len(texts) == 5


async def test_a_short_first_sentence_is_not_cut_for_an_early_first_word(worker: Worker) -> None:
    sentence = "The kitchen light is on."
    assert await said(worker, Pace(rtf=1.0), sentence) == [sentence]
    assert await said(worker, Pace(rtf=0.9), f"{sentence} Good.") == [sentence, "Good."]


async def test_a_first_clause_comes_before_its_sentence(worker: Worker) -> None:
    texts = await said(worker, Pace(rtf=0.01), "Well, as far as I know, it rains. It pours. ")
    assert texts == ["Well, as far as I know,", "it rains.", "It pours."]


async def test_the_studio_measures_its_engine_when_it_opens(worker: Worker) -> None:
    studio = Studio(Beeper(), worker, 10.0)
    await worker.call(lambda: studio.open("af_heart"), deadline_s=10)
    assert studio.pace.chars_per_s == pytest.approx(58)
    assert studio.pace.rtf < 0.5


async def test_the_loop_is_free_between_slices_of_text_without_words(worker: Worker) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert await said(worker, Pace(rtf=0.01), "\\" * 6400) == []
    counting.cancel()
    assert turns >= 100


async def test_silence_that_was_heard_is_no_debt(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0
    monkeypatch.setattr("wyoming_voice.tts.speech._now_s", lambda: now_s)
    engine, source = Beeper(), TextSource()
    studio = Studio(engine, worker, 10.0, pace=Pace(rtf=0.01))
    speech = Speech(studio, VOICE, source, TurnRecord("tts"))
    audio = speech.audio()
    source.put("One moment, please.\n")
    await anext(audio)
    now_s += 60  # the half second of audio has been heard, and a minute of silence
    source.put(LONG)
    source.close()
    async for _ in audio:
        pass
    assert [utterance.text for utterance in engine.spoken] == ["One moment, please.", LONG]


async def test_one_item_is_made_ahead_and_no_more() -> None:
    made: list[int] = []
    closed = asyncio.Event()

    async def items() -> AsyncGenerator[int, None]:
        try:
            for number in range(10):
                made.append(number)
                yield number
        finally:
            closed.set()

    ahead = one_ahead(items())
    assert await anext(ahead) == 0
    for _ in range(20):
        await asyncio.sleep(0)
    assert made == [0, 1]
    assert await anext(ahead) == 1
    await ahead.aclose()
    assert closed.is_set()


async def test_an_error_ahead_is_raised_in_its_turn() -> None:
    async def items() -> AsyncGenerator[int, None]:
        yield 1
        raise BadEvent("no")

    ahead = one_ahead(items())
    assert await anext(ahead) == 1
    with pytest.raises(BadEvent):
        await anext(ahead)


async def test_a_source_gives_text_in_slices_and_then_its_end() -> None:
    source = TextSource()
    source.put("abcdef")
    source.put("")
    source.put("gh")
    source.close()
    source.put("dropped")
    assert [await source.take(4) for _ in range(5)] == ["abcd", "ef", "gh", None, None]


async def test_a_source_takes_the_tags_out_of_ssml() -> None:
    source = TextSource(SsmlStripper())
    source.put("<b>Hi &amp; you</b> <spe")
    source.close()
    taken = []
    while (text := await source.take(4)) is not None:
        taken.append(text)
    assert "".join(taken) == "Hi & you <spe"


async def test_a_source_wakes_whoever_waits() -> None:
    source = TextSource()
    taking = asyncio.create_task(source.take(10))
    await asyncio.sleep(0)
    source.put("hi")
    assert await taking == "hi"


async def test_an_error_in_a_source_overtakes_its_text() -> None:
    source = TextSource()
    source.put("hi")
    source.fail(BadEvent("no"))
    with pytest.raises(BadEvent):
        await source.take(10)
