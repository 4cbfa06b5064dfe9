"""Kokoro-82M speaks: the one importer of kokoro and torch.

KPipeline is passed by: its constructor lets misaki install spaCy's model by pip in the running process,
and it cuts off what is longer than the model's context. Its parts (misaki's G2P, KModel, the voice
tables) are used here as it uses them. Rule: nothing is fetched but through `weights`, and no phoneme is
dropped for length.
"""

import importlib.util
import logging
import pickle
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from wyoming_voice.errors import EngineError
from wyoming_voice.tts.engine import Samples, Utterance, never
from wyoming_voice.tts.g2p import split_phonemes
from wyoming_voice.tts.phonemes import G2p, g2p_for
from wyoming_voice.tts.voices import parse_blend
from wyoming_voice.tts.weights import KokoroFiles

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

_CLAUSE_STYLE_PHONEMES = 60
"""A style table's row is the length of what is said, and short rows sound hurried or cut off. A clause
is spoken with the row of a common sentence: half a piece's usual length."""

_MOST_BLENDS = 32


class _Stopped(Exception):
    """Raised out of the model's forward pass: nobody waits for its result."""


class KokoroEngine:
    """An `Engine` for one thread at a time; `device` is auto, cpu or cuda."""

    sample_rate_hz = 24_000

    def __init__(
        self,
        locate: Callable[[], KokoroFiles],
        default_voice: str,
        *,
        device: str = "auto",
        cpu_threads: int = 0,
    ) -> None:
        """`locate` is asked at `load`, and may download; `cpu_threads` 0 leaves the number to torch."""
        self._locate = locate
        self._default_voice = default_voice
        self._device = device
        self._cpu_threads = cpu_threads
        self._files: KokoroFiles | None = None
        self._model: Any = None
        self._g2p: dict[str, G2p] = {}
        self._tables: dict[str, torch.Tensor] = {}
        self._blends: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._stopped = never

    def load(self) -> None:
        """Load the model and the default voice; raises EngineError."""
        _check_packages()
        self._files = self._locate()
        self._model = self._loaded_model(self._files)
        for module in self._model.modules():
            module.register_forward_pre_hook(self._leave_when_stopped)
        self.style(self._default_voice)

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Samples]:
        """Audio at 24 kHz, an item for each 510 phonemes; see `Engine`."""
        import torch

        style = self.style(utterance.voice)
        self._stopped = stopped
        for phonemes in split_phonemes(self.phonemes(utterance.text, utterance.voice[0])):
            if not any(symbol.isalpha() and symbol in self._model.vocab for symbol in phonemes):
                continue
            row = style_row(len(phonemes), whole_sentence=utterance.whole_sentence)
            try:
                with torch.inference_mode():
                    audio = self._model(phonemes, style[row], utterance.speed)
            except _Stopped:
                return
            except RuntimeError as error:  # out of memory, a device that failed
                raise EngineError(f"Kokoro failed: {error}") from error
            yield audio.numpy().reshape(-1)

    def phonemes(self, text: str, letter: str) -> str:
        """What is said for `text` in the language of a voice's first letter; raises EngineError."""
        if letter not in self._g2p:
            self._g2p[letter] = g2p_for(letter)
        return self._g2p[letter](text)

    @property
    def cached_styles(self) -> int:
        """How many tables of voices and blends are kept, besides those that were loaded."""
        return len(self._blends)

    def _leave_when_stopped(self, module: object, inputs: object) -> None:
        if self._stopped():
            raise _Stopped

    def _loaded_model(self, files: KokoroFiles) -> Any:
        import torch
        from kokoro import KModel

        config, weights = files.config(), files.checkpoint()
        if self._cpu_threads:
            torch.set_num_threads(self._cpu_threads)
        device = self._chosen_device()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's, about how kokoro is written
                model = KModel("hexgrad/Kokoro-82M", config=str(config), model=str(weights))
        except (RuntimeError, OSError, ValueError, LookupError, AssertionError) as error:
            raise _unreadable(str(weights), error) from error
        except (pickle.UnpicklingError, EOFError) as error:
            raise _unreadable(str(weights), error) from error
        _log.info("kokoro loaded from %s on %s", weights, device)
        return model.to(device).eval()

    def _chosen_device(self) -> str:
        import torch

        if self._device == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        if self._device == "cuda" and not torch.cuda.is_available():
            raise EngineError("no CUDA device is available to torch; use --device cpu")
        return self._device

    def style(self, voice: str) -> "torch.Tensor":
        """The style table of a voice or a blend, shape (510, 1, 256)."""
        if voice in self._blends:
            self._blends.move_to_end(voice)
            return self._blends[voice]
        known = [part.partition("(")[0].strip() for part in voice.split("+")]
        parts = parse_blend(voice, known).parts
        table = sum(weight * self._table(name) for name, weight in parts)
        self._blends[voice] = table  # type: ignore[assignment]
        if len(self._blends) > _MOST_BLENDS:
            self._blends.popitem(last=False)
        return self._blends[voice]

    def _table(self, name: str) -> "torch.Tensor":
        if name not in self._tables:
            self._tables[name] = self._loaded_table(name)
        return self._tables[name]

    def _loaded_table(self, name: str) -> "torch.Tensor":
        import torch

        assert self._files is not None, "synthesize before load"
        path = self._files.voice(name)
        try:
            table = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
            raise _unreadable(str(path), error) from error
        if not isinstance(table, torch.Tensor) or table.shape != (510, 1, 256):
            raise EngineError(f"{path} is no Kokoro voice: it should hold one tensor (510, 1, 256)")
        return table


def style_row(phonemes: int, *, whole_sentence: bool) -> int:
    """The row of a style table for that many phonemes, 1 to 510."""
    return (phonemes if whole_sentence else max(phonemes, _CLAUSE_STYLE_PHONEMES)) - 1


def _check_packages() -> None:
    """Raises EngineError in plain words where Kokoro can't be imported."""
    if importlib.util.find_spec("kokoro") is not None:
        return
    if sys.version_info >= (3, 13):
        raise EngineError(
            "Kokoro's package stops at Python 3.12, and this is Python"
            f" {sys.version_info[0]}.{sys.version_info[1]}; run the TTS server with Python 3.11"
            " or 3.12, or speak with --engine espeak"
        )
    raise EngineError("Kokoro is not installed; pip install 'wyoming-voice[tts]'")


def _unreadable(path: str, error: Exception) -> EngineError:
    return EngineError(
        f"{path} can't be loaded ({type(error).__name__}); fetch it again with"
        " `wyoming-voice models fetch tts`"
    )
