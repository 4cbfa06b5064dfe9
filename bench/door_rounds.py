"""Several doors to one server, asked in turns: a row for each of them beside the first, and the peer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bench.over_http import Reply
from wyoming_voice.benchmark.report import OURS, Better, Report

PEER = "wyoming.http"

T = TypeVar("T")
Cpu = Callable[[], float]


@dataclass(frozen=True)
class Door(Generic[T]):
    """A way to ask, and the CPU time of all processes behind it, where that can be had."""

    name: str
    ask: Callable[[T], Awaitable[Reply]]
    cpu_s: Cpu | None = None


@dataclass
class Taken:
    """What one door took."""

    after_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


async def warm_up(doors: Sequence[Door[T]], asked: T) -> None:
    """Each is asked once."""
    for door in doors:
        await door.ask(asked)


async def compare(
    report: Report, what: str, doors: Sequence[Door[T]], asked: Sequence[T], runs: int
) -> None:
    """Each door in its turn, in an order that changes; a row for each of them but the first and the peer."""
    taken = {door.name: Taken() for door in doors}
    for number in range(runs):
        for door in doors if number % 2 == 0 else doors[::-1]:
            await _take(taken[door.name], door, asked[number % len(asked)])
    base = doors[0].name
    for door in doors[1:] if runs else ():
        if door.name != PEER:
            _note(report, what, door.name, taken, base)


async def _take(taken: Taken, door: Door[T], asked: T) -> None:
    before_s = door.cpu_s() if door.cpu_s is not None else 0.0
    reply = await door.ask(asked)
    taken.after_ms.append(1000 * reply.after_s)
    taken.texts.append(reply.text)
    if door.cpu_s is not None:
        taken.cpu_ms.append(1000 * (door.cpu_s() - before_s))


def _note(report: Report, what: str, name: str, taken: Mapping[str, Taken], base: str) -> None:
    """One door beside the base and the peer."""
    shown = {OURS: taken[name], base: taken[base]}
    if PEER in taken:
        shown[PEER] = taken[PEER]
    about: dict[str, str | int] = {"measure": "door", "what": what, "door": name}
    row = report.row(f"{name}, {what}", "ms", about)
    cpu = {who: one.cpu_ms for who, one in shown.items() if one.cpu_ms}
    for who, one in shown.items():
        row.add(who, *one.after_ms)
    for who, spent_ms in cpu.items():
        spent = report.row(f"{name}, {what}: CPU", "ms", {**about, "measure": "door cpu"})
        spent.add(who, *spent_ms)
    if any(taken[base].texts):
        same = [a == b for a, b in zip(taken[name].texts, taken[base].texts, strict=True)]
        about = {**about, "measure": "door text"}
        row = report.row(f"{name}, {what}: same text", "%", about, Better.MORE)
        row.add(OURS, *(100.0 * one for one in same))
