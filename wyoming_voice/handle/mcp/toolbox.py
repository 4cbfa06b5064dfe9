"""The tools of one MCP server, as a question finds them.

Rule: a question is answered from what is known, which is looked up again behind its back; only the first one
waits, FIRST_S at most. What is offered stays the same object as long as it says the same. A server that
is away keeps the tools that it had, and the model is told that they don't answer.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wyoming_voice.handle.mcp.link import Listed, McpConnection, McpTrouble
from wyoming_voice.handle.mcp.servers import HOME_ASSISTANT, HOME_ASSISTANT_PATH, McpServer
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.disarming import disarmed
from wyoming_voice.handle.tools.permitted import Rules
from wyoming_voice.handle.tools.toolbox import Offer, ToolResult

_log = logging.getLogger(__name__)

FIRST_S = 2.0
STALE_S = 30.0
"""Home Assistant doesn't tell when a device is added or a room gets another name."""

_BETWEEN_CHANGES_S = 0.5
"""A server that tells of changes without end is asked no more often."""

_MOST_DEVICES = 64
_AT_ONCE = 4
_MOST_NAMES = 20
_MOST_NAME_CHARS = 64
_HOUSE = "Home Assistant"


@dataclass(frozen=True, slots=True)
class _Known:
    """What was offered, the same with word of what is wrong, its line in the log, when it was looked up.

    `away`: that it can't be reached; `refused`: that it refuses the token.
    """

    offer: Offer
    away: Offer
    refused: Offer
    line: str
    at_s: float


class McpToolbox:
    """A `Toolbox` of one MCP server; `rules`, which others apply, tell what of it is used."""

    def __init__(self, server: McpServer, rules: Rules | None = None) -> None:
        self._server = server
        self._connection = McpConnection(server, self._changed)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._name = _HOUSE if server.url.endswith(HOME_ASSISTANT_PATH) else server.host
        self._rules = rules or Rules()
        self._nothing = self._known_of(Offer(), "")
        self._slow = False
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._next_s = 0.0
        self._due: asyncio.TimerHandle | None = None

    async def offer(self, question: Question) -> Offer:
        """What it has for this question."""
        self._connection.want()
        until_s = _now_s() + FIRST_S
        if not (self._known or self._slow):
            await self._connection.settled(FIRST_S)
        device_id = self._device(question)
        known = self._known.get(device_id)
        if known is None and not self._connection.away:
            within_s = 0.0 if self._slow else max(until_s - _now_s(), 0.0)
            await asyncio.wait((self._look(device_id),), timeout=within_s)
            known = self._known.get(device_id)
            self._slow = known is None
        elif known and _now_s() > known.at_s + STALE_S and not self._connection.away:
            self._look(device_id)
        if known is None:
            return self._nothing.refused if self._connection.refused else self._nothing.away
        self._known.move_to_end(device_id)
        if self._connection.refused:
            return known.refused
        return known.away if self._connection.away else known.offer

    async def call(self, name: str, arguments: Mapping[str, Any], question: Question) -> ToolResult:
        """Have it done; what went wrong is told in words that say whether anything was done."""
        try:
            return await self._connection.call(name, arguments, question.device_id)
        except McpTrouble as trouble:
            done = "Nothing was done." if trouble.untouched else _UNKNOWN
            text = f"{self._name}: {trouble}. {done}"
            return ToolResult(text, error=True, unsure=not trouble.untouched)

    async def close(self) -> None:
        """End the session."""
        if self._due is not None:
            self._due.cancel()
        tasks = tuple(self._looking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._connection.close()

    def _device(self, question: Question) -> str:
        """The device that an offer is for; "" where it is for all, as anywhere but in Home Assistant."""
        if self._connection.is_home_assistant or question.device_id in self._known:
            return question.device_id
        return ""

    def _changed(self) -> None:
        """What is offered may be another: look it up, once for all that changes at the same time."""
        if self._due is None:
            at_s = max(self._next_s, _now_s())
            self._next_s = at_s + _BETWEEN_CHANGES_S
            self._due = asyncio.get_running_loop().call_at(at_s, self._look_again)

    def _look_again(self) -> None:
        self._due = None
        for device_id in self._known or ("",):
            self._look(device_id)

    def _look(self, device_id: str) -> "asyncio.Task[None]":
        """Look up what there is, unless that is being done."""
        if (task := self._looking.get(device_id)) is None:
            task = self._looking[device_id] = asyncio.create_task(self._look_up(device_id))
            task.add_done_callback(lambda _: self._looking.pop(device_id, None))
        return task

    async def _look_up(self, device_id: str) -> None:
        try:
            async with self._few:
                listed = await self._connection.listed(device_id)
        except McpTrouble as trouble:
            _log.debug("MCP server %s: %s", self._server.shown, trouble)
            return
        self._keep(device_id, Offer(listed.tools, listed.told), self._said(listed))

    def _keep(self, device_id: str, offer: Offer, line: str) -> None:
        known = self._known.get(device_id)
        if known is None or (known.offer, known.line) != (offer, line):
            known = self._known_of(offer, line)
        self._known[device_id] = replace(known, at_s=_now_s())
        self._known.move_to_end(device_id)
        if len(self._known) > _MOST_DEVICES:
            self._known.popitem(last=False)

    def _known_of(self, offer: Offer, line: str) -> _Known:
        away, refused = (_noted(offer, note) for note in _what_is_wrong(self._name))
        return _Known(offer, away, refused, line, 0)

    def _said(self, listed: Listed) -> str:
        """Log what is there, once for each change; Home Assistant has more for some devices."""
        if listed.server_name == HOME_ASSISTANT:
            self._name = _HOUSE
        elif listed.server_name:
            self._name = _shown(listed.server_name)
        line = f"{_counted(listed)} of {self._name}{self._used(listed)}"
        if all(known.line != line for known in self._known.values()):
            _log.info("MCP server %s: %s", self._server.shown, line)
        return line

    def _used(self, listed: Listed) -> str:
        names = [tool.name for tool in listed.tools if self._rules.permit((tool.name,))]
        if not names:
            return ", none of them used" if listed.tools else ""
        more = ", …" if len(names) > _MOST_NAMES else ""
        many = "all" if len(names) == len(listed.tools) else len(names)
        return f", {many} of them used: {', '.join(map(_shown, names[:_MOST_NAMES]))}{more}"


_UNKNOWN = "It is not known whether it was done all the same: say so, and don't do it again unless asked to."


def _what_is_wrong(name: str) -> tuple[str, str]:
    """What a model is told of a server that is away, and of one that refuses the token."""
    return (
        f"{name} can't be reached at the moment, so that its tools do nothing. If something needs them, "
        "say that it can't be reached.",
        f"{name} refuses our token, so that its tools do nothing. If something needs them, say that it "
        "refuses the token.",
    )


def _noted(offer: Offer, note: str) -> Offer:
    return replace(offer, told=f"{offer.told}\n\n{note}" if offer.told else note)


def _counted(listed: Listed) -> str:
    return f"{len(listed.tools)} tool{'' if len(listed.tools) == 1 else 's'}"


def _shown(name: str) -> str:
    """A name that a server made up, for the log: on one line, bounded, without what hides."""
    return " ".join(disarmed(name).split())[:_MOST_NAME_CHARS]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
