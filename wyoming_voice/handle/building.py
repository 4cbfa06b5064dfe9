"""Puts the parts of the handle server together that the settings ask for.

Rule: what can be wrong with the settings is a ConfigError here, before anything listens; a library that only
an option needs is loaded with that option, and nothing is connected.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.fast.path import PATIENCE_S, FastPath, fast_path
from wyoming_voice.handle.prompting import Prompting
from wyoming_voice.handle.satellite_prompts import SatellitePrompts
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.settings import NO_LLM, HandleSettings
from wyoming_voice.handle.tools.client_tools import ClientToolbox
from wyoming_voice.handle.tools.toolboxes import Toolboxes, toolboxes
from wyoming_voice.hass.access import hass_of
from wyoming_voice.hass.registry import House
from wyoming_voice.secret_files import unread

if TYPE_CHECKING:
    from wyoming_voice.handle.llm.llama_swap import LlamaSwap
    from wyoming_voice.hass.connection import Hass
    from wyoming_voice.hass.house import HouseWatch

_log = logging.getLogger(__name__)

LIKELIEST_LANGUAGE = "en"
"""Where nobody knows the house's."""

LOOK_S = 5.0
"""How long the first requests wait for what is to be known of the house."""


@dataclass(frozen=True)
class Home:
    """Home Assistant, as far as it is asked directly."""

    hass: "Hass"
    watch: "HouseWatch"

    def house(self) -> House:
        """What is known of the house; looked up again behind it."""
        self.watch.refresh()
        return self.watch.house

    async def look(self) -> None:
        """Have the house looked up; what was found, or why not, stands in the log."""
        self.watch.refresh()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self.watch.fetched()

    async def close(self) -> None:
        """Hang up."""
        await self.watch.close()
        await self.hass.close()


@dataclass(frozen=True)
class Parts:
    """What the settings ask for beside the language model."""

    home: Home | None
    toolbox: Toolboxes
    fast: FastPath | None
    prompting: Prompting

    async def look(self) -> None:
        """Look at all that is elsewhere, at the same time."""
        looks = [self.toolbox.look(), *([self.home.look()] if self.home else [])]
        await asyncio.gather(*looks)
        self._warm(self.language or LIKELIEST_LANGUAGE)

    def warm(self) -> None:
        """Have simple commands in the language of the house be ready, as far as that is known."""
        if language := self.language:
            self._warm(language)

    @property
    def language(self) -> str:
        """That of the house, "" where it is not known."""
        return self.home.watch.house.language if self.home else ""

    def _warm(self, language: str) -> None:
        if self.fast is not None:
            self.fast.warm(Question("", "", language=language))

    async def close(self) -> None:
        """Let go of what is open."""
        if self.fast is not None:
            await self.fast.close()
        await self.toolbox.close()
        if self.home is not None:
            await self.home.close()


def parts_of(settings: HandleSettings, clock: Callable[[], datetime]) -> Parts:
    """The parts; raises ConfigError for what can't work."""
    home = home_of(settings)
    directory = settings.satellite_prompt_dir
    parts = Parts(
        home=home,
        toolbox=toolboxes(settings, [ClientToolbox()]),
        fast=_fast(settings, home, clock),
        prompting=Prompting(
            read(settings.system_prompt_file, "system_prompt_file")
            or settings.system_prompt.strip(),
            SatellitePrompts(directory) if directory else None,
            home.house if home else House,
        ),
    )
    if home is not None:  # a Home Assistant that was started anew has forgotten what it had read
        home.hass.each_time(parts.warm)
    return parts


def home_of(settings: HandleSettings) -> Home | None:
    """Home Assistant, where it is named; raises ConfigError."""
    hass = hass_of(settings)
    if hass is None:
        return None
    from wyoming_voice.hass.house import HouseWatch

    return Home(hass, HouseWatch(hass))


def _fast(
    settings: HandleSettings, home: Home | None, clock: Callable[[], datetime]
) -> FastPath | None:
    if not settings.fast_intents:
        return None
    patience_s = PATIENCE_S if settings.llm_url == NO_LLM else 0.0
    if home is None:
        return fast_path(None, clock, patience_s)
    from wyoming_voice.hass.assist import Assist

    return fast_path(Assist(home.hass), clock, patience_s)


def model_of(settings: HandleSettings) -> "LlamaSwap":
    """The language model server."""
    from wyoming_voice.handle.llm.llama_swap import LlamaSwap, LlmSettings
    from wyoming_voice.handle.llm.patience import Patience

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
    key = read(settings.api_key_file, "api_key_file") or settings.api_key.get_secret_value()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("--api-key: a key is one line of ASCII, as HTTP headers are")
    return key


def read(path: Path | None, name: str) -> str:
    """The text of a file that a setting names, "" when none is named; raises ConfigError."""
    if path is None:
        return ""
    option = f"--{name.replace('_', '-')}"
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        holds = f"the {name.removesuffix('_file').replace('_', ' ')}"
        raise ConfigError(unread(option, path, error, holds)) from error
    if not text:
        raise ConfigError(f"{option}: {path} is empty")
    return text
