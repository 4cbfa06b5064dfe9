"""Cuts long audio into windows that fit a recogniser, at pauses, and leaves silence out.

Rule: no window is longer than the recogniser likes, a cut falls into the longest pause of the window's
second half, and what lies behind a window never changes it: so its text can be kept while more audio comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_voice.asr.gate import speech_frames

FRAMES_PER_S = 31.25
_MARGIN_FRAMES = 15


@dataclass(frozen=True, slots=True)
class Window:
    """Frames [start, end) of which somebody speaks in [speech_start, speech_end)."""

    start: int
    end: int
    speech_start: int
    speech_end: int

    @property
    def speech_s(self) -> tuple[float, float]:
        """From when to when somebody speaks, in seconds from the start of the window."""
        return (
            (self.speech_start - self.start) / FRAMES_PER_S,
            (self.speech_end - self.start) / FRAMES_PER_S,
        )


def windows(probabilities: Sequence[float], threshold: float, longest_s: float) -> list[Window]:
    """The windows that hold all speech, in order; none when nobody speaks.

    Audio of up to `longest_s` is one window from its first to its last frame: a recogniser copes with the
    silence around speech, and the edges are where words get lost.
    """
    speech = speech_frames(probabilities, threshold)
    if speech is None:
        return []
    longest = int(longest_s * FRAMES_PER_S)
    if len(probabilities) <= longest:
        return [Window(0, len(probabilities), *speech)]
    found: list[Window] = []
    start = 0
    while (window := _next(probabilities, threshold, start, longest)) is not None:
        found.append(window)
        start = window.end
    return found


def _next(
    probabilities: Sequence[float], threshold: float, start: int, longest: int
) -> Window | None:
    speech = speech_frames(probabilities[start:], threshold)
    if speech is None:
        return None
    first = start + speech[0]
    begin = max(start, first - _MARGIN_FRAMES)
    limit = begin + longest
    if limit >= len(probabilities):
        end = len(probabilities)
    else:
        end = _quietest(probabilities, threshold, begin + longest // 2, limit)
    inside = speech_frames(probabilities[begin:end], threshold) or (first - begin, end - begin)
    return Window(begin, end, begin + inside[0], begin + inside[1])


def _quietest(probabilities: Sequence[float], threshold: float, low: int, high: int) -> int:
    """The middle of the longest pause in [low, high), or the least speechlike frame there."""
    best_length = best_middle = length = 0
    for number in range(low, high):
        length = length + 1 if probabilities[number] < threshold else 0
        if length > best_length:
            best_length, best_middle = length, number + 1 - length // 2
    if best_length:
        return best_middle
    return min(range(low, high), key=lambda number: probabilities[number]) + 1
