"""Hears wake words in this process: the one importer of pymicro_wakeword.

Decides what a text such as `hey_jarvis;voice=bm_george` means, and when a word was said. Rule: a word
counts once in `refractory_s`; the models are never reset by a detection, so that nothing said is missed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from satellite.events import WakeWord
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import ConfigError, UnknownChoice

if TYPE_CHECKING:
    from pymicro_wakeword import MicroWakeWord

_NOTICED_AFTER_MS = {"okay_nabu": 70, "hey_mycroft": 50, "alexa": 200, "hey_jarvis": 200}
"""How long after its end a word is noticed, measured at speaking pace: each model has its own."""


def noticed_after_ms(name: str) -> int:
    """How long before it was noticed a word has ended; 150 ms for a model that wasn't measured."""
    return _NOTICED_AFTER_MS.get(name, 150)


_SOUNDING_S = 1.0
"""A model may see one word for this long, so that a word can't be counted more often than that."""

_KEYS = ("name", "phrase", "voice", "prompt", "prompt-file", "threshold")
_FORM = f"write NAME or model.json, then ;KEY=VALUE with the keys {', '.join(_KEYS)}"


@dataclass(frozen=True)
class WakeSpec:
    """A wake word, the model that hears it (a built-in name or a file), and its own threshold if any."""

    word: WakeWord
    model: str
    threshold: float | None = None


def parse_wake_words(wake_texts: Sequence[str], stop_texts: Sequence[str]) -> list[WakeSpec]:
    """What `--wake-word` and `--stop-word` say. Raises ConfigError for the first mistake."""
    wakes = [_parsed(text) for text in wake_texts]
    stops = [_parsed(text) for text in stop_texts]
    specs = wakes + [replace(spec, word=replace(spec.word, stops=True)) for spec in stops]
    names = [spec.word.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two wake words are named {name!r}; give one of them another ;name=")
    return specs


def _parsed(text: str) -> WakeSpec:
    model, *rest = (part.strip() for part in text.split(";"))
    if not model:
        raise ConfigError(f"wake word {text!r} names no model; {_FORM}")
    options = dict(_option(part, text) for part in rest if part)
    name = options.get("name", "") or Path(model).stem
    word = WakeWord(
        name=name,
        phrase=options.get("phrase", "") or name.replace("_", " "),
        voice=options.get("voice", ""),
        prompt=_prompt(options),
    )
    return WakeSpec(
        word, model, _threshold(options["threshold"]) if "threshold" in options else None
    )


def _option(part: str, text: str) -> tuple[str, str]:
    key, equals, value = (piece.strip() for piece in part.partition("="))
    if not equals:
        raise ConfigError(
            f"wake word {text!r}: {part!r} is no KEY=VALUE; {_FORM} "
            "(a prompt with a semicolon goes into a file: ;prompt-file=)"
        )
    if key not in _KEYS:
        raise ConfigError(f"wake word {text!r}: {UnknownChoice('key', key, _KEYS)}")
    return key, value


def _prompt(options: dict[str, str]) -> str:
    if "prompt-file" not in options:
        return options.get("prompt", "")
    if "prompt" in options:
        raise ConfigError("a wake word takes prompt= or prompt-file=, one of the two")
    path = Path(options["prompt-file"]).expanduser()
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            f"prompt-file={options['prompt-file']} can't be read: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"prompt-file={options['prompt-file']} is not UTF-8 text") from error


def _threshold(value: str) -> float:
    try:
        threshold = float(value)
    except ValueError:
        threshold = -1.0
    if not 0 < threshold < 1:
        raise ConfigError(f"threshold={value} is no probability; write one such as 0.9")
    return threshold


class LocalWake:
    """Listens for several words at once.

    Measured: 0.1 % of a core for the features, 0.13 % more for each word; 4 MB.
    """

    def __init__(self, specs: Sequence[WakeSpec], refractory_s: float) -> None:
        """Loads the models: some milliseconds. Raises ConfigError for a word that can't be heard."""
        try:
            from pymicro_wakeword import MicroWakeWordFeatures
        except ImportError as error:
            raise ConfigError(
                f"wake words can't be heard here ({error}); pip install 'wyoming-voice[satellite]', "
                "or name a wake server (--wake-uri)"
            ) from error
        self._features = MicroWakeWordFeatures()
        self._models = [(spec.word, _loaded(spec)) for spec in specs]
        self._refractory_samples = round(max(refractory_s, _SOUNDING_S) * SPEECH.rate_hz)
        self._now_samples = 0
        self._heard_samples: dict[str, int] = {}

    def push(self, pcm: bytes) -> WakeWord | None:
        """Take 16 kHz, 16-bit mono PCM of any length; the first word that was noticed in it."""
        self._now_samples += len(pcm) // SPEECH.frame_bytes
        noticed: list[WakeWord] = []
        for features in self._features.process_streaming(pcm):
            noticed += [word for word, model in self._models if model.process_streaming(features)]
        return next((word for word in noticed if self._counts(word)), None)

    def reset(self) -> None:
        """Forget what was heard, as after a gap in the audio; a fifth of a millisecond for each word."""
        self._features.reset()
        for _, model in self._models:
            model.reset()
        self._heard_samples.clear()

    def _counts(self, word: WakeWord) -> bool:
        heard_before = self._heard_samples.get(word.name)
        if heard_before is not None and self._now_samples - heard_before < self._refractory_samples:
            return False
        self._heard_samples[word.name] = self._now_samples
        return True


def _loaded(spec: WakeSpec) -> "MicroWakeWord":
    from pymicro_wakeword import MicroWakeWord, Model

    if spec.model.endswith(".json"):
        model = _from_file(Path(spec.model).expanduser())
    else:
        known = [model.value for model in Model]
        if spec.model not in known:
            raise ConfigError(
                f"{UnknownChoice('wake word', spec.model, known)}; or name a model.json"
            )
        model = MicroWakeWord.from_builtin(Model(spec.model))
    if spec.threshold is not None:
        model.probability_cutoff = spec.threshold
    return model


def _from_file(path: Path) -> "MicroWakeWord":
    from pymicro_wakeword import MicroWakeWord

    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        _check_weights(path.parent / described["model"])
        return MicroWakeWord.from_config(path)
    except OSError as error:
        raise ConfigError(f"wake word {path} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"wake word {path} is no description of a microWakeWord model ({error}); "
            'it holds "model", "wake_word" and "micro"'
        ) from error


def _check_weights(path: Path) -> None:
    """Raises ConfigError for what is no model: given that, MicroWakeWord would end the process."""
    from pymicro_wakeword import MicroWakeWord, Model

    if not path.is_file():
        raise ConfigError(f"the wake word model {path} isn't there; put it beside its .json")
    library = MicroWakeWord.from_builtin(Model.OKAY_NABU).lib
    opened = library.TfLiteModelCreateFromFile(str(path).encode())
    if not opened:
        raise ConfigError(f"{path} is no TensorFlow Lite model; get it again from where it came")
    library.TfLiteModelDelete(opened)
