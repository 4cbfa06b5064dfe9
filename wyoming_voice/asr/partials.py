"""When text that can be shown while somebody still speaks is worth a decode, and which of it is stable.

Rule: a partial never costs anybody else's time. None is made while the engine is at work, none in a pause
(the utterance may end there, and its last decode should find the engine free), and the audio grows by at
least as much as the last one took.
"""

from collections.abc import Sequence

from wyoming_voice.core.stability import Stability

_STEP_MS = 700.0
_PAUSE_FRAMES = 6


class Partials:
    """The stable text of one take, as it grows."""

    def __init__(self, threshold: float | None) -> None:
        self.stability = Stability()
        self._threshold = threshold or 0.0
        self._next_ms = _STEP_MS

    def due(self, heard_ms: float, scores: Sequence[float]) -> bool:
        """Whether the audio is worth a decode."""
        if heard_ms < self._next_ms:
            return False
        return max(scores[-_PAUSE_FRAMES:], default=1.0) >= self._threshold

    def made(self, heard_ms: float, spent_ms: float) -> None:
        """One was made, or given up, of so much audio in so much time."""
        self._next_ms = heard_ms + max(_STEP_MS, spent_ms)
