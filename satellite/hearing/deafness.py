"""Decides whether the microphone is deaf: nothing comes, only silence, or it is another one. Pure.

A stalled sound server still calls its stream active, and PipeWire moves a stream to another source when its
own is unplugged, both without a word (measured): only the sound itself can be trusted. Rule: each finding
is reported when it begins and when it is over; a silence also each time that it has lasted as long again.
"""

from dataclasses import dataclass
from enum import StrEnum


class Finding(StrEnum):
    """What is noticed."""

    STALE = "stale"
    SILENT = "silent"
    STILL_SILENT = "still-silent"
    SOUND_AGAIN = "sound-again"
    MOVED = "moved"


@dataclass(frozen=True)
class DeafnessSettings:
    """When a microphone counts as deaf; the level is that of a sine of one bit in sixteen."""

    stale_s: float = 1.0
    first_block_s: float = 3.0
    silent_s: float = 30.0
    silent_dbfs: float = -90.0


class Deafness:
    """Told of what is heard and of the time; says what is wrong."""

    def __init__(self, settings: DeafnessSettings) -> None:
        self._settings = settings
        self._name: str | None = None
        self._limit_s = settings.first_block_s
        self._heard_s: float | None = None
        self._sound_s: float | None = None
        self.silent = False

    def opened(self, now_s: float) -> None:
        """The microphone was opened, perhaps anew."""
        self._heard_s = now_s
        self._limit_s = self._settings.first_block_s
        self._sound_s = now_s

    def heard(self, now_s: float, level_dbfs: float) -> list[Finding]:
        """Take the level of what has come."""
        self._heard_s = now_s
        self._limit_s = self._settings.stale_s
        if level_dbfs <= self._settings.silent_dbfs:
            return []
        self._sound_s = now_s
        was_silent, self.silent = self.silent, False
        return [Finding.SOUND_AGAIN] if was_silent else []

    def look(self, now_s: float, name: str) -> list[Finding]:
        """What has gone wrong by `now_s`, with the name of what is heard; STALE comes alone."""
        if self._heard_s is None or self._sound_s is None:
            return []
        if now_s - self._heard_s > self._limit_s:
            self._heard_s = None
            return [Finding.STALE]
        findings: list[Finding] = []
        if self._name not in (None, name):
            findings.append(Finding.MOVED)
        self._name = name
        if now_s - self._sound_s >= self._settings.silent_s:
            findings.append(Finding.STILL_SILENT if self.silent else Finding.SILENT)
            self.silent = True
            self._sound_s = now_s
        return findings
