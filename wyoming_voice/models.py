"""`wyoming-voice models list|fetch|path`: weights for machines with and without internet."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field
from pydantic_settings import CliPositionalArg
from rich.console import Console
from rich.table import Table

from wyoming_voice import hub
from wyoming_voice.config import Settings
from wyoming_voice.errors import EngineError


class ModelsSettings(Settings):
    """List weights, fetch them, or tell where they lie."""

    section: ClassVar[str] = "models"

    action: CliPositionalArg[Literal["list", "fetch", "path"]] = Field(
        "list", description="list, fetch or path"
    )
    kind: CliPositionalArg[Literal["asr", "tts"]] = Field("asr", description="asr or tts")
    name: CliPositionalArg[str] = Field(
        "", description="asr: size or OWNER/NAME (default: base.en)"
    )
    model_dir: Path | None = Field(
        None, description="directory of weights (default: the hub's cache)"
    )


async def run(settings: ModelsSettings) -> int:
    """Do it; the exit status. Raises EngineError with the remedy, UnknownChoice."""
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    match settings.action:
        case "list":
            console.print(_table(settings.model_dir))
            console.print(f"looked at {hub.where(settings.model_dir)}")
        case "fetch":
            console.print(str(hub.obtain(_weights(settings), settings.model_dir)))
        case "path":
            found = hub.local(_weights(settings), settings.model_dir)
            if found is None:
                raise EngineError(hub.missing(_weights(settings), settings.model_dir))
            console.print(str(found))
    return 0


def _weights(settings: ModelsSettings) -> hub.Weights:
    if settings.kind == "asr":
        return hub.whisper(settings.name or "base.en")
    return hub.kokoro(settings.name or hub.KOKORO)


def _table(model_dir: Path | None) -> Table:
    table = Table("kind", "name", "repository", "here", box=None)
    for weights in hub.known():
        here = "yes" if hub.local(weights, model_dir) else "no"
        table.add_row(weights.kind, weights.name, weights.repository, here)
    return table
