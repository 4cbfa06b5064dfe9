"""When words are said: near the truth, within the speech, and never at the price of another text."""

import asyncio
import json
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.asr.speech import COMMAND_MODEL, said, silence
from tests.people import PEOPLE, Script, Why, say
from tests.scores import speech_probabilities
from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Segment, Word
from wyoming_voice.asr.languages import NoTranslation
from wyoming_voice.asr.memo import Piece
from wyoming_voice.asr.pocketsphinx import Pocketsphinx
from wyoming_voice.asr.recognition import Gate, Handed, Take, decoded, recognised
from wyoming_voice.asr.whisper.ctranslate import Hearing
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings
from wyoming_voice.asr.windows import FRAMES_PER_S, pauses, windows
from wyoming_voice.asr.words import out_of
from wyoming_voice.core.timing import TurnRecord

SENTENCES = (
    *("Turn on the kitchen light.", "Stop.", "What time is it?", "Set a timer for five minutes."),
    *("Open the garage door.", "Turn off all the lights.", "Set the office fan to ten percent."),
)


@pytest.fixture(scope="module", params=[(30.0, 1), (6.0, 4)], ids=["full", "short, batches of 4"])
def engine(request: pytest.FixtureRequest) -> Whisper:
    context_s, batch = request.param
    settings = WhisperSettings(
        device="cpu", cpu_threads=1, workers=1, batch=batch, audio_context_s=context_s
    )
    engine = Whisper(str(COMMAND_MODEL), settings)
    engine.load()
    return engine


def heard(engine: Whisper, audio: Audio, *, words: bool, **options: object) -> list[Segment]:
    asked = DecodeOptions(want_words=words, **options)  # type: ignore[arg-type]
    return [segment for segment in engine.transcribe(audio, asked) if segment is not None]


def text(segments: Sequence[Segment]) -> str:
    return "".join(segment.text for segment in segments)


def words_of(segments: Sequence[Segment]) -> list[Word]:
    return [word for segment in segments for word in segment.words]


def check(words: Sequence[Word], begin_s: float, end_s: float) -> None:
    times = [time_s for word in words for time_s in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert begin_s <= times[0] <= times[-1] <= end_s
    assert all(0 < word.probability <= 1 for word in words)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_text_is_the_same_with_words(engine: Whisper, sentence: str) -> None:
    audio = said(sentence)
    plain, timed = (heard(engine, audio, words=words) for words in (False, True))
    assert [(s.text, s.start_s, s.end_s) for s in plain] == [
        (s.text, s.start_s, s.end_s) for s in timed
    ]
    assert "".join(word.text for word in words_of(timed)) == text(plain)
    assert not words_of(plain)
    check(words_of(timed), 0, len(audio) / 16_000)


def test_what_lies_behind_the_last_word_is_not_decoded_again(engine: Whisper) -> None:
    audio = np.concatenate((said("Stop."), silence(12)))
    assert text(heard(engine, audio, words=True)) == text(heard(engine, audio, words=False))


def test_more_than_a_window_has_words_all_along(engine: Whisper) -> None:
    pieces = [np.concatenate((said(SENTENCES[0]), silence(9.5))) for _ in range(4)]
    audio = np.concatenate(pieces)
    plain, timed = (heard(engine, audio, words=words) for words in (False, True))
    assert text(plain) == text(timed) == "".join(word.text for word in words_of(timed))
    check(words_of(timed), 0, len(audio) / 16_000)
    assert words_of(timed)[-1].start_s > 30


def test_a_window_is_aligned_once(engine: Whisper, monkeypatch: pytest.MonkeyPatch) -> None:
    aligned: list[int] = []
    find = Hearing.find_alignment

    def counted(self: Hearing, tokenizer: object, tokens: list[int], *window: Any) -> Any:
        aligned.append(len(tokens))
        return find(self, tokenizer, tokens, *window)

    monkeypatch.setattr(Hearing, "find_alignment", counted)
    audio = np.concatenate([np.concatenate((said(SENTENCES[0]), silence(9.5)))] * 4)
    segments = heard(engine, audio, words=True)
    assert len(aligned) < len(segments)


def test_words_lie_where_a_voice_detector_heard_speech(engine: Whisper) -> None:
    audio = np.concatenate((silence(1), said(SENTENCES[0]), silence(1)))
    (segment,) = heard(engine, audio, words=True, speech_s=(1.25, 2.4))
    check(segment.words, 1.15, 2.5)


TWO = Script("Turn off all the lights. | Close the garage door.", Why.SENTENCE)


def test_words_are_near_the_truth(engine: Whisper) -> None:
    spoken = say(PEOPLE[3], TWO, [700])
    scores = speech_probabilities(spoken.samples).tolist()
    (window,) = windows(scores, 0.3, 28.0)
    audio = spoken.samples[window.start * 512 : window.end * 512]
    found = words_of(heard(engine, audio, words=True, speech_s=window.speech_s))
    words = out_of(found, list(pauses(scores[window.start : window.end])), window.speech_s)
    assert "".join(word.text for word in words) == f" {spoken.text}"
    offset_s = window.start / FRAMES_PER_S
    ((pause_s, again_s),) = [(begin / 1000, end / 1000) for begin, end in spoken.pauses]
    before, after = words[4], words[5]
    told = [before.end_s, after.start_s, words[-1].end_s]
    truth = [pause_s, again_s, spoken.ends_ms / 1000]
    assert np.abs(np.array(told) + offset_s - truth).max() < 0.2


def test_words_are_the_same_in_company(engine: Whisper) -> None:
    """What is aligned together with others is as if it were alone."""
    audios = [said(sentence) for sentence in SENTENCES[:4]]
    alone = [words_of(heard(engine, audio, words=True)) for audio in audios]
    together = threading.Barrier(len(audios))

    def one(audio: Audio) -> list[Word]:
        together.wait(10)
        return words_of(heard(engine, audio, words=True))

    async def at_once() -> list[list[Word]]:
        return await asyncio.gather(*(asyncio.to_thread(one, audio) for audio in audios))

    for mine, others in zip(alone, asyncio.run(at_once()), strict=True):
        assert [word.text for word in mine] == [word.text for word in others]
        edges = [
            [time_s for word in words for time_s in edges_of(word)] for words in (mine, others)
        ]
        np.testing.assert_allclose(edges[0], edges[1], atol=0.041)


def edges_of(word: Word) -> tuple[float, float]:
    return word.start_s, word.end_s


def test_words_take_a_breath(engine: Whisper) -> None:
    steps = list(engine.transcribe(said("Stop."), DecodeOptions(want_words=True)))
    assert [step is None for step in steps][:2] == [True, True]


def test_one_language_is_not_translated(engine: Whisper) -> None:
    with pytest.raises(NoTranslation, match="multilingual"):
        heard(engine, said("Stop."), words=False, task="translate")
    with pytest.raises(NoTranslation, match="en-us"):
        list(Pocketsphinx().transcribe(said("Stop."), DecodeOptions(task="translate")))


@pytest.mark.parametrize("pause_s", [0.8, 3.0])
def test_words_behind_a_pause_are_behind_it(engine: Whisper, pause_s: float) -> None:
    """The command model has learned single commands, and loses its way in the pause between two."""
    first, second = said(SENTENCES[0]), said(SENTENCES[2])
    audio = np.concatenate((first, silence(pause_s), second))
    take = Take(Choice(engine, DecodeOptions(language="en", want_words=True)), Gate(0.3), None)
    take.recording.take(audio)
    for _ in recognised(take, TurnRecord("asr")):
        pass
    before, after = take.segments()
    assert (before.text, after.text) == (f" {SENTENCES[0]}", f" {SENTENCES[2]}")
    begin_s = len(first) / RATE_HZ + pause_s
    assert before.words[-1].end_s == pytest.approx(len(first) / RATE_HZ - 0.4, abs=0.2)
    assert after.words[0].start_s == pytest.approx(begin_s + 0.2, abs=0.2)
    assert after.words[-1].end_s == pytest.approx(len(audio) / RATE_HZ - 0.4, abs=0.2)


def test_a_model_without_alignment_heads_has_its_words_spread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "model"
    shutil.copytree(COMMAND_MODEL, directory)
    config = json.loads((COMMAND_MODEL / "config.json").read_text(encoding="utf-8"))
    del config["alignment_heads"]
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
    engine = Whisper(str(directory), WhisperSettings(device="cpu", cpu_threads=1, workers=1))
    engine.load()
    assert "alignment_heads" in caplog.text
    piece = Piece(0, len(said(SENTENCES[2])), (0.2, 1.0))
    handed = Handed(piece, said(SENTENCES[2]), ())
    choice = Choice(engine, DecodeOptions(language="en", want_words=True))
    words = [word for one in decoded(handed, choice) if one for word in one.words]
    assert "".join(word.text for word in words) == f" {SENTENCES[2]}"
    check(words, 0.2, 1.0)
