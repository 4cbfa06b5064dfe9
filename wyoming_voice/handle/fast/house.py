"""Commands that Home Assistant's own matcher understands: it acts, and its templates answer.

Rule: a Home Assistant that is away, or slow to say whether it understands, costs a question nothing but
that look. A command is sent once; when the connection breaks over it, nobody tries it again.
"""

import asyncio
import logging
from dataclasses import dataclass

from wyoming_voice.handle.fast.path import LOOK_WITHIN_S, MOST_CHARS, NotDone
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Question
from wyoming_voice.hass.assist import Assist
from wyoming_voice.hass.errors import HassError
from wyoming_voice.peer import end

_log = logging.getLogger(__name__)

NOTHING_TO_SAY = "OK."
"""For what Home Assistant answers with silence, such as "never mind"."""

WARM_S = 10.0
"""How long Home Assistant may take to read a language's sentences: 0.1 to 1 s, at the first look."""

_NOTHING = "."


@dataclass(frozen=True, slots=True)
class _Command:
    """A question that Home Assistant would act on."""

    assist: Assist
    question: Question
    name: str = "home-assistant"

    async def act(self) -> str:
        """Have it carried out, and what Home Assistant says to that."""
        question = self.question
        unsure = in_words(Own.UNSURE, question.answered_in)
        try:
            said = await self.assist.process(
                question.text, question.language, question.device_id, question.satellite_id
            )
        except HassError as error:
            if error.untouched:
                raise NotDone(str(error)) from error
            _log.warning("a command may have been carried out or not: %s", error)
            return unsure
        if said.untouched:
            raise NotDone(f"Home Assistant: {said.error}")
        return said.text.strip() or (NOTHING_TO_SAY if said.done else unsure)


class HouseFast:
    """The fast path through Home Assistant."""

    def __init__(self, assist: Assist, patience_s: float = 0.0) -> None:
        self._assist = assist
        self._within_s = LOOK_WITHIN_S + patience_s
        self._warming: dict[str, asyncio.Task[bool]] = {}

    async def look(self, question: Question) -> _Command | None:
        """Asks Home Assistant whether it would act; at once where it is away."""
        if not question.text or len(question.text) > MOST_CHARS:
            return None
        understood = await self._assist.understands(
            question.text, question.language, question.device_id, timeout_s=self._within_s
        )
        return _Command(self._assist, question) if understood else None

    def warm(self, question: Question) -> None:
        """Have Home Assistant look at nothing, for which it reads the sentences of the language."""
        language = question.language
        if language not in self._warming:
            looking = self._assist.understands(_NOTHING, language, "", timeout_s=WARM_S)
            self._warming[language] = task = asyncio.create_task(looking)
            task.add_done_callback(lambda _: self._warming.pop(language))

    async def close(self) -> None:
        """Stop what is looked at; the connection is not this one's to close."""
        await end(list(self._warming.values()))
