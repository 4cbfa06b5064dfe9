"""What was said before, per conversation, for as long as a follow-up question may refer to it.

Rule: the messages of one question begin with those of the question before, word for word, so that the
model's cache of the prompt (llama.cpp: `cache_prompt`, vLLM: prefix caching) holds. So turns don't change
once they are kept, but for the last answer when it turns out to have been interrupted, and when there are
too many, the oldest half goes at once rather than one each time. A turn goes whole, with all that was
done for it, and the newest stays in any case, since the next question may be about it, or the whole of it.
A question that replaces the one before it, or cuts its answer, changes the end only, unless another
satellite has asked meanwhile.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from wyoming_voice.handle.steps import Deed
from wyoming_voice.handle.steps import Message as Message

INTERRUPTED = " [interrupted]"
"""Tells the model that the listener heard no more than this."""

_BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How long a silent conversation is kept, how much of each, and how many."""

    keep_s: float = 600.0
    turns: int = 20
    tokens: int = 3000
    conversations: int = 64


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and as much of its answer as was sent; and the id that it was asked under.

    `steps` are the messages between the two, as the model was sent them; `deeds` what was done for it.
    `told` is all that was said aloud, where that is more than the answer. `part_of` is the id of the question
    that turned out to be the whole of this one.
    """

    question: str
    answer: str
    interrupted: bool = False
    turn_id: str = ""
    steps: tuple[Message, ...] = ()
    deeds: tuple[Deed, ...] = ()
    told: str = ""
    part_of: str = ""

    @property
    def messages(self) -> tuple[Message, ...]:
        """As the model is told it."""
        answer = (self.answer + INTERRUPTED).lstrip() if self.interrupted else self.answer
        return (
            {"role": "user", "content": self.question},
            *self.steps,
            {"role": "assistant", "content": answer},
        )

    @property
    def tokens(self) -> int:
        """About how many tokens its messages have."""
        return sum(_tokens(message) for message in self.messages)

    def heard(self, heard: str) -> "Turn":
        """This turn, of which no more than `heard` was."""
        told = self.told or self.answer
        if len(heard) >= len(told):
            return self
        heard_chars = len(heard.rstrip()) - max(0, told.rfind(self.answer))
        answer = self.answer[: max(0, heard_chars)].rstrip()
        return replace(self, answer=f"{answer}…", interrupted=True)


def about_tokens(text: str) -> int:
    """A rough count: four bytes of UTF-8 to a token, and what a chat template adds to a message.

    English has about four letters to a token (https://platform.openai.com/tokenizer), Chinese and
    Japanese about one character, of three bytes: both come out within a third or so.
    """
    return len(text.encode(errors="replace")) // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE


def _tokens(message: Message) -> int:
    calls = message.get("tool_calls")
    written = json.dumps(calls, ensure_ascii=False) if calls else ""
    return about_tokens(f"{message.get('content')}{written}")


@dataclass(frozen=True, slots=True)
class Revision:
    """What a question says of those before it.

    `heard`: no more of the last answer was heard. `replaces`: forget the turn of that id and those that were
    a part of it already, unless something was done for them, and then they are a part of `whole`; what was
    heard is of no interest. They need not be the last where several satellites share a conversation.
    """

    heard: str | None = None
    replaces: str = ""
    whole: str = ""

    def of(self, turns: Sequence[Turn]) -> list[Turn]:
        """`turns`, as they are to be remembered from here on."""
        if not turns:
            return []
        if any(map(self._means, turns)):
            return [turn for turn in map(self._replaced, turns) if turn is not None]
        *before, last = turns
        return [*before, last if self.heard is None else last.heard(self.heard)]

    def _replaced(self, turn: Turn) -> Turn | None:
        if not self._means(turn):
            return turn
        return replace(turn, interrupted=True, part_of=self.whole) if turn.deeds else None

    def _means(self, turn: Turn) -> bool:
        return bool(self.replaces) and self.replaces in (turn.turn_id, turn.part_of)


UNREVISED = Revision()


@dataclass
class _Kept:
    opened_at: str
    used_s: float
    turns: list[Turn] = field(default_factory=list)


class History:
    """All conversations of one server; `now_s` is any clock that doesn't go backwards."""

    def __init__(self, limits: HistoryLimits) -> None:
        self._limits = limits
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def look(
        self, key: str, now_s: float, time_of_day: str, revision: Revision = UNREVISED
    ) -> tuple[str, tuple[Turn, ...]]:
        """When the conversation began, as its first question told it, and its turns, oldest first.

        That is what `open` would return; nothing is changed. The time is kept since it stands at the head
        of the prompt, where a change would cost the whole cache.
        """
        kept = self._kept.get(key)
        if kept is None or self._expired(kept, now_s):
            return time_of_day, ()
        return kept.opened_at, tuple(revision.of(kept.turns))

    def open(
        self, key: str, now_s: float, time_of_day: str, revision: Revision = UNREVISED
    ) -> tuple[str, tuple[Turn, ...]]:
        """What `look` returns; a question was asked, so this counts as use, and its `revision` holds."""
        self._forget(now_s)
        kept = self._kept.setdefault(key, _Kept(time_of_day, now_s))
        kept.turns = revision.of(kept.turns)
        kept.used_s = now_s
        self._kept.move_to_end(key)
        while len(self._kept) > self._limits.conversations:
            self._kept.popitem(last=False)
        return kept.opened_at, tuple(kept.turns)

    def add(self, key: str, turn: Turn, now_s: float) -> None:
        """Keep one more turn; dropped when the conversation has been forgotten meanwhile."""
        kept = self._kept.get(key)
        if kept is None:
            return
        kept.used_s = now_s
        self._kept.move_to_end(key)
        kept.turns.append(turn)
        if self._too_much(kept.turns, 1):
            kept.turns = self._newest_half(kept.turns)

    def _forget(self, now_s: float) -> None:
        """Drop who has been silent for too long; the least recently used stand first."""
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            if not self._expired(kept, now_s):
                return
            del self._kept[key]

    def _expired(self, kept: _Kept, now_s: float) -> bool:
        return now_s - kept.used_s > self._limits.keep_s

    def _newest_half(self, turns: Sequence[Turn]) -> list[Turn]:
        """One that is too long alone loses its steps, which a model can do without rather than without what
        was said, and then the ends of that.
        """
        kept = list(turns)
        while len(kept) > 1 and self._too_much(kept, 2):
            del kept[0]
        if self._too_much(kept, 1):
            kept = [replace(kept[0], steps=())]
        if self._too_much(kept, 1):
            most_chars = self._limits.tokens // 3  # a character has no more than a token
            question, answer = kept[0].question[:most_chars], kept[0].answer[:most_chars]
            kept = [replace(kept[0], question=question, answer=f"{answer}…")]
        return kept

    def _too_much(self, turns: Sequence[Turn], share: int) -> bool:
        tokens = sum(turn.tokens for turn in turns)
        return len(turns) > self._limits.turns // share or tokens > self._limits.tokens // share


def prompt(system: str, turns: Iterable[Turn], question: str) -> list[Message]:
    """The messages of one request; what changes least stands first."""
    said = [message for turn in turns for message in turn.messages]
    head = [{"role": "system", "content": system}] if system else []
    return [*head, *said, {"role": "user", "content": question}]
