"""Text to speech over HTTP: the server's own routes, OpenAI's, and a WebSocket, all in one studio."""

from collections.abc import Sequence

from fastapi import APIRouter

from wyoming_voice.http.floor import Floor
from wyoming_voice.tts.http import openai, synthesize, websocket
from wyoming_voice.tts.http.booth import Booth

__all__ = ["Booth", "routers"]


def routers(booth: Booth, floor: Floor) -> Sequence[APIRouter]:
    """All that a TTS server answers beside what every door does."""
    return [module.router(booth, floor) for module in (synthesize, openai, websocket)]
