"""What our servers say of their requests in their logs: the facts and stages of `core.timing.TurnRecord`."""

import re
from dataclasses import dataclass
from pathlib import Path

_FIELD = re.compile(r"(\w+)=('[^']*'|\S+)")
_STAGE_MS = re.compile(r"(-?[0-9.]+)ms")


@dataclass(frozen=True)
class Logged:
    """One request's line."""

    facts: dict[str, str]
    stages_ms: dict[str, float]


def logged(line: str) -> Logged | None:
    """The request that a line of a log tells of; None for other lines."""
    at = line.find("turn=")
    if at < 0 or " kind=" not in line:
        return None
    facts: dict[str, str] = {}
    stages_ms: dict[str, float] = {}
    for name, value in _FIELD.findall(line[at:]):
        if stage := _STAGE_MS.fullmatch(value):
            stages_ms[name] = float(stage[1])
        else:
            facts[name] = value
    return Logged(facts, stages_ms)


class LogReader:
    """Reads a log that a server still writes, each line once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = path.stat().st_size if path.exists() else 0

    def news(self) -> list[Logged]:
        """The requests that have ended since the last look; half a line waits for the next."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        lines = whole.decode(errors="replace").splitlines()
        return [found for line in lines if (found := logged(line)) is not None]
