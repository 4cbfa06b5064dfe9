"""Speech to text over HTTP: our own routes, OpenAI's, and a WebSocket, to the engines of the Wyoming side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi import APIRouter

from wyoming_voice.asr.http.openai import openai_routes
from wyoming_voice.asr.http.transcribe import transcribe_routes
from wyoming_voice.asr.http.websocket import websocket_routes
from wyoming_voice.http.floor import Floor

if TYPE_CHECKING:
    from wyoming_voice.asr.server import AsrProgram


def routers(program: "AsrProgram", floor: Floor) -> Sequence[APIRouter]:
    """All that an ASR server answers beside what every door does."""
    return [
        transcribe_routes(program, floor),
        openai_routes(program, floor),
        websocket_routes(program, floor),
    ]
