"""What an operator is told when an MCP server can't be used: what is wrong, and what to do about it.

Rule: one line for each cause, the same as long as the cause is, so that it is logged once; it holds nothing
that the server wrote but the address that it sends us on to.
"""

import ssl
from collections.abc import Iterator

import httpx2

from wyoming_voice.errors import why
from wyoming_voice.handle.mcp.http import Answer
from wyoming_voice.handle.mcp.servers import HOME_ASSISTANT_PATH, McpServer
from wyoming_voice.hass.errors import HassError

_PAGE = "text/html"
_ANOTHER_PATH = "the path of its MCP endpoint is another one, often /mcp"


def reason(server: McpServer, answer: Answer, group: BaseException) -> str:
    """Why there is no session, in one line."""
    if told := remedy(server, answer.status, answer.media_type, answer.location):
        return told
    error = next(_leaves(group))
    if isinstance(error, HassError):
        return str(error)
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return "no answer in time; is it running, and is the address right?"
    if isinstance(error, httpx2.TransportError):
        return _unreachable(error)
    return "what it answers is no MCP; is the address right?"


def remedy(server: McpServer, status: int, media_type: str, location: str) -> str:
    """The line for an answer that isn't MCP's, "" where the answer tells nothing."""
    if status in (401, 403):
        return _refused(server, status)
    if 300 <= status < 400:
        return (
            f"it sends us on to {location or 'elsewhere'}, which is not followed; name that address"
        )
    if status == 404:
        return f"it answers 404: {_no_path(server)}"
    if status in (405, 406):
        return (
            f"it answers {status}; {_ANOTHER_PATH}, or it speaks the older SSE only, which we don't"
        )
    if status >= 400:
        return f"it answers {status}; see its log"
    if status and media_type == _PAGE:
        return "it answers with a web page; give the path of its MCP endpoint, often /mcp"
    return ""


def _refused(server: McpServer, status: int) -> str:
    if status == 403:
        return (
            "it answers 403; the token's user may not use it, or it doesn't take this host's name"
        )
    if server.token is None:
        return f"it wants a token; put one into a file and name that with {server.option}"
    return (
        f"it refuses the token; write a valid one into the file of {server.option}, which is looked at "
        "every 10 s"
    )


def _no_path(server: McpServer) -> str:
    if server.url.endswith(HOME_ASSISTANT_PATH):
        return (
            "add the integration Model Context Protocol Server in Home Assistant "
            "(Settings, Devices & services)"
        )
    return _ANOTHER_PATH


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _unreachable(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate isn't trusted ({cause.verify_message}); use one that this machine knows"
        if isinstance(cause, ssl.SSLError):
            return "it speaks no TLS here; is it http://, or another port?"
        if isinstance(cause, OSError) and cause.errno:
            return f"it can't be reached ({why(cause)}); is it running?"
    return "it hung up; is it running, and is the address right?"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and what it came from; where several ways were tried, those one after another."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for part in error.exceptions:
                yield from _causes(part)
        error = error.__cause__ or error.__context__
