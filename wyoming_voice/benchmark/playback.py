"""Speech as a listener gets it: when the first audible sample could be heard, and how long playback halts.

Playback starts with the first sound that arrives and never skips; it halts while the next isn't there.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from wyoming_voice.audio import first_audible_s
from wyoming_voice.client import Sound


@dataclass
class Playback:
    """Sounds with the times of their arrival, in seconds after the text was given."""

    begin_s: float = field(default_factory=time.monotonic)
    first_audible_s: float | None = None
    gaps_s: float = 0.0
    audio_s: float = 0.0
    last_arrival_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _heard_until_s: float | None = None

    def arrived(self, sound: Sound) -> None:
        """A piece of speech is there."""
        now_s = self.clock() - self.begin_s
        length_s = sound.format.ms(len(sound.pcm)) / 1000
        if self._heard_until_s is None:
            self._heard_until_s = now_s
        self.gaps_s += max(0.0, now_s - self._heard_until_s)
        start_s = max(now_s, self._heard_until_s)
        if self.first_audible_s is None:
            offset_s = first_audible_s(sound.pcm, sound.format)
            self.first_audible_s = None if offset_s is None else start_s + offset_s
        self._heard_until_s = start_s + length_s
        self.audio_s += length_s
        self.last_arrival_s = now_s

    @property
    def rtf(self) -> float:
        """Seconds until all was there, for a second of audio; some must have come."""
        return self.last_arrival_s / self.audio_s


def played(sounds: Iterable[Sound], begin_s: float | None = None) -> Playback:
    """Take sounds as they are made; they are counted from `begin_s` on the monotonic clock, or from now."""
    playback = Playback() if begin_s is None else Playback(begin_s)
    for sound in sounds:
        playback.arrived(sound)
    return playback
