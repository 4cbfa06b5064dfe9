"""Finds the services in reach, and asks them all at once.

Those of the network announce themselves; on this machine they listen on their usual ports; others are
named, by `--uri` or in the settings of the satellite and the gateway. Rules: nobody is listed twice; what
only might be there is not missed; it is over in `timeout_s`.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, replace
from pathlib import Path

from wyoming_voice.announcement import interface_addresses
from wyoming_voice.discovery import Found, watch
from wyoming_voice.errors import ConfigError, why
from wyoming_voice.status.asking import ask, ask_gateway, ask_satellite
from wyoming_voice.status.report import Report, State
from wyoming_voice.wire import Address, parse_uri

USUAL = tuple(f"tcp://127.0.0.1:{port}" for port in (10300, 10200, 10500, 10700))
"""Where ASR, TTS, handle and satellite listen unless they are told otherwise."""

_MOST = 256
"""How many are asked at a time: anybody can announce any number."""


@dataclass(frozen=True)
class Plan:
    """Whom to ask: `named` are missed where they don't answer, `usual` are not; the gateway is `gateway`.

    `gateway_named` says whether somebody has said that there is one. For `look_s` of `timeout_s` others
    may announce themselves, so that those that come last have time to answer.
    """

    timeout_s: float
    look_s: float
    named: tuple[str, ...] = ()
    usual: tuple[str, ...] = USUAL
    control: Path | None = None
    gateway: Address | None = None
    gateway_tls: ssl.SSLContext | None = None
    gateway_named: bool = False
    on_loopback: bool = False


@dataclass(frozen=True)
class Survey:
    """The services that there are, and why the network couldn't be looked at ("": it was)."""

    reports: tuple[Report, ...]
    blind: str = ""


async def survey(plan: Plan) -> Survey:
    """Ask everybody; takes `timeout_s` and no longer."""
    search = _Search(plan)
    return await search.run()


class _Search:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._own = {str(address) for address in interface_addresses()}
        self._own |= {"127.0.0.1", "::1", "localhost"}
        self._end_s = asyncio.get_running_loop().time() + plan.timeout_s
        self._asked: dict[str, asyncio.Task[Report]] = {}
        self._blind = ""

    async def run(self) -> Survey:
        async with asyncio.TaskGroup() as tasks:
            satellite = tasks.create_task(self._satellite())
            gateway = tasks.create_task(self._gateway())
            for uri in (*self._plan.named, *self._plan.usual):
                self._ask(tasks, uri)
            await self._look(tasks)
        there = self._told_once()
        alone = satellite.result()
        if alone is not None and not any("satellite" in r.what and self._is_here(r) for r in there):
            there.append(alone)
        there.sort(key=lambda report: (report.what, report.name, report.address))
        return Survey((*there, *filter(None, (gateway.result(),))), self._blind)

    def _told_once(self) -> list[Report]:
        """One report of each service, however many of its addresses were asked."""
        missed = {
            uri for uri in self._asked if uri not in self._plan.usual or uri in self._plan.named
        }
        by_place: dict[tuple[str, int, str], list[Report]] = {}
        for uri, task in self._asked.items():
            by_place.setdefault(self._place(uri), []).append(task.result())
        told = []
        for reports in by_place.values():
            best = min(reports, key=_worth)
            name = next((report.name for report in reports if report.name), "")
            if best.state is not State.NO_ANSWER or any(r.address in missed for r in reports):
                told.append(replace(best, name=name))
        return told

    def _ask(self, tasks: asyncio.TaskGroup, uri: str, name: str = "") -> None:
        if uri not in self._asked and len(self._asked) < _MOST:
            self._asked[uri] = tasks.create_task(ask(uri, name, self._left_s))

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        """Ask those that announce themselves."""
        if not self._plan.look_s:
            return
        news = watch(on_loopback=self._plan.on_loopback)
        try:
            async with (
                asyncio.timeout(self._plan.look_s) as limit,
                contextlib.aclosing(news),
            ):
                async for found in news:
                    if isinstance(found, Found) and _can_be_asked(found.uri):
                        self._asked.pop(found.uri, None)
                        self._ask(tasks, found.uri, found.name)
        except OSError as error:  # TimeoutError among them
            if not limit.expired():
                self._blind = why(error)

    async def _satellite(self) -> Report | None:
        control = self._plan.control
        return await ask_satellite(control, self._left_s) if control is not None else None

    async def _gateway(self) -> Report | None:
        plan = self._plan
        if plan.gateway is None:
            return None
        report = await ask_gateway(plan.gateway, plan.gateway_tls, self._left_s)
        there = plan.gateway_named or report.state is not State.NO_ANSWER
        return report if there else None

    @property
    def _left_s(self) -> float:
        return max(0.0, self._end_s - asyncio.get_running_loop().time())

    def _place(self, uri: str) -> tuple[str, int, str]:
        """The same for all addresses of this machine."""
        address = parse_uri(uri)
        return "" if address.host in self._own else address.host, address.port, address.path

    def _is_here(self, report: Report) -> bool:
        return not self._place(report.address)[0]


def _worth(report: Report) -> tuple[bool, bool, bool]:
    """What one report of several says less than others: nothing, or not how the service is, or no name."""
    turned_away = report.state in (State.FULL, State.REFUSED)
    return report.state is State.NO_ANSWER, turned_away, not report.name


def _can_be_asked(uri: str) -> bool:
    """What is announced may make no sense."""
    try:
        parse_uri(uri)
    except ConfigError:
        return False
    return True
