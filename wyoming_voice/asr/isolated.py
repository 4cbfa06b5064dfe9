"""A recogniser in a process of its own; see `isolation`.

Rule: what is known of an engine without its libraries is known here, so that the server never loads them.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wyoming_voice.asr.engine import Audio, DecodeOptions, Engine, Segment
from wyoming_voice.asr.whisper.choosing import LONGEST_S, WhisperSettings, name_of
from wyoming_voice.asr.whisper.config import expected_languages
from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.isolation.isolated import Isolated
from wyoming_voice.isolation.messages import Begin, Ready

if TYPE_CHECKING:
    from wyoming_voice.isolation.child import Call


@dataclass(frozen=True)
class Known:
    """What a recogniser says of itself."""

    name: str
    languages: tuple[str, ...]
    longest_s: float


class IsolatedRecogniser(Isolated):
    """An Engine that is made by `make` in another process; `known` is what is expected of it."""

    breathes = True

    def __init__(self, make: Callable[[], Engine], known: Known, bounds: Bounds) -> None:
        super().__init__(known.name, Begin(make, _loaded), bounds)
        self._known = known
        self.at_once = 1

    @property
    def name(self) -> str:
        """What a client asks for."""
        return self._known.name

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes that it understands."""
        return self._known.languages

    @property
    def longest_s(self) -> float:
        """How much audio it hears well at once."""
        return self._known.longest_s

    def load(self) -> None:
        """Start the process and load the engine in it; raises EngineError."""
        ready = self._started()
        self._known = ready.facts
        self.at_once = ready.at_once

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        """See `Engine`. Raises EngineError also where the process ended, and won't be back in time."""
        plain = replace(options, doubted=None)
        doubted = options.doubted
        return self._called(_heard, audio, plain, doubted is not None, answer=doubted)


def whisper(model: str, settings: WhisperSettings, bounds: Bounds) -> IsolatedRecogniser:
    """Whisper in a process of its own; for one that can't exist `load` raises what Whisper does."""
    known = Known(name_of(model), expected_languages(model), LONGEST_S)
    return IsolatedRecogniser(functools.partial(_whisper, model, settings=settings), known, bounds)


def pocketsphinx(bounds: Bounds) -> IsolatedRecogniser:
    """Pocketsphinx in a process of its own."""
    from wyoming_voice.asr.pocketsphinx import Pocketsphinx

    return IsolatedRecogniser(Pocketsphinx, _known(Pocketsphinx()), bounds)


def _whisper(model: str, settings: WhisperSettings) -> Engine:
    from wyoming_voice.asr.whisper.whisper import Whisper

    return Whisper(model, settings)


def _loaded(engine: Engine) -> Ready:
    """Over there."""
    engine.load()
    settled = getattr(engine, "settled", None)
    return Ready(engine.at_once, _known(engine), {"settings": settled} if settled else {})


def _known(engine: Engine) -> Known:
    return Known(engine.name, tuple(engine.languages), engine.longest_s)


def _heard(
    engine: Engine, call: "Call", audio: Audio, options: DecodeOptions, doubts: bool
) -> Iterator[Segment | None]:
    """Over there: what the engine hears; what is doubted only the server knows."""
    if doubts:
        options = replace(options, doubted=call.ask)
    return engine.transcribe(audio, options)
