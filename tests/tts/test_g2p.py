"""English into phonemes: tags for words, phonemes in parts that the network takes, no phoneme lost."""

import pytest

from wyoming_voice.tts.g2p import MOST_PHONEMES, Token, by_words, penn_tags, split_phonemes


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Turn on the light .", "VB IN DT NN ."),
        ("I read the book", "PRP VBP DT NN"),
        ("He will read it slowly", "PRP MD VB PRP RB"),
        ("We met Anna in Rome", "PRP VBP NNP IN NNP"),
        ("it was opened at 12:30 , - OK ?", "PRP VBD VBN IN NN , : NN ."),
        ("“ Yes , ” ( 3.5 )", "`` NN , '' -LRB- CD -RRB-"),
        ("$ 5 / # x", "$ CD SYM # NN"),
        ("", ""),
    ],
)
def test_words_get_penn_tags(text: str, tags: str) -> None:
    assert " ".join(penn_tags(text.split())) == tags


def parts_of(phonemes: str, most: int = MOST_PHONEMES) -> list[str]:
    return [phonemes[start:end] for start, end in split_phonemes(phonemes, most)]


def test_short_phonemes_stay_whole() -> None:
    assert parts_of(" hˈɛlO wˈɜɹld. ") == ["hˈɛlO wˈɜɹld."]
    assert parts_of("x" * MOST_PHONEMES) == ["x" * MOST_PHONEMES]
    assert parts_of("  ") == []


@pytest.mark.parametrize(
    ("phonemes", "parts"),
    [
        ("aaaaa. b, cc dd", ["aaaaa.", "b, cc dd"]),
        ("a. bbbbb, cc dddd", ["a. bbbbb,", "cc dddd"]),
        ("aaaaaa bbbb cccc", ["aaaaaa", "bbbb cccc"]),
        ("a" * 25, ["a" * 10, "a" * 10, "a" * 5]),
    ],
)
def test_long_phonemes_are_cut_at_the_best_mark(phonemes: str, parts: list[str]) -> None:
    assert parts_of(phonemes, 10) == parts


def test_no_phoneme_is_lost() -> None:
    phonemes = "wʌn tˈu, θɹˈi! " * 300
    parts = parts_of(phonemes)
    assert max(map(len, parts)) <= MOST_PHONEMES
    assert " ".join(parts).split() == phonemes.split()


def test_words_and_phonemes_are_paired_without_their_marks() -> None:
    text, symbols = "« Oui, bien ! »", "“ wˈi, bjˈɛ̃ ! ”"
    paired = [
        (text[token.start : token.end], symbols[token.first : token.last])
        for token in by_words(text, symbols).tokens
    ]
    assert paired == [("Oui", "wˈi"), ("bien", "bjˈɛ̃")]


def test_words_that_were_joined_are_said_with_their_clause() -> None:
    text = "tout le monde, oui"
    assert by_words(text, "tulmˈɔ̃d, wˈi").tokens == (Token(0, 13, 0, 8), Token(15, 18, 10, 13))
    assert by_words("il y a", "ilja la").tokens == (Token(0, 6, 0, 7),)
    assert by_words("", "").tokens == ()
