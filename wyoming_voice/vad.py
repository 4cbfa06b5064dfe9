"""Scores speech with Silero, frame by frame.

The model (https://github.com/snakers4/silero-vad, MIT, shipped in `data/`) hears frames of 512 samples
at 16 kHz with the 64 samples before each, and carries a state of shape (2, 1, 128) from frame to frame.
"""

from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
import numpy.typing as npt

from wyoming_voice.onnx import Model, open_model

FRAME_SAMPLES = 512
RATE_HZ = 16_000
FRAME_MS = 1000 * FRAME_SAMPLES // RATE_HZ
_CONTEXT_SAMPLES = 64

Audio = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def _model() -> Model:
    with as_file(files("wyoming_voice") / "data" / "silero_vad.onnx") as path:
        return open_model(path)


class Silero:
    """Speech probabilities of one stream of audio, frame by frame; about 0.1 ms a frame."""

    def __init__(self) -> None:
        self._model = _model()
        self.reset()

    def reset(self) -> None:
        """Forget the stream, as at the start of another."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, np.float32)

    def score(self, frame: Audio) -> float:
        """The probability of speech in a frame: float32, shape (512,), 16 kHz, within [-1, 1]."""
        heard = np.concatenate((self._context, frame))[np.newaxis]
        probability, self._state = self._model.run(
            ("output", "stateN"), {"input": heard, "state": self._state}
        )
        self._context = frame[-_CONTEXT_SAMPLES:].copy()  # the caller may use its buffer again
        return float(probability[0, 0])
