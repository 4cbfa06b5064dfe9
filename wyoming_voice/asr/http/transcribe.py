"""`POST /transcribe`: a file in, and all that is known about what is said in it out."""

import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from wyoming_voice.asr.engine import Task
from wyoming_voice.asr.files import Passage
from wyoming_voice.asr.http.answers import Transcript, progress, segment_out, transcript
from wyoming_voice.asr.http.described import uploads
from wyoming_voice.asr.http.hearing import Heard, begun
from wyoming_voice.asr.http.uploads import Fields
from wyoming_voice.asr.http.wishes import Prompt, Wishes, choice
from wyoming_voice.http.bodies import check_names, checked
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.streaming import Told, as_lines

if TYPE_CHECKING:
    from wyoming_voice.asr.server import AsrProgram

NDJSON = "application/x-ndjson"


class Asked(Wishes):
    """What may be said with a file."""

    task: Task = Field("transcribe", description="translate: into English")
    word_timestamps: bool = Field(
        False,
        description="when each word was said; each segment is a sentence then, and lasts from its "
        "first word to its last, not as long as somebody was heard speaking",
    )
    initial_prompt: Prompt = Field("", description="another name of prompt")
    beam_size: int | None = Field(
        None, ge=1, le=20, description="beams of the decoder; empty: the server's"
    )
    stream: bool = Field(False, description=f"answer line by line, as with `Accept: {NDJSON}`")


def transcribe_routes(program: "AsrProgram", floor: Floor) -> APIRouter:
    """Our own way to ask."""
    router = APIRouter(tags=["speech to text"])

    @router.post(
        "/transcribe",
        response_model=Transcript,
        response_model_exclude_none=True,
        responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}},
        openapi_extra=uploads(Asked),
    )
    async def transcribe(request: Request) -> Response:
        """What is said in an audio or video file; one that is cut off is refused.

        With `stream=true`, lines of JSON while it is heard: `{"type": "segment", ...}` as in `segments`,
        `{"type": "progress", "heard", "duration"}` in seconds (the duration is null where the file doesn't
        say it), at last `{"type": "done", ...}` with all of it, or `{"type": "error", "error": ...}`.
        """
        async with begun(program, floor, request) as hearing:
            asked = _asked(hearing.upload.fields)
            chosen = choice(program, asked, beam_size=asked.beam_size)
            words = asked.word_timestamps
            if asked.stream or NDJSON in request.headers.get("accept", ""):
                told = hearing.told(chosen, asked.task, words=words)
                return await as_lines(request, _messages(told, words=words))
            heard = await hearing.whole(chosen, asked.task, words=words)
            return JSONResponse(_shown(heard, words=words))

    return router


def _asked(fields: Fields) -> Asked:
    check_names(fields, Asked)
    values: dict[str, object] = {name: found[-1] for name, found in fields.items()}
    if "hotwords" in fields:
        values["hotwords"] = fields["hotwords"]
    asked = checked(Asked, values)
    if asked.initial_prompt and not asked.prompt:
        return asked.model_copy(update={"prompt": asked.initial_prompt})
    return asked


async def _messages(
    told: AsyncGenerator[tuple[Passage, Heard], None], *, words: bool
) -> AsyncGenerator[Told, None]:
    heard = Heard()
    async with contextlib.aclosing(told):
        async for passage, heard in told:
            first = len(heard.segments) - len(passage.segments)
            for number, segment in enumerate(passage.segments, first):
                part = segment_out(number, segment, words=words)
                yield {"type": "segment", **part.model_dump(exclude_none=True)}
            yield {"type": "progress", **progress(passage)}
    yield {"type": "done", **_shown(heard, words=words)}


def _shown(heard: Heard, *, words: bool) -> dict[str, Any]:
    shown = transcript(heard, words=words).model_dump(exclude_none=True)
    return {"language": None, "language_probability": None, **shown}
