"""The gateway's HTTP routes beside the page and its WebSocket: ask, say, and what voices there are."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.gateway.asking import Asker
from wyoming_voice.gateway.questions import ASK_BODIES, SayBody, check_length, read_question
from wyoming_voice.gateway.services import Services, VoiceRow
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.leaving import leaving
from wyoming_voice.http.streaming import served, streamed
from wyoming_voice.media.encoding import ENCODINGS

_SOUND = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ENCODINGS.values()}


class Answered(BaseModel):
    """An answer as text."""

    transcript: str
    answer: str


class Voices(BaseModel):
    """What can be named as `voice`."""

    voices: list[VoiceRow]


def routes(asker: Asker, services: Services, floor: Floor, most_chars: int) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["conversation"])

    @router.post(
        "/ask",
        response_class=Response,
        responses={
            200: {
                "model": Answered,
                "description": "The answer; as sound with its words in X-Transcript and X-Answer",
                "content": _SOUND,
            }
        },
        openapi_extra=ASK_BODIES,
    )
    async def ask(request: Request) -> Response:
        """Ask something, spoken or written, and get the answer spoken, or written (`format` json)."""
        asked = await read_question(request, most_chars)
        record = TurnRecord("ask", turn_id=request_id_of(request))
        if asked.body.format == "json":
            async with leaving(request):
                with floor.serving(record):
                    transcript, answer = await asker.written(asked, record)
            told = Answered(transcript=transcript, answer=answer)
            return Response(told.model_dump_json(), media_type="application/json")
        headers: dict[str, str] = {}
        body = served(floor, record, asker.spoken(asked, record, headers))
        return await streamed(request, body, ENCODINGS[asked.body.format], headers)

    @router.post(
        "/say",
        response_class=Response,
        responses={200: {"description": "The text, spoken", "content": _SOUND}},
    )
    async def say(request: Request, body: SayBody) -> Response:
        """Hear a text in a voice."""
        if not body.text.strip():
            raise BadRequest("there is nothing to say", "text")
        check_length(body.text, most_chars)
        record = TurnRecord("say", turn_id=request_id_of(request))
        spoken = served(floor, record, asker.said(body, record))
        return await streamed(request, spoken, ENCODINGS[body.format])

    @router.get("/voices")
    async def voices() -> Voices:
        """The voices of the TTS servers that answer."""
        return Voices(voices=services.voices())

    return router
