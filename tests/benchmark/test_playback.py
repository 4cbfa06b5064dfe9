"""Playback of sounds as they arrive: the first audible sample, and where it halts."""

import numpy as np
import pytest

from wyoming_voice.audio import first_audible_s
from wyoming_voice.benchmark.playback import Playback
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat

MONO = AudioFormat(16_000, 2, 1)


def sound(silence_ms: int, tone_ms: int, audio: AudioFormat = MONO) -> Sound:
    samples = np.zeros(audio.rate_hz * (silence_ms + tone_ms) // 1000)
    samples[audio.rate_hz * silence_ms // 1000 :] = 0.5
    pcm = np.repeat((samples * 32767).astype("<i2"), audio.channels).tobytes()
    return Sound(pcm, audio)


def started() -> tuple[Playback, list[float]]:
    """A playback, and the clock that it reads."""
    clock = [100.0]
    return Playback(100.0, clock=lambda: clock[0]), clock


def test_playback_halts_while_the_next_is_not_there() -> None:
    playback, clock = started()
    clock[0] += 0.5
    playback.arrived(sound(200, 100))  # plays from 0.5 to 0.8
    clock[0] += 0.1
    playback.arrived(sound(0, 100))  # from 0.8 to 0.9
    clock[0] += 0.7
    playback.arrived(sound(0, 100))  # 1.3: 0.4 late
    assert playback.first_audible_s == pytest.approx(0.7)
    assert playback.gaps_s == pytest.approx(0.4)
    assert playback.audio_s == pytest.approx(0.5)
    assert playback.rtf == pytest.approx(1.3 / 0.5)


def test_silence_is_not_audible() -> None:
    playback, _ = started()
    playback.arrived(sound(300, 0))
    assert playback.first_audible_s is None
    playback.arrived(sound(50, 50))
    assert playback.first_audible_s == pytest.approx(0.35)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8_000, 24_000])
def test_the_first_audible_sample(rate_hz: int, channels: int) -> None:
    audio = AudioFormat(rate_hz, 2, channels)
    heard = sound(40, 10, audio)
    assert first_audible_s(heard.pcm + b"\0", audio) == pytest.approx(0.04)
    assert first_audible_s(heard.pcm[: audio.size_bytes(40)], audio) is None
