"""What an operator is told when an MCP server can't be used: what is wrong, and what to do about it.

Rule: one line for each cause, the same as long as the cause is, so that it is logged once; it holds nothing
that the server wrote.
"""

from wyoming_voice.handle.mcp.servers import HOME_ASSISTANT_PATH, McpServer

_PAGE = "text/html"
_ANOTHER_PATH = "the path of its MCP endpoint is another one, often /mcp"


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
        return "it wants a token; put one into a file and name that with --mcp-token-file"
    return (
        "it refuses the token; write a valid one into the same file, which is looked at every 10 s"
    )


def _no_path(server: McpServer) -> str:
    if server.url.endswith(HOME_ASSISTANT_PATH):
        return (
            "add the integration Model Context Protocol Server in Home Assistant "
            "(Settings, Devices & services)"
        )
    return _ANOTHER_PATH
