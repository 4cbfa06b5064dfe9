"""When each word of a text was said, by an alignment that knows nothing of pauses: what is kept of it.

Pauses are what a voice detector is asked about: an alignment gives them to a word beside them, and where it
has lost its way it gives the words behind a pause no time at all, before it.

Rule: no word is outside the speech that a voice detector found, none ends before it begins, and none begins
before the one before it ends; the texts are left as they are.
"""

import functools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile

from wyoming_voice.asr.engine import Segment, Word

MARGIN_S = 0.1
"""A voice detector misses the first consonant of a word, and the last."""

_SHORTEST_S = 0.1
"""What an alignment gives less than that is as long as this where there is room: nobody is faster."""

_LOST_S = 0.05
"""Two steps of an alignment and a half: a word of several letters that gets less has not been found."""

_MOST_CHARS_PER_S = 30
"""Twice as fast as most people speak, and a little faster than espeak-ng at its usual speed."""

_RUN_S = 0.25
"""Speech between two pauses that is as long has a word in it; a shorter one may be a breath or a click."""


def within(words: Sequence[Word], begin_s: float, end_s: float) -> tuple[Word, ...]:
    """The words, moved as little as it takes into the time from `begin_s` to `end_s`, and in order."""
    found: list[Word] = []
    before_s = begin_s
    for word, next_s in zip(words, _begins_s(words, end_s), strict=True):
        start_s = min(max(word.start_s, before_s), end_s)
        room_s = max(start_s, min(start_s + _SHORTEST_S, next_s))
        before_s = min(max(word.end_s, room_s), end_s)
        found.append(replace(word, start_s=round(start_s, 3), end_s=round(before_s, 3)))
    return tuple(_with_time(found))


def out_of(
    words: Sequence[Word],
    pauses_s: Sequence[tuple[float, float]],
    speech_s: tuple[float, float],
) -> tuple[Word, ...]:
    """The words without the pauses, in order: one that spans a pause is where the more of it is.

    Speech between pauses, within `speech_s`, that has no word gets those beside it that have been lost.
    """
    placed = [functools.reduce(_apart, pauses_s, word) for word in words]
    first_s, last_s = speech_s
    before_s = (first_s, first_s)
    for (_, begin_s), (end_s, _) in pairwise(((0.0, first_s), *pauses_s, (last_s, last_s))):
        run_s = max(begin_s, first_s), end_s
        if run_s[1] - run_s[0] >= _RUN_S:
            if not any(word.start_s < run_s[1] and word.end_s > run_s[0] for word in placed):
                filled = _filled(placed, run_s, pauses_s)
                placed = filled if filled != placed else _parted(placed, before_s, run_s)
            before_s = run_s
    return tuple(_with_time(placed))


def guessed(segment: Segment, speech_s: tuple[float, float]) -> tuple[Word, ...]:
    """The words of a segment whose engine tells none, spread over its time, as far as there is speech."""
    begin_s, end_s = speech_s
    log_prob = segment.evidence.log_prob
    probability = math.exp(log_prob) if log_prob is not None else 1.0
    words = [Word(text, 0.0, 0.0, probability) for text in re.findall(r"\s*\S+", segment.text)]
    begin_s = min(max(segment.start_s, begin_s), end_s)
    return tuple(spread(words, begin_s, max(begin_s, min(segment.end_s, end_s))))


def spread(words: Iterable[Word], begin_s: float, end_s: float) -> Iterator[Word]:
    """The words over this time, by their lengths."""
    words = list(words)
    chars = sum(len(word.text) for word in words) or 1
    at = 0
    for word in words:
        start_s = begin_s + (end_s - begin_s) * at / chars
        at += len(word.text)
        until_s = begin_s + (end_s - begin_s) * at / chars
        yield replace(word, start_s=round(start_s, 3), end_s=round(until_s, 3))


def _apart(word: Word, pause_s: tuple[float, float]) -> Word:
    start_s, end_s = word.start_s, word.end_s
    before_s, after_s = pause_s[0] - start_s, end_s - pause_s[1]
    if start_s >= pause_s[1] or end_s <= pause_s[0] or max(before_s, after_s) <= 0:
        return word  # beside it, or wholly within, where the voice detector has missed the word
    if before_s > after_s:
        return replace(word, end_s=round(pause_s[0], 3))
    return replace(word, start_s=round(pause_s[1], 3))


def _filled(
    words: list[Word], run_s: tuple[float, float], pauses_s: Sequence[tuple[float, float]]
) -> list[Word]:
    """The words, those that are lost beside this speech, which has none, moved into it."""
    begin_s, end_s = run_s
    at = sum(word.end_s <= begin_s for word in words)

    def lost(word: Word) -> bool:
        paused = any(first <= word.start_s and word.end_s <= last for first, last in pauses_s)
        return paused or word.end_s - word.start_s < _LOST_S

    first = at - sum(1 for _ in takewhile(lost, reversed(words[:at])))
    last = at + sum(1 for _ in takewhile(lost, words[at:]))
    return [*words[:first], *spread(words[first:last], begin_s, end_s), *words[last:]]


def _parted(
    words: list[Word], before_s: tuple[float, float], run_s: tuple[float, float]
) -> list[Word]:
    """The words; those in the speech before this one share both, if nobody says as many in the first."""
    at = [number for number, word in enumerate(words) if before_s[0] <= word.start_s < before_s[1]]
    chars = sum(len(words[number].text) for number in at)
    if not at or chars <= _MOST_CHARS_PER_S * (words[at[-1]].end_s - words[at[0]].start_s):
        return words
    first_share = (before_s[1] - before_s[0]) / (before_s[1] - before_s[0] + run_s[1] - run_s[0])
    so_far, last = 0, at[0]
    for number in at:
        length = len(words[number].text)
        last = number + 1 if so_far + length / 2 < first_share * chars else last
        so_far += length
    first, second = words[at[0] : last], words[last : at[-1] + 1]
    return [
        *words[: at[0]],
        *spread(first, *before_s),
        *spread(second, *run_s),
        *words[at[-1] + 1 :],
    ]


def _with_time(words: Sequence[Word]) -> Iterator[Word]:
    """The words; those without any time share that of the next one, which begins where they do."""
    waiting: list[Word] = []
    for word in words:
        if waiting and word.start_s > waiting[-1].end_s:
            yield from waiting
            waiting = []
        waiting.append(word)
        if word.end_s > word.start_s:
            yield from spread(waiting, waiting[0].start_s, word.end_s) if waiting[1:] else waiting
            waiting = []
    yield from waiting


def _begins_s(words: Sequence[Word], end_s: float) -> Iterable[float]:
    """When the next word begins, of each word."""
    return [*(word.start_s for word in words[1:]), end_s][: len(words)]
