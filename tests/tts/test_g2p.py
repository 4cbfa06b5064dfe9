import pytest

from wyoming_voice.tts.g2p import MOST_PHONEMES, penn_tags, split_phonemes


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


def test_short_phonemes_stay_whole() -> None:
    assert split_phonemes(" hˈɛlO wˈɜɹld. ") == ["hˈɛlO wˈɜɹld."]
    assert split_phonemes("x" * MOST_PHONEMES) == ["x" * MOST_PHONEMES]
    assert split_phonemes("  ") == []


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
    assert split_phonemes(phonemes, 10) == parts


def test_no_phoneme_is_lost() -> None:
    phonemes = "wʌn tˈu, θɹˈi! " * 300
    parts = split_phonemes(phonemes)
    assert max(map(len, parts)) <= MOST_PHONEMES
    assert " ".join(parts).split() == phonemes.split()
