"""Segments as cues, written as they come."""

import pysubs2

from wyoming_voice.asr.engine import Segment, Word
from wyoming_voice.core.captions import CaptionSettings
from wyoming_voice.subtitles.cues import Subtitles

WORDS = (Word(" Good", 1.0, 1.4, 0.9), Word(" morning.", 1.4, 2.0, 0.9))
LATER = (Word(" Later.", 60.0, 61.0, 0.9),)


def test_cues_are_written_as_they_are_settled() -> None:
    subtitles = Subtitles(CaptionSettings(), "vtt", words=False)
    text = subtitles.header()
    text += subtitles.push([Segment(" Good morning.", 1.0, 2.0, "en", WORDS)])
    text += (settled := subtitles.push([Segment(" Later.", 60.0, 61.0, "en", LATER)]))
    assert "Good morning." in settled
    assert subtitles.cues == 1
    found = pysubs2.SSAFile.from_string(text + subtitles.finish())
    assert [(cue.plaintext, cue.start) for cue in found] == [
        ("Good morning.", 1000),
        ("Later.", 60_000),
    ]
    assert subtitles.cues == 2
