"""Messages as text: of pages and clients on WebSockets, of Home Assistant's, on the control socket; and
what other servers answer to our own clients.
"""

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from satellite.around.control_lines import carry_out, encode, parse, refusal
from tests.fuzz.draw import Draw
from tests.fuzz.sink import heard
from tests.fuzz.target import Target, check_told, dice, finished, spoken
from wyoming_voice import wire
from wyoming_voice.asr.http import messages as asr_messages
from wyoming_voice.client import Speech, Supposed, answer, transcript
from wyoming_voice.errands import Done
from wyoming_voice.errors import BadEvent, UpstreamError, VoiceError
from wyoming_voice.gateway.messages import read_message
from wyoming_voice.hass import messages as hass_messages
from wyoming_voice.hass.registry import (
    Building,
    Lists,
    Piece,
    entries_in,
    exposed,
    exposed_by_their_options,
    registered,
    shown_in,
)
from wyoming_voice.http.bodies import parsed
from wyoming_voice.tts.http.dialogue import Add, Close, Dialogue, HangUp, Open

T = TypeVar("T")


def page_message(data: bytes) -> None:
    """A page's message is one that there is, or a refusal that doesn't repeat it at length."""
    _refused_briefly(read_message, _message(Draw(data), _PAGE))


def dictation_message(data: bytes) -> None:
    """Likewise on `/ws/transcribe`."""
    _refused_briefly(asr_messages.read, _message(Draw(data), _DICTATION))


def speech_messages(data: bytes) -> None:
    """Likewise on `/ws/tts`, where texts are opened, filled and closed in this order, and bounded."""
    draw, dialogue, is_open, chars = Draw(data), Dialogue(max_text_chars=100), False, 0
    while draw:
        text = _message(draw, _SPEECH)
        effects = _refused_briefly(lambda text: dialogue.push(parsed(text)), text) or []
        for effect in effects:
            match effect:
                case Open():
                    assert not is_open
                    is_open, chars = True, 0
                case Add(more):
                    chars += len(more)
                    assert is_open
                    assert chars <= 100
                case Close():
                    assert is_open
                    is_open = False
                case HangUp():
                    return
                case _:
                    is_open = False


def control_line(data: bytes) -> None:
    """Whatever is written on the control socket is carried out, or refused in words."""
    draw = Draw(data)
    try:
        said = _message(draw, _CONTROL).encode(errors="surrogateescape")
        answered = carry_out(_Controls(), parse(said))
    except VoiceError as error:
        answered = refusal(str(error))
        check_told(error)
    assert encode(answered).count(b"\n") == 1


def home_assistant_messages(data: bytes) -> None:
    """What Home Assistant says on its WebSocket is read or left out."""
    draw = Draw(data)
    for message in hass_messages.read(_message(draw, _HASS)):
        if isinstance(message, hass_messages.Refusal):
            assert str(hass_messages.failure("x", message.code)).isprintable()


def house(data: bytes) -> None:
    """Whatever Home Assistant's lists hold makes a house whose names can be said."""
    draw = Draw(data)
    lists = {name: _rows(draw) if draw.byte() < 200 else draw.value() for name in _LISTS}
    displayed = {"entities": lists["entities"]} if draw.byte() < 230 else draw.value()
    config = draw.fields({"unit_system": ({"length": "km"},), "language": ("en",)})
    building = Building(
        Lists(config, lists["floors"], lists["areas"], lists["devices"], displayed, draw.value())
    )
    entries = entries_in({"light.a": draw.fields(_ROW), "light.b": draw.value()})
    shown = shown_in({"a": {"light.a": {"a": {"friendly_name": draw.text(20)}}, "b": draw.value()}})
    ids = [*registered(displayed), *exposed(draw.value()), *exposed_by_their_options(entries)]
    building.add(Piece(["light.a", *ids], entries, draw.pick((shown, None))))
    built = building.finish()
    assert all(named.name.isprintable() and named.name.strip() for named in built.names)
    assert len(set(built.names)) == len(built.names)


def _rows(draw: Draw) -> object:
    return [draw.fields(_ROW) for _ in range(draw.number(3))]


def client(data: bytes) -> None:
    """Whatever a server answers to our clients is an answer, an UpstreamError, or no event at all."""
    draw = Draw(data)
    read = draw.pick((_transcribed, _answered, _streamed, _whole))
    events = []
    while draw:
        events.append(draw.event(_REPLIES))
    finished(read(b"".join(map(wire.encode, events))))


async def _transcribed(said: bytes) -> None:
    guesses: list[Supposed] = []
    with contextlib.suppress(UpstreamError, BadEvent):
        text = await transcript(heard(said)[0], guesses.append)
        assert isinstance(text, str)
    assert all(guess.audio_ms is None or guess.audio_ms + 1 for guess in guesses)


async def _answered(said: bytes) -> None:
    connection, sink = heard(said)
    done: list[str] = []

    def do(name: str, arguments: object) -> Done:
        done.append(name)
        assert isinstance(arguments, dict)
        return Done(json.dumps(arguments))

    with contextlib.suppress(UpstreamError, BadEvent):
        async with contextlib.aclosing(answer(connection, "on", {}, do=do)) as deltas:
            assert all([isinstance(delta, str) async for delta in deltas])
    results = [event.data["id"] for event in await sink.events() if event.type == "tool-result"]
    assert len(done) <= len(set(results)) or not results


async def _streamed(said: bytes) -> None:
    with contextlib.suppress(UpstreamError, BadEvent):
        async with contextlib.aclosing(Speech(heard(said)[0], "t").sounds()) as sounds:
            assert all([sound.ms >= 0 async for sound in sounds])


async def _whole(said: bytes) -> None:
    with contextlib.suppress(UpstreamError, BadEvent):
        async with contextlib.aclosing(Speech(heard(said)[0], "t").whole_sounds()) as sounds:
            assert all([sound.ms >= 0 async for sound in sounds])


@dataclass(frozen=True)
class _Controls:
    """A satellite that does whatever it is told to."""

    def trigger(self) -> None: ...
    def press(self) -> None: ...
    def release(self) -> None: ...
    def stop(self) -> None: ...
    def mute(self, on: bool) -> None: ...
    def say(self, text: str) -> None: ...

    def set_volume(self, percent: int) -> None:
        assert 0 <= percent <= 100

    def add_timer(self, seconds: float, name: str) -> str:
        return f"{seconds:g} {name}"

    def cancel_timer(self, timer_id: str) -> bool:
        return timer_id == "1"

    def status(self) -> dict[str, object]:
        return {"muted": [], "level_db": float("-inf")}


def _message(draw: Draw, likely: dict[str, Sequence[object]]) -> str:
    """JSON with fields that are likely, or any text."""
    if draw.byte() >= 200:
        return draw.rest_text()
    return json.dumps(draw.fields(likely))


def _refused_briefly(read: Callable[[str], T], text: str) -> T | None:
    try:
        return read(text)
    except VoiceError as error:
        check_told(error)
        return None


_PAGE: dict[str, Sequence[object]] = {
    "type": ("start", "press", "release", "stop", "heard", "alive"),
    **{"mode": ("talk", "push"), "sample_rate": (48_000,), "format": ("f32le", "s16le")},
    **{"voice": ("a",), "language": ("en",), "conversation": ("c" * 32,)},
    **{"playback": (1,), "ms": (0.5, 10**400)},
}
_DICTATION: dict[str, Sequence[object]] = {
    "type": ("start", "end", "cancel"),
    **{"sample_rate": (16_000,), "format": ("f32le",), "channels": (1,), "words": (True,)},
    **{"language": ("en",), "names": (["a"], "a,b"), "sensitivity": ("relaxed",)},
}
_SPEECH: dict[str, Sequence[object]] = {
    **{"text": ("Hello.",), "delta": ("a", "b" * 60), "end": (True, False), "cancel": (True,)},
    **{"voice": ("x",), "speed": (1.0, 1), "format": ("pcm",), "turn_id": ("t",)},
}
_CONTROL: dict[str, Sequence[object]] = {
    "do": ("trigger", "press", "say", "mute", "volume", "timer", "cancel-timer", "status", "watch"),
    **{"text": ("hi",), "percent": (50, -1), "seconds": (5, 0.5, 10**400), "name": ("eggs",)},
    "id": ("1",),
}
_HASS: dict[str, Sequence[object]] = {
    "type": ("result", "event", "auth_ok", "auth_invalid"),
    **{"id": (1, True, 10**400), "success": (True, False), "result": ({},), "event": ({},)},
    **{"error": ({"code": "not_found", "message": "no"}, {"code": 1}), "ha_version": ("2026.11",)},
}
_ROW: dict[str, Sequence[object]] = {
    **{"ei": ("light.a", "assist_satellite.x"), "ai": ("a1",), "di": ("d1",), "id": ("d1",)},
    **{
        "area_id": ("a1",),
        "floor_id": ("f1",),
        "parent_device_id": ("d1",),
        "name": ("Kitchen", ""),
    },
    **{"aliases": (["Galley", None], [None, 1], "x"), "original_name": ("Lamp",)},
    "options": ({"conversation": {"should_expose": True}},),
}
_LISTS = ("floors", "areas", "devices", "entities")
_FORMAT: dict[str, Sequence[object]] = {"rate": (22_050,), "width": (2,), "channels": (1,)}
_REPLIES: dict[str, dict[str, Sequence[object]]] = {
    **{
        "transcript": {"text": ("on",)},
        "transcript-start": {},
        "transcript-chunk": {"text": ("a",)},
    },
    "speculative-transcript": {"text": ("on",), "audio_ms": (100,), "language": ("en",)},
    **{
        "handled": {"text": ("ok",)},
        "not-handled": {"text": ("",)},
        "handled-chunk": {"text": ("a",)},
    },
    "tool-call": {"id": ("1", "2"), "name": ("SetVolume",), "arguments": ({"a": 1}, {})},
    **{"answer-written": {}, "error": {"text": ("no",), "code": ("busy",)}},
    **{"audio-start": _FORMAT, "audio-chunk": _FORMAT, "audio-stop": {}, "synthesize-stopped": {}},
}

TARGETS = (
    Target(page_message, dice((40,))),
    Target(dictation_message, dice((40,))),
    Target(speech_messages, dice()),
    Target(control_line, (*dice((40,)), *spoken('{"do":"say","text":"a"}', head=b"\xff"))),
    Target(home_assistant_messages, (*dice((40,)), *spoken('[{"type":"event"}]', head=b"\xff"))),
    Target(house, dice()),
    Target(client, dice()),
)
