"""`wyoming-voice up`: ASR, TTS and handle on this machine, with what this machine has.

Which engines: those that each server's own settings name, when their weights are here or the hub
answers; else the embedded ones, said in one line each. Which language model: the one that answers at
the handle server's `--llm-url`, else none.
"""

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from rich.console import Console

from wyoming_voice import hub
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.config import ServiceSettings, Settings, load
from wyoming_voice.handle.server import NO_LLM, HandleSettings, key_of
from wyoming_voice.hub import Weights
from wyoming_voice.stack import Plan, end_on_signals, running
from wyoming_voice.tts.server import TtsSettings
from wyoming_voice.wire import Address, parse_uri

Say = Callable[[str], None]


class UpSettings(Settings):
    """Where the three servers listen; all else are their own settings (environment, TOML)."""

    section: ClassVar[str] = "up"

    host: str = Field(
        "", description="address for all three, e.g. 0.0.0.0 (default: their own --uri)"
    )


async def run(settings: UpSettings) -> int:
    """Run until SIGTERM or SIGINT; the exit status. Raises EngineError when a server can't start."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
    end_on_signals()
    try:
        plans = await choose(settings.config, console.print)
        plans = (
            [listening_at(plan, host=settings.host) for plan in plans] if settings.host else plans
        )
        async with running(plans, lambda kind, uri: console.print(f"{kind:6} ready at {uri}")):
            console.print("all ready; Ctrl-C ends them")
            await asyncio.Event().wait()
    except asyncio.CancelledError:  # only the signals above cancel this task
        return 0
    return 0


async def choose(config: Path | None, say: Say) -> list[Plan]:
    """A plan for each server, with embedded engines in the place of those that can't be had."""
    arguments = ("--config", str(config)) if config is not None else ()
    asr, tts = load(AsrSettings, arguments), load(TtsSettings, arguments)
    handle = load(HandleSettings, arguments)
    return [
        _plan(asr, (*arguments, *_asr_engine(asr, say))),
        _plan(tts, (*arguments, *_tts_engine(tts, say))),
        _plan(handle, (*arguments, *await _language_model(handle, say))),
    ]


def listening_at(plan: Plan, host: str, port: int | None = None) -> Plan:
    """The same server at another address; without a port, at its own."""
    uri = plan.arguments[plan.arguments.index("--uri") + 1]
    address = Address(host=host, port=parse_uri(uri).port if port is None else port)
    return replace(plan, arguments=(*plan.arguments, "--uri", str(address)))


def _plan(settings: ServiceSettings, arguments: tuple[str, ...]) -> Plan:
    return Plan(settings.section, ("--uri", settings.uri, *arguments))


def _asr_engine(settings: AsrSettings, say: Say) -> tuple[str, ...]:
    if settings.engine != "whisper":
        return ()
    named = [name for name in settings.model if not Path(name).is_dir()]
    lacking = _lacking("faster_whisper", [hub.whisper(name) for name in named], settings.model_dir)
    if not lacking:
        return ()
    say(f"asr: {lacking}: using the embedded recogniser (pocketsphinx, US English)")
    return ("--engine", "pocketsphinx", "--language", "en")


def _tts_engine(settings: TtsSettings, say: Say) -> tuple[str, ...]:
    if settings.engine != "kokoro":
        return ()
    named = [] if Path(settings.model).is_dir() else [hub.kokoro(settings.model)]
    lacking = _lacking("kokoro", named, settings.model_dir)
    if not lacking:
        return ()
    say(f"tts: {lacking}: using the embedded voice (espeak-ng)")
    return ("--engine", "espeak")


def _lacking(package: str, weights: list[Weights], model_dir: Path | None) -> str:
    """Why an engine can't be had, or `""`."""
    if importlib.util.find_spec(package) is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return f"{package} is not installed (Python {version})"
    missing = [w.repository for w in weights if hub.local(w, model_dir) is None]
    if missing and not hub.reachable():
        return f"no weights of {', '.join(missing)} in {hub.where(model_dir)}, no hub in reach"
    return ""


async def _language_model(settings: HandleSettings, say: Say) -> tuple[str, ...]:
    if settings.llm_url == NO_LLM:
        return ()
    from wyoming_voice.handle.llama_swap import look_at

    if (await look_at(settings.llm_url, key_of(settings))).reachable:
        return ()
    say(f"handle: no language model at {settings.llm_url}: answering a few things itself")
    return ("--llm-url", NO_LLM)
