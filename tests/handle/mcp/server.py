"""A real MCP server on loopback, built with the library's own, that does what a test wants of it.

It comes in the kinds that there are: with sessions, without (as Home Assistant's), and of the protocol's
second era, which knows none. `answers` stands in for what isn't MCP: a status, a page, a redirect, for all
requests or by their method.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from enum import Enum
from typing import Any, Self

import uvicorn
from mcp import types
from mcp.server import Server, ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.subscriptions import ToolsListChanged
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wyoming_voice.handle.mcp.link import DEVICE

Context = ServerRequestContext[Any]
Plain = tuple[int, dict[str, str], bytes]
Does = Callable[[dict[str, Any]], Awaitable[types.CallToolResult]]


class Kind(Enum):
    SESSIONS = "sessions"
    STATELESS = "stateless"
    SECOND_ERA = "second era"


def said(text: str, *, error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=error)


def tool(name: str, /, **parameters: Any) -> types.Tool:
    """A tool whose parameters are all required; `reads` in its name marks it as harmless."""
    schema = {"type": "object", "properties": parameters, "required": list(parameters)}
    hints = types.ToolAnnotations(read_only_hint="reads" in name)
    return types.Tool(name=name, description=f"{name}!", input_schema=schema, annotations=hints)


class McpServerOnLoopback:
    """`tools` and what they do may be changed while it is up; `calls` is what was done."""

    def __init__(self, kind: Kind = Kind.STATELESS, name: str = "test house") -> None:
        self.kind, self.name, self.port = kind, name, 0
        self.token = ""
        self.instructions: str | None = None
        self.tools: list[types.Tool] = []
        self.device_tools: list[types.Tool] = []
        self.does: dict[str, Does] = {}
        self.prompt = ""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.requests: list[tuple[str, str]] = []
        self.tried: list[str] = []
        self.answers: Plain | dict[str, Plain] | None = None
        self.gates: dict[str, asyncio.Event] = {}
        self.called, self.stopped = asyncio.Event(), asyncio.Event()
        self._knock = asyncio.Event()
        self._bus = InMemorySubscriptionBus()
        self._contexts: list[Context] = []
        self._running: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def __aenter__(self) -> Self:
        await self.come()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go()

    async def come(self) -> None:
        """Be there; at the same port as before."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self.port))
        self.port = sock.getsockname()[1]
        app = self._server().streamable_http_app(
            stateless_http=self.kind is Kind.STATELESS, json_response=self.kind is Kind.STATELESS
        )
        config = uvicorn.Config(self._guarded(app), log_config=None)
        self._uvicorn = _Quiet(config)
        self._running = asyncio.create_task(self._uvicorn.serve([sock]))
        await self._uvicorn.up.wait()

    async def go(self) -> None:
        """Be away, and break off what is going on."""
        if self._running is not None:
            self._uvicorn.leaving.set()
            await self._running
            self._running = None

    async def requested(self, times: int) -> None:
        """Until it has been asked as often again."""
        for _ in range(times):
            self._knock.clear()
            await self._knock.wait()

    async def change(self) -> None:
        """Tell everybody that the list of tools is another."""
        await self._bus.publish(ToolsListChanged())
        if self.kind is Kind.SESSIONS:
            for context in self._contexts[-1:]:
                await context.session.send_tool_list_changed()

    def _server(self) -> Server[Any]:
        prompts: dict[str, Any] = {}
        if self.prompt:
            prompts = {"on_list_prompts": self._list_prompts, "on_get_prompt": self._get_prompt}
        if self.kind is Kind.SECOND_ERA:
            prompts["on_subscriptions_listen"] = ListenHandler(self._bus)
        return Server(
            self.name,
            instructions=self.instructions,
            on_list_tools=self._list,
            on_call_tool=self._call,
            **prompts,
        )

    async def _list(
        self, context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        self.requests.append(("list", _device(context)))
        self._contexts.append(context)
        await self._gate("list")
        tools = [*self.tools, *(self.device_tools if _device(context) else [])]
        return types.ListToolsResult(tools=tools)

    async def _call(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        self.requests.append((params.name, _device(context)))
        self.calls.append((params.name, params.arguments or {}))
        self.called.set()
        await self._gate(params.name)
        if params.name in self.does:
            return await self.does[params.name](params.arguments or {})
        return said(f"{params.name} done")

    async def _list_prompts(
        self, context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        self.requests.append(("prompts", _device(context)))
        return types.ListPromptsResult(prompts=[types.Prompt(name="Assist")])

    async def _get_prompt(
        self, context: Context, _: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        self.requests.append(("prompt", _device(context)))
        text = types.TextContent(type="text", text=self.prompt)
        return types.GetPromptResult(messages=[types.PromptMessage(role="assistant", content=text)])

    async def _gate(self, name: str) -> None:
        if gate := self.gates.get(name):
            try:
                await gate.wait()
            except asyncio.CancelledError:
                self.stopped.set()
                raise

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            shown = dict(scope["headers"]).get(b"authorization", b"").decode()
            self.tried.append(shown)
            self._knock.set()
            answers = self.answers
            if isinstance(answers, dict):
                answers = answers.get(scope["method"])
            if answers is not None:
                await _plain(send, *answers)
            elif self.token and shown != f"Bearer {self.token}":
                await _plain(send, 401, {}, b"401: Unauthorized")
            elif self.kind is not Kind.SECOND_ERA and scope["method"] == "POST":
                await self._first_era(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return guarded

    async def _first_era(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """As a server that has never heard of `server/discover`."""
        message = await receive()
        body = json.loads(message["body"])
        if body.get("method") == "server/discover":
            error = {"code": types.METHOD_NOT_FOUND, "message": "Method not found"}
            reply = json.dumps({"jsonrpc": "2.0", "id": body["id"], "error": error}).encode()
            await _plain(send, 200, {"content-type": "application/json"}, reply)
            return
        first: Iterator[Message] = iter((message,))

        async def again() -> Message:
            return next(first, None) or await receive()

        await app(scope, again, send)


class _Quiet(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up, self.leaving = asyncio.Event(), asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        """Without the ten looks a second of uvicorn's own, which would be waited for."""
        await self.on_tick(0)
        await self.leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As if the power went."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _device(context: Context) -> str:
    return str((context.meta or {}).get(DEVICE, ""))


async def _plain(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
