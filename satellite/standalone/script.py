"""A text that is spoken while it is still being written, and how far it has been spoken.

Rule: what stands before `said` need not be said again, whoever speaks the rest.
"""

from bisect import bisect_right
from collections.abc import AsyncGenerator

from satellite.standalone.tape import Tape
from wyoming_voice.core.sentences import SentenceSettings, SentenceSplitter

MAX_CHARS = 50_000
"""Some fifty minutes of speech; who writes more is in a loop."""

WHOLE_SENTENCES = SentenceSettings(language="", first_clause_min_chars=250)


class Script:
    """Deltas in; out come the deltas, or sentences, to any number of servers one after another."""

    def __init__(self) -> None:
        self.sentences = Tape[str]()
        self.said = 0
        self.audio_ms = 0.0
        self._ends: list[int] = []
        self._uncut = ""
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
        self._uncut += delta
        self._deltas.add(delta)
        for sentence in self._splitter.add(delta):
            self._cut(sentence)

    def finish(self) -> None:
        """The text is complete; once is enough."""
        for sentence in self._splitter.finish():
            self._cut(sentence)
        self._deltas.finish()
        self.sentences.finish()

    async def begun(self) -> bool:
        """Wait for text; False when there is none."""
        return await self._deltas.begun()

    @property
    def spoken(self) -> int:
        """How many whole sentences need not be said again."""
        return bisect_right(self._ends, self.said)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to be said, and nothing more comes."""
        return self.complete and not any(map(str.isalnum, self.text[self.said :]))

    def spoke(self, chars: int) -> None:
        """The first `chars` characters have been said, with the marks that stand close behind them."""
        text, at = self.text, min(chars, self._chars)
        while 0 < at < len(text) and not (
            text[at - 1].isspace() or text[at].isspace() or text[at].isalnum()
        ):
            at += 1
        self.said = max(self.said, at)

    def spoke_sentences(self, count: int) -> None:
        """So many more sentences have been said."""
        if count:
            self.spoke(self._ends[self.spoken + count - 1])

    async def rest(self) -> AsyncGenerator[str, None]:
        """What has not been spoken, in pieces, as it is written: the sooner a server has them the better."""
        before = self.said
        async for delta in self._deltas.play():
            if left := delta[before:]:
                yield left
            before = max(0, before - len(delta))

    def _cut(self, sentence: str) -> None:
        """A sentence is complete; the splitter loses no letter of the text, and may lose anything else."""
        left, at = sum(map(str.isalnum, sentence)), 0
        while left:
            left -= self._uncut[at].isalnum()
            at += 1
        self._uncut = self._uncut[at:]
        self._ends.append(self._chars - len(self._uncut))
        self.sentences.add(sentence)
