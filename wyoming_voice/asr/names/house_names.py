"""Which names of a house a recogniser should know, the likeliest to be said first.

PURE. Rule: what nobody says (ids, whole sentences) is left out; a name is spelled as in the house; the same
house gives an equal Glossary.
"""

import re
from collections.abc import Callable, Iterable

from wyoming_voice.asr.engine import Glossary
from wyoming_voice.hass.registry import House, Named

_SAID_BY_NAME = (
    *("light", "switch", "cover", "climate", "fan", "media_player", "lock", "vacuum", "scene"),
    *("script", "todo", "input_boolean", "humidifier", "valve", "water_heater", "lawn_mower"),
    *("siren", "alarm_control_panel", "button", "input_button", "automation", "person", "weather"),
)
"""What people command by its name. The hundreds of sensors of a house are asked after by their rooms."""

_LAST = ("sensor", "binary_sensor", "number", "select", "update", "event")

_LONGEST_CHARS = 50
_ID = re.compile(r"_|\b(?:0x)?(?=[a-f]*\d)[0-9a-f]{6,}\b", re.IGNORECASE)
"""An entity's id, or a device's number, which stand where nobody has given a name."""


def glossary(house: House) -> Glossary:
    """Areas with something in them, floors, other areas, what is commanded by name, and then the rest."""
    used = {named.area for named in house.names if named.kind == "entity" and named.area}
    ranked = sorted((_rank(named, used), place) for place, named in enumerate(house.names))
    names: dict[str, str] = {}
    likely = 0
    for rank, place in ranked:
        name = house.names[place].name
        if not _sayable(name) or name.casefold() in names:
            continue
        names[name.casefold()] = name
        likely += rank < _UNLIKELY
    return Glossary(tuple(names.values()), likely)


def unknown_words(name: str, count: Callable[[str], int]) -> set[str]:
    """The words of a name that a tokenizer has to split: its model has seldom or never read them.

    `count` says how many tokens a text has. A word is known when it is known in small letters: Whisper has
    one token for " bedroom", and two for " Bedroom". In small letters, too.
    """
    words = re.findall(r"[^\W\d_]+", name)
    split = (word for word in words if count(f" {word}") > 1)
    return {word.lower() for word in split if count(f" {word.lower()}") > 1}


_UNLIKELY = 3 + len(_SAID_BY_NAME)


def _rank(named: Named, used: Iterable[str]) -> int:
    match named.kind:
        case "area":
            return 0 if named.name in used or named.area in used else 2
        case "floor":
            return 1
        case "entity":
            if named.domain in _SAID_BY_NAME:
                return 3 + _SAID_BY_NAME.index(named.domain)
            return _UNLIKELY + (named.domain in _LAST)


def _sayable(name: str) -> bool:
    return (
        1 < len(name) <= _LONGEST_CHARS
        and any(letter.isalpha() for letter in name)
        and "<|" not in name
        and _ID.search(name) is None
    )
