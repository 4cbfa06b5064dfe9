"""How text becomes speech piece by piece: how much at a time, by the measured pace of the engine."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator

import pytest

from tests.tts.fakes import Beeper, Stuck
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import BadEvent
from wyoming_voice.tts.cache import CachingEngine
from wyoming_voice.tts.engine import Pace, Utterance, Whole
from wyoming_voice.tts.source import TextSource
from wyoming_voice.tts.speech import Speech, one_ahead
from wyoming_voice.tts.ssml import SsmlStripper
from wyoming_voice.tts.studio import Studio
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


async def test_who_share_an_engine_too_slow_for_all_get_no_scraps(worker: Worker) -> None:
    text = f"{LONG} {LONG}"
    alone = await said(worker, Pace(rtf=0.4), text)
    others = [worker.stream(lambda: iter("ab"), deadline_s=10) for _ in range(3)]
    for other in others:
        await anext(other)
    texts = await said(worker, Pace(rtf=0.4), text)
    for other in others:
        await other.aclose()
    assert " ".join(texts) == " ".join(alone) == text
    assert len(texts[1]) > 2 * len(alone[1])
    assert max(map(len, texts)) <= 60


async def test_a_piece_that_was_left_says_nothing_of_the_pace(worker: Worker) -> None:
    engine, source = Stuck(), TextSource()
    studio = Studio(engine, worker, 10.0)
    source.put("It is stuck.")
    source.close()
    audio = Speech(studio, VOICE, source, TurnRecord("tts")).audio()
    await anext(audio)
    rest = asyncio.create_task(anext(audio))
    await asyncio.to_thread(engine.began.wait, 10)
    rest.cancel()
    await asyncio.gather(rest, return_exceptions=True)
    await worker.call(lambda: None, deadline_s=10)  # behind the item in progress
    assert engine.left.is_set()
    assert studio.pace == Pace()


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


async def utterances(worker: Worker, *texts: str, ended: bool = True) -> list[Utterance]:
    """What the engine is asked for when these texts are there from the start."""
    engine, source = Beeper(), TextSource()
    for text in texts:
        source.put(text)
    if ended:
        source.close()
    speech = Speech(
        Studio(engine, worker, 10.0, pace=Pace(rtf=0.5)), VOICE, source, TurnRecord("tts")
    )
    async with contextlib.aclosing(speech.audio()) as audio:
        async for _ in audio:
            if not ended:
                break
    return engine.spoken


async def test_all_clauses_of_a_sentence_know_the_whole_of_it(worker: Worker) -> None:
    spoken = await utterances(worker, f"{LONG} It", " never waits. And so on.")
    assert len(spoken) > 3
    assert " ".join(utterance.text for utterance in spoken[:-2]) == LONG
    assert {utterance.part_of for utterance in spoken[:-2]} == {Whole(LONG, ended=True)}
    assert [utterance.part_of for utterance in spoken[-2:]] == [None, None]


async def test_the_end_of_the_text_is_the_end_of_its_sentence(worker: Worker) -> None:
    bare = LONG.rstrip(".")
    assert (await utterances(worker, bare))[0].part_of == Whole(bare, ended=True)


async def test_a_sentence_may_still_go_on(worker: Worker) -> None:
    (first,) = await utterances(worker, LONG[:60], ended=False)
    assert first.part_of is not None
    assert LONG.startswith(first.part_of.text)
    assert len(first.part_of.text) > 50
    assert not first.part_of.ended


async def test_the_pause_before_a_piece_is_sent_before_the_piece_is_made(worker: Worker) -> None:
    engine, source = Beeper(), TextSource()
    source.put("One is done. Two is done.")
    source.close()
    speech = Speech(Studio(engine, worker, 10.0), VOICE, source, TurnRecord("tts"))
    sounds = [(spoken.pcm, len(engine.spoken)) async for spoken in speech.audio()]
    assert [made for _, made in sounds] == [1, 1, 2]
    assert not any(sounds[1][0])
    assert len(sounds[1][0]) == 2 * 8 * (320 - 60)


async def test_what_is_at_hand_says_nothing_of_the_pace_and_is_told(worker: Worker) -> None:
    engine, record = Beeper(), TurnRecord("tts")
    studio = Studio(engine, worker, 10.0, cache=CachingEngine(engine, 1 << 20))
    for _ in range(2):
        pace, source = studio.pace, TextSource()
        source.put("One is done.")
        source.close()
        async for _ in Speech(studio, VOICE, source, record).audio():
            pass
    assert len(engine.spoken) == 1
    assert studio.pace is pace
    assert record.facts["cached"] == 1


async def test_a_pace_that_wavers_makes_pieces_shorter(worker: Worker) -> None:
    text = f"Well, as far as I know, {LONG}"
    steady = await said(worker, Pace(rtf=0.05), text)
    wavering = await said(worker, Pace(rtf=0.05, deviation=0.1), text)
    assert steady[0] == wavering[0] == "Well, as far as I know,"
    assert len(wavering[1]) < len(steady[1])


async def one_of_many(studio: Studio, text: str) -> None:
    source = TextSource()
    source.put(text)
    source.close()
    async for _ in Speech(studio, VOICE, source, TurnRecord("tts")).audio():
        pass


async def test_many_that_speak_at_once_take_turns_piece_by_piece(worker: Worker) -> None:
    engine = Beeper()
    studio = Studio(engine, worker, 10.0, pace=Pace(rtf=0.01))
    texts = [f"{name} is one. {name} is two. {name} is three." for name in ("A", "Bee", "Cee")]
    await asyncio.gather(*(one_of_many(studio, text) for text in texts))
    names = [utterance.text.split()[0] for utterance in engine.spoken]
    assert len(names) == 9
    assert all(set(names[at : at + 3]) == {"A", "Bee", "Cee"} for at in (0, 3, 6))


async def test_a_long_text_holds_up_a_short_one_by_one_piece(worker: Worker) -> None:
    engine = Beeper()
    studio = Studio(engine, worker, 10.0, pace=Pace(rtf=0.01))
    long = asyncio.create_task(one_of_many(studio, "This is a long text. " * 50))
    while len(engine.spoken) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0)
    before = len(engine.spoken)
    await one_of_many(studio, "Short.")
    at = [utterance.text for utterance in engine.spoken].index("Short.")
    assert at <= before + 1
    long.cancel()
    await asyncio.gather(long, return_exceptions=True)


async def test_while_several_speak_no_piece_keeps_the_engine_for_long(worker: Worker) -> None:
    alone = await said(worker, Pace(rtf=0.8), LONG + " " + LONG)
    other = worker.stream(lambda: iter([1, 2]), deadline_s=10)
    await anext(other)
    shared = await said(worker, Pace(rtf=0.8), LONG + " " + LONG)
    await other.aclose()
    assert max(map(len, shared)) < max(map(len, alone))
