"""Who hears an utterance and how, and which names may be said in it.

Rule: the names of the house are those that are known when the first decode of a take begins, and stay the
same for all of it: what a memo holds was decoded with the same options.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wyoming_voice.asr.engine import DecodeOptions, Engine, Glossary
from wyoming_voice.asr.names.respelling import Respelling
from wyoming_voice.isolation.isolated import Isolated

if TYPE_CHECKING:
    from wyoming_voice.asr.names.snapping import Snapper


@dataclass(frozen=True)
class Choice:
    """Who hears an utterance, and how.

    `names`: all that may be said in it, whether or not the engine is told, spelled as they are to be written:
    the client's names, the server's hotwords, the client's terms, and once it is settled the names of the
    house, the likeliest first. `house` tells what is known of the house at the moment, from any thread; None:
    nothing more is to be known. `told`: whether the engine is told of the house before it listens.
    `respelling`: by which what was heard becomes one of the names, None where it stays as it was heard.
    """

    engine: Engine
    options: DecodeOptions
    names: tuple[str, ...] = ()
    house: Callable[[], Glossary] | None = None
    told: bool = False
    respelling: Respelling | None = None

    @property
    def until(self) -> Callable[[], Awaitable[object]] | None:
        """What is awaited before the engine is asked for an item; None where it is always in memory."""
        return self.engine.awaited if isinstance(self.engine, Isolated) else None

    @property
    def snapper(self) -> "Snapper | None":
        """Who writes the names as they are spelled, None where nobody does; in a thread."""
        heard = self.options.task == "transcribe"  # a translation doesn't sound like what was said
        return self.respelling(self.names) if self.respelling and self.names and heard else None

    def settled(self) -> "Choice":
        """With the names that the house has at this moment, for good."""
        if self.house is None:
            return self
        known = self.house()
        options = replace(self.options, house=known) if self.told else self.options
        names = (*self.names, *known.names) if self.names else known.names
        return replace(self, options=options, names=names, house=None)
