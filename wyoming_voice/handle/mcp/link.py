"""What can be asked of an MCP server: what it offers, and that something be done.

Rule: a call is sent once; again only where the server turned it away before it looked at it. What is
raised is McpTrouble, which knows whether anything may have been done.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from anyio import BrokenResourceError, ClosedResourceError
from mcp import Client, MCPError, types
from pydantic import ValidationError

from wyoming_voice.handle.mcp.http import Answer, watching
from wyoming_voice.handle.mcp.servers import HOME_ASSISTANT, McpServer
from wyoming_voice.handle.mcp.session import McpSession
from wyoming_voice.handle.tools.disarming import shortened
from wyoming_voice.handle.tools.toolbox import Tool, ToolResult

_log = logging.getLogger(__name__)

LIST_S = 10.0
AGAIN_S = 3.0
"""How long a call waits for a session that is being opened."""

DEVICE = "io.home-assistant/device_id"
"""With it Home Assistant acts for that device, and offers its timers (its component mcp_server)."""

MOST_TOLD_CHARS = 16_000
"""What a server says of its tools; Home Assistant's has a line or two for each of the house's devices."""

_REFUSES = "it refuses this assistant's token"
_MOST_PAGES = 20
_MOST_TOOLS = 500
_NOT_FOUND = 404
_NOT_BEGUN = (types.METHOD_NOT_FOUND, types.INVALID_PARAMS)
_UNREADABLE = (ValidationError, BrokenResourceError, ClosedResourceError)


class McpTrouble(Exception):
    """The server gave no result; `untouched`: it is certain that it did nothing."""

    def __init__(self, text: str, *, untouched: bool) -> None:
        super().__init__(text)
        self.untouched = untouched


@dataclass(frozen=True, slots=True)
class Listed:
    """What a server offers, under which name it goes, and what it tells of its tools in general."""

    tools: tuple[Tool, ...]
    told: str
    server_name: str


class McpConnection:
    """One server; `changed` is called when what it offers may have changed."""

    def __init__(self, server: McpServer, changed: Callable[[], None]) -> None:
        self._session = McpSession(server, changed)
        self.want = self._session.want
        self.settled = self._session.settled
        self.close = self._session.close

    @property
    def away(self) -> bool:
        """Whether it is known that it can't be reached."""
        return self._session.away

    @property
    def refused(self) -> bool:
        """Whether that is since it refuses the token."""
        return self.away and self._session.refused

    @property
    def is_home_assistant(self) -> bool:
        """Whether that is who answers; False as long as nobody knows."""
        client = self._session.client
        return client is not None and _name_of(client) == HOME_ASSISTANT

    async def listed(self, device_id: str) -> Listed:
        """What there is, for a device of Home Assistant's if `device_id` isn't ""; raises McpTrouble."""
        client = self._present()
        with watching() as answer:
            try:
                async with asyncio.timeout(LIST_S):
                    tools = await _tools(client, device_id)
                    told = [client.instructions or "", await _prompt(client, device_id)]
            except (MCPError, TimeoutError, *_UNREADABLE) as error:
                self._not_listed(client, error, answer)
                raise McpTrouble("it doesn't list its tools", untouched=True) from error
        self._session.note("")
        told_text = "\n\n".join(part.strip() for part in told if part.strip())
        return Listed(tools, shortened(told_text, MOST_TOLD_CHARS), _name_of(client))

    async def call(self, name: str, arguments: Mapping[str, Any], device_id: str) -> ToolResult:
        """What came of it; raises McpTrouble."""
        await self._session.settled(AGAIN_S)
        client = self._present()
        with watching() as answer:
            try:
                return await _called(client, answer, name, arguments, device_id)
            except McpTrouble:
                if answer.sent and answer.status != _NOT_FOUND:
                    raise
        # The session was over: here, or there, as all are when a server is started anew. Nothing was done.
        self._session.lost(client)
        await self._session.settled(AGAIN_S)
        with watching() as answer:
            return await _called(self._present(), answer, name, arguments, device_id)

    def _not_listed(self, client: Client, error: Exception, answer: Answer) -> None:
        """A server that only says no keeps its session; one that is away is noticed by the session itself."""
        late, over = isinstance(error, TimeoutError), answer.status == _NOT_FOUND
        if late or over:
            self._session.lost(client)
        if late or (answer.status and not over):
            self._session.note("it doesn't list its tools; see its log")

    def _present(self) -> Client:
        if self._session.client is None:
            raise McpTrouble(_REFUSES if self.refused else "it can't be reached", untouched=True)
        return self._session.client


async def _called(
    client: Client, answer: Answer, name: str, arguments: Mapping[str, Any], device_id: str
) -> ToolResult:
    # Not the library's call_tool: it raises away results that don't fit the tool's output schema.
    params = types.CallToolRequestParams(
        name=name, arguments=dict(arguments), _meta=_meta(client, device_id)
    )
    try:
        result = await client.session.send_request(
            types.CallToolRequest(params=params), types.CallToolResult
        )
    except MCPError as error:
        raise _trouble(error, answer) from error
    except _UNREADABLE as error:
        raise McpTrouble("its answer can't be read", untouched=answer.untouched) from error
    return ToolResult(_text_of(result), error=result.is_error)


def _trouble(error: MCPError, answer: Answer) -> McpTrouble:
    """What the library raises for what the server said, and for what became of its answer."""
    if not answer.sent:
        return McpTrouble("it can't be reached", untouched=True)
    if answer.status in (401, 403):
        return McpTrouble(_REFUSES, untouched=True)
    if error.code == types.CONNECTION_CLOSED and not answer.untouched:
        return McpTrouble("the connection broke", untouched=False)
    if error.code == types.PARSE_ERROR:
        return McpTrouble("its answer can't be read", untouched=answer.untouched)
    if answer.untouched or error.code in _NOT_BEGUN:
        return McpTrouble(f"it refused: {error.message}", untouched=True)
    return McpTrouble(f"it failed: {error.message}", untouched=False)


def _name_of(client: Client) -> str:
    return client.server_info.name if client.server_info else ""


def _meta(client: Client, device_id: str) -> types.RequestParamsMeta | None:
    if not device_id or _name_of(client) != HOME_ASSISTANT:
        return None
    return cast(types.RequestParamsMeta, {DEVICE: device_id})


async def _tools(client: Client, device_id: str) -> tuple[Tool, ...]:
    """By name, so that they stand in the prompt in the same order whatever the server does."""
    if client.server_capabilities.tools is None:
        return ()
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        params = types.PaginatedRequestParams(cursor=cursor, _meta=_meta(client, device_id))
        page = await client.session.list_tools(params=params)
        tools += map(_tool, page.tools)
        cursor = page.next_cursor
        if not cursor or len(tools) >= _MOST_TOOLS:
            break
    return tuple(sorted(tools[:_MOST_TOOLS], key=lambda tool: tool.name))


def _tool(listed: types.Tool) -> Tool:
    hints = listed.annotations
    return Tool(
        name=listed.name,
        description=listed.description or "",
        parameters={"type": "object", "properties": {}} | listed.input_schema,
        reads=bool(hints and hints.read_only_hint),
    )


async def _prompt(client: Client, device_id: str) -> str:
    """What Home Assistant tells every language model: its rooms, its devices, and how to speak of them."""
    if _name_of(client) != HOME_ASSISTANT or client.server_capabilities.prompts is None:
        return ""
    meta = _meta(client, device_id)
    listed = await client.session.list_prompts(params=types.PaginatedRequestParams(_meta=meta))
    if not listed.prompts:
        return ""
    prompt = await client.session.get_prompt(listed.prompts[0].name, meta=meta)
    parts = [message.content for message in prompt.messages]
    return "\n\n".join(part.text for part in parts if isinstance(part, types.TextContent))


def _text_of(result: types.CallToolResult) -> str:
    """A result in words: what isn't text is named, and stands as JSON where there is nothing else."""
    texts = [_part(part) for part in result.content]
    said = any(isinstance(part, types.TextContent) and part.text.strip() for part in result.content)
    if not said and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = "\n".join(text for text in texts if text.strip())
    return text or ("It failed, and didn't say why." if result.is_error else "Done.")


def _part(part: types.ContentBlock) -> str:
    match part:
        case types.TextContent(text=text):
            return text
        case types.ImageContent():
            return "[image]"
        case types.AudioContent():
            return "[audio]"
        case types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
            return text
        case _:
            return "[a file]"
