"""The page itself: the files that are shipped in `page/`, each under its name, and index.html at `/`.

Rule: what is served is what was there when the gateway started, and nothing outside of that directory.
"""

from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

PAGE = Path(str(files("wyoming_voice.gateway"))) / "page"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'",
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def pages(directory: Path = PAGE) -> dict[str, Path]:
    """The files of the page by their paths."""
    return dict(_files(directory))


def page_router(served: dict[str, Path]) -> APIRouter:
    """A route for each."""
    router = APIRouter(include_in_schema=False)
    for url, path in served.items():
        router.add_api_route(url, _sending(path), methods=["GET", "HEAD"], response_model=None)
    return router


def _files(directory: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.suffix in _TYPES:
            yield f"/{path.relative_to(directory).as_posix()}", path
    if (index := directory / "index.html").is_file():
        yield "/", index


def _sending(path: Path) -> Callable[[], Awaitable[FileResponse]]:
    async def send() -> FileResponse:
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=_HEADERS)

    return send
