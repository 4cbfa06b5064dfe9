"""PURE: how far a text has been spoken, judged by the audio that came for it.

A TTS server that is given text as a stream sends one stream of audio back, and only ours put marks in it
(`extensions.SPOKEN_MARKS`). So the
time that a text takes is estimated: each character has an effort, and a voice a pace, efforts a second.
Rule for giving a text to another server after one was lost: a sentence counts as spoken when more audio
has come than it and all before it take at a slow pace; the first that doesn't is spoken again from its
beginning. So no word is lost, and what is repeated is the sentence in progress (at the end of a long
answer, or with a voice much faster than any heard before, some that stand before it, too).
"""

from collections.abc import Sequence

TYPICAL_PACE = 15.0
"""Efforts a second of an unhurried English voice, where nothing has been heard of it yet."""

SLOW_PACE = 10.0
"""Likewise of a slow one."""

_SURELY = 0.85
"""One answer may be that much slower than another, by the same voice."""

_LEAST_EFFORT = 40


def effort(text: str) -> float:
    """About how long a text takes to speak, in letters of English.

    A letter counts as its bytes in UTF-8, which makes an ideograph three; a digit or a sign is a word of
    its own ("7": "seven"); a stop is a pause.
    """
    return sum(map(_effort, text))


def _effort(char: str) -> float:
    if char.isdecimal() or not (char.isalpha() or char.isspace()):
        return 5.0
    return float(len(char.encode(errors="replace")))


def measured_pace(text: str, audio_ms: float) -> float | None:
    """The pace of a voice that took `audio_ms` for all of `text`; None when that is too little to tell."""
    tried = effort(text)
    return tried / audio_ms * 1000 if tried >= _LEAST_EFFORT and audio_ms > 0 else None


def sentences_spoken(sentences: Sequence[str], audio_ms: float, pace: float | None) -> int:
    """How many of the sentences have been spoken for certain in the first `audio_ms` of their audio.

    `pace` is what was measured of that voice, None when nothing was.
    """
    left = audio_ms / 1000 * (SLOW_PACE if pace is None else pace * _SURELY)
    for number, sentence in enumerate(sentences):
        left -= effort(sentence)
        if left < 0:
            return number
    return len(sentences)


def text_heard(text: str, heard_ms: float, pace: float) -> str:
    """The beginning of `text` that takes about `heard_ms`, up to the end of a word."""
    left = heard_ms / 1000 * pace
    for at, char in enumerate(text):
        left -= _effort(char)
        if left < 0:
            return text[: text.rfind(" ", 0, at) + 1].rstrip()
    return text
