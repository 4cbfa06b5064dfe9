"""Where weights come from: a directory, the cache, the hub, in this order; the importer of huggingface_hub.

Rule: what is on this machine is used without asking the network, and what can't be had is an error that
says which directory was looked at and which command fetches it.
"""

import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError

from wyoming_voice.errors import ConfigError, EngineError, UnknownChoice

_log = logging.getLogger(__name__)

# The sizes that faster-whisper publishes (faster_whisper/utils.py, _MODELS), by the names people use.
_WHISPER = {
    **{
        size: f"Systran/faster-whisper-{size}"
        for size in (
            *("tiny.en", "tiny", "base.en", "base", "small.en", "small", "medium.en", "medium"),
            *("large-v2", "large-v3"),
        )
    },
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
}
KOKORO = "hexgrad/Kokoro-82M"


@dataclass(frozen=True)
class Weights:
    """A model on the hub: its repository, the files to take, and those without which it can't run."""

    kind: str
    name: str
    repository: str
    patterns: tuple[str, ...]
    required: tuple[str, ...]

    @property
    def directory_name(self) -> str:
        """The name of its directory under `--model-dir`."""
        return self.repository.rsplit("/", 1)[-1]


def whisper(name: str) -> Weights:
    """A Whisper by its size (`base.en`) or its repository (`owner/name`); raises UnknownChoice."""
    repository = name if "/" in name else _WHISPER.get(name, "")
    if not repository:
        raise UnknownChoice("model", name, _WHISPER)
    patterns = (
        "config.json",
        "preprocessor_config.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.*",
    )
    return Weights(
        "asr", name, repository, patterns, ("config.json", "model.bin", "tokenizer.json")
    )


def kokoro(repository: str = KOKORO) -> Weights:
    """Kokoro's weights and all its voices."""
    patterns = ("config.json", "*.pth", "voices/*.pt")
    return Weights("tts", repository, repository, patterns, ("config.json", "*.pth", "voices/*.pt"))


def known() -> list[Weights]:
    """What `wyoming-voice models list` shows."""
    return [*(whisper(name) for name in _WHISPER if name != "turbo"), kokoro()]


def local(weights: Weights, model_dir: Path | None = None) -> Path | None:
    """The directory that holds all of the model on this machine, or None; asks no network."""
    if model_dir is not None and _complete(found := model_dir / weights.directory_name, weights):
        return found
    try:
        cached = huggingface_hub.snapshot_download(
            weights.repository, allow_patterns=list(weights.patterns), local_files_only=True
        )
    except OSError:
        return None
    return Path(cached) if _complete(Path(cached), weights) else None


def fetch(weights: Weights, model_dir: Path | None = None) -> Path:
    """Download what is missing, with progress on a terminal; the directory. Raises EngineError."""
    _log.info("fetching %s from the hub into %s", weights.repository, where(model_dir))
    try:
        path = huggingface_hub.snapshot_download(
            weights.repository,
            allow_patterns=list(weights.patterns),
            local_dir=model_dir / weights.directory_name if model_dir is not None else None,
        )
    except (OSError, HfHubHTTPError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineError(f"{missing(weights, model_dir)} ({reason})") from error
    if not _complete(Path(path), weights):
        raise EngineError(
            f"{path} lacks one of {', '.join(weights.required)}; is it the right model?"
        )
    return Path(path)


def obtain(weights: Weights, model_dir: Path | None = None) -> Path:
    """The directory of a model: from this machine where it is, else from the hub. Raises EngineError."""
    return local(weights, model_dir) or fetch(weights, model_dir)


def where(model_dir: Path | None = None) -> Path:
    """The directory in which models are looked for and into which they are fetched."""
    return model_dir if model_dir is not None else Path(constants.HF_HUB_CACHE)


def reachable(timeout_s: float = 2.0) -> bool:
    """Whether the hub answers a connection."""
    if constants.is_offline_mode():
        return False
    endpoint = urlsplit(constants.ENDPOINT)
    port = endpoint.port or (80 if endpoint.scheme == "http" else 443)
    try:
        with socket.create_connection((endpoint.hostname or "", port), timeout_s):
            return True
    except OSError:
        return False


def directory(path: Path, required: Sequence[str]) -> Path:
    """A model's directory that the user named; ConfigError says which file it lacks."""
    lacking = [pattern for pattern in required if not any(path.glob(pattern))]
    if lacking:
        raise ConfigError(f"{path} holds no {', no '.join(lacking)}; name a model's directory")
    return path


_WITHOUT_WEIGHTS = {"asr": "pocketsphinx", "tts": "espeak"}


def _complete(path: Path, weights: Weights) -> bool:
    return all(any(path.glob(pattern)) for pattern in weights.required)


def missing(weights: Weights, model_dir: Path | None) -> str:
    """Which weights are not here, where they were looked for, and what fetches them."""
    place = f" --model-dir {model_dir}" if model_dir is not None else ""
    return (
        f"the weights {weights.repository} are not in {where(model_dir)}; name the directory that "
        f"holds them (--model-dir), or run `wyoming-voice models fetch {weights.kind} {weights.name}"
        f"{place}` on a machine with internet and copy that directory here, or take "
        f"--engine {_WITHOUT_WEIGHTS[weights.kind]} (pip install 'wyoming-voice[embedded]')"
    )
