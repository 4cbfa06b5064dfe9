"""All the tools there are, as one toolbox: under names of their own, as far as they are permitted.

Rule: whatever a model asks for comes to an end in `tool_timeout_s`, and whatever is wrong with it is a result
that says how to do better: a name that there isn't or that isn't permitted, arguments that don't fit. What
is told and what comes back is bounded and without force (see disarming.py). The offer stays the same object
as long as the toolboxes offer the same. What a client does itself nobody else is offered to do for it: two
timers of the same name would be a guess of the model's.
"""

import asyncio
import json
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
from wyoming_voice.handle.tools.client_tools import ClientToolbox
from wyoming_voice.handle.tools.disarming import as_data, as_told, disarmed
from wyoming_voice.handle.tools.permitted import Names, Rules
from wyoming_voice.handle.tools.toolbox import Offer, Tool, Toolbox, ToolResult

_log = logging.getLogger(__name__)

MOST_TOOLS = 128
MOST_TOOL_CHARS = 30_000
"""The longest schema of one: some seven thousand tokens, and 3 ms to read."""

MOST_TOOLS_CHARS = 100_000
"""Of one toolbox: as many as OpenAI's API takes, and some 25,000 tokens, which a model reads first of all."""

_KEPT = 16
_NOBODY = Question("", "")
_MOST_NAMES = 40

_OF_DEVICES = frozenset(
    f"Hass{what}"
    for what in (
        *("StartTimer", "CancelTimer", "CancelAllTimers", "IncreaseTimer", "DecreaseTimer"),
        *("PauseTimer", "UnpauseTimer", "TimerStatus", "SetVolume", "SetVolumeRelative"),
    )
)
"""What comes only with the questions of those who have it: satellites of Home Assistant's, and ours."""


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose a tool is, what it is called there, and what a model is told of it."""

    box: Toolbox
    own_name: str
    tool: Tool


@dataclass(frozen=True, slots=True)
class _Menu:
    """An offer, whom each of its tools belongs to, which may not be used, and all names, theirs and ours."""

    parts: tuple[Offer, ...]
    offer: Offer
    owners: Mapping[str, _Owner]
    denied: frozenset[str]
    names: frozenset[str]


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
        self._composing = asyncio.Lock()
        self._checked = False

    async def look(self) -> None:
        """Open what has to be opened, so that the first question needn't; a few seconds at most."""
        await self.offer(_NOBODY)

    async def offer(self, question: Question) -> Offer:
        """What there is for this question."""
        menu = await self._menu(question)
        self._check(menu)
        return menu.offer

    async def call(self, name: str, arguments: Mapping[str, Any], question: Question) -> ToolResult:
        """Do it, once, if it may be done and the arguments fit."""
        menu = await self._menu(question)
        if name not in menu.owners:
            return ToolResult(_no_such_tool(name, menu), error=True)
        owner = menu.owners[name]
        try:
            fit = fitted(arguments, owner.tool.parameters)
        except Misfit as misfit:
            return as_data(ToolResult(str(misfit), error=True))
        try:
            async with asyncio.timeout(self._timeout_s):
                return as_data(await owner.box.call(owner.own_name, fit, question))
        except TimeoutError:
            late = _late(owner.tool, self._timeout_s)
            return ToolResult(late, error=True, unsure=not owner.tool.reads)

    async def close(self) -> None:
        """Close them all."""
        for box in self._boxes:
            await box.close()

    async def _menu(self, question: Question) -> _Menu:
        parts = tuple(await asyncio.gather(*(box.offer(question) for box in self._boxes)))
        if (known := self._known(parts)) is not None:
            return known
        async with self._composing:
            if (known := self._known(parts)) is not None:
                return known
            menu = await self._composed(parts)
            self._menus.append(menu)
            return menu

    def _known(self, parts: tuple[Offer, ...]) -> _Menu | None:
        return next((menu for menu in self._menus if menu.parts == parts), None)

    async def _composed(self, parts: tuple[Offer, ...]) -> _Menu:
        owners: dict[str, _Owner] = {}
        denied: set[str] = set()
        names: set[str] = set()
        told: list[str] = []
        own = self._of_the_client(parts)
        for number, (box, part) in enumerate(zip(self._boxes, parts, strict=True)):
            named = {self._named(number, tool.name): tool for tool in part.tools}
            may = {n: t for n, t in named.items() if self._rules.permit((t.name, n))}
            denied |= named.keys() - may.keys()
            names |= {*named, *(tool.name for tool in part.tools)}
            if not isinstance(box, ClientToolbox):
                may = {n: t for n, t in may.items() if not own & {_bare(n), _bare(t.name)}}
            bounded = await _bounded(may)
            owners |= {tool.name: _Owner(box, may[tool.name].name, tool) for tool in bounded}
            # What is told of tools of which none may be used would only mislead.
            if part.told and (bounded or not part.tools):
                told.append(disarmed(part.told))
        offer = Offer(tuple(owner.tool for owner in owners.values()), "\n\n".join(told))
        return _Menu(parts, offer, owners, frozenset(denied), frozenset(names))

    def _of_the_client(self, parts: Sequence[Offer]) -> frozenset[str]:
        """What the client does itself, as far as it may."""
        return frozenset(
            _bare(tool.name)
            for box, part in zip(self._boxes, parts, strict=True)
            if isinstance(box, ClientToolbox)
            for tool in part.tools
            if self._rules.permit((tool.name,))
        )

    def _named(self, number: int, name: str) -> str:
        """A client's tools keep their names, which are such as models can write, and nobody else's."""
        if isinstance(self._boxes[number], ClientToolbox):
            return name
        return self._names.of(number, name)

    def _check(self, menu: _Menu) -> None:
        """Once it is known what there is, warn of patterns that fit nothing, and of what leaves nothing."""
        missing = any(part.told and not part.tools for part in menu.parts)
        if self._checked or missing or not menu.names:
            return
        self._checked = True
        there = ", ".join(sorted({*menu.owners, *menu.denied})[:_MOST_NAMES])
        for pattern in self._rules.idle(menu.names | _OF_DEVICES):
            _log.warning(
                "--tools-allow or --tools-deny: %r fits none of the tools that there are: %s",
                pattern,
                there,
            )
        left = menu.owners or any(self._rules.permit((name,)) for name in _OF_DEVICES)
        if self._rules.allow and not left:
            _log.warning("--tools-allow leaves none of the tools that there are: %s", there)


def toolboxes(settings: HandleSettings, further: Sequence[Toolbox] = ()) -> Toolboxes:
    """The toolboxes of the settings, and after them `further`; raises ConfigError."""
    rules = Rules(tuple(settings.tools_allow), tuple(settings.tools_deny))
    boxes = [_mcp(server, rules) for server in servers_of(settings)]
    return Toolboxes((*boxes, *further), rules, settings.tool_timeout_s)


def _mcp(server: McpServer, rules: Rules) -> Toolbox:
    try:
        from wyoming_voice.handle.mcp.toolbox import McpToolbox
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "httpx2", "anyio"):
            raise
        raise ConfigError(
            f"--mcp-server needs {error.name!r}: pip install 'wyoming-voice[tools]'"
        ) from error
    return McpToolbox(server, rules)


async def _bounded(tools: Mapping[str, Tool]) -> list[Tool]:
    """As many of them as a model can be told of, under their names; in steps, between which others run."""
    kept: list[Tool] = []
    size_chars = 0
    for name, tool in tools.items():
        if len(kept) >= MOST_TOOLS:
            break
        await asyncio.sleep(0)
        if len(json.dumps(tool.parameters)) > MOST_TOOL_CHARS:
            continue
        told = as_told(tool, name)
        own_chars = len(told.description) + len(json.dumps(told.parameters))
        if size_chars + own_chars <= MOST_TOOLS_CHARS:
            kept.append(told)
            size_chars += own_chars
    if len(kept) < len(tools):
        names = {tool.name for tool in kept}
        _log.warning(
            "%d of %d tools are left out, %r among them: a model would have too much to read; name those "
            "that are needed with --tools-allow",
            len(tools) - len(kept),
            len(tools),
            next(name for name in tools if name not in names),
        )
    return kept


def _no_such_tool(name: str, menu: _Menu) -> str:
    names = sorted(menu.owners)
    # Not the one that is spelt nearly so: the nearest to HassStartTimer may be HassCancelAllTimers.
    meant = [known for known in names if _bare(known) == _bare(name)]
    if meant and name not in menu.denied:
        return f"There is no tool {name[:64]!r}; it is called {meant[0]!r}."
    if _bare(name) in map(_bare, menu.denied):
        return f"The tool {name[:64]!r} may not be used here. Say so, if it would have been needed."
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
