"""Which Whisper is meant, and how it is to be loaded: what is known without the libraries that run it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming_voice.asr.whisper.audio_context import FULL_S
from wyoming_voice.errors import ConfigError

if TYPE_CHECKING:
    from wyoming_voice.hub import Weights

LONGEST_S = 28.0
"""How much audio it hears well at once; its window is 30 s."""


@dataclass(frozen=True)
class WhisperSettings:
    """How to load a model: `device`, `compute_type` as CTranslate2 names them; 0: chosen at load.

    `batch` requests are decoded as one at most, and shown `audio_context_s` seconds at least.
    """

    model_dir: Path | None = None
    device: str = "auto"
    compute_type: str = "auto"
    cpu_threads: int = 0
    workers: int = 0
    batch: int = 0
    audio_context_s: float = FULL_S


def name_of(model: str) -> str:
    """What clients call a size, a repository on the hub, or a directory."""
    return model.rstrip("/").rsplit("/", 1)[-1]


def weights(model: str) -> "Weights | None":
    """Where the weights are to be had, None where they are in a directory.

    Raises UnknownChoice and ConfigError for a model that can't exist.
    """
    from wyoming_voice.hub import whisper as weights_of  # which the server itself may do without

    if Path(model).is_dir():
        return None
    if model.startswith(("/", ".", "~")):
        raise ConfigError(f"--model: there is no directory {model!r}")
    return weights_of(model)
