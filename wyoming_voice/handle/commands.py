"""The step before the model: a simple command that is understood without it, and what is said of it.

Rule: it acts once, after the question stands, and runs to its end like any other act of its conversation.
Only where nothing was done is the model asked.
"""

import asyncio
import logging

from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.fast.path import FastPath, NotDone, Understood
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.steps import Deed, one_form
from wyoming_voice.handle.tools.toolbox import ToolResult

_log = logging.getLogger(__name__)

_SAID = ""
"""Stands for the name of a tool where something was said and done at once."""


class Commands:
    """Whoever carries out simple commands, if somebody does.

    `act_s`: how long one may take, and how long it may wait for what is being done.
    """

    def __init__(self, path: FastPath | None, acts: Acts, memory: Memory, act_s: float) -> None:
        self._path = path
        self._acts = acts
        self._memory = memory
        self._act_s = act_s

    async def look(self, asked: Asked) -> Understood | None:
        """Whether a question needs no model; changes nothing."""
        if self._path is None:
            return None
        start_s = _now_s()
        understood = await self._path.look(asked.question)
        asked.record.spent("fast", start_s, _now_s())
        return understood

    async def act(self, asked: Asked, understood: Understood) -> str:
        """What is to be said of what was done; "" where nothing was, and the model is to be asked.

        Raises LlmError where what is being done leaves it no time.
        """
        await asked.stands()
        until_s = min(asked.end_s, _now_s() + self._act_s)
        if not await self._acts.free(asked.conversation, until_s):
            raise LlmError(Failure.STILL_ACTING, "an earlier command is not done yet")
        if asked.part_of:
            return ""
        done = self._memory.done(asked, _SAID, _words(asked.question))
        if done is not None:
            return done.result.text
        task = self._acts.begin(asked.conversation, self._act(asked, understood))
        await asyncio.wait((task,))
        return task.result()

    def warm(self, question: Question) -> None:
        """Such a question is likely to come."""
        if self._path is not None:
            self._path.warm(question)

    async def _act(self, asked: Asked, understood: Understood) -> str:
        """Do it, and keep that it was done, whether or not somebody still waits."""
        start_s = _now_s()
        try:
            async with asyncio.timeout(self._act_s):
                sentence = await understood.act()
        except NotDone as error:
            _log.debug("turn=%s %s: not done, %s", asked.turn_id, understood.name, error)
            return ""
        except TimeoutError:
            sentence = in_words(Own.UNSURE, asked.question.answered_in)
        asked.record.spent("fast", start_s, _now_s())
        asked.record.note(command=understood.name)
        result = ToolResult(sentence)
        asked.steps.tried.append(Deed(_SAID, one_form(_words(asked.question)), result))
        asked.steps.command = sentence
        return sentence


def _words(question: Question) -> dict[str, object]:
    """What was said, as far as a recogniser says it the same twice."""
    return {"words": " ".join(question.text.casefold().strip(" .!?").split())}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
