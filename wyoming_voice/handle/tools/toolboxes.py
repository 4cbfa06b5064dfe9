"""All the tools there are, as one toolbox: under names of their own, as far as they are permitted.

Rule: whatever a model asks for comes to an end in `tool_timeout_s`, and whatever is wrong with it is a result
that says how to do better: a name that there isn't or that isn't permitted, arguments that don't fit. What
comes back is bounded and without force (see disarming.py). The offer stays the same object as long as the
toolboxes offer the same.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.mcp.servers import McpServer, servers_of
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.handle.tools.arguments import Misfit, fitted
from wyoming_voice.handle.tools.disarming import as_data
from wyoming_voice.handle.tools.permitted import Names, Rules
from wyoming_voice.handle.tools.toolbox import Offer, Tool, Toolbox, ToolResult

_log = logging.getLogger(__name__)

_KEPT = 16
_NOBODY = Question("", "")
_MOST_NAMES = 40


@dataclass(frozen=True, slots=True)
class _Menu:
    """An offer, whom each of its tools belongs to, and which there are that may not be used."""

    parts: tuple[Offer, ...]
    offer: Offer
    owners: Mapping[str, tuple[Toolbox, Tool]]
    denied: frozenset[str]


class Toolboxes:
    """Several toolboxes as one, in the order given."""

    def __init__(
        self, boxes: Sequence[Toolbox], rules: Rules | None = None, tool_timeout_s: float = 20.0
    ) -> None:
        self._boxes = tuple(boxes)
        self._rules = rules or Rules()
        self._timeout_s = tool_timeout_s
        self._names = Names()
        self._menus: deque[_Menu] = deque(maxlen=_KEPT)
        self._unmatched = self._rules.idle(())

    async def look(self) -> None:
        """Open what has to be opened, so that the first question needn't; a few seconds at most."""
        await self.offer(_NOBODY)

    async def offer(self, question: Question) -> Offer:
        """What there is for this question."""
        menu = await self._menu(question)
        if question is not _NOBODY and menu.offer.tools:
            self._warn_of_idle_patterns(menu)
        return menu.offer

    async def call(self, name: str, arguments: Mapping[str, Any], question: Question) -> ToolResult:
        """Do it, once, if it may be done and the arguments fit."""
        menu = await self._menu(question)
        if name not in menu.owners:
            return ToolResult(_no_such_tool(name, menu), error=True)
        box, tool = menu.owners[name]
        try:
            fit = fitted(arguments, tool.parameters)
        except Misfit as misfit:
            return as_data(ToolResult(str(misfit), error=True))
        try:
            async with asyncio.timeout(self._timeout_s):
                return as_data(await box.call(tool.name, fit, question))
        except TimeoutError:
            return ToolResult(_late(tool, self._timeout_s), error=True, unsure=not tool.reads)

    async def close(self) -> None:
        """Close them all."""
        for box in self._boxes:
            await box.close()

    async def _menu(self, question: Question) -> _Menu:
        parts = tuple(await asyncio.gather(*(box.offer(question) for box in self._boxes)))
        for menu in self._menus:
            if menu.parts == parts:
                return menu
        menu = self._composed(parts)
        self._menus.append(menu)
        return menu

    def _composed(self, parts: tuple[Offer, ...]) -> _Menu:
        owners: dict[str, tuple[Toolbox, Tool]] = {}
        denied: set[str] = set()
        told: list[str] = []
        for number, (box, part) in enumerate(zip(self._boxes, parts, strict=True)):
            before = len(owners)
            for tool in part.tools:
                name = self._names.of(number, tool.name)
                if self._rules.permit((tool.name, name)):
                    owners[name] = (box, tool)
                else:
                    denied.add(name)
            # What is told of tools of which none may be used would only mislead.
            if part.told and (len(owners) > before or not part.tools):
                told.append(part.told)
        tools = tuple(_called(name, tool) for name, (_, tool) in owners.items())
        return _Menu(parts, Offer(tools, "\n\n".join(told)), owners, frozenset(denied))

    def _warn_of_idle_patterns(self, menu: _Menu) -> None:
        """Once for each pattern that fits nothing, when there is something for the first time."""
        unmatched, self._unmatched = self._unmatched, ()
        known = {*menu.owners, *menu.denied, *(tool.name for _, tool in menu.owners.values())}
        idle = [pattern for pattern in self._rules.idle(known) if pattern in unmatched]
        for pattern in idle:
            _log.warning(
                "--tools-allow or --tools-deny: %r fits none of the tools that there are: %s",
                pattern,
                ", ".join(sorted(known)[:_MOST_NAMES]),
            )


def toolboxes(settings: HandleSettings, further: Sequence[Toolbox] = ()) -> Toolboxes:
    """The toolboxes of the settings, and after them `further`; raises ConfigError."""
    rules = Rules(tuple(settings.tools_allow), tuple(settings.tools_deny))
    boxes = [_mcp(server) for server in servers_of(settings)]
    return Toolboxes((*boxes, *further), rules, settings.tool_timeout_s)


def _mcp(server: McpServer) -> Toolbox:
    try:
        from wyoming_voice.handle.mcp.toolbox import McpToolbox
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "httpx2", "anyio"):
            raise
        raise ConfigError(
            f"--mcp-server needs {error.name!r}: pip install 'wyoming-voice[tools]'"
        ) from error
    return McpToolbox(server)


def _called(name: str, tool: Tool) -> Tool:
    return tool if tool.name == name else Tool(name, tool.description, tool.parameters, tool.reads)


def _no_such_tool(name: str, menu: _Menu) -> str:
    if name in menu.denied:
        return f"The tool {name!r} may not be used here. Say so, if it would have been needed."
    names = sorted(menu.owners)
    # Not the one that is spelt nearly so: the nearest to HassStartTimer may be HassCancelAllTimers.
    meant = [known for known in names if _bare(known) == _bare(name)]
    if meant:
        return f"There is no tool {name[:64]!r}; it is called {meant[0]!r}."
    listed = ", ".join(names[:_MOST_NAMES]) or "none at the moment"
    return f"There is no tool {name[:64]!r}; there are: {listed}."


def _bare(name: str) -> str:
    """A tool's name without what tells whose it is."""
    return name.rpartition("__")[2].lower()


def _late(tool: Tool, timeout_s: float) -> str:
    if tool.reads:
        return f"No answer within {timeout_s:g} seconds. Say that it took too long."
    return (
        f"No answer within {timeout_s:g} seconds. It is not known whether it was done all the same: "
        "say so, and don't do it again unless asked to."
    )
