"""A whole recording through the voice detector at once: what a stream of frames is compared with."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from wyoming_voice.vad import FRAME_SAMPLES, Audio, Silero


def speech_probabilities(audio: Audio) -> npt.NDArray[np.float32]:
    """One probability for each frame of 512 samples of `audio`, shape (n,); the rest is padded with zeros."""
    silero = Silero()
    return np.fromiter((silero.score(frame) for frame in _frames(audio)), np.float32)


def _frames(audio: Audio) -> Iterator[Audio]:
    for start in range(0, len(audio), FRAME_SAMPLES):
        frame = audio[start : start + FRAME_SAMPLES]
        yield np.pad(frame, (0, FRAME_SAMPLES - len(frame)))
