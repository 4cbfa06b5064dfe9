"""What is told of a piece: what the gate lets through, in the file's time, sentence by sentence."""

from dataclasses import replace

import pytest

from wyoming_voice.asr.engine import Evidence, Segment, Word
from wyoming_voice.asr.memo import Piece
from wyoming_voice.asr.passages import told

PIECE = Piece(160_000, 320_000, (0.5, 9.0))


def segment(text: str, *, words: bool = True, gap_s: float = 0.0, cut: bool = False) -> Segment:
    """Each word is said in 0.4 s, with so long a gap between two."""
    said = [f" {word}" for word in text.split()]
    times = [number * (0.4 + gap_s) for number in range(len(said))]
    timed = tuple(Word(w, at, at + 0.4, 1.0) for w, at in zip(said, times, strict=True))
    evidence = Evidence(cut=cut)
    return Segment(f" {text}", 0.0, 10.0, "en", timed if words else (), evidence)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith came at five p.m. today."],
        ["He came at five.", "She did not!", "Why?", "Yes.", "No."],
        ["J. R. Smith paid 3.50 for it.", "It was Mr. Brown's."],
        ['"Stop!"', "He said so."],
        ["今日は晴れです。", "明日は雨です。"],
        ["no stop at all"],
    ],
)
def test_each_sentence_is_a_segment(sentences: list[str]) -> None:
    found = told([segment(" ".join(sentences))], PIECE, vad_heard=True)
    assert [one.text for one in found] == [f" {sentence}" for sentence in sentences]
    for one in found:
        assert (one.start_s, one.end_s) == (one.words[0].start_s, one.words[-1].end_s)
    assert found[0].start_s == 10


def test_an_ordinal_and_an_abbreviation_end_no_segment() -> None:
    said = segment("Er kommt d. h. Anna am 1. Mai. Es kostet 22. Dann geht er.")
    found = told([replace(said, language="de-DE")], PIECE, vad_heard=True)
    assert [one.text for one in found] == [
        " Er kommt d. h. Anna am 1. Mai.",
        " Es kostet 22.",
        " Dann geht er.",
    ]


def test_a_long_pause_begins_a_segment() -> None:
    assert len(told([segment("one and two", gap_s=0.9)], PIECE, vad_heard=True)) == 1
    assert len(told([segment("one and two", gap_s=1.1)], PIECE, vad_heard=True)) == 3


def test_without_words_a_segment_lasts_as_long_as_the_speech() -> None:
    (one,) = told([segment("One. Two.", words=False)], PIECE, vad_heard=True)
    assert (one.text, one.start_s, one.end_s) == (" One. Two.", 10.5, 19.0)
    several = [segment("One.", words=False)] * 2
    assert [one.end_s for one in told(several, PIECE, vad_heard=True)] == [20, 20]


def test_no_segment_lasts_longer_than_its_piece() -> None:
    short = Piece(160_000, 170_000, None)
    (one,) = told([segment("One. Two.", words=False)], short, vad_heard=False)
    assert (one.start_s, one.end_s) == (10, 10.625)


def test_what_the_gate_cuts_off_has_no_words() -> None:
    looped = segment("Now listen " + "and again " * 12, cut=True)
    (one,) = told([looped], PIECE, vad_heard=True)
    assert one.text == " Now listen and again"
    assert [word.text for word in one.words] == [" Now", " listen", " and", " again"]


def test_what_the_gate_refuses_is_nothing() -> None:
    refused = segment("Thank you.")
    silent = Segment(refused.text, 0, 10, "en", (), Evidence(no_speech=0.9, log_prob=-2.0))
    assert told([silent, segment(" ")], PIECE, vad_heard=True) == ()
