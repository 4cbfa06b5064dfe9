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
from wyoming_voice.handle.mcp.session import Pace
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.disarming import disarmed
from wyoming_voice.handle.tools.toolbox import Offer, ToolResult

_log = logging.getLogger(__name__)

FIRST_S = 2.0
STALE_S = 30.0
"""Home Assistant doesn't tell when a device is added or a room gets another name."""

_MOST_DEVICES = 64
_AT_ONCE = 4
_HOUSE = "Home Assistant"


@dataclass(frozen=True, slots=True)
class _Known:
    """What was offered, the same with word that it can't be reached, and when it was looked up."""

    offer: Offer
    away: Offer
    at_s: float


class McpToolbox:
    """A `Toolbox` of one MCP server."""

    def __init__(self, server: McpServer, pace: Pace | None = None) -> None:
        self._server = server
        self._connection = McpConnection(server, self._changed, pace)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._name = _HOUSE if server.url.endswith(HOME_ASSISTANT_PATH) else server.host
        self._nothing = Offer(told=_not_reached(self._name))
        self._said: set[str] = set()
        self._slow = False
        self._few = asyncio.Semaphore(_AT_ONCE)

    async def offer(self, question: Question) -> Offer:
        """What it has for this question."""
        self._connection.want()
        until_s = _now_s() + FIRST_S
        if not self._known:
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
            return self._nothing
        self._known.move_to_end(device_id)
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
        self._say(listed)
        self._keep(device_id, Offer(listed.tools, listed.told))

    def _keep(self, device_id: str, offer: Offer) -> None:
        known = self._known.get(device_id)
        if known is None or known.offer != offer:
            note = _not_reached(self._name)
            away = replace(offer, told=f"{offer.told}\n\n{note}" if offer.told else note)
            known = _Known(offer, away, 0)
        self._known[device_id] = replace(known, at_s=_now_s())
        self._known.move_to_end(device_id)
        if len(self._known) > _MOST_DEVICES:
            self._known.popitem(last=False)

    def _say(self, listed: Listed) -> None:
        """Log what is there, once; Home Assistant has more for some devices than for others."""
        if listed.server_name == HOME_ASSISTANT:
            self._name = _HOUSE
        elif listed.server_name:
            self._name = disarmed(listed.server_name)[:64]
        line = f"{len(listed.tools)} tools of {self._name}"
        if line not in self._said:
            _log.info("MCP server %s: %s", self._server.shown, line)
        self._said.add(line)


_UNKNOWN = "It is not known whether it was done all the same: say so, and don't do it again unless asked to."


def _not_reached(name: str) -> str:
    return (
        f"{name} can't be reached at the moment, so that its tools do nothing. If something needs them, "
        "say that it can't be reached."
    )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
