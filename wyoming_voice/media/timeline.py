"""Where a file's audio belongs in time: decides how much silence goes before a piece of it.

Rule: the time of a sample is what the file's clock says, unless that clock jumps. Subtitles need it: a
video's sound may begin after its picture, and Opus sends nothing for a silence (RFC 6716, section 2.1.9).
"""

_LEAST_S = 0.1
"""A time stamp less ahead is rounding, jitter, or an encoder's delay."""

_MOST_S = 600.0
"""One further ahead, or one that goes back, is a clock that was set anew: the audio goes on without it."""


class Timeline:
    """The end of the audio so far, against the time stamps of what comes."""

    def __init__(self, start_s: float | None) -> None:
        """`start_s`: when the file begins by its own clock; None: with its first piece of audio."""
        self._origin_s = start_s
        self._end_s = 0.0

    def silence_samples(self, stamp_s: float | None, rate_hz: int) -> int:
        """How much silence goes before a piece that the file stamps with this time."""
        if stamp_s is None:
            return 0
        if self._origin_s is None:
            self._origin_s = stamp_s
        ahead_s = stamp_s - self._origin_s - self._end_s
        if abs(ahead_s) < _LEAST_S:
            return 0
        if 0 < ahead_s <= _MOST_S:
            return round(ahead_s * rate_hz)
        self._origin_s = stamp_s - self._end_s
        return 0

    def add(self, samples: int, rate_hz: int) -> None:
        """A piece of audio, or silence, of this length was added."""
        self._end_s += samples / rate_hz
