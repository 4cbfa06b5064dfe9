"""Names on their way through the server: the same text at every door, and what the log says of them."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.asr.driving import served, transcript
from tests.asr.media import wav
from tests.asr.speech import COMMAND_MODEL, said, silence, utterance
from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.engine import (
    RATE_HZ,
    Audio,
    DecodeOptions,
    Segment,
    Task,
    Word,
)
from wyoming_voice.asr.files import Job, transcribed
from wyoming_voice.asr.memo import Piece
from wyoming_voice.asr.names.respelling import respelling
from wyoming_voice.asr.recognition import Handed, decoded
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.asr.session import Wish
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings
from wyoming_voice.core.timing import TurnRecord

HEARD = " Turn on the eco bee now."
MEANT = " Turn on the Ecobee now."


class UnsureEngine:
    """Hears the same whatever is said, tells its words where they are wanted, and keeps which were."""

    name = "unsure"
    languages = ("en", "de")
    longest_s = 28.0
    at_once = 1

    def __init__(self, text: str = HEARD) -> None:
        self.text = text
        self.told_words: list[bool] = []

    def load(self) -> None:
        pass

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        yield None
        language = options.language or "en"
        wanted = options.wants_words_of(self.text, language)
        self.told_words.append(wanted)
        texts = [f" {word}" for word in self.text.split()]
        words = tuple(
            Word(text, at / 10, (at + 1) / 10, 0.2 if "ec" in text or "be" in text else 0.95)
            for at, text in enumerate(texts)
        )
        yield Segment(self.text, 0.0, len(audio) / RATE_HZ, language, words if wanted else ())


def program_of(engine: UnsureEngine, **changed: object) -> AsrProgram:
    values = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True, **changed}
    return AsrProgram(AsrSettings.model_validate(values), [engine])


def heard(choice: Choice) -> Segment:
    audio = np.zeros(RATE_HZ, np.float32)
    handed = Handed(Piece(0, RATE_HZ, (0.0, 1.0)), audio, ())
    (segment,) = [one for one in decoded(handed, choice) if one is not None]
    return segment


def test_words_are_asked_for_where_a_name_is_near_and_not_told() -> None:
    engine = UnsureEngine()
    choice = program_of(engine, hotwords=["Ecobee"]).choice(Wish())
    segment = heard(choice)
    assert (segment.text, segment.words) == (MEANT, ())
    assert heard(replace(choice, names=("Sonos",))).text == HEARD
    assert heard(replace(choice, names=())).text == HEARD
    assert engine.told_words == [True, False, False]


def test_the_text_is_the_same_with_words() -> None:
    choice = program_of(UnsureEngine(), hotwords=["Ecobee"]).choice(Wish())
    timed = heard(replace(choice, options=replace(choice.options, want_words=True)))
    assert timed.text == "".join(word.text for word in timed.words) == heard(choice).text == MEANT
    assert (timed.words[3].text, timed.words[3].start_s, timed.words[3].end_s) == (
        " Ecobee",
        0.3,
        0.5,
    )


@pytest.mark.parametrize("wish", [Wish(names=("Ecobee",)), Wish(terms=("Ecobee",))])
def test_names_of_a_request_join_in(wish: Wish) -> None:
    assert heard(program_of(UnsureEngine()).choice(wish)).text == MEANT
    assert heard(program_of(UnsureEngine(), no_snapping=True).choice(wish)).text == HEARD


@pytest.mark.parametrize(("task", "text"), [("transcribe", MEANT), ("translate", HEARD)])
def test_a_translation_is_left_as_it_is(task: Task, text: str) -> None:
    choice = program_of(UnsureEngine()).choice(Wish(names=("Ecobee",)))
    assert heard(replace(choice, options=replace(choice.options, task=task))).text == text


def test_whisper_aligns_a_text_that_is_doubted() -> None:
    engine = Whisper(str(COMMAND_MODEL), WhisperSettings(device="cpu", cpu_threads=1, workers=1))
    engine.load()
    asked: list[tuple[str, str]] = []

    def doubts(text: str, language: str) -> bool:
        asked.append((text, language))
        return len(asked) == 1

    for doubted in (True, False):
        found = engine.transcribe(said("What time is it?"), DecodeOptions("en", doubted=doubts))
        (segment,) = [one for one in found if one is not None]
        assert bool(segment.words) == doubted
        assert asked[-1] == (segment.text, "en")


@pytest.mark.asyncio
async def test_the_log_tells_how_many_and_keeps_the_words_for_debugging(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "wyoming_voice")
    program = program_of(UnsureEngine(), hotwords=["Ecobee"])
    async with served(program) as (_, client):
        audio = np.concatenate((said("Turn on the kitchen light."), silence(0.4)))
        assert await transcript(client, *utterance(audio, chunk_ms=100)) == MEANT.strip()
    (line,) = [one.getMessage() for one in caplog.records if "snaps=1" in one.getMessage()]
    assert "kind=asr" in line
    words = [one for one in caplog.records if "eco bee" in one.getMessage()]
    assert [one.levelno for one in words] == [logging.DEBUG]
    turn = line.partition(" ")[0]
    assert words[0].getMessage() == (
        f"{turn} heard 'eco bee' as 'Ecobee' (distance 0.00, probability 0.20)"
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("words", [True, False])
async def test_a_file_has_the_names_too(words: bool) -> None:
    program = program_of(UnsureEngine())
    choice = program.choice(Wish(names=("Ecobee",)))
    record = TurnRecord("asr")
    job = Job(choice, program.gate, program.worker, 30, record, words=words)
    source = wav(np.concatenate((said("Turn on the kitchen light."), silence(0.4))))
    async with contextlib.aclosing(transcribed(source, job)) as passages:
        segments = [segment async for passage in passages for segment in passage.segments]
    assert "".join(segment.text for segment in segments) == MEANT
    assert any(segment.words for segment in segments) is words
    assert record.facts["snaps"] == 1
    await program.close()


def test_without_the_library_names_stay_as_they_were_heard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert respelling(off=False) is not None
    assert respelling(off=True) is None
    monkeypatch.setattr("wyoming_voice.asr.names.respelling.find_spec", lambda name: None)
    assert respelling(off=False) is None
    assert "wyoming-voice[names]" in caplog.text


def test_the_same_names_are_looked_through_once() -> None:
    make = respelling(off=False)
    assert make is not None
    assert make(("Ecobee", "Sonos")) is make(("Ecobee", "Sonos"))
    assert make(("Ecobee",)) is not make(("Ecobee", "Sonos"))
