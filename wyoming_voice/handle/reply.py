"""The grammar of an answer: what comes from the model in, Wyoming events out.

    not-handled{text}
    handled-start  handled-chunk{text}+  handled{text}  handled-stop

Rule: the texts of the chunks, joined, are the text of `handled`, to the letter. Nothing is sent before
there is something to say, so that a failure until then is a plain `not-handled`; once an answer has begun
it ends as `handled`, with a spoken apology when the model left it unfinished: what was heard can't be
unsaid, and a `not-handled` after `handled-start` is in no client's grammar.
"""

from dataclasses import dataclass
from typing import Any

from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled

from wyoming_voice.handle.deltas import Delta, Text
from wyoming_voice.handle.failures import APOLOGY, Failure
from wyoming_voice.handle.hidden import Trimmed

MAX_ANSWER_CHARS = 20_000
"""Some twenty minutes of speech; a model that goes on is in a loop."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The model has been waited for long enough that somebody should be told."""

    text: str


class Reply:
    """One answer on its way to the client; `context` goes with its first and last event."""

    def __init__(self, context: dict[str, Any]) -> None:
        self._context = context
        self._trimmed = Trimmed()
        self._chunks: list[str] = []
        self.model_text = ""

    @property
    def begun(self) -> bool:
        """Whether anything has been said, be it a notice."""
        return bool(self._chunks)

    @property
    def full(self) -> bool:
        """Whether the answer is as long as one may be."""
        return len(self.model_text) >= MAX_ANSWER_CHARS

    def push(self, delta: Delta | Notice) -> list[Event]:
        """What the client is told about one delta."""
        match delta:
            case Text(text):
                self.model_text += text if self.model_text else text.lstrip()
                return self._say(self._trimmed.push(text))
            case Notice(text):
                return self._say(self._trimmed.apart(text))
            case _:
                return []

    def fail(self, failure: Failure) -> list[Event]:
        """The end of an answer that the model didn't finish, or didn't begin."""
        if not self.begun:
            return [NotHandled(text=failure.value, context=self._context).event()]
        sentence = APOLOGY if self.model_text else failure.value
        return [*self._say(self._trimmed.apart(sentence)), *self._end()]

    def finish(self) -> list[Event]:
        """The end of an answer that the model finished."""
        if not self.model_text.strip():
            return self.fail(Failure.EMPTY)
        return self._end()

    def _say(self, piece: str) -> list[Event]:
        if not piece:
            return []
        head = [] if self.begun else [HandledStart(context=self._context).event()]
        self._chunks.append(piece)
        return [*head, HandledChunk(text=piece).event()]

    def _end(self) -> list[Event]:
        text = "".join(self._chunks)
        return [Handled(text=text, context=self._context).event(), HandledStop().event()]
