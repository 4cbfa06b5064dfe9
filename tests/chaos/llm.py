"""A language model server that answers numbers with numbers, and fails on a schedule."""

import itertools
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from tests.chaos.codes import numbers_in, word_of
from tests.llama_swap import END, Asked, Do, FakeLlamaSwap, Reply, asks, delta, refusal, words

OPENING = "Here is what you asked for. "
TOOL = "act"


class Upstream(Enum):
    """What becomes of one question."""

    ANSWERS = "answers"
    REFUSES = "503"
    CUTS = "resets before a word"
    CUTS_HALFWAY = "resets in the middle"
    STALLS = "stalls before a word"
    STALLS_HALFWAY = "stalls in the middle"


class CodeLlm(FakeLlamaSwap):
    """`hook` is called with what comes next ("asked", "acted") and the number, before it is answered.

    Where tools are offered, every `acts_every`th number has one called before it is answered.
    """

    def __init__(
        self,
        fates: Iterable[Upstream] = (Upstream.ANSWERS,),
        *,
        acts_every: int = 3,
        hook: Callable[[str, int, str], None] = lambda point, number, model: None,
        models: tuple[str, ...] = ("qwen",),
    ) -> None:
        super().__init__(words("never"), models=models)
        self._fates = itertools.cycle(fates)
        self._acts_every = acts_every
        self.hook = hook

    def _reply(self, asked: Asked) -> Reply:
        if asked.path != "/v1/chat/completions":
            return super()._reply(asked)
        number, acted = _question(asked.body)
        point = "acted" if acted else "asked"
        self.hook(point, number, asked.body.get("model", ""))
        if asked.body.get("tools") and not acted and number % self._acts_every == 0:
            return asks((TOOL, {"number": str(number)}))
        return _spoiled(next(self._fates), number)


def answer_to(number: int) -> str:
    """All of an answer: two sentences, of which the last ends with the number."""
    return f"{OPENING}The answer is {word_of(number)}."


def _question(body: Any) -> tuple[int, bool]:
    """The number that was asked for last, and whether something was done for it."""
    number, acted = -1, False
    for message in body["messages"]:
        if message["role"] == "user":
            number, acted = next(iter(numbers_in(message["content"])), -1), False
        acted = acted or message["role"] == "tool"
    return number, acted


def _spoiled(fate: Upstream, number: int) -> Reply:
    text = answer_to(number) if number >= 0 else "I did not understand that."
    half = len(OPENING)
    first, second = delta(content=text[:half]), delta(content=text[half:])
    head = delta(role="assistant", content=None)
    match fate:
        case Upstream.REFUSES:
            return refusal(503)
        case Upstream.CUTS:
            return Reply([Do.CUT])
        case Upstream.CUTS_HALFWAY:
            return Reply([head, first, Do.CUT])
        case Upstream.STALLS:
            return Reply([head, Do.STALL])
        case Upstream.STALLS_HALFWAY:
            return Reply([head, first, Do.STALL])
    return Reply([head, first, second, *END])
