"""How far a command is with one file after the other, and how long the rest will take.

Rule: standard output belongs to what is made; all that is told goes to standard error, as a bar on a terminal
and elsewhere as a line for each file at its end. An estimate is the mean over all that was done so far, since
easy and hard take turns; before enough was done, there is none.
"""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

_ENOUGH_S = 2.0
_ENOUGH_STEPS = 3

_WIDE = 80
"""A terminal of fewer columns shows a bar and an estimate alone."""


class Pace:
    """The pace of one file; times are those of one clock, in seconds, `done` is whatever is counted."""

    def __init__(self, now_s: float, enough: float) -> None:
        """Before `enough` was done there is no estimate."""
        self._begun_s = self._now_s = now_s
        self._enough = enough
        self._done = 0.0
        self._steps = 0

    def push(self, done: float, now_s: float) -> None:
        """So much has been done by this time."""
        self._steps += done > self._done
        self._done, self._now_s = done, now_s

    @property
    def speed(self) -> float | None:
        """How much is done in a second; None where too little was done to say."""
        spent_s = self._now_s - self._begun_s
        known = spent_s >= _ENOUGH_S and self._done >= self._enough
        return self._done / spent_s if known and self._steps >= _ENOUGH_STEPS else None

    def left_s(self, total: float | None) -> float | None:
        """How long the rest will take; None where that isn't known."""
        if total is None or self.speed is None:
            return None
        return max(0.0, total - self._done) / self.speed


class Showing:
    """A bar for the file in hand; `enough` as for `Pace`."""

    def __init__(self, console: Console, enough: float) -> None:
        self._console = console
        self._enough = enough
        wide = console.width >= _WIDE
        name = Column(
            no_wrap=True, overflow="ellipsis", max_width=console.width // (2 if wide else 3)
        )
        note = [TextColumn("{task.fields[note]}", markup=False)] if wide else []
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=None),
            *note,
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            expand=True,
        )
        self._task: TaskID | None = None
        self._begun_s = 0.0
        self.pace = Pace(0.0, enough)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, name: str, number: int, of: int) -> None:
        """The next file, by its number and how many there are."""
        self._begun_s = time.monotonic()
        self.pace = Pace(self._begun_s, self._enough)
        which = f"{name} ({number} of {of})" if of > 1 else name
        self._task = self._bars.add_task(which, total=None, note="", left="")

    def reached(self, done: float, total: float | None) -> None:
        """So much of the file is done."""
        assert self._task is not None, "a file begins before it goes on"
        self.pace.push(done, time.monotonic())
        left_s = self.pace.left_s(total)
        left = f"{about(left_s)} left" if left_s is not None else ""
        self._bars.update(self._task, completed=done, total=total, left=left)

    def note(self, text: str) -> None:
        """What else is to be said of where it is."""
        assert self._task is not None, "a file begins before it goes on"
        self._bars.update(self._task, note=text)

    def end(self) -> float:
        """The file is over; the seconds that it took."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        return time.monotonic() - self._begun_s

    def tell(self, line: str) -> None:
        """A line that stays."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def clock(seconds: float) -> str:
    """`1:02:03`, or `2:03`."""
    whole = round(seconds)
    minutes = f"{whole // 60 % 60}:{whole % 60:02}"
    return f"{whole // 3600}:{minutes:0>5}" if whole >= 3600 else minutes


def about(seconds: float) -> str:
    """How long something will take, no more precisely than it can be known."""
    if seconds < 10:
        return "some seconds"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
