"""Captions: no word is lost, every limit is kept, and cues and lines end where a reader expects it."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_voice.core.captions import Captions, CaptionSettings, Cue
from wyoming_voice.core.phrasing import shown, width
from wyoming_voice.core.words import TimedWord

TALE = (
    "When the sun was going down behind the old mountains, the little girl opened the door of the house "
    'and looked at the garden. There was nobody there. "Who has taken my bicycle?" she asked, but the only '
    "answer that she got was the wind in the trees of the neighbour's orchard."
)
SLOW_CPS = 12.0


def spoken(text: str, cps: float = SLOW_CPS, *, at_s: float = 0.0) -> list[TimedWord]:
    """Words as somebody says them, with a breath after each sentence."""
    words = []
    for number, word in enumerate(text.split()):
        end_s = at_s + len(word) / cps
        words.append(TimedWord(f" {word}" if number else word, at_s, end_s))
        at_s = end_s + (0.4 if word.strip('"')[-1] in ".?!" else 0.02)
    return words


def letters(text: str) -> list[TimedWord]:
    """One word a letter, as recognisers give Chinese and Thai."""
    return [TimedWord(letter, 0.2 * at, 0.2 * at + 0.2) for at, letter in enumerate(text)]


def captioned(words: Sequence[TimedWord], settings: CaptionSettings | None = None) -> list[Cue]:
    captions = Captions(settings)
    return [cue for word in words for cue in captions.push(word)] + captions.finish()


def lines(words: Sequence[TimedWord]) -> list[tuple[str, ...]]:
    return [cue.lines for cue in captioned(words)]


def test_cues_and_lines_end_at_phrases() -> None:
    assert lines(spoken(TALE)) == [
        ("When the sun was going down", "behind the old mountains,"),
        ("the little girl opened the door of", "the house and looked at the garden."),
        ("There was nobody there.",),
        ('"Who has taken my bicycle?"',),
        ("she asked, but the only answer",),
        ("that she got was the wind in the trees", "of the neighbour's orchard."),
    ]


def test_a_cue_begins_with_its_first_word() -> None:
    cues = captioned(spoken(TALE, 20.0))
    assert [cue.start_s for cue in cues] == [cue.words[0].start_s for cue in cues]


def test_one_line_where_one_is_enough() -> None:
    assert lines(spoken("The answer is on the table, I think.")) == [
        ("The answer is on the table, I think.",)
    ]


def test_no_word_is_said_after_its_cue_has_gone() -> None:
    slowly = [TimedWord(f" word{number}", 1.2 * number, 1.2 * number + 1.1) for number in range(30)]
    cues = captioned(slowly)
    assert all(cue.words[-1].end_s <= cue.end_s + 0.1 for cue in cues)
    assert len(cues) == 6


def test_no_line_ends_in_an_article_or_a_preposition_where_that_can_be_had() -> None:
    text = "We have been walking through the forest with a dog and the children of the farmer"
    (cue,) = captioned(spoken(text, 20.0))
    assert cue.lines[0] == "We have been walking through the forest"


def test_a_title_is_no_end_of_a_sentence() -> None:
    assert lines(spoken("Please give all of these letters to Mr. Brown when he comes home.")) == [
        ("Please give all of these letters", "to Mr. Brown when he comes home.")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Ich glaube, wir sehen uns dann am 22. November, wenn alle hier sind.",
        "Dann kommen noch ein paar Leute, z. B. Anna, Peter und ihre Kinder.",
        "Spotkamy się w niedzielę, dnia 22. listopada, kiedy wszyscy przyjadą.",
    ],
)
def test_no_cue_and_no_line_ends_within_a_date_or_an_abbreviation(text: str) -> None:
    words = [
        TimedWord(f" {word}", 0.4 * at, 0.4 * at + 0.38) for at, word in enumerate(text.split())
    ]
    shown_lines = [line for cue in captioned(words) for line in cue.lines]
    assert " ".join(shown_lines) == text
    assert not any(line.endswith((" 22.", " z.", " B.")) for line in shown_lines)


def test_reading_time_comes_from_the_silence_behind() -> None:
    settings = CaptionSettings()
    words = [*spoken("Extraordinary circumstances everywhere.", 40.0), *spoken(" Yes.", at_s=6.0)]
    first, second = captioned(words)
    assert first.end_s == pytest.approx(38 / settings.max_cps, abs=0.1)
    assert second.end_s - second.start_s == pytest.approx(settings.min_s)


def test_a_short_gap_is_closed_to_two_frames() -> None:
    first, second = captioned([*spoken("One moment please, sir."), *spoken("Go!", at_s=3.6)])
    assert second.start_s == 3.6
    assert first.end_s == pytest.approx(3.6 - CaptionSettings().gap_s) or first.end_s < 3.1


def test_a_long_silence_ends_a_cue() -> None:
    words = [TimedWord("Well,", 0.0, 0.4), TimedWord(" yes.", 2.4, 2.8)]
    assert lines(words) == [("Well,",), ("yes.",)]


def test_what_is_broken_shares_no_cue() -> None:
    captions = Captions()
    cues = captions.push(TimedWord("Yes", 0.0, 0.3))
    captions.break_()
    cues += captions.push(TimedWord(" no", 0.4, 0.6))
    assert [cue.lines for cue in cues] == [("Yes",)]
    assert [cue.lines for cue in captions.finish()] == [("no",)]
    assert captions.finish() == []


def test_cues_come_while_words_do() -> None:
    captions = Captions()
    waiting = 0
    for word in spoken(TALE * 10):
        waiting += 1 - sum(len(cue.words) for cue in captions.push(word))
        assert waiting < 60


def test_chinese_is_broken_after_its_marks() -> None:
    text = "公园里有很多人，孩子们在草地上玩耍，老人们在树下聊天。"
    assert lines(letters(text)) == [("公园里有很多人，孩子们在草地上玩耍，", "老人们在树下聊天。")]


def test_no_line_begins_with_a_mark_or_an_accent() -> None:
    thai = "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอนหรือวรรณยุกต์เช่นเดียวกับภาษาจีน"
    kanji = (
        "これは日本語のとても長い文章で、改行の位置を確かめるためのものですから、読んでください。"
    )
    for text in (thai, kanji):
        shown_lines = [line for cue in captioned(letters(text)) for line in cue.lines]
        assert "".join(shown_lines) == text
        assert len(shown_lines) > 1
        assert not any(line[0] in "、。ัิีึืุู็่้๊๋์" for line in shown_lines)


def test_right_to_left_stays_in_the_order_in_which_it_is_read() -> None:
    text = "كانت الشمس تغرب خلف الجبال القديمة عندما فتحت الفتاة الصغيرة باب البيت"
    shown_lines = [line for cue in captioned(spoken(text)) for line in cue.lines]
    assert " ".join(shown_lines) == text


def test_a_word_wider_than_a_line_has_one_of_its_own() -> None:
    words = [TimedWord("a", 0, 1), TimedWord(" " + "x" * 200, 1, 2), TimedWord(" b", 2, 3)]
    assert [line for cue in captioned(words) for line in cue.lines] == ["a", "x" * 200, "b"]


@pytest.mark.parametrize(
    ("text", "places"), [("hello", 5), ("日本", 4), ("e\u0301", 1), ("ไม้", 2), ("🎉", 2), ("한", 2)]
)
def test_width(text: str, places: int) -> None:
    assert width(text) == places


times = st.one_of(
    st.floats(-5, 60), st.sampled_from([0.0, math.nan, math.inf, -math.inf]), st.integers(0, 30)
)
texts = st.one_of(
    st.text("abcdefghij", min_size=1, max_size=12).map(" {}".format),
    st.sampled_from(
        [" the", " and", ",", ".", " yes.", "日", "本。", "ี", " שלום", "\n", "", " \x00"]
    ),
    st.text(max_size=5),
    st.just(" " + "x" * 200),
)
wild = st.lists(st.builds(TimedWord, texts, times, times), max_size=60)


@st.composite
def calm(draw: st.DrawFn) -> list[TimedWord]:
    """Words one after another, as a recogniser times them."""
    now_s, words = 0.0, []
    for text in draw(st.lists(texts, max_size=60)):
        end_s = now_s + draw(st.floats(0.05, 0.8))
        words.append(TimedWord(text, now_s, end_s))
        now_s = end_s + draw(st.sampled_from([0.0, 0.02, 0.3, 1.0, 3.0]))
    return words


limits = st.builds(
    CaptionSettings,
    max_line_chars=st.integers(5, 50),
    max_lines=st.integers(1, 3),
    max_cps=st.floats(5, 30),
    min_s=st.floats(0.2, 1),
    max_s=st.floats(2, 8),
)


@settings(max_examples=60, deadline=None)
@given(words=st.one_of(wild, calm()), limits=limits, broken=st.sets(st.integers(0, 60)))
def test_any_words_keep_their_order_and_every_limit(
    words: list[TimedWord], limits: CaptionSettings, broken: set[int]
) -> None:
    captions = Captions(limits)
    cues: list[Cue] = []
    for number, word in enumerate(words):
        cues += captions.push(word)
        if number in broken:
            captions.break_()
    cues += captions.finish()
    visible = [word for word in words if shown(word.text)]
    assert [word for cue in cues for word in cue.words] == visible
    free_s = 0.0
    for cue in cues:
        assert "".join("".join(cue.lines).split()) == "".join(
            "".join(shown(word.text).split()) for word in cue.words
        )
        assert len(cue.lines) <= limits.max_lines
        for line in cue.lines:
            assert line == line.strip() != ""
            assert width(line) <= limits.max_line_chars or line in map(
                shown, (word.text for word in cue.words)
            )
        assert math.isfinite(cue.end_s)
        assert cue.start_s >= free_s
        assert 0 < cue.end_s - cue.start_s <= limits.max_s + 1e-9
        free_s = cue.end_s + limits.gap_s - 1e-9


@settings(max_examples=60, deadline=None)
@given(words=calm())
def test_a_cue_is_read_in_time_where_the_silence_allows_it(words: list[TimedWord]) -> None:
    limits = CaptionSettings()
    cues = captioned(words, limits)
    for cue, following in zip(cues, [*cues[1:], None], strict=False):
        text = sum(width(shown(word.text)) for word in cue.words)
        wanted_s = min(max(limits.min_s, text / limits.max_cps), limits.max_s)
        room_s = math.inf if following is None else following.start_s - limits.gap_s - cue.start_s
        assert cue.end_s - cue.start_s >= min(wanted_s, room_s) - 1e-6
