"""`wyoming-voice demo`: the whole stack on loopback, one recorded question, its spoken answer.

The servers are real processes on free ports, the turn goes over real Wyoming TCP, and they end with it.
"""

from importlib.resources import as_file, files
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from rich.console import Console

from satellite.ask import AskSettings, ask, write_wav
from satellite.link import Servers
from wyoming_voice.config import Settings
from wyoming_voice.stack import Plan, running
from wyoming_voice.up import choose, listening_at


class DemoSettings(Settings):
    """What is asked, and where the answer goes."""

    section: ClassVar[str] = "demo"

    question: Path | None = Field(
        None, description="WAV file with a question (default: a recorded one)"
    )
    output: Path = Field(Path("reply.wav"), description="WAV file for the spoken answer")
    fast: bool = Field(False, description="send the file at once instead of at the speed of speech")


async def run(settings: DemoSettings) -> int:
    """One turn; the exit status. Raises EngineError, UpstreamError, ConfigError."""
    console = Console(highlight=False, soft_wrap=True)
    plans = [_quiet(plan) for plan in await choose(settings.config, console.print)]
    with (
        as_file(files("wyoming_voice") / "data" / "question.wav") as recorded,
        console.status("starting asr, tts and handle") as status,
    ):
        async with running(
            plans, lambda kind, uri: console.print(f"{kind:6} ready at {uri}")
        ) as uris:
            status.stop()
            question = settings.question or recorded
            console.print(f"playing {question.name}\n")
            ears = AskSettings(file=question, fast=settings.fast)
            sounds = await ask(ears, Servers(**uris), console)
            seconds = write_wav(settings.output, sounds)
    console.print(f"\nanswer written to {settings.output} ({seconds:.1f} s)")
    return 0


def _quiet(plan: Plan) -> Plan:
    """On loopback and a free port, unannounced, heard only when something is wrong."""
    silent = (*plan.arguments, "--no-zeroconf", "--log-level", "warning")
    return listening_at(Plan(plan.kind, silent), host="127.0.0.1", port=0)
