"""How long somebody pauses before going on: a running average that sets the least silence to be waited for.

Rule: nobody is given less time than `least_ms`, and no habit makes it longer than `most_ms`; without
pauses seen nothing is known, and `at_least_ms` is `least_ms`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PauseSettings:
    """Which pauses count, how fast the average follows them, and its bounds."""

    counted_from_ms: int = 160
    margin_ms: int = 100
    weight: float = 0.15
    least_ms: int = 0
    most_ms: int = 1_000


class Pauses:
    """Pauses within turns in, one at a time; how long to wait at least out."""

    def __init__(self, settings: PauseSettings | None = None) -> None:
        self._settings = settings or PauseSettings()
        self._mean_ms: float | None = None

    @property
    def mean_ms(self) -> float | None:
        """The running average; None as long as there was no pause."""
        return self._mean_ms

    @property
    def at_least_ms(self) -> int:
        """The silence that may be a pause of this speaker's, and must not end a turn."""
        settings = self._settings
        if self._mean_ms is None:
            return settings.least_ms
        return min(
            max(round(self._mean_ms) + settings.margin_ms, settings.least_ms), settings.most_ms
        )

    def note(self, pause_ms: int) -> None:
        """Speech went on after this much silence, in the same turn."""
        settings = self._settings
        if pause_ms < settings.counted_from_ms:
            return  # the closure of a stop, a breath: no pause at all
        pause_ms = min(pause_ms, settings.most_ms)
        mean_ms = pause_ms if self._mean_ms is None else self._mean_ms
        self._mean_ms = mean_ms + settings.weight * (pause_ms - mean_ms)
