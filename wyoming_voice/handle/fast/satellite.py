"""What a client can do itself, and the time of day, understood without anybody's help.

Decides which languages are held ready. Nobody knows them before the first question: that one, which has
the sentences loaded, goes to the model, unless a `warm-up` came before it.

Rule: nothing is matched on the event loop, and no look waits for sentences to be loaded, except with
patience where there is no model to go to.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from wyoming_voice.errors import VoiceError
from wyoming_voice.handle.fast.path import LOOK_WITHIN_S, MOST_CHARS, NotDone
from wyoming_voice.handle.fast.slots import (
    CLOCK,
    TELLING,
    Recognised,
    Slot,
    arguments_for,
    at_the_clock,
    came_of_it,
)
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Client, Question
from wyoming_voice.peer import end
from wyoming_voice.worker import Worker

_log = logging.getLogger(__name__)

DONE = "OK."
"""Of what was done, where the language has no answer."""

MOST_LANGUAGES = 4
"""Kept at a time, 3 to 5 MB each; the one that was spoken longest ago goes first."""

_LOAD_WITHIN_S = 60.0
"""A slow machine with a slow disk takes two."""


class Spoken(Protocol):
    """One language's sentences; see `sentences.Sentences`."""

    def recognise(self, text: str) -> Recognised | None:
        """The best full match; in a thread."""

    def answer(self, recognised: Recognised, more: Mapping[str, Any]) -> str:
        """What is said to it; "" where it can't be put."""


class Library(Protocol):
    """Where sentences come from."""

    def variant(self, language: str) -> str | None:
        """The name under which the sentences for a BCP-47 tag, or "", are loaded."""

    def load(self, variant: str) -> Spoken | None:
        """Those sentences, None where they can't be used; in a thread."""


@dataclass(frozen=True, slots=True)
class _ClockQuestion:
    """Somebody wants to know the time, or the date, at which it is answered."""

    sentences: Spoken
    recognised: Recognised
    clock: Callable[[], datetime]

    @property
    def name(self) -> str:
        """The intent."""
        return self.recognised.intent

    async def act(self) -> str:
        """The answer."""
        said = self.sentences.answer(self.recognised, at_the_clock(self.clock()))
        if not said:
            raise NotDone(f"no answer to {self.name} in this language")
        return said


@dataclass(frozen=True, slots=True)
class _ClientCommand:
    """The client is to do something."""

    sentences: Spoken
    recognised: Recognised
    client: Client
    arguments: Mapping[str, Slot]
    language: str

    @property
    def name(self) -> str:
        """The intent, which is the client's tool."""
        return self.recognised.intent

    async def act(self) -> str:
        """Have the client do it; what came of it, in the language's words."""
        result = await self.client.call(self.name, self.arguments)
        if result.unsure:
            return in_words(Own.UNSURE, self.language)
        if result.error:
            raise NotDone(result.text)
        more = came_of_it(self.name, result.text)
        said = "" if more is None else self.sentences.answer(self.recognised, more)
        if not said and self.name in TELLING:
            raise NotDone(f"no answer to {self.name} in what the client says")
        return said or DONE


class SatelliteFast:
    """The fast path that needs nobody but the client."""

    def __init__(
        self, library: Library, clock: Callable[[], datetime], patience_s: float = 0.0
    ) -> None:
        """`clock` tells the local time; `patience_s`: how long a look waits for sentences."""
        self._patience_s = patience_s
        self._library = library
        self._clock = clock
        self._worker = Worker("sentences")
        self._ready: OrderedDict[str, Spoken | None] = OrderedDict()
        self._loading: dict[str, asyncio.Task[None]] = {}

    @property
    def loading(self) -> frozenset[asyncio.Task[None]]:
        """The languages that are being loaded."""
        return frozenset(self._loading.values())

    async def look(self, question: Question) -> _ClockQuestion | _ClientCommand | None:
        """Whether a sentence of its language matches that the client offers a tool for."""
        if not question.text or len(question.text) > MOST_CHARS:
            return None
        sentences = await self._loaded(question)
        if sentences is None:
            return None
        try:
            recognised = await self._worker.call(
                partial(sentences.recognise, question.text),
                deadline_s=LOOK_WITHIN_S + self._patience_s,
            )
        except VoiceError:  # late, or closing
            return None
        return None if recognised is None else self._command(question, sentences, recognised)

    def warm(self, question: Question) -> None:
        """Have the sentences of its language loaded."""
        self._sentences(question)

    async def close(self) -> None:
        """Stop loading."""
        await end(self.loading)
        self._worker.close()

    def _command(
        self, question: Question, sentences: Spoken, recognised: Recognised
    ) -> _ClockQuestion | _ClientCommand | None:
        if recognised.intent in CLOCK:
            return _ClockQuestion(sentences, recognised, self._clock)
        if question.client is None:
            return None
        arguments = arguments_for(recognised, question.client.tools)
        if arguments is None:
            return None
        language = question.answered_in
        return _ClientCommand(sentences, recognised, question.client, arguments, language)

    async def _loaded(self, question: Question) -> Spoken | None:
        """Those of its language, waited for as long as there is patience."""
        sentences = self._sentences(question)
        loading = self._loading.get(self._library.variant(question.answered_in) or "")
        if sentences is None and loading is not None and self._patience_s:
            await asyncio.wait((loading,), timeout=self._patience_s)
            sentences = self._sentences(question)
        return sentences

    def _sentences(self, question: Question) -> Spoken | None:
        """Those of its language, if they are there; else they are sent for."""
        variant = self._library.variant(question.answered_in)
        if variant is None:
            return None
        if variant in self._ready:
            self._ready.move_to_end(variant)
            return self._ready[variant]
        if variant not in self._loading:
            self._loading[variant] = task = asyncio.create_task(self._load(variant))
            task.add_done_callback(lambda _: self._loading.pop(variant))
        return None

    async def _load(self, variant: str) -> None:
        try:
            load = partial(self._library.load, variant)
            sentences = await self._worker.call(load, deadline_s=_LOAD_WITHIN_S)
        except VoiceError as error:
            _log.warning("the sentences for %r are not loaded: %s", variant, error)
            return
        self._ready[variant] = sentences
        while len(self._ready) > MOST_LANGUAGES:
            self._ready.popitem(last=False)
