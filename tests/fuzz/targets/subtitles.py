"""Subtitles: timed words into cues, cues into files, and files read back by those that play them."""

import io
import math
from itertools import pairwise

import pysubs2
import webvtt

from tests.fuzz.draw import Draw
from tests.fuzz.target import Target, dice, spoken
from wyoming_voice.core.captions import Captions, CaptionSettings, Cue
from wyoming_voice.core.phrasing import shown
from wyoming_voice.core.readings import Places
from wyoming_voice.core.speakable import Speakable
from wyoming_voice.core.word_times import Mark, WordTimes
from wyoming_voice.core.words import TimedWord
from wyoming_voice.subtitle_files import SubtitleKind, text_of

_TIMES = (0.0, 0.1, 1.0, -1.0, 5.0, 90_000.0, 1e6, math.nan, math.inf, -math.inf)
_SAID = (" the", " and", ",", ".", " yes.", "日", "本。", "ี", " <b>", " -->", " {\\an8}", "\u0301")
_SPOKEN = (" the", " and", " yes.", " x", "日", "。", " <b>")
_KINDS: tuple[SubtitleKind, ...] = ("srt", "vtt")


def captions(data: bytes) -> None:
    """No word is lost or moved; cues don't overlap, never go back, and end in time; no line is too wide."""
    draw = Draw(data)
    settings = CaptionSettings(draw.pick((42, 5, 20)), draw.pick((2, 1, 3)))
    words = _words(draw)
    cues = _captioned(draw, settings, words)
    assert [word for cue in cues for word in cue.words] == [w for w in words if shown(w.text)]
    for cue in cues:
        assert math.isfinite(cue.start_s)
        assert cue.start_s < cue.end_s
        assert len(cue.lines) <= settings.max_lines or len(cue.words) == 1
        assert _letters("".join(cue.lines)) == _letters("".join(word.text for word in cue.words))
    assert all(one.end_s <= other.start_s for one, other in pairwise(cues))


def subtitle_files(data: bytes) -> None:
    """Whatever was said, a file has as many cues for those who read it, with their times in order."""
    draw = Draw(data)
    kind, timed = draw.pick(_KINDS), draw.flag()
    cues = _captioned(draw, CaptionSettings(), [w for w in _words(draw) if _plain_times(w)])
    text = text_of(cues, kind, words=timed)
    blocks = [block for block in text.removeprefix("WEBVTT\n\n").split("\n\n") if block]
    assert len(blocks) >= len(cues) if timed and kind == "srt" else len(blocks) == len(cues)
    text.encode()
    if kind == "vtt":
        assert len(webvtt.from_buffer(io.StringIO(text)).captions) == len(blocks)
        return
    parsed = pysubs2.SSAFile.from_string(text, format_="srt")
    assert len(parsed) == len(blocks)
    assert all(event.start < event.end for event in parsed)
    assert all(before.end <= after.start for before, after in pairwise(parsed))


def word_times(data: bytes) -> None:
    """Written words have times that lie in the audio, in order and without overlap, by whatever marks."""
    draw = Draw(data)
    rate_hz, texts = 8_000, [draw.text(60) for _ in range(draw.number(3))]
    clock, places, reader = WordTimes(rate_hz), Places(), Speakable("en")
    begin = 0
    words: list[TimedWord] = []
    for text in texts:
        readings = reader.add(text) + reader.finish()
        said = "".join(reading.spoken for reading in readings)
        for reading in readings:
            places.add(reading.words)
        clock.begin(places.take(said), begin)
        end = begin
        marks: list[Mark] = []
        at = 0
        while at < len(said) and draw:
            start = at + draw.number(3)
            at, begun = start + draw.number(5), end + draw.number(500)
            end = begun + draw.number(4_000)
            marks.append(Mark(start, at, begun, end))
        if marks:
            words += clock.take(marks)
        begin = end + draw.number(4_000)
        words += clock.finish(begin)
    assert all(0 <= word.start_s <= word.end_s <= begin / rate_hz for word in words)
    assert all(one.end_s <= other.start_s for one, other in pairwise(words))


def _words(draw: Draw) -> list[TimedWord]:
    """Words as a recogniser times them, and some of which nobody knows when they were said."""
    words: list[TimedWord] = []
    now_s, tame = 0.0, draw.flag()
    while draw and len(words) < 400:
        kind = draw.byte()
        text = draw.text(12) if kind < 40 else draw.pick(_SPOKEN if kind < 200 else _SAID)
        start_s, end_s = now_s, now_s + draw.number(50) / 50
        if not tame and kind % 16 == 0:
            start_s, end_s = draw.pick(_TIMES), draw.pick(_TIMES)
        words.append(TimedWord(text, start_s, end_s))
        now_s += draw.pick((0.1, 0.3, 0.0, 2.0))
    return words


def _captioned(draw: Draw, settings: CaptionSettings, words: list[TimedWord]) -> list[Cue]:
    settled = Captions(settings)
    cues: list[Cue] = []
    for number, word in enumerate(words):
        if number % 16 == 15 and draw.flag():
            settled.break_()
        cues += settled.push(word)
    return cues + settled.finish()


def _plain_times(word: TimedWord) -> bool:
    return all(math.isfinite(time_s) and time_s < 300_000 for time_s in (word.start_s, word.end_s))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


TARGETS = (
    Target(captions, dice()),
    Target(subtitle_files, dice()),
    Target(word_times, (*dice(), *spoken("It costs $5.99 on 3/4.", head=b"\1\x3c"))),
)
