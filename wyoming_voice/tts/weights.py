"""Which files make up the Kokoro that was asked for: a directory of one's own, or a repository of the hub.

Rule: what can't be had is told with the place that was looked at and the command that mends it.
"""

from dataclasses import dataclass
from pathlib import Path

from wyoming_voice import hub
from wyoming_voice.errors import EngineError
from wyoming_voice.tts.voices import KOKORO_VOICES, Voice, kokoro_voice

_REMEDY = "fetch it with `wyoming-voice models fetch tts`, or name its directory with --model"


@dataclass(frozen=True, slots=True)
class KokoroFiles:
    """`config.json`, one `*.pth` and `voices/*.pt` in a directory; each call raises EngineError."""

    directory: Path

    def config(self) -> Path:
        """The model's dimensions and its vocabulary."""
        return self._existing("config.json")

    def checkpoint(self) -> Path:
        """The only checkpoint in the directory."""
        found = sorted(self.directory.glob("*.pth"))
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise EngineError(f"{self.directory} holds several checkpoints ({names}); leave one")
        return found[0] if found else self._existing("kokoro-v1_0.pth")

    def voice(self, name: str) -> Path:
        """One voice's style table."""
        return self._existing(f"voices/{name}.pt")

    def _existing(self, name: str) -> Path:
        path = self.directory / name
        if not path.is_file():
            raise EngineError(f"no Kokoro in {self.directory}: {name} is missing; {_REMEDY}")
        return path


def kokoro_files(model: str, model_dir: Path | None = None) -> KokoroFiles:
    """The files of a directory or of OWNER/NAME on the hub, fetched if need be; raises EngineError."""
    if _is_directory(model):
        return KokoroFiles(Path(model).expanduser())
    return KokoroFiles(hub.obtain(hub.kokoro(model), model_dir))


def kokoro_voices(model: str, model_dir: Path | None = None) -> tuple[Voice, ...]:
    """The voices that lie on this machine, or the published ones when none do; asks no network."""
    local = Path(model).expanduser() if _is_directory(model) else None
    if local is None and model != hub.KOKORO:
        local = hub.local(hub.kokoro(model), model_dir)
    names = sorted(path.stem for path in local.glob("voices/*.pt")) if local else []
    found = tuple(voice for name in names if (voice := kokoro_voice(name)) is not None)
    return found or KOKORO_VOICES


def _is_directory(model: str) -> bool:
    path = Path(model).expanduser()
    return path.is_dir() or path.is_absolute() or model.startswith(".") or model.count("/") != 1
