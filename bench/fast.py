"""python -m bench.fast: what a simple command costs with --fast-intents, and what a model's tool costs.

From the question's event to the first event of its answer, through a handle server of its own process over
TCP. `ours` has --fast-intents, or an MCP server whose tool the model calls before it answers; `model` asks
the model alone. That is scripted and thinks for 0 ms: what a real one adds, twice where it calls a tool, is
its own. The client has timers, and does what it is asked to at once; Home Assistant and the MCP server are
small ones in this process, which do it at once too. `--hass-url` puts a real Home Assistant in the place of
the former, and switches its lamp.
"""

import argparse
import contextlib
import itertools
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming.event import Event

from bench.llm import Script, scripted_llm
from bench.servers import ours, run
from tests.handle.mcp.server import McpServerOnLoopback, tool
from tests.hass.fake import TOKEN, FakeHass, Sentence
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.extensions import TOOL_CALL, TOOL_RESULT, TOOLS
from wyoming_voice.wire import Connection, connect

MODEL = "model"
WITH_MCP = "ours, with an MCP server"
_WARM_ROUNDS = 5
_LIGHT = "turn on the kitchen lamp"
_WHY = "why is the sky blue in the morning"
_MODEL_SAYS = "OK."
_TOOL = "reads_lamp"
_TIMER = {
    "name": "HassStartTimer",
    "description": "Start a timer",
    "parameters": {"type": "object", "properties": {"minutes": {"type": "number"}}},
}


@dataclass(frozen=True)
class Asked:
    """A question, whether its client has tools, and whether the model is needed for it."""

    what: str
    text: str
    tools: bool = False
    needs_model: bool = False


ASKED = (
    Asked("timer, done by the client", "set a timer for five minutes", tools=True),
    Asked("the time", "what time is it", tools=True),
    Asked("light, done by Home Assistant", _LIGHT),
    Asked("light, from a client with timers", _LIGHT, tools=True),
    Asked("for the model, client with timers", _WHY, tools=True, needs_model=True),
    Asked("for the model", _WHY, needs_model=True),
)


WITH_A_TOOL = tuple(
    (Asked("for the model, which calls a tool over MCP", _WHY, needs_model=True), who)
    for who in (WITH_MCP, MODEL)
)


async def main() -> None:
    arguments = parsed()
    home = "a fake in the benchmark's process" if not arguments.hass_url else "a real one"
    report = Report("simple commands", {"Home Assistant": home, "rounds": arguments.rounds})
    async with contextlib.AsyncExitStack() as stack:
        hass = await stack.enter_async_context(hass_options(arguments))
        mcp = await stack.enter_async_context(McpServerOnLoopback())
        mcp.tools = [tool(_TOOL)]
        script = Script(_MODEL_SAYS, 0.0, 1000.0, _TOOL)
        llm = await stack.enter_async_context(scripted_llm(script))
        options = {OURS: ("--fast-intents", *hass), MODEL: (), WITH_MCP: ("--mcp-server", mcp.url)}
        clients = {}
        for who, more in options.items():
            server = await stack.enter_async_context(ours("handle", "--llm-url", llm, *more))
            clients[who] = await stack.enter_async_context(connect(server.uri))
        for number in range(-_WARM_ROUNDS, arguments.rounds):
            for asked, who in (*itertools.product(ASKED, (OURS, MODEL)), *WITH_A_TOOL):
                took_s, said = await answered(clients[who], asked, f"{number} {asked.what}")
                if number >= 0:
                    if (said == _MODEL_SAYS) != (who != OURS or asked.needs_model):
                        raise SystemExit(f"{asked.text!r} was answered to {who} with {said!r}")
                    about = {"measure": "first event", "said": asked.text}
                    column = OURS if who == WITH_MCP else who
                    report.row(asked.what, "ms", about).add(column, 1000 * took_s)
        if len(mcp.calls) != arguments.rounds + _WARM_ROUNDS:
            raise SystemExit(f"the tool was called {len(mcp.calls)} times")
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fast", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--hass-url", help=f"a real one; {_LIGHT!r} must mean something to it")
    parser.add_argument("--hass-token-file", type=Path, help="file with its token")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


@contextlib.asynccontextmanager
async def hass_options(arguments: argparse.Namespace) -> AsyncIterator[Sequence[str]]:
    """Where the server finds Home Assistant."""
    if arguments.hass_url:
        yield "--hass-url", arguments.hass_url, "--hass-token-file", str(arguments.hass_token_file)
        return
    with tempfile.NamedTemporaryFile("w", suffix=".token") as token:
        token.write(TOKEN)
        token.flush()
        async with FakeHass() as fake:
            fake.sentences[_LIGHT] = Sentence("Turned on the light")
            yield "--hass-url", fake.url, "--hass-token-file", token.name


async def answered(client: Connection, asked: Asked, conversation: str) -> tuple[float, str]:
    """Seconds until the answer begins, and all of it. Each question has a conversation of its own."""
    context: dict[str, object] = {"conversation_id": conversation}
    if asked.tools:
        context[TOOLS] = [_TIMER]
    data = {"text": asked.text, "language": "en", "context": context}
    begun_s = time.perf_counter()
    await client.write(Event("transcript", data))
    took_s, said = 0.0, ""
    async for event in client:
        if event.type == TOOL_CALL:
            result = {"id": event.data["id"], "text": json.dumps({"name": ""})}
            await client.write(Event(TOOL_RESULT, result))
            continue
        said = event.data.get("text", said)
        took_s = took_s or time.perf_counter() - begun_s
        if event.type in ("handled-stop", "not-handled", "error"):
            break
    return took_s, said


if __name__ == "__main__":
    run(main())
