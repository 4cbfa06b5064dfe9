"""Shows a survey to a person, as a table and the last errors, or to a program, as JSON.

Rule: names from the network are printed without markup, emoji and what a terminal would obey.
"""

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Column, Table

from wyoming_voice.status.finding import Survey
from wyoming_voice.status.report import Report

_ERRORS = 10


def show(console: Console, found: Survey) -> None:
    """The table, and under it what needs words."""
    if found.reports:
        console.print(_table(found.reports))
    else:
        console.print("nothing found; name servers with --uri, or start some: wyoming-voice up")
    if found.blind:
        console.print(f"the network can't be searched: {found.blind}")
    for report in found.reports:
        if report.remark:
            console.print(f"{_named(report)}: {report.remark}")
    _show_errors(console, found.reports)


def as_json(found: Survey) -> str:
    """All that is known, for programs."""
    services = [dataclasses.asdict(report) | {"well": report.well} for report in found.reports]
    told = {"services": services, "network": found.blind or "searched", "well": all_well(found)}
    return json.dumps(told, ensure_ascii=False, indent=2)


def all_well(found: Survey) -> bool:
    """Whether there is something, and nothing that can't do its work."""
    return bool(found.reports) and all(report.well for report in found.reports)


def _table(reports: Sequence[Report]) -> Table:
    longest = max(len(report.address) for report in reports)
    address = Column("address", min_width=longest)  # of use only whole, also in a narrow window
    texts = (Column(name, overflow="fold") for name in ("runs", "state", "load", "requests"))
    table = Table(Column("service", overflow="fold"), address, *texts, "up", box=None)
    for report in reports:
        service = " ".join(filter(None, ("/".join(report.what), report.name)))
        runs = ", ".join(filter(None, (report.version, report.engine)))
        counts = (_load(report), _requests(report.requests), _time(report.uptime_s))
        table.add_row(service, report.address, runs, report.state, *counts)
    return table


def _load(report: Report) -> str:
    if report.load is None:
        return ""
    load = report.load
    counts = {"answering": load.answering, "waiting": load.waiting, "connected": load.connections}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "idle"


def _requests(requests: Mapping[str, int]) -> str:
    """`240 ok, 3 gone`: the most frequent first."""
    ranked = sorted(requests.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {outcome}" for outcome, count in ranked)


def _time(seconds: float | None) -> str:
    """`3d 4h`, `12m`: the two largest units."""
    if seconds is None:
        return ""
    minutes, rest_s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes}m" if hours else f"{minutes}m" if minutes else f"{rest_s}s"


def _show_errors(console: Console, reports: Sequence[Report]) -> None:
    """Without addresses: a client may have come in by another one than we have."""
    told = [(trouble, report) for report in reports for trouble in report.troubles]
    if not told:
        return
    console.print("\nlast errors")
    for trouble, report in sorted(told, key=lambda item: item[0].at_s)[-_ERRORS:]:
        who = " ".join(filter(None, ("/".join(report.what), report.name or report.engine)))
        console.print(f"{_clock(trouble.at_s)}  {who}  {trouble.code}: {trouble.text}")


def _clock(unix_s: float) -> str:
    """Local time; a server's clock may be anything."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s))
    except (OverflowError, OSError, ValueError):
        return "at an unknown time"


def _named(report: Report) -> str:
    what = "/".join(report.what)
    return " ".join(filter(None, (what, report.name or report.address)))
