"""Tools for tests: they do what a script says, when it says so, and keep what was done."""

import asyncio
from collections.abc import Mapping
from typing import Any

from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import Offer, Tool, ToolResult

ANYTHING = {"type": "object"}

LAMP = ("on", {"name": "lamp"})
FAN = ("off", {"name": "fan"})


class Box:
    """A `Toolbox`; `hold` keeps a tool by that name from ending, `results` are what comes of them."""

    def __init__(self, *names: str, reads: str = "", told: str = "") -> None:
        tools = tuple(Tool(name, f"does {name}", ANYTHING, name == reads) for name in names)
        self._offer = Offer(tools, told)
        self.results: dict[str, ToolResult] = {}
        self.hold: dict[str, asyncio.Event] = {}
        self.begun: list[tuple[str, Mapping[str, Any]]] = []
        self.done: list[str] = []
        self.at_work = 0
        self.most_at_work = 0
        self.started = asyncio.Event()

    async def offer(self, question: Question) -> Offer:
        return self._offer

    async def call(self, name: str, arguments: Mapping[str, Any], question: Question) -> ToolResult:
        self.begun.append((name, dict(arguments)))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.started.set()
        try:
            if name in self.hold:
                await self.hold[name].wait()
            await asyncio.sleep(0)
        finally:
            self.at_work -= 1
        self.done.append(name)
        return self.results.get(name, ToolResult(f"{name} is done"))

    async def close(self) -> None:
        pass
