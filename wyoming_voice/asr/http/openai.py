"""OpenAI's audio API: transcriptions, translations and the list of models, as its clients know them.

Rules: OpenAI's own names of models mean the server's default one; a field that means nothing here is passed
over, one that we'd have to lie about is refused.
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, cast

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.engine import Task
from wyoming_voice.asr.files import Passage
from wyoming_voice.asr.http.answers import Plain, Verbose, subtitles, usage, verbose
from wyoming_voice.asr.http.described import uploads
from wyoming_voice.asr.http.hearing import Heard, Hearing, begun
from wyoming_voice.asr.http.uploads import Fields
from wyoming_voice.asr.http.wishes import Hotwords, Language, Prompt, Wishes, choice, listed
from wyoming_voice.http.bodies import checked
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.models import models_router
from wyoming_voice.http.streaming import Told, as_events

if TYPE_CHECKING:
    from wyoming_voice.asr.server import AsrProgram

ALIASES = (
    *("whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
    "gpt-4o-mini-transcribe-2025-12-15",
)
"""OpenAI's names; not the one that tells speakers apart, which nobody does here."""

Format = Literal["json", "text", "srt", "verbose_json", "vtt"]
Granularity = Literal["word", "segment"]

_MEDIA_TYPES = {
    "text": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
}


class Translated(BaseModel):
    """What may be said with a file that is to be translated."""

    model_config = ConfigDict(populate_by_name=True)

    model: str = Field("whisper-1", max_length=200, description="one of /v1/models")
    prompt: Prompt = ""
    response_format: Format = "json"
    temperature: float = Field(
        0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="without effect: decoding begins at 0, and is repeated at more where it fails",
    )


class Transcribed(Translated):
    """What may be said with a file."""

    language: Language = ""
    timestamp_granularities: Annotated[list[Granularity], BeforeValidator(listed)] = Field(
        default=["segment"],
        alias="timestamp_granularities[]",
        description="what verbose_json tells: word, segment or both",
    )
    keywords: Hotwords = Field(default=[], alias="keywords[]")
    stream: bool = Field(False, description="server-sent events; with json or text alone")


A = TypeVar("A", bound=Translated)


def openai_routes(program: "AsrProgram", floor: Floor) -> APIRouter:
    """OpenAI's way to ask."""
    router = APIRouter(tags=["OpenAI"])
    router.include_router(models_router((*program.models, ALIASES[0]), ALIASES))
    responses = {200: {"content": {kind: {"schema": _TEXT} for kind in _MEDIA_TYPES.values()}}}
    events = {"text/event-stream": {"schema": _TEXT}}

    @router.post(
        "/v1/audio/transcriptions",
        response_model=Plain | Verbose,
        responses={200: {"content": {**responses[200]["content"], **events}}},
        openapi_extra=uploads(Transcribed),
    )
    async def transcriptions(request: Request) -> Response:
        """What is said in an audio or video file, as OpenAI's API has it.

        With `stream`, events `transcript.text.delta`, and at last `transcript.text.done`.
        """
        async with begun(program, floor, request) as hearing:
            asked = _asked(Transcribed, hearing.upload.fields)
            if not asked.stream:
                return await _answered(program, hearing, asked, "transcribe")
            if asked.response_format not in ("json", "text"):
                raise BadRequest(
                    f"stream goes with response_format json or text, not {asked.response_format}",
                    "response_format",
                )
            told = hearing.told(_choice(program, asked), "transcribe", words=False)
            return await as_events(request, _deltas(told))

    @router.post(
        "/v1/audio/translations",
        response_model=Plain | Verbose,
        responses=cast(dict[int | str, dict[str, object]], responses),
        openapi_extra=uploads(Translated),
    )
    async def translations(request: Request) -> Response:
        """What is said in an audio or video file, in English, as OpenAI's API has it."""
        async with begun(program, floor, request) as hearing:
            asked = _asked(Translated, hearing.upload.fields)
            return await _answered(program, hearing, asked, "translate")

    return router


_TEXT = {"type": "string"}


def _asked(kind: type[A], fields: Fields) -> A:
    """What is said in fields; lists come as `name[]`, or as `name` from those who write forms by hand."""
    values: dict[str, object] = {}
    for name, found in fields.items():
        plain = name.removesuffix("[]")
        values[plain] = found if plain in _LISTS else found[-1]
    return checked(kind, values)


_LISTS = ("timestamp_granularities", "keywords")


def _choice(program: "AsrProgram", asked: Translated) -> Choice:
    wishes = Wishes(model=asked.model, prompt=asked.prompt)
    if isinstance(asked, Transcribed):
        wishes = wishes.model_copy(update={"language": asked.language, "hotwords": asked.keywords})
    return choice(program, wishes, aliases=ALIASES)


async def _answered(
    program: "AsrProgram", hearing: Hearing, asked: Translated, task: Task
) -> Response:
    granularities = asked.timestamp_granularities if isinstance(asked, Transcribed) else ["segment"]
    told = asked.response_format == "verbose_json" and "word" in granularities
    timed = asked.response_format in ("srt", "vtt")
    heard = await hearing.whole(_choice(program, asked), task, words=told or timed)
    match asked.response_format:
        case "json":
            return JSONResponse(Plain(text=heard.text, usage=usage(heard)).model_dump())
        case "verbose_json":
            body = verbose(heard, task, segments="segment" in granularities, words=told)
            return JSONResponse(body.model_dump(exclude_none=True))
        case "text":
            return PlainTextResponse(f"{heard.text}\n")
        case kind:
            text = subtitles(heard.segments, kind)
            return PlainTextResponse(text, media_type=_MEDIA_TYPES[kind])


async def _deltas(
    told: AsyncGenerator[tuple[Passage, Heard], None],
) -> AsyncGenerator[Told, None]:
    """The text in pieces, which joined are the whole."""
    heard, text = Heard(), ""
    async with contextlib.aclosing(told):
        async for _, heard in told:
            if delta := heard.text[len(text) :]:
                text = heard.text
                yield {"type": "transcript.text.delta", "delta": delta}
    yield {
        "type": "transcript.text.done",
        "text": heard.text,
        "usage": usage(heard).model_dump(),
    }
