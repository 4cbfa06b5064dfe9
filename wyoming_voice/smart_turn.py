"""Says from its sound whether a turn is over: smart-turn v3, which hears what words don't tell.

The model (https://github.com/pipecat-ai/smart-turn, BSD-2) is a Whisper encoder with a head: it takes the
log-mel spectrogram of the last 8 s, with silence before what is shorter, and gives a probability, in about
50 ms. It comes inside the wheel of `pipecat-ai`, of which nothing else is used or imported. Rule: it never
decides; what it says makes a silence shorter or longer.
"""

from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wyoming_voice.core.completeness import Completeness
from wyoming_voice.errors import ConfigError, EngineError
from wyoming_voice.onnx import FAILURES, Model, open_model

RATE_HZ = 16_000
HEARD_SAMPLES = 8 * RATE_HZ
_WINDOW_SAMPLES, _HOP_SAMPLES, _MELS = 400, 160, 80
_FRAMES = HEARD_SAMPLES // _HOP_SAMPLES
_WHEEL, _FOLDER = "pipecat-ai", "smart_turn/data"
_REMEDY = "uv pip install --no-deps pipecat-ai"

_FAILURES: tuple[type[Exception], ...] = (IndexError, *FAILURES)
"""What comes of a model that isn't the one that is known here, or of too little memory."""

_OVER, _OPEN = 0.7, 0.3
"""From where on, and up to where, it is believed."""

Audio = npt.NDArray[np.float32]


class SmartTurn:
    """The model; not to be asked by two threads at once. `model` is for tests."""

    def __init__(self, model: Model | None = None) -> None:
        """Raises ConfigError where it isn't installed, or is none that is known here."""
        self._model = model or _tried(model_path())

    def probability(self, audio: Audio) -> float:
        """How likely it is that a turn ends with this sound: 16 kHz within [-1, 1]; the last 8 s count.

        Raises EngineError where the model fails.
        """
        heard = np.zeros(HEARD_SAMPLES, np.float32)
        if (last := audio[-HEARD_SAMPLES:]).size:
            heard[-last.size :] = last
        heard = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
        return _asked(self._model, log_mel(heard)[np.newaxis])

    def completeness(self, audio: Audio) -> Completeness:
        """The same as an opinion; UNKNOWN where the model isn't sure. Raises EngineError as well."""
        probability = self.probability(audio)
        if probability >= _OVER:
            return Completeness.COMPLETE
        return Completeness.OPEN if probability <= _OPEN else Completeness.UNKNOWN


def _asked(model: Model, features: Audio) -> float:
    try:
        (over, *_) = model.run(None, {"input_features": features})
        return float(over.ravel()[0])
    except _FAILURES as error:
        raise EngineError(f"smart-turn has failed: {error}") from error


def _tried(path: Path) -> Model:
    """The model in a file, which another version of the wheel may have changed beyond use."""
    try:
        model = open_model(path)
        model.run(None, {"input_features": np.zeros((1, _MELS, _FRAMES), np.float32)})
    except FAILURES as error:
        raise ConfigError(
            f"{path} is no model that --smart-turn can use ({error}); {_REMEDY}"
        ) from error
    return model


def model_path() -> Path:
    """Where the model lies: the newest one for processors, in the wheel. Raises ConfigError."""
    try:
        in_wheel = files(_WHEEL) or []
    except PackageNotFoundError:
        in_wheel = []
    models = sorted(
        str(path.locate()) for path in in_wheel if path.suffix == ".onnx" and _FOLDER in str(path)
    )
    of_processors = [path for path in models if "gpu" not in Path(path).name]
    if not of_processors:
        raise ConfigError(f"--smart-turn needs the model that comes with {_WHEEL}: {_REMEDY}")
    return Path(of_processors[-1])


def log_mel(audio: Audio) -> Audio:
    """Whisper's features: float32, shape (80, samples / 160), of 16 kHz audio.

    Log-mel as in openai/whisper, `audio.py` (`log_mel_spectrogram`): a Hann window of 25 ms each 10 ms, 80
    mel bands, base-10 logarithm, at most 80 dB under the loudest.
    """
    around = np.pad(audio, _WINDOW_SAMPLES // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around, _WINDOW_SAMPLES)[::_HOP_SAMPLES]
    spectrum = np.fft.rfft(windows[:-1] * np.hanning(_WINDOW_SAMPLES + 1)[:-1])
    power = np.abs(spectrum) ** 2
    bands = np.log10(np.maximum(_mel_bands() @ power.T, 1e-10))
    features: Audio = ((np.maximum(bands, bands.max() - 8.0) + 4.0) / 4.0).astype(np.float32)
    return features


@cache
def _mel_bands() -> npt.NDArray[np.float64]:
    """Slaney's triangles, each of area 1, as librosa's `filters.mel` has them: shape (80, 201)."""
    spectrum_hz = np.linspace(0, RATE_HZ / 2, _WINDOW_SAMPLES // 2 + 1)
    top_mel = 15 + np.log(RATE_HZ / 2 / 1000) / _LOG_STEP
    edges_hz = _mel_to_hz(np.linspace(0, top_mel, _MELS + 2))
    widths_hz = np.diff(edges_hz)[:, np.newaxis]
    slopes = edges_hz[:, np.newaxis] - spectrum_hz
    triangles = np.minimum(-slopes[:-2] / widths_hz[:-1], slopes[2:] / widths_hz[1:])
    areas = 2 / (edges_hz[2:] - edges_hz[:-2])
    return np.maximum(triangles, 0) * areas[:, np.newaxis]


_LOG_STEP = np.log(6.4) / 27
"""Slaney's scale: linear up to 1 kHz, which is 15 mel, logarithmic from there on."""


def _mel_to_hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(_LOG_STEP * (mels - 15)))
