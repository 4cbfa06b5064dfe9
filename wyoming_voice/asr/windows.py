"""Cuts speech into windows that fit a recogniser, at pauses, and leaves silence out.

Frame by frame, from left to right. Rule: what is cut depends on the scores alone, and what has been settled
is settled for good: the windows of the beginning of some audio are windows of the whole. So a window that
was decoded while the audio still came needs no second decode, whatever came behind it.

The last window ends TAIL_FRAMES behind the last frame that is a little like speech, so that silence behind
speech changes nothing. A window longer than SOFT_S ends in the first pause of PAUSE_FRAMES; without one, in
the longest pause of its second half before it gets longer than the recogniser likes. So little is left to
do when speech ends; who waits for a whole film is served sooner by fewer, longer windows (`soft_s`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wyoming_voice.asr.gate import MIN_RUN_FRAMES, speech_frames
from wyoming_voice.asr.scores import Scores

FRAMES_PER_S = 31.25

LOW = 0.15
"""From this probability on a single frame keeps a window open: half of what is speech by default."""

TAIL_FRAMES = 5
"""160 ms of what comes after the last such frame: the end of a word is quieter than its middle."""

PAUSE_FRAMES = 14
"""448 ms: people breathe in half a second, and hesitate within a word for less."""

PAUSE_BETWEEN_FRAMES = 6
"""192 ms, between words: the longest silence within one, before a "p" or a "k", has half of that."""

SOFT_S = 12.0
_MARGIN_FRAMES = 31


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


def pauses(probabilities: Sequence[float]) -> Iterator[tuple[float, float]]:
    """From when to when nothing is a little like speech for PAUSE_BETWEEN_FRAMES and more, in seconds."""
    begin = 0
    for number, probability in enumerate([*probabilities, 1.0]):
        if probability >= LOW:
            if number - begin >= PAUSE_BETWEEN_FRAMES:
                yield begin / FRAMES_PER_S, number / FRAMES_PER_S
            begin = number + 1


def windows(probabilities: Iterable[float], threshold: float, longest_s: float) -> list[Window]:
    """The windows that hold all speech, in order; none when nobody speaks."""
    cutter = Cutter(threshold, longest_s)
    for probability in probabilities:
        cutter.push(probability)
    return cutter.windows


class Cutter:
    """The windows of audio that grows; one probability of speech a frame."""

    def __init__(self, threshold: float, longest_s: float, soft_s: float | None = None) -> None:
        """`soft_s`: see above; by default SOFT_S, and half of what the recogniser likes at most."""
        self.settled: list[Window] = []
        self._threshold = threshold
        self._low = min(LOW, threshold)
        self._longest = int(longest_s * FRAMES_PER_S)
        self._soft = int((soft_s or min(SOFT_S, longest_s / 2)) * FRAMES_PER_S)
        self._scores = Scores()
        self._free_from = 0
        self._run = 0
        self._begin: int | None = None
        self._loud_end = 0
        self._open: Window | None = None

    @property
    def open(self) -> Window | None:
        """The last window, if the audio ended here; None when nobody spoke behind the last settled one."""
        if self._begin is None:
            return None
        end = min(self._loud_end + TAIL_FRAMES, len(self._scores))
        if self._open is None or (self._open.start, self._open.end) != (self._begin, end):
            self._open = self._window(self._begin, end)
        return self._open

    @property
    def windows(self) -> list[Window]:
        """All windows, if the audio ended here."""
        return [*self.settled, self.open] if self.open is not None else [*self.settled]

    @property
    def spoken(self) -> bool:
        """Whether there is a window at all."""
        return self._begin is not None or bool(self.settled)

    @property
    def silence_frames(self) -> int:
        """How long the pause in the open window has lasted; 0 without one."""
        return 0 if self._begin is None else len(self._scores) - self._loud_end

    @property
    def needed_from(self) -> int:
        """No window that is yet to be settled begins before this frame."""
        if self._begin is not None:
            return self._begin
        return max(self._free_from, len(self._scores) - MIN_RUN_FRAMES - _MARGIN_FRAMES)

    def hand_over(self) -> list[Window]:
        """The windows that are settled, each once; what they were cut from is forgotten."""
        found, self.settled = self.settled, []
        self._scores.forget(self.needed_from)
        return found

    def push(self, probability: float) -> None:
        """Take the next frame."""
        self._scores.append(probability)
        self._step(len(self._scores))

    def _step(self, end: int) -> None:
        """What follows from the frame before `end`."""
        score = self._scores[end - 1]
        if self._begin is None:
            self._wait(score, end)
            return
        if end - self._begin > self._longest:
            high = self._begin + self._longest
            self._settle(self._quietest(self._begin + self._longest // 2, high), end)
        elif score >= self._low:
            self._loud_end = end
        elif end - self._loud_end == PAUSE_FRAMES and self._loud_end - self._begin >= self._soft:
            self._settle(end, end)

    def _wait(self, score: float, end: int) -> None:
        self._run = self._run + 1 if score >= self._threshold else 0
        if self._run == MIN_RUN_FRAMES:
            self._begin = max(self._free_from, end - MIN_RUN_FRAMES - _MARGIN_FRAMES)
            self._loud_end = end

    def _settle(self, cut: int, heard: int) -> None:
        """End the open window at `cut` at the latest, and take the frames behind it, up to `heard`, again."""
        assert self._begin is not None
        loud_end = cut
        while self._scores[loud_end - 1] < self._low and loud_end > self._begin + 1:
            loud_end -= 1
        cut = min(cut, loud_end + TAIL_FRAMES)
        self.settled.append(self._window(self._begin, cut))
        self._free_from, self._begin, self._run = cut, None, 0
        for end in range(cut + 1, heard + 1):
            self._step(end)

    def _window(self, begin: int, end: int) -> Window:
        speech = speech_frames(self._scores[begin:end], self._threshold) or (0, end - begin)
        return Window(begin, end, begin + speech[0], begin + speech[1])

    def _quietest(self, low: int, high: int) -> int:
        """The middle of the longest pause in [low, high), or the least speechlike frame there."""
        best_length = best_middle = length = 0
        for number in range(low, high):
            length = length + 1 if self._scores[number] < self._threshold else 0
            if length > best_length:
                best_length, best_middle = length, number + 1 - length // 2
        return best_middle if best_length else _least(self._scores, low, high)


def _least(scores: Sequence[float], low: int, high: int) -> int:
    return min(range(low, high), key=lambda number: scores[number]) + 1
