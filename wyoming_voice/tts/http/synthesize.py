"""The server's own routes: a text spoken, and the voices that there are."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.http.bodies import read
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.streaming import served, streamed
from wyoming_voice.tts.http import described
from wyoming_voice.tts.http.booth import Booth, packing, whole
from wyoming_voice.tts.http.wishes import Kind, SomeText, Speed, check_length

SAMPLE_RATE = "X-Sample-Rate"


class Synthesis(BaseModel):
    """A text to be spoken."""

    text: SomeText = Field(description="What is to be said")
    voice: str | None = Field(
        None, description="One of /voices, or a blend such as af_bella(2)+af_sky(1)"
    )
    language: str | None = Field(
        None, description="A BCP-47 tag, for a voice of that language where none is named"
    )
    speed: Speed | None = Field(None, description="How fast; 1 is natural (default: --speed)")
    format: Kind = "wav"


class VoiceOffer(BaseModel):
    """A voice to choose; `id` and `name` are the same."""

    id: str
    name: str
    language: str
    description: str


class Voices(BaseModel):
    """All of them, the default first."""

    voices: list[VoiceOffer]


def router(booth: Booth, floor: Floor) -> APIRouter:
    """`/synthesize` and `/voices`."""
    router = APIRouter(tags=["speech"])
    most_chars = booth.settings.max_text_chars
    names = described.voice(booth.catalogue, ("",))
    languages = sorted({"", *(voice.language for voice in booth.catalogue.voices)})
    null = {"type": "null"}

    @router.post(
        "/synthesize",
        response_class=Response,
        responses=described.audio(),
        openapi_extra=described.body_or_form(
            Synthesis,
            text={"description": f"What is to be said; at most {most_chars} characters"},
            voice={"anyOf": [*names["anyOf"], null]},
            language={"anyOf": [{"type": "string", "enum": languages}, null]},
        ),
    )
    async def synthesize(request: Request) -> Response:
        """Speak a text; the audio is sent while it is made. Send JSON or a form."""
        wish = await read(request, Synthesis, most_chars)
        check_length(wish.text, most_chars)
        voice = booth.catalogue.choose(wish.voice, wish.language)
        record = TurnRecord("tts", turn_id=request_id_of(request))
        into = packing(wish.format, booth.sound.rate_hz)
        spoken = booth.spoken(whole(wish.text), voice, wish.speed, record)
        return await streamed(
            request,
            served(floor, record, booth.packed(spoken, into)),
            into.media_type,
            {SAMPLE_RATE: str(into.rate_hz)},
        )

    @router.get("/voices")
    @router.get("/v1/audio/voices", include_in_schema=False)
    async def voices() -> Voices:
        """The voices, the default first."""
        return Voices(
            voices=[
                VoiceOffer(
                    id=voice.name,
                    name=voice.name,
                    language=voice.language,
                    description=voice.description,
                )
                for voice in booth.catalogue.voices
            ]
        )

    return router
