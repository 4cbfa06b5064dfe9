"""`wyoming-voice handle`: a question as text in, its answer as text out.

Rule: what can be wrong with the settings is said before anything listens; what can be wrong with the
language model is said in one line at the start and in a spoken sentence after it, and ends nothing.
"""

import asyncio
import logging
from datetime import datetime
from typing import TYPE_CHECKING

from wyoming.info import Info

from wyoming_voice.describing import Description
from wyoming_voice.errors import ConfigError
from wyoming_voice.extensions import ACTS, CLIENT_TOOLS, REPLACES, SPECULATIVE_ANSWER, WARM_UP
from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.answers import Answers, LocalAnswers
from wyoming_voice.handle.building import Parts, model_of, parts_of
from wyoming_voice.handle.commands import Commands
from wyoming_voice.handle.conversation import HandleConversation
from wyoming_voice.handle.description import described
from wyoming_voice.handle.history import History, HistoryLimits
from wyoming_voice.handle.intents.answers import HassAnswers
from wyoming_voice.handle.memory import Memory
from wyoming_voice.handle.model_answers import Doing, Manner, ModelAnswers
from wyoming_voice.handle.noticing import Notices
from wyoming_voice.handle.reply import Notice
from wyoming_voice.handle.rounds import Limits
from wyoming_voice.handle.settings import NO_LLM, HandleSettings

if TYPE_CHECKING:
    from wyoming_voice.handle.llm.llama_swap import LlamaSwap

_log = logging.getLogger(__name__)

EXTENSIONS = frozenset({SPECULATIVE_ANSWER, WARM_UP, REPLACES, CLIENT_TOOLS, ACTS})


class HandleProgram:
    """The handle server's side of the service."""

    kind = "handle"
    busy = False
    healthy = (
        True  # it has no thread that could be stuck; that its loop turns shows in its being asked
    )

    def __init__(self, settings: HandleSettings, parts: Parts) -> None:
        self._max_text_chars = settings.max_text_chars
        self._parts = parts
        self._llm = None if settings.llm_url == NO_LLM else model_of(settings)
        self._answers = _answers(settings, self._llm, self._parts)
        self.info: Info = Description(handle=[described(settings)], extensions=EXTENSIONS)

    async def load(self) -> None:
        """Look at the language model server and at the house, and say in one line each what is there."""
        await asyncio.gather(self._parts.look(), self._look_at_the_model())

    async def _look_at_the_model(self) -> None:
        if self._llm is None:
            _log.info(
                "language model: none; a few questions are answered without (--llm-url names one)"
            )
            return
        found = await self._llm.look()
        _log.log(logging.WARNING if found.surprising else logging.INFO, "%s", found.line)

    def converse(self) -> HandleConversation:
        """One new connection."""
        return HandleConversation(self._answers, self._max_text_chars, lambda: self._parts.language)

    async def close(self) -> None:
        """Close all connections."""
        await self._answers.close()
        await self._parts.close()
        if self._llm is not None:
            await self._llm.close()


def build(settings: HandleSettings) -> HandleProgram:
    """The handle server; raises ConfigError for what can't work."""
    if settings.llm_url == NO_LLM and (option := settings.needs_model):
        raise ConfigError(
            f"{option} needs a language model; name one with --llm-url, or leave it out"
        )
    return HandleProgram(settings, parts_of(settings, _local_time))


def _answers(settings: HandleSettings, llm: "LlamaSwap | None", parts: Parts) -> Answers:
    acts, memory = Acts(), Memory(History(_history_limits(settings)), _local_time)
    commands = Commands(parts.fast, acts, memory, settings.tool_timeout_s)
    if llm is None:
        return LocalAnswers(commands, acts, memory, _local_time)
    limits = Limits(settings.tool_rounds, settings.llm_timeout_s)
    manner = Manner(parts.prompting, _notices(settings), limits)
    answers = ModelAnswers(llm, memory, manner, Doing(parts.toolbox, commands, acts))
    if settings.answer_intents:
        return HassAnswers(llm, memory, parts.prompting, answers)
    return answers


def _notices(settings: HandleSettings) -> Notices:
    return Notices(
        loading=_notice(settings.loading_notice),
        loading_after_s=settings.loading_notice_after_s,
        tools=_notice(settings.tool_notice),
        tools_after_s=settings.tool_notice_after_s,
    )


def _notice(text: str | None) -> Notice:
    return Notice(None if text is None else text.strip())


def _history_limits(settings: HandleSettings) -> HistoryLimits:
    return HistoryLimits(
        keep_s=settings.history_s,
        turns=settings.history_turns,
        tokens=settings.history_tokens,
        conversations=settings.history_conversations,
    )


def _local_time() -> datetime:
    return datetime.now().astimezone()
