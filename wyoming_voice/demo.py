"""`wyoming-voice demo`: the whole stack on loopback, one recorded question, its spoken answer.

The servers are real processes on free ports, the turn goes over real Wyoming TCP, and they end with it.
"""

import asyncio
from importlib.resources import as_file, files
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from rich.console import Console

from satellite.ask import AskSettings, ask, read_frames, write_wav
from satellite.link import Servers
from wyoming_voice.config import Settings
from wyoming_voice.stack import Plan, end_on_signals, running
from wyoming_voice.up import choose, listening_at


class DemoSettings(Settings):
    """Play one spoken turn, from a question to a file with the answer."""

    section: ClassVar[str] = "demo"

    question: Path | None = Field(
        None, description="WAV file with a question (default: the one that comes along)"
    )
    output: Path = Field(Path("reply.wav"), description="WAV file for the spoken answer")
    fast: bool = Field(False, description="send the file at once instead of at the speed of speech")


async def run(settings: DemoSettings) -> int:
    """One turn; the exit status. Raises EngineError, UpstreamError, ConfigError."""
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    end_on_signals()
    try:
        with as_file(files("wyoming_voice") / "data" / "question.wav") as recorded:
            question = settings.question or recorded
            read_frames(question)  # what can't be read is told before anything is started
            await _turn(settings, question, console)
    except asyncio.CancelledError:  # only the signals above cancel this task
        return 130
    return 0


async def _turn(settings: DemoSettings, question: Path, console: Console) -> None:
    plans = [_quiet(plan) for plan in await choose(settings.config, console.print)]
    with console.status("starting asr, tts and handle") as status:
        async with running(
            plans, lambda kind, uri: console.print(f"{kind:6} ready at {uri}")
        ) as uris:
            status.stop()
            console.print(f"playing {question.name}\n")
            asked = AskSettings(file=question, fast=settings.fast)
            sounds = await ask(asked, Servers(**uris), console)
            seconds = write_wav(settings.output, sounds)
    console.print(f"\nanswer written to {settings.output} ({seconds:.1f} s)")


def _quiet(plan: Plan) -> Plan:
    """On loopback and a free port, unannounced, heard only when something is wrong."""
    silent = (*plan.arguments, "--no-zeroconf", "--log-level", "warning")
    return listening_at(Plan(plan.kind, silent), host="127.0.0.1", port=0)
