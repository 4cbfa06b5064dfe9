"""`wyoming-voice up`: ASR, TTS and handle on this machine, with what this machine has.

Which engines: those that each server's own settings name, when their weights are here or the hub
answers; else the embedded ones, said in one line each. Which language model: the one at the handle
server's `--llm-url`; where nobody chose that address and nothing answers at it, none.
"""

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from rich.console import Console

from wyoming_voice.asr.languages import AUTO, primary
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.config import PREFIX, Settings, load
from wyoming_voice.errors import ConfigError, UnknownChoice
from wyoming_voice.handle.building import key_of
from wyoming_voice.handle.settings import NO_LLM, HandleSettings
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.stack import Plan, end_on_signals, running
from wyoming_voice.tts.espeak import ESPEAK_VOICES
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import Catalogue, kokoro_voice
from wyoming_voice.wire import Address, parse_uri

Say = Callable[[str], None]


class UpSettings(Settings):
    """Where the three servers listen; all else are their own settings (environment, TOML)."""

    section: ClassVar[str] = "up"

    host: str = Field(
        "", description="address for all three, e.g. 0.0.0.0 (default: their own --uri)"
    )
    gateway: bool = Field(False, description="run the gateway with its page for them, too")


async def run(settings: UpSettings) -> int:
    """Run until SIGTERM or SIGINT; the exit status. Raises EngineError when a server can't start."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
    end_on_signals()
    try:
        plans = await choose(settings.config, console.print)
        plans = (
            [listening_at(plan, host=settings.host) for plan in plans] if settings.host else plans
        )

        def told(kind: str, uri: str) -> None:
            console.print(f"{kind:7} ready at {uri}")

        plans = [logging_as(plan, settings) for plan in plans]
        async with running(plans, told) as uris:
            page = logging_as(gateway(uris, settings.config), settings)
            pages = [page] if settings.gateway else []
            async with running(pages, told) as doors:
                console.print(_welcome(settings.host, page_of(doors, settings)))
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
    """The same server at another address; without a port, at its own. Raises ConfigError."""
    named = parse_uri(plan.arguments[plan.arguments.index("--uri") + 1])
    if named.path and port is None:
        raise ConfigError(f"--host: the {plan.kind} server's own --uri is {named}; leave one out")
    address = Address(host=host, port=named.port if port is None else port)
    return replace(plan, arguments=(*plan.arguments, "--uri", str(address)))


def logging_as(plan: Plan, settings: UpSettings) -> Plan:
    """The same server with our own format of logs, where one was chosen."""
    if "log_format" not in settings.model_fields_set:
        return plan
    return replace(plan, arguments=(*plan.arguments, "--log-format", settings.log_format))


def gateway(uris: Mapping[str, str], config: Path | None) -> Plan:
    """The gateway of the servers at these URIs."""
    named = (part for kind, uri in uris.items() for part in (f"--{kind}-uri", uri))
    return Plan("gateway", (*(("--config", str(config)) if config else ()), *named))


def _plan(settings: ServiceSettings, arguments: tuple[str, ...]) -> Plan:
    return Plan(settings.section, ("--uri", settings.uri, *arguments))


def _asr_engine(settings: AsrSettings, say: Say) -> tuple[str, ...]:
    if settings.engine != "whisper":
        return ()
    lacking = _not_installed("faster_whisper") or _no_whisper(settings)
    if not lacking or _not_installed("pocketsphinx"):
        return ()
    say(f"asr: {lacking}; using the embedded recogniser, for trying out: clear US English only")
    for name, tags in (("language", [settings.language]), ("languages", settings.languages)):
        if unheard := [tag for tag in tags if primary(tag) not in ("en", AUTO)]:
            said = f"{', '.join(unheard)} ({_names_of('asr', name)})"
            say(f"asr: without effect: {said}; the embedded recogniser understands English only")
    languages = ("--languages", "en") if settings.languages else ()
    return ("--engine", "pocketsphinx", "--language", "en", *languages)


def _tts_engine(settings: TtsSettings, say: Say) -> tuple[str, ...]:
    if settings.engine != "kokoro":
        return ()
    lacking = _not_installed("kokoro") or _no_kokoro(settings)
    if not lacking or _not_installed("espeakng_loader"):
        return ()
    say(f"tts: {lacking}; using the embedded voice, espeak-ng")
    return ("--engine", "espeak", *_espeak_voice(settings.voice, say))


def _espeak_voice(named: str, say: Say) -> tuple[str, ...]:
    """The voice that stands in for Kokoro's: of the same language, where there is one."""
    if not named or named in {voice.name for voice in ESPEAK_VOICES}:
        return ()
    one = kokoro_voice(named.partition("+")[0].partition("(")[0].strip())
    language = one.language if one is not None else ""
    ours = Catalogue(ESPEAK_VOICES, "en-us")
    try:
        voice = ours.choose(None, language)
    except UnknownChoice:
        voice = ours.voices[0]
    said = f"{named} ({_names_of('tts', 'voice')})"
    say(f"tts: without effect: {said}; the embedded voice {voice.name} stands in for it")
    return ("--voice", voice.name)


def _names_of(section: str, name: str) -> str:
    """Under which names a person set it."""
    return f"{PREFIX}{section.upper()}_{name.upper()}, [{section}] {name}"


def _not_installed(package: str) -> str:
    """Why a package can't be had, or `""`."""
    if importlib.util.find_spec(package) is not None:
        return ""
    return f"{package} is not installed (Python {sys.version_info.major}.{sys.version_info.minor})"


def _no_whisper(settings: AsrSettings) -> str:
    """Why Whisper's weights can't be had, or `""`; a directory's own faults are the server's to tell."""
    from wyoming_voice import hub

    named = [hub.whisper(name) for name in settings.model if not Path(name).is_dir()]
    missing = [weights.name for weights in named if hub.local(weights, settings.model_dir) is None]
    if not missing or hub.reachable():
        return ""
    return f"no weights of {', '.join(missing)} here, and no hub in reach"


def _no_kokoro(settings: TtsSettings) -> str:
    from wyoming_voice import hub

    if settings.model != hub.KOKORO or hub.local(hub.kokoro(), settings.model_dir) is not None:
        return ""
    return "" if hub.reachable() else "no weights of Kokoro here, and no hub in reach"


async def _language_model(settings: HandleSettings, say: Say) -> tuple[str, ...]:
    chosen = "llm_url" in settings.model_fields_set
    # It may come up later, and the handle server asks it anew for each question.
    if chosen or settings.needs_model:
        return ()
    from wyoming_voice.handle.llm.llama_swap import look_at

    if (await look_at(settings.llm_url, key_of(settings))).reachable:
        return ()
    say(f"handle: no language model at {settings.llm_url}; answering a few things without one")
    return ("--llm-url", NO_LLM)


def page_of(doors: Mapping[str, str], settings: UpSettings) -> str:
    """Where the page is, if there is one, and how others get to it."""
    if "gateway" not in doors:
        return ""
    from wyoming_voice.gateway.settings import HERE, GatewaySettings

    own = load(GatewaySettings, ("--config", str(settings.config)) if settings.config else ())
    address = parse_uri(doors["gateway"])
    told = f"the page: open {own.page_url(address)}\n"
    if address.host not in HERE or settings.host in ("", "localhost", *HERE):
        return told
    return (
        f"{told}  for this machine only, whatever --host is; for others:"
        f" WYOMING_VOICE_GATEWAY_HTTP={Address(settings.host, address.port)}"
        " WYOMING_VOICE_GATEWAY_API_KEY_FILE=keys\n"
    )


def _welcome(host: str, page: str) -> str:
    where = f"at {host}" if host else "for this machine only; --host 0.0.0.0 serves the network"
    return (
        f"all ready, {where}\n"
        f"{page}"
        "ask something: wyoming-voice ask --text 'what time is it'\n"
        "Home Assistant: Settings, Devices & services, Add integration, Wyoming Protocol\n"
        "Ctrl-C ends"
    )
