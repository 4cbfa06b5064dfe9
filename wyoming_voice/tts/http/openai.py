"""`/v1`: speech as OpenAI's audio API asks for it, so that its clients and what is built on them work.

What we take differently: every model's name stands for the one engine here; its voices stand for some of
ours; speeds beyond 0.5 to 2 are spoken at 0.5 and 2; `instructions` are passed over.
"""

import base64
import contextlib
from collections.abc import AsyncGenerator
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, BeforeValidator, Field

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import UnknownChoice
from wyoming_voice.http.bodies import read
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.models import models_router
from wyoming_voice.http.streaming import Told, as_events, served, streamed
from wyoming_voice.tts.http import described
from wyoming_voice.tts.http.booth import Booth, Packing, RawPcm, packing, whole
from wyoming_voice.tts.http.synthesize import SAMPLE_RATE
from wyoming_voice.tts.http.wishes import SomeText, check_length
from wyoming_voice.tts.voices import Catalogue, Voice

MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
"""OpenAI's names, which clients have built in; each stands for the engine that there is."""

VOICES = {
    "alloy": "af_alloy",
    "ash": "am_michael",
    "ballad": "bm_george",
    "coral": "af_bella",
    "echo": "am_echo",
    "fable": "bm_fable",
    "onyx": "am_onyx",
    "nova": "af_nova",
    "sage": "af_sarah",
    "shimmer": "af_sky",
    "verse": "am_puck",
    "marin": "af_heart",
    "cedar": "am_fenrir",
}
"""OpenAI's voices, and which of Kokoro's speaks for each: the namesake, or one of its gender and manner."""

PCM_HZ = 24_000
"""What `pcm` always is at OpenAI, whose clients don't look at a header."""

_SLOWEST, _FASTEST = 0.5, 2.0
_TOKENS_A_SECOND = 20
"""Of audio; what is usage here is nobody's bill."""


def _voice_name(value: object) -> object:
    """The name in `{"id": NAME}`, which a custom voice is asked for by."""
    return value["id"] if isinstance(value, dict) and set(value) == {"id"} else value


class Speech(BaseModel):
    """OpenAI's request for speech."""

    model: str
    input: SomeText = Field(description="What is to be said")
    voice: Annotated[str, BeforeValidator(_voice_name)] = Field(
        description="One of /voices, a blend such as af_bella(2)+af_sky(1), or one of OpenAI's names,"
        ' which stand for some of ours; {"id": NAME} is the same as NAME'
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(
        1.0,
        ge=0.25,
        le=4.0,
        allow_inf_nan=False,
        description="Under 0.5 is spoken at 0.5, over 2 at 2",
    )
    stream_format: Literal["audio", "sse"] = "audio"
    instructions: str | None = Field(None, description="Taken, and passed over")


def router(booth: Booth, floor: Floor) -> APIRouter:
    """`/v1/audio/speech` and `/v1/models`."""
    router = APIRouter(tags=["OpenAI"])
    most_chars = booth.settings.max_text_chars
    models = [booth.engine, *MODELS]
    names = described.voice(booth.catalogue, tuple(VOICES))
    by_id = {"type": "object", "properties": {"id": names}, "required": ["id"]}

    @router.post(
        "/v1/audio/speech",
        response_class=Response,
        responses=described.audio_or_events(),
        openapi_extra=described.body(
            Speech,
            input={"description": f"What is to be said; at most {most_chars} characters"},
            model={"enum": models},
            voice={
                "anyOf": [*names["anyOf"], {**by_id, "additionalProperties": False}],
                "type": None,
            },
        ),
    )
    async def speech(request: Request) -> Response:
        """Speak a text, as OpenAI's `audio.speech` does; sent while it is made."""
        wish = await read(request, Speech, most_chars)
        check_length(wish.input, most_chars, "input")
        if wish.model not in models:
            raise UnknownChoice("model", wish.model, models)
        record = TurnRecord("tts", turn_id=request_id_of(request))
        into = _packing(wish.response_format, booth.sound.rate_hz)
        spoken = booth.spoken(
            whole(wish.input),
            _chosen(booth.catalogue, wish.voice),
            min(max(wish.speed, _SLOWEST), _FASTEST),
            record,
        )
        audio = served(floor, record, booth.packed(spoken, into))
        if wish.stream_format == "sse":
            return await as_events(request, _messages(audio, wish.input, record))
        return await streamed(request, audio, into.media_type, {SAMPLE_RATE: str(into.rate_hz)})

    router.include_router(models_router(models))
    return router


def _chosen(catalogue: Catalogue, name: str) -> Voice:
    """One of ours by its name, or the one that speaks for OpenAI's; the default where it is not here."""
    known = {voice.name: voice for voice in catalogue.voices}
    if name in VOICES and name not in known:
        return known.get(VOICES[name], catalogue.voices[0])
    try:
        return catalogue.named(name)
    except UnknownChoice as error:
        if "+" in name:
            raise
        raise UnknownChoice("voice", name, [*known, *VOICES], error.meant) from error


def _packing(kind: str, rate_hz: int) -> Packing:
    """The packing of what is made at this rate; OpenAI's `pcm` has one of its own."""
    return RawPcm(rate_hz, PCM_HZ) if kind == "pcm" else packing(kind, rate_hz)


async def _messages(
    audio: AsyncGenerator[bytes, None], text: str, record: TurnRecord
) -> AsyncGenerator[Told, None]:
    """The events that `stream_format: sse` wants."""
    async with contextlib.aclosing(audio):
        async for data in audio:
            yield {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}
    heard = int(record.facts.get("audio_ms", 0)) * _TOKENS_A_SECOND // 1000
    usage = {"input_tokens": len(text), "output_tokens": heard, "total_tokens": len(text) + heard}
    yield {"type": "speech.audio.done", "usage": usage}
