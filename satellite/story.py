"""Tells a person what happens in a turn, line by line, and where its time went."""

import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from satellite.link import (
    Audible,
    FirstWords,
    Foreseen,
    Guessed,
    Happening,
    SentenceWritten,
    SpeechFound,
    SpeechOver,
    Transcribed,
)

_BAR_WIDTH = 30


class Story:
    """Prints happenings, their times counted from `begin`, and at the end a waterfall."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begin_s = 0.0
        self._happenings: list[Happening] = []

    @property
    def speech_found(self) -> bool:
        """Whether the voice detector heard anything."""
        return any(isinstance(happening, SpeechFound) for happening in self._happenings)

    @property
    def audible(self) -> bool:
        """Whether an answer could be heard."""
        return any(isinstance(happening, Audible) for happening in self._happenings)

    def begin(self) -> None:
        """The turn starts."""
        self._begin_s = time.monotonic()

    def tell(self, happening: Happening) -> None:
        """Print one happening."""
        self._happenings.append(happening)
        match happening:
            case SpeechFound(at_s):
                self._line(at_s, "speech found")
            case SpeechOver(at_s, noticed_s):
                self._line(noticed_s, f"speech ended {_ms(noticed_s - at_s)} ago")
            case Guessed(at_s, text):
                self._line(at_s, "if that was all", text or "(nothing)")
            case Transcribed(at_s, text):
                self._line(at_s, "transcript", text)
            case Foreseen(at_s, since_s):
                self._line(at_s, f"that was all: its answer was begun {_ms(since_s)} ago")
            case FirstWords(at_s):
                self._line(at_s, "first words of the answer")
            case SentenceWritten(at_s, text):
                self._line(at_s, "answer", text)
            case Audible(at_s):
                self._line(at_s, "first audible sample")

    def end(self) -> None:
        """Print from the end of speech (or the question) how long each stage took to come."""
        rows = list(self._stages())
        if not rows:
            return
        scale = _BAR_WIDTH / max(end_s for _, _, end_s in rows)
        table = Table(title="latency", title_justify="left", box=None, padding=(0, 2, 0, 0))
        for column in ("stage", "took", "since"):
            table.add_column(column, justify="left" if column == "stage" else "right")
        table.add_column("", no_wrap=True)
        for name, start_s, end_s in rows:
            bar = " " * round(start_s * scale) + "█" * max(1, round((end_s - start_s) * scale))
            table.add_row(name, _ms(end_s - start_s), _ms(end_s), Text(bar, "green"))
        self._console.print()
        self._console.print(table)

    def _stages(self) -> list[tuple[str, float, float]]:
        """Each stage's name, start and end in seconds after the end of speech."""
        zero_s, rows, seen = self._begin_s, [], 0.0
        named: set[str] = set()
        for happening in self._happenings:
            if isinstance(happening, SpeechOver):
                zero_s = happening.at_s
            name, at_s = _milestone(happening)
            if not name or name in named:
                continue
            named.add(name)
            rows.append((name, seen, max(seen, at_s - zero_s)))
            seen = rows[-1][2]
        return rows

    def _line(self, at_s: float, what: str, said: str = "") -> None:
        line = Text(f"{at_s - self._begin_s:7.2f} s  {what}", "bold")
        if said:
            line.append(f"  {said}", "not bold cyan")
        self._console.print(line, soft_wrap=True)


def _milestone(happening: Happening) -> tuple[str, float]:
    match happening:
        case SpeechOver(_, noticed_s):
            return "end of speech noticed", noticed_s
        case Transcribed(at_s, _):
            return "transcript", at_s
        case FirstWords(at_s):
            return "first words", at_s
        case SentenceWritten(at_s, _):
            return "first sentence", at_s
        case Audible(at_s):
            return "first audio", at_s
        case _:
            return "", 0.0


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
