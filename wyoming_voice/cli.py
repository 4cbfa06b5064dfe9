"""`wyoming-voice COMMAND`: finds the command, builds its settings, runs it, says in words why it failed.

Rule: a command's module is imported only when that command runs, so that each process loads only what
it needs. Status 0: done; 1: it failed; 2: the settings can't be used.
"""

import asyncio
import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from wyoming_voice import __version__, logs


@dataclass(frozen=True)
class Command:
    """Where a command lives; its module offers the settings class and `run` or, for servers, `build`."""

    module: str
    settings: str
    extra: str
    help: str


COMMANDS = {
    "asr": Command("wyoming_voice.asr.server", "AsrSettings", "asr", "serve speech to text"),
    "tts": Command("wyoming_voice.tts.server", "TtsSettings", "tts", "serve text to speech"),
    "handle": Command(
        "wyoming_voice.handle.server",
        "HandleSettings",
        "handle",
        "serve answers of a language model",
    ),
    "satellite": Command(
        "satellite.run", "SatelliteSettings", "satellite", "listen and speak: the microphone's side"
    ),
    "gateway": Command(
        "wyoming_voice.gateway.server",
        "GatewaySettings",
        "gateway",
        "serve the whole conversation to web pages",
    ),
    "up": Command("wyoming_voice.up", "UpSettings", "all", "run all three servers on this machine"),
    "demo": Command("wyoming_voice.demo", "DemoSettings", "all", "one spoken turn, start to end"),
    "ask": Command("satellite.ask", "AskSettings", "satellite", "one turn against running servers"),
    "say": Command(
        "wyoming_voice.say.command", "SaySettings", "tts,media", "speak a text into a file"
    ),
    "subtitles": Command(
        "wyoming_voice.subtitles.command",
        "SubtitleSettings",
        "subtitles",
        "write the subtitles of films and recordings",
    ),
    "bench": Command(
        "wyoming_voice.benchmark.command", "BenchSettings", "audio", "measure running servers"
    ),
    "calibrate": Command(
        "wyoming_voice.calibrate.command",
        "CalibrateSettings",
        "calibrate",
        "measure what this machine's ASR server may leave out, and write it to its settings",
    ),
    "discover": Command(
        "wyoming_voice.discover", "DiscoverSettings", "", "list the Wyoming servers on the network"
    ),
    "status": Command(
        "wyoming_voice.status.command",
        "StatusSettings",
        "",
        "what all servers and satellites are doing, and what went wrong last",
    ),
    "models": Command("wyoming_voice.models", "ModelsSettings", "asr", "list or fetch weights"),
    "install-systemd": Command(
        "wyoming_voice.install_systemd", "InstallSettings", "", "install units for systemd"
    ),
}


_DOOR = ("fastapi", "starlette", "uvicorn", "websockets", "multipart", "python_multipart", "av")
"""What --http takes beside a server's own extra."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments.pop(0) if arguments else "--help"
    if name in ("-h", "--help"):
        sys.stdout.write(_usage())
        return 0
    if name == "--version":
        sys.stdout.write(_versions())
        return 0
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        remedy = f"; did you mean {near[0]!r}?" if near else f"\n\n{_usage().rstrip()}"
        sys.stderr.write(f"wyoming-voice: unknown command {name!r}{remedy}\n")
        return 2
    return _run(name, COMMANDS[name], arguments)


def _run(name: str, command: Command, arguments: Sequence[str]) -> int:
    from wyoming_voice.errors import ConfigError, VoiceError

    try:
        module = importlib.import_module(command.module)
        return _invoke(module, command, arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("wyoming_voice", "satellite"):
            raise  # a bug of ours, which no extra mends
        return _failed(name, _remedy(command, error.name or ""), 2)
    except ConfigError as error:
        return _failed(name, str(error), 2)
    except VoiceError as error:
        return _failed(name, str(error), 1)
    except KeyboardInterrupt:
        return _interrupted()


def _invoke(module: Any, command: Command, arguments: Sequence[str]) -> int:
    from wyoming_voice.config import load
    from wyoming_voice.settings import CallSettings
    from wyoming_voice.tls import identify
    from wyoming_voice.tracing import traced

    settings = load(getattr(module, command.settings), arguments)
    if isinstance(settings, CallSettings):
        identify(settings.tls_ca, settings.tls_client_cert, settings.tls_client_key)
    logs.to_stderr(settings.log_level, settings.log_format)
    with traced(getattr(settings, "otlp_url", ""), settings.section):
        if not hasattr(module, "build"):
            return int(asyncio.run(module.run(settings)))
        from wyoming_voice.service import run_service

        asyncio.run(run_service(module.build(settings), settings))
        return 0


def _interrupted() -> int:
    """130. A thread that is in the middle of a model's work, which may take minutes, is not waited for."""
    if threading.active_count() > 1:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(130)
    return 130


def _remedy(command: Command, lacking: str) -> str:
    """What to install for a module that is not there."""
    extras = [command.extra]
    if lacking.partition(".")[0] in _DOOR:
        extras += ["http"]
    if lacking.partition(".")[0] == "opentelemetry":
        extras += ["otel"]
    return f"needs {lacking!r}: pip install 'wyoming-voice[{','.join(filter(None, extras))}]'"


def _failed(name: str, text: str, status: int) -> int:
    sys.stderr.writelines(f"wyoming-voice {name}: {line}\n" for line in text.splitlines())
    return status


def _versions() -> str:
    """This program's version, Python's, and those of the engines that are installed."""
    from wyoming_voice.engine_versions import installed

    python = ".".join(map(str, sys.version_info[:3]))
    rows = {"python": python, **installed()}
    engines = "".join(f"  {name:15} {version}\n" for name, version in rows.items())
    return f"wyoming-voice {__version__}\n{engines}"


def _usage() -> str:
    rows = "".join(f"  {name:15} {command.help}\n" for name, command in COMMANDS.items())
    return (
        f"usage: wyoming-voice COMMAND [options]\n\n{rows}\n"
        "wyoming-voice COMMAND --help shows its options; each is also an environment variable "
        "and a TOML key.\n"
    )
