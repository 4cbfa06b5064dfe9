"""A conversation whose servers are killed, at random or at chosen points, and what became of each utterance.

A turn is answered when its whole answer was heard, told when the satellite said that there is none, lost when
neither; it is answered twice when its answer was heard to the end again, or what it has done was done again.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.engines import Fate
from tests.chaos.housed import Housed
from tests.chaos.llm import TOOL, CodeLlm
from tests.chaos.processes import Kept
from tests.chaos.satellite import Person, Turn, satellite
from tests.handle.mcp.server import McpServerOnLoopback, said, tool

KINDS = ("asr", "handle", "tts")
Server = Kept | Housed
_COMMANDS = {"asr": "code-asr", "handle": "handle", "tts": "code-tts"}


@dataclass(frozen=True)
class Plan:
    """How many servers of each kind there are, and who is killed when.

    `every_s` is the mean time between kills at random, 0 for none. `dies` says how the engine of a kind kills
    its own process, and at which of its calls. `at` names points of an answer at which its handle server is
    killed, each with how often in 100: "asked", "acting", "acted". `spare`: nobody is killed who is the last
    of its kind. `housed`: the servers are no processes, and die as it looks to their clients.
    """

    each: int = 2
    every_s: float = 0.0
    dies: dict[str, tuple[Fate, int]] = field(default_factory=dict)
    at: dict[str, int] = field(default_factory=dict)
    spare: bool = False
    housed: bool = False
    pause_s: float = 0.3
    seed: int = 1


@dataclass
class Story:
    """All turns of a conversation, and what was done in them."""

    turns: list[Turn] = field(default_factory=list)
    acts: Counter[int] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)

    def count(self, holds: Callable[[Turn], bool]) -> int:
        return sum(map(holds, self.turns))

    @property
    def facts(self) -> dict[str, Any]:
        """For a report."""
        took_s = sorted(turn.took_s for turn in self.turns)
        return {
            "turns": len(self.turns),
            "answered": self.count(lambda turn: turn.answered),
            "told": self.count(lambda turn: not turn.answered and bool(turn.troubles)),
            "troubles": dict(
                Counter(
                    turn.troubles[-1] for turn in self.turns if not turn.answered and turn.troubles
                )
            ),
            "lost": self.count(lambda turn: turn.lost),
            "heard_twice": self.count(lambda turn: turn.twice),
            "acts": len(self.acts),
            "acts_done_twice": sum(times > 1 for times in self.acts.values()),
            "kills": dict(self.kills),
            "turn_ms": {
                "p50": round(_share(took_s, 0.5) * 1000),
                "p95": round(_share(took_s, 0.95) * 1000),
                "max": round(took_s[-1] * 1000),
            },
        }


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Killer:
    """Kills servers, and counts."""

    def __init__(self, plan: Plan, servers: dict[str, list[Server]], kills: Counter[str]) -> None:
        self._plan = plan
        self._servers = servers
        self._kills = kills
        self._chance = random.Random(plan.seed)

    async def at_random(self) -> None:
        """For ever."""
        while self._plan.every_s:
            await asyncio.sleep(self._chance.expovariate(1 / self._plan.every_s))
            kind = self._chance.choice(KINDS)
            self.kill(kind, self._chance.randrange(self._plan.each), "at random")

    def at_point(self, point: str, place: int) -> None:
        """At a point of an answer of the handle server at this place."""
        if self._chance.randrange(100) < self._plan.at.get(point, 0):
            self.kill("handle", place, point)

    def kill(self, kind: str, place: int, why: str) -> None:
        servers = self._servers[kind]
        others = any(one.ready.is_set() for at, one in enumerate(servers) if at != place)
        if (others or not self._plan.spare) and servers[place].kill():
            self._kills[f"{kind}, {why}"] += 1


@contextlib.asynccontextmanager
async def conversation(plan: Plan) -> AsyncIterator[tuple[Person, Story]]:
    """Somebody who talks to a satellite whose servers die as planned."""
    story = Story()
    servers: dict[str, list[Server]] = {}
    killer = Killer(plan, servers, story.kills)
    asked: list[int] = [0]

    def on_question(point: str, number: int, model: str) -> None:
        asked[0] = int(model.removeprefix("m"))
        killer.at_point(point, asked[0])

    async def act(arguments: dict[str, Any]) -> Any:
        story.acts[int(arguments["number"])] += 1
        killer.at_point("acting", asked[0])
        return said("It is done.")

    async with contextlib.AsyncExitStack() as stack:
        models = tuple(f"m{place}" for place in range(plan.each))
        llm = await stack.enter_async_context(CodeLlm(hook=on_question, models=models))
        mcp = await stack.enter_async_context(McpServerOnLoopback())
        mcp.tools, mcp.does = [tool(TOOL, number={"type": "string"})], {TOOL: act}
        for kind in KINDS:
            servers[kind] = [
                _server(kind, place, plan, {"llm_url": llm.url, "mcp_server": mcp.url})
                for place in range(plan.each)
            ]
        everyone = [one for kept in servers.values() for one in kept]
        await asyncio.gather(*(stack.enter_async_context(one.running()) for one in everyone))
        uris = {kind: [one.uri for one in kept] for kind, kept in servers.items()}
        person = await stack.enter_async_context(satellite(uris))
        killing = asyncio.create_task(killer.at_random())
        try:
            yield person, story
        finally:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
            for kind, kept in servers.items():
                own = sum(one.starts - 1 - one.kills for one in kept)
                if own > 0 and kind in plan.dies:
                    story.kills[f"{kind}, {plan.dies[kind][0].value}"] += own


async def told(plan: Plan, turns: int, first: int = 1) -> Story:
    """The story of a conversation of so many turns."""
    async with conversation(plan) as (person, story):
        for number in range(first, first + turns):
            story.turns.append(await person.turn(number))
    return story


def _server(kind: str, place: int, plan: Plan, given: dict[str, str]) -> Server:
    fate, every = plan.dies.get(kind, (Fate.WORKS, 1))
    if kind == "handle":
        given = {**given, "llm_model": f"m{place}"}
    if plan.housed:
        fates = [*[Fate.WORKS] * (every - 1), fate]
        more: dict[str, Any] = {**given, "mcp_server": [given["mcp_server"]]}
        return Housed(kind, fates, plan.pause_s, **(more if kind == "handle" else {}))
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    if kind != "handle":
        arguments = [f"--dies={fate.value}", f"--dies-every={every}"]
    if kind == "asr":
        arguments.append("--no-vad-gate")
    return Kept(_COMMANDS[kind], arguments, plan.pause_s)
