"""A small fake Home Assistant: its WebSocket API over a house that is data, misbehaving on demand.

What it answers has the shape that Home Assistant 2026.11 answers with. `asked` holds every command;
`answers` replaces the answer to one: a value, a Refuse, or SILENT; `until` waits for something to be so,
looked at after each frame that comes and each connection that begins or ends.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

# At debug level websockets logs the frame with the token, which tests look for in the log.
_quiet = logging.getLogger(f"{__name__}.wire")
_quiet.setLevel(logging.WARNING)

TOKEN = "a-long-lived-token"
SILENT = object()
_FOR_ADMINISTRATORS = {"homeassistant/expose_entity/list"}


@dataclass(frozen=True)
class Refuse:
    code: str
    message: str = "no"


@dataclass(frozen=True)
class Sentence:
    """What Home Assistant's own agent says to a sentence that it understands."""

    speech: str
    response_type: str = "action_done"
    code: str = ""


@dataclass
class Home:
    """A house as Home Assistant's registries hold it."""

    areas: list[Any] = field(default_factory=list)
    floors: list[Any] = field(default_factory=list)
    devices: list[Any] = field(default_factory=list)
    entities: dict[str, Any] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(
        default_factory=lambda: {
            "language": "en",
            "state": "RUNNING",
            "unit_system": {"length": "km", "temperature": "°C"},
        }
    )

    def floor(self, name: str, *aliases: str) -> str:
        self.floors.append({"floor_id": _id(name), "name": name, "aliases": list(aliases)})
        return _id(name)

    def area(self, name: str, *aliases: str, floor: str | None = None) -> str:
        row = {"area_id": _id(name), "name": name, "aliases": list(aliases), "floor_id": floor}
        self.areas.append(row)
        return _id(name)

    def device(self, id: str, area: str | None = None, parent: str | None = None) -> str:
        self.devices.append({"id": id, "area_id": area, "parent_device_id": parent})
        return id

    def entity(self, id: str, name: str, *aliases: str | None, **fields: Any) -> None:
        """`aliases`: None is where the name shown stands; `area`, `device`, `exposed` are fields."""
        options = {"conversation": {"should_expose": fields.get("exposed", True)}}
        self.states[id] = {"s": "on", "a": {"friendly_name": name}}
        self.entities[id] = {
            "entity_id": id,
            "name": None,
            "original_name": name,
            "aliases": list(aliases) or [None],
            "area_id": fields.get("area"),
            "device_id": fields.get("device"),
            "options": options,
        }


class FakeHass:
    """Use `async with`; `url` is where it listens, on the loopback interface."""

    def __init__(self, home: Home | None = None, *, token: str = TOKEN, admin: bool = True) -> None:
        self.home = home or Home()
        self.token = token
        self.admin = admin
        self.sentences: dict[str, Sentence] = {}
        self.answers: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []
        self.connected = 0
        self.refused = 0
        self._port = 0
        self._server: Server | None = None
        self._listening: dict[ServerConnection, dict[int, str]] = {}
        self._news = asyncio.Condition()

    async def __aenter__(self) -> "FakeHass":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def subscribed(self) -> list[str]:
        """The types of events that somebody listens to."""
        return [type for types in self._listening.values() for type in types.values()]

    def commands(self) -> list[str]:
        return [frame["type"] for frame in self.asked]

    async def start(self) -> None:
        """Listen; on the same port as before, after a stop."""
        self._server = await serve(
            self._serve, "127.0.0.1", self._port, max_size=None, logger=_quiet
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Hang up and listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def hang_up(self) -> None:
        for socket in list(self._listening):
            await socket.close()

    async def fire(self, type: str, **data: Any) -> None:
        """An event, to all who subscribed to its type."""
        for socket, types in list(self._listening.items()):
            for number in [number for number, one in types.items() if one == type]:
                event = {"event_type": type, "data": data}
                await _send(socket, {"id": number, "type": "event", "event": event})

    async def reply(self, frame: Mapping[str, Any], answer: Any) -> None:
        """The answer to a command that was left without one."""
        for socket in self._listening:
            await _send(socket, _result(frame, success=True, result=answer))

    async def until(self, so: Callable[[], bool]) -> None:
        async with self._news:
            await self._news.wait_for(so)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.path == "/api/websocket"
        try:
            if await self._let_in(socket):
                async for text in socket:
                    await self._hear(socket, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self._listening.pop(socket, None)
            await self._tell()

    async def _let_in(self, socket: ServerConnection) -> bool:
        await _send(socket, {"type": "auth_required", "ha_version": "2026.11.0"})
        frame = json.loads(await socket.recv())
        if frame != {"type": "auth", "access_token": self.token}:
            self.refused += 1
            await self._tell()
            await _send(socket, {"type": "auth_invalid", "message": "Invalid access token"})
            return False
        self.connected += 1
        self._listening[socket] = {}
        await _send(socket, {"type": "auth_ok", "ha_version": "2026.11.0"})
        await self._tell()
        return True

    async def _hear(self, socket: ServerConnection, frame: dict[str, Any]) -> None:
        self.asked.append(frame)
        answer = self._answer(socket, frame)
        if isinstance(answer, Refuse):
            error = {"code": answer.code, "message": answer.message}
            await _send(socket, _result(frame, success=False, error=error))
        elif answer is not SILENT:
            await _send(socket, _result(frame, success=True, result=answer))
            if frame["type"] == "subscribe_entities":
                states = {id: self.home.states.get(id) for id in frame["entity_ids"]}
                event = {"a": {id: state for id, state in states.items() if state is not None}}
                await _send(socket, {"id": frame["id"], "type": "event", "event": event})
        await self._tell()

    def _answer(self, socket: ServerConnection, frame: dict[str, Any]) -> Any:
        command = frame["type"]
        if command in self.answers:
            return self.answers[command]
        if command in _FOR_ADMINISTRATORS and not self.admin:
            return Refuse("unauthorized", "Unauthorized")
        if command == "subscribe_events":
            self._listening[socket][frame["id"]] = frame["event_type"]
            return None
        if command in ("subscribe_entities", "unsubscribe_events"):
            return None
        answer = _ANSWERS.get(command)
        return answer(self, frame) if answer else Refuse("unknown_command", "Unknown command.")

    def exposed(self) -> dict[str, Any]:
        entries = self.home.entities
        ids = [id for id in entries if entries[id]["options"]["conversation"]["should_expose"]]
        return {"exposed_entities": {id: {"conversation": True} for id in ids}}

    def displayed(self) -> dict[str, Any]:
        keys = {"entity_id": "ei", "area_id": "ai", "device_id": "di"}
        rows = self.home.entities.values()
        return {"entities": [{keys[key]: row[key] for key in keys if row[key]} for row in rows]}

    def debug(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        """`match` is the word that counts; a sentence that is nearly understood has a false one."""
        known = [self.sentences.get(text) for text in frame["sentences"]]
        return {"results": [{"match": True, "slots": {}} if one else None for one in known]}

    def process(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        unknown = Sentence("Sorry, I couldn't understand that", "error", "no_intent_match")
        said = self.sentences.get(frame["text"], unknown)
        done: dict[str, Any] = {"success": [], "failed": []}
        response = {
            "speech": {"plain": {"speech": said.speech, "extra_data": None}},
            "response_type": said.response_type,
            "data": {"code": said.code} if said.code else done,
        }
        return {"response": response, "conversation_id": "01", "continue_conversation": False}


_ANSWERS: dict[str, Callable[[FakeHass, dict[str, Any]], Any]] = {
    "get_config": lambda hass, _: hass.home.config,
    "config/area_registry/list": lambda hass, _: hass.home.areas,
    "config/floor_registry/list": lambda hass, _: hass.home.floors,
    "config/device_registry/list": lambda hass, _: hass.home.devices,
    "config/entity_registry/list_for_display": lambda hass, _: hass.displayed(),
    "config/entity_registry/get_entries": lambda hass, frame: {
        id: hass.home.entities.get(id) for id in frame["entity_ids"]
    },
    "homeassistant/expose_entity/list": lambda hass, _: hass.exposed(),
    "conversation/agent/homeassistant/debug": lambda hass, frame: hass.debug(frame),
    "conversation/process": lambda hass, frame: hass.process(frame),
}


def _result(frame: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": frame["id"], "type": "result", **fields}


async def _send(socket: ServerConnection, document: Any) -> None:
    await socket.send(json.dumps(document))


def _id(name: str) -> str:
    return name.lower().replace(" ", "_")
