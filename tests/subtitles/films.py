"""Small films: pictures, and speech that the command model knows, in containers that people have."""

import functools
from pathlib import Path

import av
import numpy as np

from tests.asr.speech import said, silence
from wyoming_voice.asr.engine import RATE_HZ, Audio

LIGHT, TIMER, TIME = (
    "Turn on the kitchen light.",
    "Set a timer for five minutes.",
    "What time is it?",
)


@functools.cache
def conversation() -> Audio:
    """Some 40 seconds; all three are said."""
    parts = [
        silence(3),
        said(LIGHT),
        silence(0.3),
        said(TIMER),
        silence(29),
        said(TIME),
        silence(2),
    ]
    return np.concatenate(parts)


def starts_s() -> tuple[float, float, float]:
    """When the three are said."""
    light_s, timer_s = (len(said(text)) / RATE_HZ for text in (LIGHT, TIMER))
    lead_s = 0.2
    return (3 + lead_s, 3.3 + light_s + lead_s, 32.3 + light_s + timer_s + lead_s)


def film(path: Path, codec: str, sound: Audio) -> Path:
    """A film of black pictures, one a second, with this sound."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=1)
        assert isinstance(pictures, av.VideoStream)
        pictures.width = pictures.height = 16
        pictures.pix_fmt = "yuv420p"
        voice = container.add_stream(codec, rate=48_000)
        assert isinstance(voice, av.AudioStream)
        voice.layout = "mono"
        for number in range(len(sound) // RATE_HZ):
            black = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))
            black.pts = number
            container.mux(pictures.encode(black))
        for frame in _frames(voice, sound):
            container.mux(voice.encode(frame))
        container.mux(pictures.encode(None))
        container.mux(voice.encode(None))
    return path


def _frames(voice: av.AudioStream, sound: Audio) -> list[av.AudioFrame]:
    whole = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
    whole.sample_rate = RATE_HZ
    resampler = av.AudioResampler(
        format=voice.format.name, layout="mono", rate=48_000, frame_size=voice.frame_size
    )
    return [*resampler.resample(whole), *resampler.resample(None)]
