"""Where streamed text is cut for speech, and that how it arrived makes no difference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.core.sentences import (
    SentenceSettings,
    SentenceSplitter,
    first_sentence,
    next_piece_chars,
)

SENTENCES = [
    ("en", ["It costs 3.5 dollars.", "Good."]),
    ("en", ["Dr. Smith is here.", "He met Mr. and Mrs. Jones."]),
    ("en", ["Take fruit, e.g. Apple juice.", "Fine."]),
    ("en", ["It is in the U.S.", "The weather is good."]),
    ("en", ["We met at 5 p.m.", "Then it rained."]),
    ("en", ["At 7 a.m. I wake up.", "At 8 a.m. the bell rings."]),
    ("en", ["Yes.", "It is raining."]),
    ("en", ["No.", "See No. 5 on the list.", "Then go."]),
    ("en", ["J. R. R. Tolkien wrote it.", "It was Bob.", "He left."]),
    ("en", ['He said "Stop."', "Then he left."]),
    ("en", ["What?!", "No way.", '"Really?" she asked.', '"Yes."']),
    ("en", ["(See above.)", "“I know.", "You know.”", "Next one."]),
    ("en", ["Wait... what?", "Hmm...", "Maybe.", "Hmm…", "Well."]),
    ("en", ["Go to home-assistant.io.", "See README.md for more.", "It works."]),
    ("en", ["Open https://a.io/x.html?y=1.2 now.", "Done."]),
    ("en", ["hello there.", "how are you?"]),
    ("en", ["1. First thing.", "2. Second thing."]),
    ("en", ["It is approx. 5 km.", "Ask Prof. Xu."]),
    ("de", ["Das ist z.B. gut.", "Am 3. Oktober ist frei.", "Gut."]),
    ("de", ["Es ist Sonntag, der 22. November 2026.", "Im 19. Jahrhundert war Krieg."]),
    ("de", ["Es kostet 22.", "Dann gehen wir.", "Er kam 2026.", "Peter blieb."]),
    ("de-AT", ["Dr. Müller kommt z. B. am 1. Mai.", "Z. B. Obst, Gemüse usw.", "Gut."]),
    ("fr", ["M. Dupont est là.", "Il dort."]),
    ("fr", ["Mme. Durand aime p. ex. Paris, Lyon, etc.", "Il a 22.", "Mai est là."]),
    ("es", ["La Sra. Gómez y el sr. López, p. ej. Ana.", "Hay 22.", "Luego vino Ud.", "Bien."]),
    ("it", ["Il Sig. Rossi, pag. Nove, p. es. Roma ecc.", "Poi dorme."]),
    ("nl", ["Dhr. Jansen en mevr. Bakker, bijv. Anna, d.w.z. Niets enz.", "Toen ging hij."]),
    ("pt", ["O Sr. Silva, p. ex. Ana, etc.", "Depois a V. Exa. Costa."]),
    (
        "pl",
        ["Dnia 22. listopada, m. in. Ola i dr. Pies.", "Ma 22.", "Potem idzie w 2026 r.", "Ala."],
    ),
    ("sv", ["Den 22. november kom t. ex. Anna, bl. a. Olle m. m.", "Sedan kom 22.", "Alla gick."]),
    ("fi", ["On 1. marraskuuta.", "Niitä on 22.", "Sitten."]),
    ("", ["Es ist Sonntag, der 22. November 2026.", "On w 19. wieku był."]),
    ("", ["Dr. Müller kommt z. B. am 1. Mai.", "It costs 22.", "Then we go.", "Gen Z.", "But no."]),
    ("en", ["It ended on May 22.", "November came.", "It costs 22.", "then we go."]),
    ("hi", ["नमस्ते।", "आप कैसे हैं?"]),
    ("ja", ["「こんにちは。」", "彼は言った。", "本当！？", "はい"]),
    ("zh-Hans", ["你好。", "真的吗?", "是的！"]),
]
CLAUSES = [
    ("Well, okay then.", ["Well, okay then."]),
    ("The lights are on, the door, too.", ["The lights are on,", "the door, too."]),
    ("The lights are on and so is TV.", ["The lights are on", "and so is TV."]),
    ("Uncommonly, interesting.", ["Uncommonly, interesting."]),
    ("One, two, three, four, five.", ["One, two, three,", "four, five."]),
    ("There are 10,000 of them, yes.", ["There are 10,000 of them,", "yes."]),
    ("Come at 14:30 to the (big, red) door.", ["Come at 14:30 to the (big,", "red) door."]),
    ("Sure! It is on, and it stays, too.", ["Sure!", "It is on, and it stays, too."]),
    ("我已经把客厅的灯全部都打开了，还有吗？", ["我已经把客厅的灯全部都打开了，", "还有吗？"]),
]
LINES = [
    ("Title\n\nFirst line\nSecond line", ["Title", "First line", "Second line"]),
    ("---\n***\nHello", ["Hello"]),
    ("  \n \n", []),
    ("One\r\ntwo", ["One", "two"]),
]
NASTY = [
    *("22. ", "z. ", "B. ", "Mai ", "Dann "),
    *'aAb1 .,!?;:\n\t"()…。、！」好é\u0301-',
    "U.S. ",
    " and ",
    "Dr. ",
    "5 p.m. The ",
    "Yes. ",
]
ANY_TEXT = st.one_of(st.text(), st.lists(st.sampled_from(NASTY), max_size=40).map("".join))


def split(text: str, settings: SentenceSettings | None = None) -> list[str]:
    splitter = SentenceSplitter(settings)
    return splitter.add(text) + splitter.finish()


@pytest.mark.parametrize(("language", "sentences"), SENTENCES)
def test_whole_sentences(language: str, sentences: list[str]) -> None:
    joint = "" if language in ("ja", "zh-Hans") else " "
    settings = SentenceSettings(language, first_clause_min_chars=200)
    assert split(joint.join(sentences), settings) == sentences


@pytest.mark.parametrize(("text", "pieces"), CLAUSES + LINES)
def test_first_clause_and_lines(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


def test_a_sentence_comes_out_with_the_first_letter_of_the_next() -> None:
    splitter = SentenceSplitter()
    assert splitter.add("It is 3.") == []
    assert splitter.add("5 degrees.") == []
    assert splitter.add(" ") == []
    assert splitter.add("S") == ["It is 3.5 degrees."]
    assert splitter.add("o\n") == ["So"]


def test_only_a_number_waits_for_the_whole_of_the_next_word() -> None:
    splitter = SentenceSplitter(SentenceSettings("de"))
    assert splitter.add("Sie kosten 22. Da") == []
    assert splitter.add("nn ") == ["Sie kosten 22."]
    assert splitter.add("gehen wir. D") == ["Dann gehen wir."]
    assert splitter.finish() == ["D"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [("Es sind 22. Das", ["Es sind 22.", "Das"]), ("Am 22. Mai", ["Am 22. Mai"])],
)
def test_the_end_of_the_text_makes_the_word_behind_a_number_whole(
    text: str, pieces: list[str]
) -> None:
    assert split(text, SentenceSettings("de")) == pieces


@pytest.mark.parametrize("language", ["de", "pl", ""])
def test_a_first_sentence_goes_on_behind_an_ordinal_and_an_abbreviation(language: str) -> None:
    assert first_sentence("Np. w 22. maja z. B. Ola. Ja.", language)[0].startswith("Np. w 22. maja")
    assert first_sentence("Es ist der 1. Mai. Gut.", language) == ("Es ist der 1. Mai.", True)
    assert first_sentence("Es ist gut.  ", language) == ("Es ist gut.", True)


def test_a_splitter_can_be_used_again_after_finish() -> None:
    splitter = SentenceSplitter()
    text = "The lights are on, the door is shut."
    first = splitter.add(text) + splitter.finish()
    assert first == splitter.add(text) + splitter.finish()
    assert len(first) == 2


@given(ANY_TEXT, st.lists(st.integers(1, 9), min_size=1), st.sampled_from(["en", "de", "ja", ""]))
def test_any_split_gives_the_same_pieces(text: str, sizes: list[int], language: str) -> None:
    settings = SentenceSettings(language, max_chars=40)
    splitter = SentenceSplitter(settings)
    pieces, at, step = [], 0, 0
    while at < len(text):
        size = sizes[step % len(sizes)]
        pieces += splitter.add(text[at : at + size])
        at, step = at + size, step + 1
    assert pieces + splitter.finish() == split(text, settings)


def test_half_a_surrogate_pair_is_a_character_like_others() -> None:
    assert split("All is on \ud83d. Next \ud83d") == ["All is on \ud83d.", "Next \ud83d"]
    assert first_sentence("On \ud83d. Off.", "en") == ("On ?.", True)


@given(ANY_TEXT, st.integers(14, 60))
def test_nothing_is_lost_and_no_piece_is_too_long(text: str, max_chars: int) -> None:
    pieces = split(text, SentenceSettings(max_chars=max_chars))
    assert all(len(piece) <= max_chars and piece == piece.strip() for piece in pieces)
    spoken = [char for char in "".join(pieces) if char.isalnum()]
    assert spoken == [char for char in text if char.isalnum()]


def test_long_text_is_cut_at_a_clause_border_then_at_a_space_then_hard() -> None:
    settings = SentenceSettings(first_clause_min_chars=20, max_chars=20)
    assert split("abc def ghi, jkl mno pqr", settings) == ["abc def ghi,", "jkl mno pqr"]
    assert split("abc def ghi jkl mno pqr", settings) == ["abc def ghi jkl mno", "pqr"]
    assert split("a" * 45, settings) == ["a" * 20, "a" * 20, "a" * 5]


def test_a_hard_cut_keeps_an_accent_with_its_letter() -> None:
    settings = SentenceSettings(max_chars=20)
    assert split("a" * 19 + "e\u0301" * 2, settings) == ["a" * 19, "e\u0301" * 2]


def test_a_changing_limit_holds_from_the_next_add() -> None:
    splitter = SentenceSplitter()
    splitter.limit_chars = 20
    assert splitter.add("one two three four five six") == ["one two three four"]
    splitter.limit_chars = 250
    assert splitter.add(" seven eight nine ten eleven") == []
    splitter.limit_chars = 1
    assert splitter.limit_chars == SentenceSettings().first_clause_min_chars
    assert splitter.finish() == ["five six seven", "eight nine ten", "eleven"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("The kitchen light is on.", ["The kitchen light is on."]),
        ("It is on. One two three four five six", ["It is on.", "One two three four five six"]),
        ("One two three four five six seven", ["One two three", "four five six seven"]),
    ],
)
def test_a_first_limit_cuts_one_piece_of_a_sentence_that_is_not_short(
    text: str, pieces: list[str]
) -> None:
    splitter = SentenceSplitter(SentenceSettings(first_whole_chars=30))
    splitter.first_limit_chars = 1
    assert splitter.first_limit_chars == SentenceSettings().first_clause_min_chars
    assert splitter.add(text) + splitter.finish() == pieces


@pytest.mark.parametrize(
    ("spoken_ms", "chars_per_second", "rtf", "chars"),
    [(1000, 15, 0.5, 30), (2000, 15, 1.0, 30), (1000, 15, 2.0, 7), (0, 15, 0.5, 0)],
)
def test_the_next_piece_lasts_at_most_this_one_over_rtf(
    spoken_ms: float, chars_per_second: float, rtf: float, chars: int
) -> None:
    assert next_piece_chars(spoken_ms, chars_per_second, rtf) == chars


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="rtf 0 must both be above zero"):
        next_piece_chars(1000, 15, 0)
    with pytest.raises(ValueError, match="max_chars 5"):
        SentenceSettings(max_chars=5)


@pytest.mark.parametrize(
    "unit", ["*", "[", "1", "x", "a b ", ". ", "a. ", "a, b. ", "\n", " ", "。"]
)
def test_huge_text_without_sense_is_split_in_pieces_of_bounded_length(unit: str) -> None:
    pieces = split(unit * (100_000 // len(unit)))
    assert max(map(len, pieces), default=0) <= 250
