"""What Home Assistant's lists say of a house: the names that people may say, and the room of each device.

PURE. Rule: data of an unexpected shape is left out, and never an error; the same house gives an equal House.

What counts as a name is what Home Assistant's own agent matches (components/conversation/default_agent.py,
_make_slot_lists): of the entities exposed to `conversation` the name shown and the aliases, of all areas
and floors both. An alias that is null stands for the name shown; of an older Home Assistant, whose
aliases hold no null, the name shown is always one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["entity", "area", "floor"]
Units = Literal["metric", "us_customary", ""]
Entry = Mapping[str, object]

ASSISTANT = "conversation"
SATELLITE = "assist_satellite"
MOST_NAME_CHARS = 100
MOST_NAMES = 10_000

_MARKS = dict.fromkeys(map(ord, "\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff"))
"""Where to break a line, and which way to write: they come along when a name is pasted, and aren't said."""

_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))
"""Unseen, too, but part of how words are spelled in Persian, Hindi and others."""


@dataclass(frozen=True, slots=True)
class Named:
    """One name that people may say; several may stand for one thing (aliases)."""

    name: str
    kind: Kind
    domain: str = ""
    """Of an entity: "light", "climate"."""
    area: str = ""
    """Of an entity the name of its area, "" for none; of an area, under whatever alias, its own name."""


@dataclass(frozen=True, slots=True)
class House:
    """What is known of a house; an empty one is one of which nothing is known."""

    names: tuple[Named, ...] = ()
    """Exposed entities, then areas, then floors, each in Home Assistant's order; none stands there twice."""
    rooms: Mapping[str, str] = field(default_factory=dict)
    """By device id, and by the entity id of a satellite: "Kitchen", or "Kitchen, Ground floor"."""
    units: Units = ""
    language: str = ""

    def room(self, device_id: str, satellite_id: str) -> str:
        """Where a satellite is, by its own area before its device's; "" when nobody knows."""
        return self.rooms.get(satellite_id) or self.rooms.get(device_id) or ""


@dataclass(slots=True)
class Lists:
    """Home Assistant's answers as they came; None for one that it refused."""

    config: object = None
    floors: object = None
    areas: object = None
    devices: object = None
    displayed: object = None
    """`config/entity_registry/list_for_display`: each entity's `ei` id, `ai` area, `di` device."""
    exposed: object = None
    """`homeassistant/expose_entity/list`, for administrators only."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is known of some exposed entities."""

    ids: Sequence[str]
    entries: Mapping[str, Entry]
    """`config/entity_registry/get_entries`; what isn't in the registry isn't in it."""
    shown: Mapping[str, str] | None
    """The name of each that has a state; None where that is not known."""


def registered(displayed: object) -> list[str]:
    """The ids of the entities in the registry that aren't switched off."""
    match displayed:
        case {"entities": list(rows)}:
            return [id for row in _entries(rows) if (id := _text(row.get("ei")))]
    return []


def exposed(answer: object) -> list[str]:
    """The ids in an answer to `homeassistant/expose_entity/list` that voice assistants may see."""
    match answer:
        case {"exposed_entities": dict(entities)}:
            return [id for id, to in entities.items() if isinstance(to, dict) and to.get(ASSISTANT)]
    return []


def exposed_by_their_options(entries: Mapping[str, Entry]) -> list[str]:
    """The same of registry entries, for who may not ask for the list."""
    return [id for id, entry in entries.items() if _says_exposed(entry.get("options"))]


def entries_in(answer: object) -> dict[str, Entry]:
    """Registry entries by entity id, of an answer to `get_entries`."""
    if not isinstance(answer, dict):
        return {}
    return {id: entry for id, entry in answer.items() if isinstance(entry, dict)}


def shown_in(event: object) -> dict[str, str]:
    """The names shown, of the first event of `subscribe_entities`; "" for an entity without one."""
    match event:
        case {"a": dict(states)}:
            return {id: _friendly_name(state) for id, state in states.items()}
    return {}


class Building:
    """A house that is put together of its lists, and of its entities piece by piece.

    A house of 3000 entities takes 20 ms in all, too long to be done without a pause.
    """

    def __init__(self, lists: Lists) -> None:
        self._config = lists.config
        self._floors = {_text(row.get("floor_id")): row for row in _entries(lists.floors)}
        self._areas = {_text(row.get("area_id")): row for row in _entries(lists.areas)}
        self._rooms = _Rooms(lists, self._areas, self._floors)
        self._places = tuple(dict.fromkeys([*_of_areas(self._areas), *_of_floors(self._floors)]))
        self._names: dict[Named, None] = {}
        self._nulls = False

    def add(self, piece: Piece) -> None:
        """The names of some more entities."""
        self._nulls = self._nulls or any(None in _aliases(row) for row in piece.entries.values())
        for id in piece.ids:
            if len(self._names) < MOST_NAMES:
                self._names |= dict.fromkeys(self._of_entity(id, piece))

    def finish(self) -> House:
        """The house."""
        places = self._places[:MOST_NAMES]
        return House(
            names=(*self._names,)[: MOST_NAMES - len(places)] + places,
            rooms=self._rooms.by_device_and_satellite(),
            units=_units(self._config),
            language=_language(self._config),
        )

    def _of_entity(self, id: str, piece: Piece) -> Iterator[Named]:
        entry = piece.entries.get(id, {})
        if piece.shown is not None and id not in piece.shown:
            return  # an entity without a state can't be spoken of
        name = (piece.shown or {}).get(id) or entry.get("name") or entry.get("original_name")
        aliases = _aliases(entry)
        if not (self._nulls and aliases):
            aliases = [None, *aliases]
        domain, area = id.partition(".")[0], self._rooms.area(id)
        for spoken in aliases:
            if text := _name(name if spoken is None else spoken):
                yield Named(text, "entity", domain, area)


class _Rooms:
    """Which area a thing is in: an entity's own before its device's, a device's before its parent's."""

    def __init__(self, lists: Lists, areas: dict[str, Entry], floors: dict[str, Entry]) -> None:
        self._areas = {id: _name(row.get("name")) for id, row in areas.items()}
        self._floors = {
            id: _name(floors.get(_text(row.get("floor_id")), {}).get("name"))
            for id, row in areas.items()
        }
        self._devices = {_text(row.get("id")): row for row in _entries(lists.devices)}
        rows = lists.displayed.get("entities") if isinstance(lists.displayed, dict) else None
        self._entities = {_text(row.get("ei")): row for row in _entries(rows)}

    def area(self, entity_id: str) -> str:
        """The name of an entity's area."""
        return self._areas.get(self._area_id(entity_id), "")

    def by_device_and_satellite(self) -> dict[str, str]:
        satellites = [id for id in self._entities if id.startswith(f"{SATELLITE}.")]
        area_ids = {id: self._area_id_of_device(id) for id in self._devices}
        area_ids |= {id: self._area_id(id) for id in satellites}
        return {
            id: room for id, area_id in area_ids.items() if id and (room := self._room(area_id))
        }

    def _area_id(self, entity_id: str) -> str:
        row = self._entities.get(entity_id, {})
        return _text(row.get("ai")) or self._area_id_of_device(_text(row.get("di")))

    def _area_id_of_device(self, device_id: str) -> str:
        device = self._devices.get(device_id, {})
        parent = self._devices.get(_text(device.get("parent_device_id")), {})
        return _text(device.get("area_id")) or _text(parent.get("area_id"))

    def _room(self, area_id: str) -> str:
        area = self._areas.get(area_id, "")
        return ", ".join(filter(None, (area, self._floors.get(area_id, "")))) if area else ""


def _of_areas(areas: Mapping[str, Entry]) -> Iterator[Named]:
    for area in areas.values():
        own = _name(area.get("name"))
        for name in filter(None, [own, *map(_name, _aliases(area))]):
            yield Named(name, "area", area=own)


def _of_floors(floors: Mapping[str, Entry]) -> Iterator[Named]:
    for floor in floors.values():
        for name in filter(None, map(_name, [floor.get("name"), *_aliases(floor)])):
            yield Named(name, "floor")


def _entries(rows: object) -> Iterable[Entry]:
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _aliases(entry: Entry) -> list[object]:
    aliases = entry.get("aliases")
    return aliases if isinstance(aliases, list) else []


def _says_exposed(options: object) -> bool:
    match options:
        case {"conversation": {"should_expose": True}}:
            return True
    return False


def _friendly_name(state: object) -> str:
    match state:
        case {"a": {"friendly_name": str(name)}}:
            return name
    return ""


def _units(config: object) -> Units:
    """By the unit of lengths, which tells the two systems apart (util/unit_system.py)."""
    match config:
        case {"unit_system": {"length": "km"}}:
            return "metric"
        case {"unit_system": {"length": "mi"}}:
            return "us_customary"
    return ""


def _language(config: object) -> str:
    return _text(config.get("language"))[:35] if isinstance(config, dict) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _name(value: object) -> str:
    """One line without control characters; "" for what is no name, or too long to be said."""
    text = _text(value)
    if len(text) > 2 * MOST_NAME_CHARS:  # not worth a look, which takes a while where it is a book
        return ""
    name = " ".join(text.translate(_MARKS).split())
    seen = name.translate(_JOINERS)
    return name if seen and seen.isprintable() and len(name) <= MOST_NAME_CHARS else ""
