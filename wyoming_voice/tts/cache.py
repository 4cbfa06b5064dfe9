"""Speech that was made before: an engine in front of another that keeps its short sentences.

"One moment." and "Done." are said again and again; from here they cost nothing. Rule: only whole short
sentences that were made to their end are kept, under everything that shaped their sound, and the audio
kept is bounded.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from wyoming_voice.tts.engine import Engine, Sound, Utterance, never
from wyoming_voice.tts.pieces import Pieces

_MOST_CHARS = 40
"""Longer sentences are hardly ever said twice in the same words."""

_OPENERS = {
    "en": (
        "Okay.",
        "Done.",
        "Sure.",
        "Yes.",
        "No.",
        "One moment.",
        "One moment, please.",
        "Let me check.",
        "Sorry, I didn't understand that.",
    )
}
"""What assistants often say, by the primary part of a language's tag."""


Speak = Callable[[Utterance, Callable[[], bool]], Iterator[Sound]]
"""How an engine makes an utterance: `Engine.synthesize`."""


class CachingEngine:
    """An `Engine`; like the one behind it, for one thread at a time."""

    def __init__(self, engine: Engine, most_bytes: int) -> None:
        self.sample_rate_hz = engine.sample_rate_hz
        self._engine = engine
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Utterance, tuple[Sound, ...]] = OrderedDict()
        self.kept_bytes = 0

    def load(self) -> None:
        """Load the engine behind; raises EngineError."""
        self._engine.load()

    def holds(self, utterance: Utterance) -> bool:
        """Whether this is at hand, and takes no work."""
        return utterance in self._kept

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        """What was kept, or what the engine behind makes; see `Engine`."""
        return self.spoken(self._engine.synthesize, utterance, stopped)

    def spoken(
        self, speak: Speak, utterance: Utterance, stopped: Callable[[], bool]
    ) -> Iterator[Sound]:
        """What was kept, or what `speak` makes, which is the engine behind in a manner of its own."""
        if utterance in self._kept:
            self._kept.move_to_end(utterance)
            yield from self._kept[utterance]
            return
        items: list[Sound] = []
        keep = utterance.part_of is None and len(utterance.text) <= _MOST_CHARS
        left = _Latch(stopped)
        for sound in speak(utterance, left.closed):
            if keep:
                items.append(sound)
            yield sound
        if items and not left.closed():
            self._keep(utterance, tuple(items))

    def _keep(self, utterance: Utterance, items: tuple[Sound, ...]) -> None:
        if utterance in self._kept:  # two asked for it at a time, and took turns
            return
        self._kept[utterance] = items
        self.kept_bytes += _bytes_of(items)
        while self.kept_bytes > self._most_bytes:
            self.kept_bytes -= _bytes_of(self._kept.popitem(last=False)[1])


class _Latch:
    """Stays closed once `closes` has said so: the engine may have ended early then."""

    def __init__(self, closes: Callable[[], bool]) -> None:
        self._closes = closes
        self._closed = False

    def closed(self) -> bool:
        """Whether it has ever been said."""
        self._closed = self._closed or self._closes()
        return self._closed


def openers(voice: str, language: str, speed: float) -> list[Utterance]:
    """What can be made before anybody asks; `language` is a BCP-47 tag. Nothing where we know no phrases."""
    return [
        Utterance(text, voice, speed)
        for phrase in _OPENERS.get(language.partition("-")[0].lower(), ())
        for text in _spoken(phrase, language)
    ]


def _spoken(phrase: str, language: str) -> list[str]:
    """The phrase as a request's text would reach the engine."""
    pieces = Pieces(language)
    return [piece.text for piece in (*pieces.add(phrase), *pieces.finish())]


def _bytes_of(items: tuple[Sound, ...]) -> int:
    return sum(item.samples.nbytes for item in items)
