"""What a line on the control socket asks for, and what is answered: one entry for each request.

Rule: whatever a client writes is either carried out or refused with a sentence that says what to write.
"""

import json
import math
from collections.abc import Callable
from difflib import get_close_matches

from satellite.parts import Controls
from wyoming_voice.errors import BadEvent

Request = dict[str, object]
Answer = dict[str, object]

_MOST_NUMBER = 2**63
"""JSON's can be too large to calculate with."""


def parse(line: bytes) -> Request:
    """A request with a "do" that there is; raises BadEvent."""
    try:
        request = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise BadEvent('a request is one line of JSON, such as {"do": "trigger"}') from error
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise BadEvent('a request is a JSON object with "do", such as {"do": "trigger"}')
    wanted = request["do"]
    if wanted not in _COMMANDS:
        near = get_close_matches(wanted, _COMMANDS, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_COMMANDS)}"
        raise BadEvent(f"unknown request {wanted[:40]!r}; {remedy}")
    return request


def refusal(text: str) -> Answer:
    """The answer to what is not done."""
    return {"ok": False, "error": text}


def encode(answer: Answer) -> bytes:
    """An answer or an event as a line."""
    return json.dumps(_jsonable(answer), ensure_ascii=False).encode(errors="replace") + b"\n"


def _jsonable(value: object) -> object:
    """A level of silence is minus infinity, which JSON has no word for."""
    match value:
        case dict():
            return {str(key): _jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [_jsonable(item) for item in value]
        case float() if not math.isfinite(value):
            return None
    return value


def carry_out(controls: Controls, request: Request) -> Answer:
    """Do what a request asks; what there is to say beside "ok". Raises VoiceError."""
    return _COMMANDS[str(request["do"])](controls, request)


def _plainly(act: Callable[[Controls], None]) -> Callable[[Controls, Request], Answer]:
    def acted(controls: Controls, request: Request) -> Answer:
        act(controls)
        return {}

    return acted


def _trigger(controls: Controls, request: Request) -> Answer:
    _check_ear(controls)
    controls.trigger()
    return {}


def _press(controls: Controls, request: Request) -> Answer:
    _check_ear(controls)
    controls.press()
    return {}


def _check_ear(controls: Controls) -> None:
    muted = controls.status().get("muted")
    if not isinstance(muted, list) or not muted:
        return
    by = ", ".join(map(str, muted))
    remedy = "in Home Assistant" if "home-assistant" in muted else '{"do": "unmute"}'
    raise BadEvent(f"muted by {by}; unmute it first: {remedy}")


def _say(controls: Controls, request: Request) -> Answer:
    text, servers = _text(request, "text"), controls.status().get("servers")
    missing = servers.get("missing") if isinstance(servers, dict) else None
    if isinstance(missing, list) and "tts" in missing:
        raise BadEvent("no tts server answers; start one, or name it (--tts-uri)")
    controls.say(text)
    return {}


def _volume(controls: Controls, request: Request) -> Answer:
    percent = _number(request, "percent")
    if not 0 <= percent <= 100:
        raise BadEvent(f"'percent' is {percent:g}; from 0 to 100")
    controls.set_volume(round(percent))
    return {}


def _timer(controls: Controls, request: Request) -> Answer:
    name = _text(request, "name") if request.get("name") else ""
    return {"id": controls.add_timer(_number(request, "seconds"), name)}


def _cancel_timer(controls: Controls, request: Request) -> Answer:
    wanted = _text(request, "id")
    if not controls.cancel_timer(wanted):
        raise BadEvent(f'no timer {wanted[:80]!r}; {{"do": "status"}} lists them')
    return {}


def _text(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadEvent(f'{request["do"]!r} needs "{name}", a text')
    return value


def _number(request: Request, name: str) -> float:
    value = request.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST_NUMBER:
        return value
    if not isinstance(value, float) or not math.isfinite(value):
        raise BadEvent(f'{request["do"]!r} needs "{name}", a number')
    return value


_COMMANDS: dict[str, Callable[[Controls, Request], Answer]] = {
    "trigger": _trigger,
    "press": _press,
    "release": _plainly(lambda controls: controls.release()),
    "stop": _plainly(lambda controls: controls.stop()),
    "mute": _plainly(lambda controls: controls.mute(True)),
    "unmute": _plainly(lambda controls: controls.mute(False)),
    "say": _say,
    "volume": _volume,
    "timer": _timer,
    "cancel-timer": _cancel_timer,
    "status": lambda controls, request: {"status": controls.status()},
    "watch": lambda controls, request: {},  # the socket's side of it is in `control`
}
