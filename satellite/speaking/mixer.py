"""What the loudspeaker plays: playbacks one after another, tones over them, the thinking sound, the ring.

Pure arithmetic; time is the samples that were rendered. Rule: every sample out depends on what was asked
for before it and never on the size of the blocks; no jump of level is faster than a few ms; nothing
exceeds 1.0.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from satellite.effects import Tone
from satellite.parts import Audio
from satellite.speaking.levels import Ramp, gain, limited
from satellite.speaking.playback import Playback
from satellite.speaking.tones import Chimes
from wyoming_voice.client import Sound

QUIETEST_RING = 0.25
"""A ring is there to be heard: lower volumes count as this one for it."""
_MOST_TONES = 4


@dataclass(frozen=True)
class MixSettings:
    """How playbacks begin and how quickly levels change."""

    jitter_ms: float = 100
    """A playback begins, or goes on after a pause, once this much has come."""
    fade_ms: float = 5
    """How a playback begins and breaks off."""
    ramp_ms: float = 15
    """Changes of volume; the ends of loops."""
    thinking_delay_ms: float = 1_000
    most_ms: float = 600_000
    """The longest that one playback may have waiting."""


class Mixer:
    """Playbacks, tones and loops in; mono blocks within [-1, 1] out."""

    def __init__(self, sounds: Chimes, settings: MixSettings, volume: float = 1.0) -> None:
        self.underruns = 0
        self._settings = settings
        self._volume = volume
        self._at_ms = 0.0  # the line of rendered audio
        self._last_given_ms = 0.0  # where on it the last sample of a playback is
        self._playbacks: dict[int, Playback] = {}
        self._given: deque[tuple[int, float, float]] = deque()  # number, end on the line, length
        self._tails: list[Audio] = []
        self._tones: list[Audio] = []
        self._thinking = _Loop(settings.thinking_delay_ms, settings.ramp_ms)
        self._ringing = _Loop(0, settings.ramp_ms)
        self._tune(sounds)

    @property
    def rate_hz(self) -> int:
        """Of the blocks."""
        return self._sounds.rate_hz

    @property
    def active(self) -> bool:
        """Something sounds, will, or was given and not reported as heard."""
        return bool(
            self._playbacks
            or self._given
            or self._tails
            or self._tones
            or self._thinking.active
            or self._ringing.active
        )

    @property
    def waiting_ms(self) -> float:
        """How much of all playbacks has come and was not rendered yet."""
        return sum(playback.waiting_ms for playback in self._playbacks.values())

    @property
    def playing(self) -> int | None:
        """The playback whose turn it is."""
        return next(iter(self._playbacks), None)

    def begin(self, number: int) -> None:
        """A playback is about to come, behind those that are there."""
        fade_ms, jitter_ms = self._settings.fade_ms, self._settings.jitter_ms
        self._playbacks[number] = Playback(self.rate_hz, jitter_ms=jitter_ms, fade_ms=fade_ms)

    def add(self, number: int, sound: Sound) -> bool:
        """Take a piece; False where more than allowed would wait, which completes the playback.

        What comes for a playback that is complete, cut off or unknown is ignored.
        """
        playback = self._playbacks.get(number)
        if playback is None or playback.complete:
            return True
        if playback.waiting_ms + sound.format.ms(len(sound.pcm)) > self._settings.most_ms:
            self.end(number)
            return False
        playback.add(sound)
        return True

    def end(self, number: int) -> None:
        """The playback is complete."""
        if playback := self._playbacks.get(number):
            playback.complete = True
            self._retire()

    def abort(self, number: int, latency_ms: float = 0) -> float:
        """Cut a playback off; how much of it has left a loudspeaker that lags by `latency_ms`."""
        if playback := self._playbacks.pop(number, None):
            given_ms, end_ms = playback.given_ms, self._at_ms
            if given_ms:
                self._tails.append(playback.cut())
                end_ms = self._last_given_ms
            self._retire()
            return _heard_ms(given_ms, latency_ms - (self._at_ms - end_ms))
        for given in self._given:
            if given[0] == number:
                self._given.remove(given)
                return _heard_ms(given[2], latency_ms - (self._at_ms - given[1]))
        return 0.0

    def heard(self, latency_ms: float = 0) -> list[int]:
        """The playbacks whose last sample has left the loudspeaker since this was last asked."""
        numbers = []
        while self._given and self._given[0][1] + latency_ms <= self._at_ms:
            numbers.append(self._given.popleft()[0])
        return numbers

    def tone(self, tone: Tone) -> None:
        """A short sound over everything; one too many at a time is left out."""
        if len(self._tones) < _MOST_TONES:
            self._tones.append(self._sounds.tones[tone])

    def think(self, on: bool) -> None:
        """The thinking sound, after its delay."""
        self._thinking.turn(on)

    def ring(self, on: bool) -> None:
        """The sound of a timer."""
        self._ringing.turn(on)

    def set_volume(self, volume: float) -> None:
        """From 0 to 1."""
        self._volume = volume
        self._gain.to(gain(volume))
        self._ring_gain.to(gain(max(volume, QUIETEST_RING)))

    def retune(self, sounds: Chimes) -> None:
        """Go on at the rate of `sounds`; tones that sound break off."""
        self._tune(sounds)
        self._tails, self._tones = [], []
        for playback in self._playbacks.values():
            playback.retune(sounds.rate_hz)

    def render(self, count: int) -> Audio:
        """The next `count` samples, shape (count,)."""
        tails, self._tails = self._tails, []
        mix = self._speech(count)
        self._tails += _mixed_in(tails, mix)
        self._thinking.mix_into(mix)
        self._tones = _mixed_in(self._tones, mix)
        mix *= self._gain.take(count)
        ring_gain = self._ring_gain.take(count)
        if self._ringing.active:
            ring = np.zeros(count, np.float32)
            self._ringing.mix_into(ring)
            mix += ring * ring_gain
        self._at_ms += 1000.0 * count / self.rate_hz
        return limited(mix)

    def _speech(self, count: int) -> Audio:
        """The playbacks, as far as they go."""
        out = np.zeros(count, np.float32)
        filled = 0
        while self._playbacks and filled < count:
            playback = next(iter(self._playbacks.values()))
            samples = playback.take(count - filled)
            out[filled : filled + len(samples)] = samples
            filled += len(samples)
            given = filled if len(samples) else 0
            if playback.dry:
                tail = playback.cut()
                given = filled + len(tail)
                self._tails += _mixed_in([tail], out[filled:])
                self.underruns += 1
            if given:
                self._last_given_ms = self._at_ms + 1000.0 * given / self.rate_hz
            if not self._retire():
                break
        return out

    def _retire(self) -> bool:
        """Move playbacks of which all was given from the head of the line; whether there was one."""
        retired = False
        while self._playbacks:
            number, playback = next(iter(self._playbacks.items()))
            if not playback.over:
                break
            del self._playbacks[number]
            self._given.append((number, self._last_given_ms, playback.given_ms))
            retired = True
        return retired

    def _tune(self, sounds: Chimes) -> None:
        self._sounds = sounds
        ramp_samples = round(self._settings.ramp_ms * sounds.rate_hz / 1000)
        self._gain = Ramp(gain(self._volume), ramp_samples)
        self._ring_gain = Ramp(gain(max(self._volume, QUIETEST_RING)), ramp_samples)
        self._thinking.tune(sounds.thinking, sounds.rate_hz)
        self._ringing.tune(sounds.ringing, sounds.rate_hz)


class _Loop:
    """A sound without a seam that goes on until it is turned off; it begins at its beginning."""

    def __init__(self, delay_ms: float, ramp_ms: float) -> None:
        self._delay_ms = delay_ms
        self._ramp_ms = ramp_ms
        self._on = False
        self._delay_samples = 0
        self._ramp = Ramp(0.0, 1)

    @property
    def active(self) -> bool:
        """It sounds, or will after its delay."""
        return self._on or self._ramp.resting_at != 0.0

    def tune(self, sound: Audio, rate_hz: int) -> None:
        """Take the sound at another rate, from its beginning; a delay that runs begins anew."""
        self._sound = sound
        self._position = 0
        self._whole_delay_samples = round(self._delay_ms * rate_hz / 1000)
        if self._delay_samples:
            self._delay_samples = self._whole_delay_samples
        sounds = self._on and not self._delay_samples
        self._ramp = Ramp(float(sounds), round(self._ramp_ms * rate_hz / 1000))

    def turn(self, on: bool) -> None:
        if on == self._on:
            return
        if on and not self.active:
            self._position = 0
            self._delay_samples = self._whole_delay_samples
        self._on = on
        if not on:
            self._delay_samples = 0
        if not self._delay_samples:
            self._ramp.to(float(on))

    def mix_into(self, out: Audio) -> None:
        """Add the next samples to `out`."""
        silent = min(self._delay_samples, len(out))
        self._delay_samples -= silent
        if silent and not self._delay_samples:
            self._ramp.to(1.0)
        rest = out[silent:]
        if not len(rest) or self._ramp.resting_at == 0.0:
            return
        places = np.arange(self._position, self._position + len(rest)) % len(self._sound)
        rest += self._sound[places] * self._ramp.take(len(rest))
        self._position += len(rest)


def _mixed_in(shots: list[Audio], out: Audio) -> list[Audio]:
    """Add sounds to `out`; what didn't fit."""
    for shot in shots:
        fitting = shot[: len(out)]
        out[: len(fitting)] += fitting
    return [shot[len(out) :] for shot in shots if len(shot) > len(out)]


def _heard_ms(given_ms: float, still_inside_ms: float) -> float:
    return max(0.0, given_ms - max(0.0, still_inside_ms))
