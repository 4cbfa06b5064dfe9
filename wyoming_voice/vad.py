"""Scores speech with Silero: the one importer of onnxruntime.

The model (https://github.com/snakers4/silero-vad, MIT, shipped in `data/`) hears frames of 512 samples
at 16 kHz with the 64 samples before each, and carries a state of shape (2, 1, 128) from frame to frame.
"""

import os
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
import numpy.typing as npt

# From 1.29 on it reports to its maker, and keeps a device's number in the user's cache, unless this is
# set before it is loaded (https://github.com/microsoft/onnxruntime/pull/27379).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

FRAME_SAMPLES = 512
RATE_HZ = 16_000
FRAME_MS = 1000 * FRAME_SAMPLES // RATE_HZ
_CONTEXT_SAMPLES = 64

Audio = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = (
        1  # more threads cost more than a frame
    )
    options.log_severity_level = 3
    with as_file(files("wyoming_voice") / "data" / "silero_vad.onnx") as path:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Silero:
    """Speech probabilities of one stream of audio, frame by frame; about 0.1 ms a frame."""

    def __init__(self) -> None:
        self._session = _session()
        self.reset()

    def reset(self) -> None:
        """Forget the stream, as at the start of another."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, np.float32)

    def score(self, frame: Audio) -> float:
        """The probability of speech in a frame: float32, shape (512,), 16 kHz, within [-1, 1]."""
        heard = np.concatenate((self._context, frame))[np.newaxis]
        probability, self._state = self._session.run(
            ("output", "stateN"), {"input": heard, "state": self._state}
        )
        self._context = frame[-_CONTEXT_SAMPLES:].copy()  # the caller may use its buffer again
        return float(probability[0, 0])
