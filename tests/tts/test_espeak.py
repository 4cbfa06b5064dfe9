"""The embedded engine, really: what it says is measured, not assumed."""

from itertools import count, pairwise

import numpy as np
import pytest

from wyoming_voice.errors import UnknownChoice
from wyoming_voice.tts.engine import Samples, Utterance
from wyoming_voice.tts.espeak import ESPEAK_VOICES, EspeakEngine

SENTENCE = "Turn on the kitchen light, please."


@pytest.fixture(scope="module")
def engine() -> EspeakEngine:
    engine = EspeakEngine()
    engine.load()
    return engine


def said(engine: EspeakEngine, text: str, voice: str = "en-us", speed: float = 1.0) -> Samples:
    items = [sound.samples for sound in engine.synthesize(Utterance(text, voice, speed))]
    return np.concatenate(items) if items else np.zeros(0, np.float32)


def test_it_speaks(engine: EspeakEngine) -> None:
    audio = said(engine, SENTENCE)
    assert audio.dtype == np.float32
    assert 1.2 < len(audio) / engine.sample_rate_hz < 4
    assert 0.1 < np.abs(audio).max() <= 1


@pytest.mark.parametrize("voice", [voice.name for voice in ESPEAK_VOICES])
def test_every_listed_voice_speaks(engine: EspeakEngine, voice: str) -> None:
    assert np.abs(said(engine, "12 a", voice)).max() > 0.05


def test_voices_sound_different(engine: EspeakEngine) -> None:
    assert not np.array_equal(said(engine, SENTENCE, "en-us"), said(engine, SENTENCE, "en-gb"))
    assert not np.array_equal(said(engine, SENTENCE, "en-us"), said(engine, SENTENCE, "de"))


def test_the_same_request_sounds_the_same_after_others(engine: EspeakEngine) -> None:
    before = said(engine, SENTENCE)
    said(engine, "Guten Tag!", "de", 2.0)
    assert len(said(engine, SENTENCE)) == pytest.approx(len(before), rel=0.02)


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        ("Es ist Sonntag, der 22. November 2026.", "Es ist Sonntag, der 22. november 2026."),
        ("Er kommt z. B. am 1. Mai.", "Er kommt z. b. am 1. mai."),
    ],
)
def test_an_ordinal_is_none_of_two_sentences(
    engine: EspeakEngine, written: str, otherwise: str
) -> None:
    (sound,) = engine.synthesize(Utterance(written, "de", 1.0))
    (small,) = engine.synthesize(Utterance(otherwise, "de", 1.0))
    assert len(sound.samples) == pytest.approx(len(small.samples), rel=0.01)
    assert [(mark.start, mark.end) for mark in sound.marks] == [
        (mark.start, mark.end) for mark in small.marks
    ]


def test_speed(engine: EspeakEngine) -> None:
    slow, fast = (len(said(engine, SENTENCE, speed=speed)) for speed in (0.5, 2.0))
    assert slow / fast > 2.5


def test_an_unknown_voice_is_refused(engine: EspeakEngine) -> None:
    with pytest.raises(UnknownChoice, match="unknown voice 'en-uss'; did you mean 'en-us'"):
        said(engine, SENTENCE, "en-uss")
    with pytest.raises(UnknownChoice):
        said(engine, SENTENCE, "../en")


@pytest.mark.parametrize("text", ["", " ", "\n", "\t"])
def test_nothing_to_say(engine: EspeakEngine, text: str) -> None:
    assert not np.any(np.abs(said(engine, text)) > 0.01)


@pytest.mark.parametrize(
    "text", ["<b>&amp;", "[[h@l'oU]]", "你好", "\U0001f600", "a" * 3000, "%s%n"]
)
def test_odd_text_is_survived(engine: EspeakEngine, text: str) -> None:
    said(engine, text)
    assert len(said(engine, SENTENCE))


def marked(engine: EspeakEngine, text: str, voice: str = "en-us") -> tuple[Samples, list[str]]:
    (sound,) = engine.synthesize(Utterance(text, voice))
    for before, after in pairwise(sound.marks):
        assert before.start < before.end <= after.start
        assert before.first_sample < before.last_sample <= after.first_sample
    assert sound.marks[-1].last_sample <= len(sound.samples)
    return sound.samples, [text[mark.start : mark.end] for mark in sound.marks]


@pytest.mark.parametrize(
    ("voice", "text", "words"),
    [
        ("en-us", "“Hello there”, it's a well-known thing.", "Hello|there|it's|a|well-known|thing"),
        (
            "de",
            "Guten Morgen, schöne Welt. Ich heiße Jörg.",
            "Guten|Morgen|schöne|Welt|Ich|heiße|Jörg",
        ),
        ("fr", "Il y a des élèves à Nice !", "Il|y|a|des|élèves|à|Nice"),
        ("cmn", "你好，世界。", "你好|世|界"),
        ("en-us", "In 1234 a test", "In|1|234|a|test"),
    ],
)
def test_the_library_tells_when_words_are_said(
    engine: EspeakEngine, voice: str, text: str, words: str
) -> None:
    assert "|".join(marked(engine, text, voice)[1]) == words


def test_words_are_between_the_pauses(engine: EspeakEngine) -> None:
    text = "One. Two, three. Four."
    (sound,) = engine.synthesize(Utterance(text, "en-us"))
    loud = np.flatnonzero(np.abs(sound.samples) > 0.002)
    runs = np.split(loud, np.flatnonzero(np.diff(loud) > 0.1 * engine.sample_rate_hz) + 1)
    for mark, run in zip(sound.marks, runs, strict=True):
        assert mark.first_sample == pytest.approx(run[0], abs=0.03 * engine.sample_rate_hz)
        assert mark.last_sample == run[-1] + 1


def test_it_stops_in_the_middle_when_nobody_listens(engine: EspeakEngine) -> None:
    asked = count()
    text = "one two three four five six seven " * 200
    assert not list(engine.synthesize(Utterance(text, "en-us"), lambda: next(asked) >= 3))
    assert next(asked) < 10
    assert len(said(engine, SENTENCE))


def test_kokoros_phonemizer_does_not_disturb_it(engine: EspeakEngine) -> None:
    espeak = pytest.importorskip("misaki.espeak")
    german = espeak.EspeakG2P("de")
    first = german("Guten Morgen")
    audio = said(engine, SENTENCE)
    for _ in range(3):
        assert german("Guten Morgen") == first
        assert len(said(engine, SENTENCE)) == pytest.approx(len(audio), rel=0.02)
