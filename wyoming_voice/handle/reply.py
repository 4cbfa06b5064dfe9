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

from wyoming_voice.extensions import ACTING
from wyoming_voice.handle.llm.deltas import Acting, Calls, Delta, Text
from wyoming_voice.handle.llm.failures import SELF_EVIDENT, Failure
from wyoming_voice.handle.llm.hidden import Trimmed
from wyoming_voice.handle.own_words import Own, in_words

MAX_ANSWER_CHARS = 20_000
"""Some twenty minutes of speech; a model that goes on is in a loop."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody should be told that there is something to be waited for; in our own words without a text."""

    text: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether it says anything."""
        return self.text != ""


class Reply:
    """One answer on its way to the client; `context` goes with its first and last event.

    With `tells_acts` the client hears that something is about to be done (`extensions.ACTS`). What isn't the
    model's is said in `language`.
    """

    def __init__(
        self, context: dict[str, Any], language: str = "", *, tells_acts: bool = False
    ) -> None:
        self._context = context
        self._language = language
        self._tells_acts = tells_acts
        self._trimmed = Trimmed()
        self._chunks: list[str] = []
        self.model_text = ""

    @property
    def told(self) -> str:
        """All that was said, with what isn't the model's."""
        return "".join(self._chunks)

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
            case Calls() if self.model_text:  # what it says next is not the same sentence
                return self._say(self._trimmed.push(" "))
            case Acting(changes=True) if self._tells_acts:
                self._tells_acts = False  # once says all
                return [Event(ACTING)]
            case Notice(text):
                own = self.in_words(Own.ONE_MOMENT) if text is None else text
                return self._say(self._trimmed.apart(own))
            case _:
                return []

    def fail(self, failure: Failure) -> list[Event]:
        """The end of an answer that the model didn't finish, or didn't begin."""
        if not self.begun:
            return [NotHandled(text=self.in_words(failure), context=self._context).event()]
        broke_off = bool(self.model_text) and failure not in SELF_EVIDENT
        return self.close(Own.BROKE_OFF_THERE if broke_off else failure)

    def close(self, kind: Own | Failure) -> list[Event]:
        """The end of an answer with a sentence of our own."""
        return [*self._say(self._trimmed.apart(self.in_words(kind))), *self._end()]

    def in_words(self, kind: Own | Failure) -> str:
        """How this client is told."""
        return in_words(kind, self._language)

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
        return [Handled(text=self.told, context=self._context).event(), HandledStop().event()]
