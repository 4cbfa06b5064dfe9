"""What words look like at a pause: complete, open, or no telling."""

import pytest

from wyoming_voice.core.completeness import Completeness, completeness
from wyoming_voice.core.open_words import BY_LANGUAGE

COMPLETE, OPEN, UNKNOWN = Completeness.COMPLETE, Completeness.OPEN, Completeness.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "Turn on the light.",
        "What time is it?",
        "Stop!",
        'He said "stop."',
        "Where are you from?",
        "What is two plus two?",
        "Why?",
        "Turn it on.",
        "set a timer for twenty minutes",
        "set a timer for twenty-five minutes",
        "turn on the living room lamp",
        "turn the light off",
        "what time is it",
        "yes",
        "Thank you",
    ],
)
def test_all_was_said(text: str) -> None:
    assert completeness(text, "en") is COMPLETE
    assert completeness(text) is COMPLETE


@pytest.mark.parametrize(
    "text",
    [
        "Turn on the.",
        "turn on the",
        "Turn on.",
        "could you please turn on",
        "Can you",
        "set a timer for twenty",
        "Set a timer for 20.",
        "remind me in twenty-five",
        "Add milk,",
        "Add milk and.",
        "turn on the living-",
        "Well...",
        "I think…",
        "what is the temperature in",
        "uh",
        "I want, um.",
        "Is it the?",
        "remind me to",
        "Tell me the time in “",
    ],
)
def test_more_is_to_come(text: str) -> None:
    assert completeness(text, "en") is OPEN
    assert completeness(text) is OPEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?!",
        "turn on the kitchen",
        "the light",
        "turn light",
        "Set the volume to 50.",
        "it is six thirty",
    ],
)
def test_no_telling(text: str) -> None:
    assert completeness(text, "en") is UNKNOWN


@pytest.mark.parametrize(
    ("language", "open_", "complete"),
    [
        ("de", "Stelle einen Timer für dreißig.", "stelle einen timer für dreißig minuten"),
        ("de", "Mach das Licht in der.", "mach das licht an"),
        ("fr", "Allume la lumière de la", "quelle heure est-il"),
        ("fr", "Éteins l'", "Éteins l'ampoule."),
        ("es", "Enciende la luz del.", "¿Qué hora es?"),
        ("it", "accendi la luce della", "accendi la luce"),
        ("nl", "zet het licht in de", "Zet het licht aan."),
    ],
)
def test_other_languages(language: str, open_: str, complete: str) -> None:
    assert completeness(open_, f"{language}-XX") is OPEN
    assert completeness(open_) is OPEN
    assert completeness(complete, language.upper()) is COMPLETE
    assert completeness(complete) is COMPLETE


@pytest.mark.parametrize(
    ("text", "looks"),
    [("開けて。", COMPLETE), ("開けて、", OPEN), ("開けて", UNKNOWN), ("Zapni the.", COMPLETE)],
)
def test_marks_alone_count_in_a_language_without_words(text: str, looks: Completeness) -> None:
    assert completeness(text, "cs") is looks


def test_a_word_counts_in_its_own_language_only() -> None:
    assert completeness("Mach das Licht an.", "en") is OPEN
    assert completeness("Mach das Licht an.") is COMPLETE


def test_languages_that_differ_say_nothing() -> None:
    assert completeness("De?", "fr") is OPEN
    assert completeness("De?", "es") is COMPLETE
    assert completeness("De?") is COMPLETE, "what the mark says"


@pytest.mark.parametrize("language", BY_LANGUAGE)
def test_no_word_of_a_language_contradicts_another(language: str) -> None:
    words = BY_LANGUAGE[language]
    assert not words.always & (words.unless_asked | words.numbers | words.units)
    assert not words.unfinished & words.whole
    for phrase in words.whole:
        assert completeness(phrase, language) is COMPLETE
    for phrase in words.unfinished:
        assert completeness(phrase, language) is OPEN


def test_only_the_end_of_a_long_text_is_looked_at() -> None:
    assert completeness("and so on " * 300_000 + "turn on the") is Completeness.OPEN
    assert completeness("uh " + "The lamp is on. " * 100) is Completeness.COMPLETE
    german, english = "und der die das ist nicht " * 100, "turn it on and then off again " * 20
    assert completeness(f"{german}{english}turn on the") is Completeness.OPEN
