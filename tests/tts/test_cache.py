"""What is kept of what was said: short sentences, each told apart by all that shapes its sound."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.tts.fakes import Beeper
from wyoming_voice.errors import EngineError
from wyoming_voice.tts.cache import CachingEngine, openers
from wyoming_voice.tts.engine import Samples, Sound, Utterance, Whole, never

DONE = Utterance("Done.", "af_heart")
ITEM_BYTES = 4000 * 4
"""Half a second at 8 kHz in float32."""


def said(cache: CachingEngine, utterance: Utterance) -> list[Samples]:
    return [sound.samples for sound in cache.synthesize(utterance)]


def test_what_was_said_is_not_made_again() -> None:
    engine = Beeper()
    cache = CachingEngine(engine, 1 << 20)
    first = said(cache, DONE)
    assert cache.holds(DONE)
    assert np.array_equal(first, said(cache, DONE))
    assert engine.spoken == [DONE]


@pytest.mark.parametrize(
    "other",
    [
        Utterance("Done!", "af_heart"),
        Utterance("Done.", "af_sky"),
        Utterance("Done.", "af_heart", 1.5),
        Utterance("Done.", "af_heart", 1.0, Whole("Done. And", ended=False)),
    ],
)
def test_whatever_shapes_the_sound_tells_it_apart(other: Utterance) -> None:
    engine = Beeper()
    cache = CachingEngine(engine, 1 << 20)
    said(cache, DONE)
    said(cache, other)
    assert engine.spoken == [DONE, other]


@pytest.mark.parametrize(
    "utterance",
    [
        Utterance("x" * 41, "af_heart"),
        Utterance("Well,", "af_heart", 1.0, Whole("Well, it rains.", ended=True)),
    ],
)
def test_long_sentences_and_clauses_are_not_kept(utterance: Utterance) -> None:
    cache = CachingEngine(Beeper(), 1 << 20)
    said(cache, utterance)
    assert not cache.holds(utterance)


def test_the_one_that_was_said_longest_ago_makes_room() -> None:
    cache = CachingEngine(Beeper(), 2 * ITEM_BYTES)
    one, two, three = (Utterance(text, "af_heart") for text in ("One.", "Two.", "Three."))
    for utterance in (one, two, one, three):
        said(cache, utterance)
    assert [cache.holds(utterance) for utterance in (one, two, three)] == [True, False, True]
    assert cache.kept_bytes == 2 * ITEM_BYTES


def test_speech_that_was_broken_off_or_failed_is_not_kept() -> None:
    cache = CachingEngine(Beeper(fails_at="broken"), 1 << 20)
    list(cache.synthesize(DONE, lambda: True))
    left = cache.synthesize(DONE)
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert not cache.holds(DONE)
    broken = Utterance("It's broken.", "af_heart")
    with pytest.raises(EngineError):
        said(cache, broken)
    assert not cache.holds(broken)


def test_who_was_stopped_for_a_moment_has_ended_early() -> None:
    answers = iter((True, False))

    class Leaving(Beeper):
        def synthesize(
            self, utterance: Utterance, stopped: Callable[[], bool] = never
        ) -> Iterator[Sound]:
            items = super().synthesize(utterance, stopped)
            yield next(items)
            assert stopped()

    cache = CachingEngine(Leaving(), 1 << 20)
    list(cache.synthesize(DONE, lambda: next(answers)))
    assert not cache.holds(DONE)


def test_two_who_say_it_at_a_time_keep_it_once() -> None:
    cache = CachingEngine(Beeper(), 2 * ITEM_BYTES)
    both = [cache.synthesize(DONE), cache.synthesize(DONE)]
    for speaking in both:
        next(speaking)
    for speaking in both:
        assert list(speaking) == []
    assert cache.kept_bytes == ITEM_BYTES


def test_openers_are_for_the_voice_and_its_language() -> None:
    english = openers("bf_emma", "en-GB", 1.2)
    assert Utterance("One moment.", "bf_emma", 1.2) in english
    assert all(utterance.part_of is None and len(utterance.text) <= 40 for utterance in english)
    assert openers("ff_siwis", "fr-FR", 1.0) == []
