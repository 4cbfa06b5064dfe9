"""SubtitleWriter: two parsers that are not ours read back what was said, when, whatever stands in it."""

from io import StringIO
from itertools import pairwise

import pysubs2
import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_voice.core.captions import Captions, Cue
from wyoming_voice.core.words import TimedWord
from wyoming_voice.subtitle_files import SubtitleKind, SubtitleWriter, text_of


def cue(*lines: str, start_s: float = 1.0, end_s: float = 2.5) -> Cue:
    return Cue(start_s, end_s, lines, ())


def captioned(text: str, word_s: float = 0.3) -> list[Cue]:
    captions = Captions()
    cues: list[Cue] = []
    for number, word in enumerate(text.split()):
        space = " " if number else ""
        timed = TimedWord(space + word, number * word_s, (number + 1) * word_s)
        cues += captions.push(timed)
    return cues + captions.finish()


def read_by_webvtt(text: str, kind: SubtitleKind) -> list[tuple[str, str]]:
    """Start and text; without tags, entities as they are written."""
    return [
        (caption.start, caption.text)
        for caption in webvtt.from_buffer(StringIO(text), kind).captions
    ]


def plain(text: str) -> str:
    entities = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
    for entity, letter in entities.items():
        text = text.replace(entity, letter)
    return text


def written(line: str, kind: SubtitleKind) -> str:
    return line if kind == "vtt" else line.translate(str.maketrans("<>{}", "‹›()"))


def test_vtt() -> None:
    assert text_of([cue("Hello,", "world."), cue("Bye.", start_s=3.0, end_s=4.0)], "vtt") == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHello,\nworld.\n\n"
        "00:00:03.000 --> 00:00:04.000\nBye.\n\n"
    )


def test_srt() -> None:
    assert text_of([cue("Hello,", "world."), cue("Bye.", start_s=3.0, end_s=4.0)], "srt") == (
        "1\n00:00:01,000 --> 00:00:02,500\nHello,\nworld.\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\nBye.\n\n"
    )


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_it_is_written_as_a_stream(kind: SubtitleKind) -> None:
    cues = captioned("one two three four. " * 30)
    writer = SubtitleWriter(kind)
    assert writer.header() + "".join(map(writer.cue, cues)) == text_of(cues, kind)
    assert len(cues) > 5


def test_more_than_99_hours() -> None:
    late = cue("Still here.", start_s=360_001.5, end_s=360_003.0)
    assert "100:00:01.500 --> 100:00:03.000" in text_of([late], "vtt")
    assert "100:00:01,500 --> 100:00:03,000" in text_of([late], "srt")


HARD = ["a < b & c > d", "<i>no</i> tag", "see --> there", "{\\an8}up {b}", "00:00:01,000", "7"]


@pytest.mark.parametrize("line", HARD)
@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_what_was_said_breaks_nothing(kind: SubtitleKind, line: str) -> None:
    cues = [cue(line, "and more"), cue("next", start_s=3.0, end_s=4.0)]
    text = text_of(cues, kind)
    assert "-->" not in text.replace(" --> ", "", 2)
    read = read_by_webvtt(text, kind)
    assert [plain(said) for _, said in read] == [f"{written(line, kind)}\nand more", "next"]
    parsed = pysubs2.SSAFile.from_string(text, format_=kind)
    assert [(event.start, event.end) for event in parsed] == [(1_000, 2_500), (3_000, 4_000)]
    if kind == "srt":
        said = [event.plaintext for event in parsed]
        assert said == [f"{written(line, kind)}\nand more", "next"]


def test_an_empty_line_is_left_out() -> None:
    assert text_of([cue("one", " ", "two")], "vtt").endswith("\none\ntwo\n\n")


def test_words_of_vtt_have_their_times() -> None:
    (one,) = captioned("Turn on & wait.")
    text = text_of([one], "vtt", words=True)
    assert text.splitlines()[3] == ("Turn <00:00:00.300>on <00:00:00.600>&amp; <00:00:00.900>wait.")
    (read,) = read_by_webvtt(text, "vtt")
    assert plain(read[1]) == "Turn on & wait."


def test_words_of_srt_come_a_few_at_a_time() -> None:
    said = "The quick brown fox jumps over the lazy dog and runs away into the dark forest."
    text = text_of(captioned(said), "srt", words=True)
    parsed = pysubs2.SSAFile.from_string(text, format_="srt")
    assert " ".join(event.plaintext for event in parsed) == said
    assert [event.start for event in parsed][:3] == [0, 900, 1_800]
    assert all(len(event.plaintext.split()) <= 3 for event in parsed)
    assert all(before.end <= after.start for before, after in pairwise(parsed))


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_words_without_time_between_them_are_shown_together(kind: SubtitleKind) -> None:
    captions = Captions()
    for text in ("All", " at", " once", " here", " now"):
        captions.push(TimedWord(text, 1.0, 1.0))
    text = text_of(captions.finish(), kind, words=True)
    assert "All at once here now" in text


words = st.lists(
    st.builds(
        TimedWord,
        st.one_of(
            st.text(min_size=1, max_size=8).map(" {}".format), st.sampled_from([" <b>", " -->"])
        ),
        st.floats(0, 100),
        st.floats(0, 100),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(words=words, timed=st.booleans(), kind=st.sampled_from(["srt", "vtt"]))
def test_any_text_is_one_file_with_as_many_cues(
    words: list[TimedWord], timed: bool, kind: SubtitleKind
) -> None:
    captions = Captions()
    cues = [cue for word in words for cue in captions.push(word)] + captions.finish()
    text = text_of(cues, kind, words=timed)
    text.encode("utf-8")
    blocks = [block for block in text.removeprefix("WEBVTT\n\n").split("\n\n") if block]
    assert len(blocks) >= len(cues) if timed else len(blocks) == len(cues)
    assert all(block.count("-->") == 1 for block in blocks)
    if timed and kind == "vtt":  # pysubs2 takes the times of words for those of cues
        assert len(read_by_webvtt(text, kind)) == len(blocks)
        return
    parsed = pysubs2.SSAFile.from_string(text, format_=kind)
    assert len(parsed) == len(blocks)
    assert all(event.start < event.end for event in parsed)
    assert all(before.end <= after.start for before, after in pairwise(parsed))
