"""The application behind a door: its routes, what surrounds them, and what every door answers.

From the outside in: the fence, which gives each request its id and tells it what went wrong; the guard; the
limits; the routes. Rules: nothing here knows what is served; whatever goes wrong is raised up to the fence.
"""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, HTTPConnection

from wyoming_voice import __version__
from wyoming_voice.errors import VoiceError
from wyoming_voice.http.errors import (
    AnyRefusal,
    ErrorBody,
    NotFound,
    of_validation,
)
from wyoming_voice.http.fence import Fence
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.guard import Guard, read_keys
from wyoming_voice.http.limits import BodyLimit
from wyoming_voice.http.settings import HttpSettings

FREE = ("/health", "/ready", "/openapi.json")
"""What is told without a key."""

_REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "What the client can mend, and how"},
    "5XX": {"model": ErrorBody, "description": "What it can't"},
}


def application(
    title: str,
    routers: Sequence[APIRouter],
    floor: Floor,
    settings: HttpSettings,
    free: Sequence[str] = (),
) -> FastAPI:
    """The application; raises ConfigError for keys that can't be read. `free`: see `Guard`."""
    app = FastAPI(
        title=title,
        version=__version__,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url=None,  # see `_add_description`
        redirect_slashes=False,
        middleware=_around(settings, floor, (*FREE, *free)),
        exception_handlers={
            RequestValidationError: _invalid,
            WebSocketRequestValidationError: _invalid,
            HTTPException: _refused,
        },
    )
    for router in (_common(floor), *routers):
        app.include_router(router, responses=_REFUSALS)
    _add_description(app)
    return app


def _add_description(app: FastAPI) -> None:
    """The OpenAPI description, made once: to make it takes 100 ms, which nobody should wait for later."""
    description = json.dumps(app.openapi(), ensure_ascii=False).encode()

    @app.get("/openapi.json", include_in_schema=False)
    async def described() -> Response:
        return Response(description, media_type="application/json")


def _around(settings: HttpSettings, floor: Floor, free: Sequence[str]) -> list[Middleware]:
    keys = read_keys(settings.api_key_file)
    return [
        Middleware(Fence, failed=floor.books.failed),
        Middleware(Guard, keys=keys, origins=settings.origin, free=free),
        Middleware(BodyLimit, most_bytes=settings.max_upload_mb * 1_000_000),
    ]


def _common(floor: Floor) -> APIRouter:
    """What every door answers about itself."""
    router = APIRouter(tags=["about"])

    @router.head("/health", include_in_schema=False)
    @router.get("/health")
    async def health() -> dict[str, Any]:
        """How it is. 503 while a model loads (as llama.cpp says it), is stuck, or the server stops.

        A gateway loads none: it is 200 whatever its servers do, and names each with its state.
        """
        floor.check_well()
        return {"status": "ok", **floor.details()}

    @router.head("/ready", include_in_schema=False)
    @router.get("/ready")
    async def ready() -> dict[str, str | int]:
        """Whether one more request would be taken at this moment.

        Of a gateway: whether there is a server of each kind, too; 503 says which is missing.
        """
        floor.check_ready()
        return {"status": "ok", "requests": floor.requests}

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Numbers for Prometheus."""
        body, kind = floor.page()
        return Response(body, media_type=kind)

    return router


async def _invalid(_connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | WebSocketRequestValidationError)
    raise of_validation(error.errors())


async def _refused(connection: HTTPConnection, error: Exception) -> Response:
    """What Starlette refuses; a body that broke off hides the reason in its cause."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, VoiceError | ClientDisconnect):
        raise error.__cause__
    if error.status_code == HTTPStatus.NOT_FOUND:
        raise NotFound(f"there is nothing at {connection.url.path[:80]!r}")
    said = str(error.detail)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and error.headers:
        said = f"{connection.url.path[:80]!r} takes no {connection.scope['method'][:20]}; "
        said += f"use {error.headers.get('Allow')}"
    raise AnyRefusal(error.status_code, said, error.headers)
