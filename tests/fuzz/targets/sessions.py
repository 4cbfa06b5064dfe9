"""Conversations: any events in any order, into the sessions alone and into whole servers.

In a whole server an event that makes no sense is told as an error with a code; "internal error" stands for
an exception that nobody expected, and is a finding.
"""

import asyncio
import contextlib
import functools
from collections.abc import Sequence
from typing import Any

from wyoming.event import Event

from satellite.effects import BeginTurn
from satellite.events import Via
from satellite.home_assistant.messages import Send
from satellite.home_assistant.session import Session as HomeAssistantSession
from tests.asr.fakes import ScriptedEngine
from tests.fuzz.draw import Draw
from tests.fuzz.sink import heard
from tests.fuzz.target import Target, dice, finished
from tests.tts.fakes import MADE_BY, Beeper
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.asr.session import Begun, Ended, Restarted
from wyoming_voice.asr.session import Session as AsrSession
from wyoming_voice.errors import PeerError
from wyoming_voice.handle.server import HandleProgram, build
from wyoming_voice.handle.settings import NO_LLM, HandleSettings
from wyoming_voice.peer import House, Peer
from wyoming_voice.program import Program
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.session import CloseStream, OpenStream, SpeakText, StreamText
from wyoming_voice.tts.session import Session as TtsSession
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue
from wyoming_voice.wire import encode

Kinds = dict[str, dict[str, Sequence[object]]]

_CONTEXT = ({"turn_id": "t1"}, {"speculative": True}, {"endpointing": True}, None)
_FORMAT: dict[str, Sequence[object]] = {
    "rate": (16_000, 8_000, 1, 2**32 - 1),
    "width": (2, 1, 4, 3),
    "channels": (1, 2, 8, 300),
}
ASR: Kinds = {
    "transcribe": {
        **{"language": ("en", "zz", ""), "name": ("scripted", "x"), "context": _CONTEXT},
        **{"transcript_names": (["Lamp"], []), "vad_sensitivity": ("relaxed",)},
    },
    "audio-start": _FORMAT,
    "audio-chunk": _FORMAT,
    "audio-stop": {},
    "describe": {},
    "ping": {"text": ()},
}
TTS: Kinds = {
    "synthesize": {
        **{"text": ("Hello.", "", "<p>a</p>"), "voice": ({"name": "af_heart"}, {"language": "de"})},
        **{"text_format": ("ssml", "text"), "context": _CONTEXT},
    },
    "synthesize-start": {"voice": ({"name": "af_heart"},), "text_format": ("ssml",)},
    "synthesize-chunk": {"text": ("One. ", "tw", "")},
    "synthesize-stop": {},
    "describe": {},
}
_TOOLS = [{"name": "SetVolume", "description": "", "parameters": {"type": "object"}}]
HANDLE: Kinds = {
    "transcript": {
        "text": ("what time is it", "", "and now?"),
        "language": ("en", "de-CH", "zz"),
        "context": (
            *_CONTEXT,
            {"tools": _TOOLS, "conversation_id": "c"},
            {"replaces": "t1", "interrupted": True, "heard": "It is"},
            {"system_prompt": "brief", "satellite_id": "s", "device_id": "d", "area": "Hall"},
        ),
    },
    "commit": {},
    "warm-up": {"context": _CONTEXT, "language": ("en",)},
    "tool-result": {"id": ("1",), "text": ("done",), "error": (True,)},
}
_HOME: Kinds = {
    **{
        "ping": {},
        "pause-satellite": {},
        "voice-started": {},
        "voice-stopped": {},
        "transcribe": {},
    },
    **{"audio-start": _FORMAT, "audio-chunk": _FORMAT, "audio-stop": {}},
    **{"transcript": {"text": ("on",)}, "synthesize": {"text": ("Done.", "")}},
    **{"error": {"code": ("stt-no-text-recognized", "validation-error"), "text": ("no",)}},
    **{"timer-started": {"id": ("1",), "total_seconds": (5,)}, "timer-finished": {"id": ("1",)}},
}


def asr_session(data: bytes) -> None:
    """One transcript is owed for each utterance: begun before it goes on, ended once."""
    draw, session, is_open = Draw(data), AsrSession(max_audio_s=20), False
    while draw:
        if draw.byte() > 240:
            session.ended_early()
            is_open = False
        try:
            effects = session.push(draw.event(ASR))
        except PeerError:
            return
        for effect in effects:
            assert is_open is not isinstance(effect, Begun)
            is_open = not isinstance(effect, Ended)
            assert not isinstance(effect, Restarted) or is_open


def tts_session(data: bytes) -> None:
    """Streams are opened, filled and closed in this order, and hold no more text than they may."""
    draw, session, is_open, chars = Draw(data), TtsSession(max_text_chars=100), False, 0
    while draw:
        event = draw.event(TTS)
        try:
            effects = session.push(event.type, event.data)
        except PeerError:
            return
        for effect in effects:
            match effect:
                case SpeakText(text):
                    assert not is_open
                    assert len(text) <= 100
                case OpenStream():
                    assert not is_open
                    is_open, chars = True, 0
                case StreamText(text):
                    chars += len(text)
                    assert is_open
                    assert chars <= 100
                case CloseStream():
                    assert is_open
                    is_open = False


def home_assistant_session(data: bytes) -> None:
    """Whatever Home Assistant and our turns do, in whatever order: what is to be sent can be sent."""
    draw, session, now_ms, epoch = Draw(data), HomeAssistantSession(), 0, 0
    while draw:
        now_ms += draw.pick((0, 20, 600, 3_000, 12_000))
        match draw.byte() % 8:
            case 0:
                outcomes = session.connected(now_ms)
            case 1:
                outcomes = session.disconnected(now_ms)
            case 2:
                epoch += 1
                outcomes = session.begin(BeginTurn(epoch, Via.HOME_ASSISTANT, 0), now_ms)
            case 3:
                outcomes = session.feed(epoch, draw.raw(100)) + session.end_audio(epoch)
            case 4:
                outcomes = session.cancel(epoch, now_ms)
            case 5:
                outcomes = session.tick(now_ms) + session.played()
            case _:
                with contextlib.suppress(PeerError):
                    session.received(draw.event(_HOME), now_ms)
                continue
        for outcome in outcomes:
            if isinstance(outcome, Send):
                encode(outcome.event)


def asr_server(data: bytes) -> None:
    """A whole ASR server, with an engine that says always the same."""
    finished(_talk(_asr(), ASR, data))


def tts_server(data: bytes) -> None:
    """A whole TTS server, with an engine that beeps."""
    finished(_talk(_tts(), TTS, data))


def handle_server(data: bytes) -> None:
    """A whole handle server, without a language model."""
    finished(_talk(_handle(), HANDLE, data))


async def _talk(program: Program, kinds: Kinds, data: bytes) -> None:
    draw = Draw(data)
    said = bytearray()
    while draw:
        said += encode(draw.event(kinds))
    said += encode(Event("ping"))
    ready = asyncio.Event()
    ready.set()
    connection, sink = heard(bytes(said))
    peer = Peer(connection, House(program, ready, 60.0, _unheard, dict, _unheard))
    async with asyncio.timeout(20):
        await peer.serve()
    for event in await sink.events():
        told = event.data if event.type == "error" else {}
        assert not str(told.get("text")).startswith("internal error"), told
        assert len(str(told.get("text"))) < 1000


@functools.cache
def _asr() -> Program:
    return _loaded(
        AsrProgram(AsrSettings(no_zeroconf=True, max_audio_s=20), [ScriptedEngine("hello")])
    )


@functools.cache
def _tts() -> Program:
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    return _loaded(TtsProgram(TtsSettings(no_zeroconf=True), Beeper(), catalogue, MADE_BY))


@functools.cache
def _handle() -> Program:
    program = build(HandleSettings(no_zeroconf=True, llm_url=NO_LLM))
    assert isinstance(program, HandleProgram)
    return _loaded(program)


def _unheard(*_: object) -> None:
    """Nobody counts requests here."""


def _loaded(program: Any) -> Program:
    finished(program.load())
    loaded: Program = program
    return loaded


TARGETS = (
    Target(asr_session, dice()),
    Target(tts_session, dice()),
    Target(home_assistant_session, dice()),
    Target(asr_server, dice((40, 200, 600)), most_bytes=1500),
    Target(tts_server, dice((40, 200, 600)), most_bytes=1500),
    Target(handle_server, dice((40, 200, 600)), most_bytes=1500),
)
