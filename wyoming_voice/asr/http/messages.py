"""What is said on `WS /ws/transcribe` beside the audio: read from JSON, and written to it."""

import json
from typing import Any, Literal

from pydantic import ConfigDict, Field

from wyoming_voice.asr.http.answers import word_out
from wyoming_voice.asr.http.dictation import Noticed, Utterance
from wyoming_voice.asr.http.ears import SampleFormat
from wyoming_voice.asr.http.inbox import Cancel, End
from wyoming_voice.asr.http.wishes import Wishes
from wyoming_voice.asr.replies import Final, Partial
from wyoming_voice.http.bodies import check_names, checked
from wyoming_voice.http.errors import BadRequest

TYPES = ("start", "end", "cancel")

MOST_TEXT_CHARS = 65_536


class Start(Wishes):
    """The opening message, of which everything may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["start"] = "start"
    sample_rate: int = Field(16_000, ge=1_000, le=192_000)
    format: SampleFormat = "f32le"
    channels: int = Field(1, ge=1, le=8)
    words: bool = Field(True, description="tell when each word was said")
    partials: bool = Field(True, description="tell what was said so far while it is said")
    endpointing: bool | None = Field(
        None, description="let the server end utterances; false: the client's end does"
    )
    sensitivity: Literal["aggressive", "default", "relaxed"] = Field(
        "default", description="how soon a silence ends an utterance"
    )


def start(values: dict[str, Any]) -> Start:
    """The options, from a message or from the query; raises BadRequest."""
    check_names(values, Start)
    return checked(Start, values)


def read(text: str) -> Start | End | Cancel:
    """A text message; raises BadRequest."""
    if len(text) > MOST_TEXT_CHARS:
        raise BadRequest(f"a text message of over {MOST_TEXT_CHARS} characters; audio is binary")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            'a text message must be JSON, such as {"type": "end"}; audio goes into binary ones'
        ) from error
    if not isinstance(message, dict):
        raise BadRequest('a text message must be an object, such as {"type": "end"}')
    match message.get("type"):
        case "start":
            return start(message)
        case "end":
            return End()
        case "cancel":
            return Cancel()
        case other:
            raise BadRequest(
                f"'type' must be one of {', '.join(TYPES)}, not {str(other)[:40]!r}", "type"
            )


def noticed(happening: Noticed) -> dict[str, Any]:
    """`speech_started`, `speech_stopped`."""
    kind = "speech_started" if happening.started else "speech_stopped"
    return {"type": kind, "at": round(happening.at_s, 3)}


def partial(utterance: Utterance, reply: Partial) -> dict[str, Any]:
    """`partial`."""
    return {
        "type": "partial",
        "utterance": utterance.number,
        "text": reply.text,
        "stable": reply.stable,
    }


def final(utterance: Utterance, reply: Final, *, words: bool) -> dict[str, Any]:
    """`final`, with times from the beginning of the stream; without speech it has no times."""
    found = {
        "type": "final",
        "utterance": utterance.number,
        "text": reply.result.text,
        "language": reply.result.language,
    }
    if reply.segments:
        found["start"] = round(utterance.start_s + reply.segments[0].start_s, 3)
        found["end"] = round(utterance.start_s + reply.segments[-1].end_s, 3)
    if words:
        found["words"] = [
            word_out(word, utterance.start_s).model_dump()
            for segment in reply.segments
            for word in segment.words
        ]
    return found
