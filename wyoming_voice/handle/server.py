"""`wyoming-voice handle`: a question as text in, its answer as text out.

Rule: what can be wrong with the settings is said before anything listens; what can be wrong with the
language model is said in one line at the start and in a spoken sentence after it, and ends nothing.
"""

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming.info import Attribution, HandleModel, Info
from wyoming.info import HandleProgram as HandleProgramInfo

from wyoming_voice import __version__
from wyoming_voice.describing import Description
from wyoming_voice.errors import ConfigError
from wyoming_voice.extensions import REPLACES, SPECULATIVE_ANSWER, WARM_UP
from wyoming_voice.handle.answers import Answers, LocalAnswers, Manner, ModelAnswers
from wyoming_voice.handle.conversation import HandleConversation
from wyoming_voice.handle.history import History, HistoryLimits
from wyoming_voice.handle.languages import LANGUAGES
from wyoming_voice.handle.patience import Patience
from wyoming_voice.handle.settings import NO_LLM, HandleSettings

if TYPE_CHECKING:
    from wyoming_voice.handle.llama_swap import LlamaSwap

_log = logging.getLogger(__name__)

EXTENSIONS = frozenset({SPECULATIVE_ANSWER, WARM_UP, REPLACES})

_MADE_BY = {
    "llama-swap": Attribution(name="llama-swap", url="https://github.com/mostlygeek/llama-swap"),
    "local": Attribution(name="wyoming-voice", url="https://github.com/rhasspy/wyoming"),
}


class HandleProgram:
    """The handle server's side of the service."""

    kind = "handle"
    busy = False
    healthy = (
        True  # it has no thread that could be stuck; that its loop turns shows in its being asked
    )

    def __init__(self, settings: HandleSettings) -> None:
        self._max_text_chars = settings.max_text_chars
        self._llm: LlamaSwap | None = None
        self._answers: Answers = LocalAnswers(_local_time)
        if settings.llm_url != NO_LLM:
            self._llm = _llm(settings)
            history = History(_history_limits(settings))
            self._answers = ModelAnswers(self._llm, history, _manner(settings), _local_time)
        self.info: Info = Description(handle=[_described(settings)], extensions=EXTENSIONS)

    async def load(self) -> None:
        """Look at the language model server and say in one line what is there."""
        if self._llm is None:
            _log.info(
                "language model: none; a few questions are answered without (--llm-url names one)"
            )
            return
        found = await self._llm.look()
        _log.log(logging.WARNING if found.surprising else logging.INFO, "%s", found.line)

    def converse(self) -> HandleConversation:
        """One new connection."""
        return HandleConversation(self._answers, self._max_text_chars)

    async def close(self) -> None:
        """Close the connections to the language model."""
        await self._answers.close()
        if self._llm is not None:
            await self._llm.close()


def build(settings: HandleSettings) -> HandleProgram:
    """The handle server; raises ConfigError for files that can't be read."""
    return HandleProgram(settings)


def _llm(settings: HandleSettings) -> "LlamaSwap":
    from wyoming_voice.handle.llama_swap import LlamaSwap, LlmSettings

    return LlamaSwap(
        LlmSettings(
            url=settings.llm_url,
            model=settings.llm_model,
            api_key=key_of(settings),
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            patience=Patience(settings.first_token_timeout_s, settings.llm_timeout_s),
        )
    )


def key_of(settings: HandleSettings) -> str:
    """The key for the language model server, "" for none; raises ConfigError."""
    key = _read(settings.api_key_file, "api_key_file") or settings.api_key.get_secret_value()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("--api-key: a key is one line of ASCII, as HTTP headers are")
    return key


def _manner(settings: HandleSettings) -> Manner:
    return Manner(
        system_prompt=_read(settings.system_prompt_file, "system_prompt_file")
        or settings.system_prompt.strip(),
        notice=settings.loading_notice.strip(),
        notice_after_s=settings.loading_notice_after_s,
    )


def _history_limits(settings: HandleSettings) -> HistoryLimits:
    return HistoryLimits(
        keep_s=settings.history_s,
        turns=settings.history_turns,
        tokens=settings.history_tokens,
        conversations=settings.history_conversations,
    )


def _read(path: Path | None, name: str) -> str:
    """The text of a file that a setting names, "" when none is named."""
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--{name.replace('_', '-')}: {path} can't be read: {error}") from error
    if not text:
        raise ConfigError(f"--{name.replace('_', '-')}: {path} is empty")
    return text


def _described(settings: HandleSettings) -> HandleProgramInfo:
    """What `describe` tells; the model's own name may not be known yet, and must not change."""
    if settings.llm_url == NO_LLM:
        return _program(
            "local", "local", ["en"], "Answers a few questions without a language model"
        )
    model = settings.llm_model or "default"
    return _program("llama-swap", model, list(LANGUAGES), "Answers of a language model")


def _program(name: str, model: str, languages: list[str], description: str) -> HandleProgramInfo:
    return HandleProgramInfo(
        name=name,
        attribution=_MADE_BY[name],
        installed=True,
        description=description,
        version=__version__,
        models=[
            HandleModel(
                name=model,
                attribution=_MADE_BY[name],
                installed=True,
                description=description,
                version=None,
                languages=languages,
            )
        ],
        supports_handled_streaming=True,
        supports_home_control=False,
    )


def _local_time() -> datetime:
    return datetime.now().astimezone()
