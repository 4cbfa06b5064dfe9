"""A text that is spoken while it is still being written, and how far it has been spoken.

Rule: `spoken` counts sentences from the beginning that need not be said again, whoever speaks the rest.
"""

from collections.abc import AsyncGenerator

from satellite.standalone.tape import Tape
from wyoming_voice.core.sentences import SentenceSettings, SentenceSplitter

MAX_CHARS = 50_000
"""Some fifty minutes of speech; who writes more is in a loop."""

WHOLE_SENTENCES = SentenceSettings(first_clause_min_chars=250)


class Script:
    """Deltas in; out come the deltas, or sentences, to any number of servers one after another."""

    def __init__(self) -> None:
        self.sentences = Tape[str]()
        self.spoken = 0
        self.audio_ms = 0.0
        self._deltas = Tape[str]()
        self._splitter = SentenceSplitter(WHOLE_SENTENCES)
        self._chars = 0

    @property
    def text(self) -> str:
        """All that has been written."""
        return "".join(self._deltas.pieces)

    @property
    def full(self) -> bool:
        """Whether it has become longer than anybody wants to hear."""
        return self._chars > MAX_CHARS

    @property
    def complete(self) -> bool:
        """Whether nothing more comes."""
        return self._deltas.complete

    def add(self, delta: str) -> None:
        """More text, which may end inside a word."""
        self._chars += len(delta)
        self._deltas.add(delta)
        for sentence in self._splitter.add(delta):
            self.sentences.add(sentence)

    def finish(self) -> None:
        """The text is complete; once is enough."""
        for sentence in self._splitter.finish():
            self.sentences.add(sentence)
        self._deltas.finish()
        self.sentences.finish()

    async def begun(self) -> bool:
        """Wait for text; False when there is none."""
        return await self._deltas.begun()

    async def rest(self) -> AsyncGenerator[str, None]:
        """What has not been spoken, in pieces, as it is written: the sooner a server has them the better."""
        if not self.spoken:
            async for delta in self._deltas.play():
                yield delta
            return
        async for sentence in self.sentences.play(self.spoken):
            yield f"{sentence} "
