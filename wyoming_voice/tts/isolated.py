"""A voice in a process of its own; see `isolation`."""

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.isolation.isolated import Isolated
from wyoming_voice.isolation.messages import Begin, Ready
from wyoming_voice.tts.engine import Engine, Sound, Utterance, never

if TYPE_CHECKING:
    from wyoming_voice.isolation.child import Call

_REHEARSAL = "Ready."


class IsolatedVoice(Isolated):
    """An Engine that is made by `make` in another process, for one thread at a time like any.

    Whenever it is loaded it says a word to itself with `voice`: what it sets up when it first speaks is no
    client's to wait for.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Engine],
        sample_rate_hz: int,
        voice: str,
        bounds: Bounds,
    ) -> None:
        rehearsal = Utterance(_REHEARSAL, voice)
        super().__init__(name, Begin(make, functools.partial(_loaded, rehearsal)), bounds)
        self.sample_rate_hz = sample_rate_hz

    def load(self) -> None:
        """Start the process and load the engine in it; raises EngineError."""
        self._started()

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        """See `Engine`. Raises EngineError also where the process ended, and won't be back in time."""
        asked = None if stopped is never else stopped
        return self._called(_spoken, utterance, stopped=asked)

    def synthesize_aside(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        """What nobody has asked for; raises NotLoaded where the engine is not in memory."""
        return self._called_aside(_spoken, utterance, stopped=stopped)


def _loaded(rehearsal: Utterance, engine: Engine) -> Ready:
    """Over there."""
    engine.load()
    for _ in engine.synthesize(rehearsal):
        pass
    return Ready(at_once=1, facts=None, settled=getattr(engine, "settled", {}))


def _spoken(engine: Engine, call: "Call", utterance: Utterance) -> Iterator[Sound]:
    """Over there."""
    return engine.synthesize(utterance, call.stopped)
