"""`WS /ws/transcribe`: audio in while somebody speaks, text out while they do."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, WebSocket

from wyoming_voice.asr.http import messages
from wyoming_voice.asr.http.described import in_query
from wyoming_voice.asr.http.listener import Listener
from wyoming_voice.http.errors import AnyRefusal, ErrorBody
from wyoming_voice.http.floor import Floor

if TYPE_CHECKING:
    from wyoming_voice.asr.server import AsrProgram

_DESCRIPTION = """A WebSocket; any other request is refused.

The client sends, at first and if it likes, a text message `{"type": "start", ...}` with the fields that may
also stand in the query; then binary messages of samples, of any size; then `{"type": "end"}`, or an empty
binary message. `{"type": "cancel"}` forgets what was said and not answered, and is answered with
`{"type": "cancelled"}`.

The server sends, with times in seconds from the first sample:

- `{"type": "speech_started", "at"}` and `{"type": "speech_stopped", "at"}`;
- `{"type": "partial", "utterance", "text", "stable"}`: what was said so far; `stable`, with which `text`
  begins, only grows within an utterance;
- `{"type": "final", "utterance", "text", "language", "start", "end", "words": [{"word", "start", "end",
  "probability"}]}` for each utterance, in order; without `start` and `end` where there is no text;
- `{"type": "warning", "message"}`: something that looks like a mistake;
- `{"type": "error", "error": {...}}`, after which it closes;
- `{"type": "done"}` after the last `final`, after which it closes with 1000.

The server ends an utterance when its speaker has been silent for long enough, and goes on with the next one;
with `endpointing` false all that comes before `end` is one, which has a `final` in any case.
Who sends faster than is heard has to wait.
"""


def websocket_routes(program: "AsrProgram", floor: Floor) -> APIRouter:
    """The WebSocket, and in its place for others a refusal, which carries its description."""
    router = APIRouter(tags=["speech to text"])

    @router.websocket("/ws/transcribe")
    async def transcribe(socket: WebSocket) -> None:
        with floor.occupied():
            start = messages.start(_in_query(socket))
            await socket.accept()
            await Listener(program, floor, socket).run(start)

    @router.get(
        "/ws/transcribe",
        description=_DESCRIPTION,
        status_code=HTTPStatus.UPGRADE_REQUIRED,
        response_model=ErrorBody,
        openapi_extra={"parameters": in_query(messages.Start)},
    )
    async def refused() -> None:
        raise AnyRefusal(
            HTTPStatus.UPGRADE_REQUIRED, "this is a WebSocket; connect to it with ws:// or wss://"
        )

    return router


def _in_query(socket: WebSocket) -> dict[str, object]:
    return {name: value for name, value in socket.query_params.items() if value}
