"""What lies between a mouth and the model: level, tone, band and noise; and sound without speech.

All of it is drawn from one generator, so an example can be made again from its seed.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SAMPLE_HZ = 16000

Audio = NDArray[np.float64]
"""Mono, 16 kHz, -1 to 1."""


def disturb(audio: Audio, rng: Generator) -> Audio:
    """A drawn mixture of the four; one utterance in seven stays clean."""
    if rng.random() < 0.3:
        audio = _tilt(audio, rng.uniform(-0.5, 0.5))
    if rng.random() < 0.15:
        # From the telephone's band to nearly all of 16 kHz.
        audio = _low_pass(audio, rng.uniform(3300, 7000))
    audio = audio * (np.exp(rng.uniform(np.log(0.03), np.log(0.98))) / np.abs(audio).max())
    if rng.random() < 0.85:
        audio = add_noise(audio, rng.uniform(15, 50), rng)
    return np.clip(audio, -1, 1)


def add_noise(audio: Audio, snr_db: float, rng: Generator) -> Audio:
    """White noise or a low rumble, at a ratio to the power of all of `audio`."""
    noise = _rumble(len(audio), rng) if rng.random() < 0.5 else rng.standard_normal(len(audio))
    wanted = np.mean(audio**2) / 10 ** (snr_db / 10)
    return np.asarray(audio + noise * np.sqrt(wanted / (np.mean(noise**2) + 1e-12)), np.float64)


def not_speech(rng: Generator) -> Audio:
    """0.3 to 4 s of digital silence, noise, a held tone or clicks."""
    samples = int(rng.uniform(0.3, 4.0) * SAMPLE_HZ)
    level = 10 ** rng.uniform(-4.5, -1.0)
    match rng.choice(["silence", "noise", "rumble", "tone", "clicks"]):
        case "silence":
            return np.zeros(samples)
        case "noise":
            return level * rng.standard_normal(samples)
        case "rumble":
            return level * _rumble(samples, rng)
        case "tone":
            return level * (_tone(samples, rng) + 0.01 * rng.standard_normal(samples))
        case _:
            return level * _clicks(samples, rng)


def _tilt(audio: Audio, amount: float) -> Audio:
    return np.asarray(audio + amount * np.concatenate([audio[:1], audio[:-1]]), np.float64)


def _low_pass(audio: Audio, cut_hz: float) -> Audio:
    spectrum = np.fft.rfft(audio)
    spectrum[np.fft.rfftfreq(len(audio), 1 / SAMPLE_HZ) > cut_hz] = 0
    return np.asarray(np.fft.irfft(spectrum, len(audio)), np.float64)


def _rumble(samples: int, rng: Generator) -> Audio:
    """Brown noise without its drift, at about the power of white noise."""
    walk = np.cumsum(rng.standard_normal(samples))
    window = min(400, samples)
    walk -= np.convolve(walk, np.ones(window) / window, "same")[:samples]
    return np.asarray(walk / (walk.std() + 1e-9), np.float64)


def _tone(samples: int, rng: Generator) -> Audio:
    """One to four harmonics of 60 to 2000 Hz: a hum, a beep, a held note."""
    base_hz = np.exp(rng.uniform(np.log(60), np.log(2000)))
    time_s = np.arange(samples) / SAMPLE_HZ
    overtones = range(1, int(rng.integers(2, 6)))
    return np.asarray(sum(np.sin(2 * np.pi * base_hz * n * time_s) / n for n in overtones))


def _clicks(samples: int, rng: Generator) -> Audio:
    """Taps of a few milliseconds, a handful a second."""
    audio = 0.01 * rng.standard_normal(samples)
    for start in rng.integers(0, samples, size=1 + samples // 4000):
        tap = rng.standard_normal(int(rng.integers(20, 200)))
        end = min(samples, int(start) + len(tap))
        audio[int(start) : end] += 5 * tap[: end - int(start)]
    return audio
