"""Decides what Home Assistant is told of this satellite: its name, its room, its wake words.

Rule: all wake words that were set up are active at once, and none can be chosen from Home Assistant.
"""

from collections.abc import Sequence

from wyoming.info import Attribution, Info, Satellite, WakeModel, WakeProgram

from satellite.events import WakeWord
from wyoming_voice import __version__

_ATTRIBUTION = Attribution(name="wyoming-voice", url="")


def satellite_info(
    name: str, *, description: str, area: str, wake_words: Sequence[WakeWord]
) -> Info:
    """The answer to `describe`; stop words are no wake words.

    `name` is part of Home Assistant's unique id. There is no remote trigger, for Home Assistant has no
    event for one.
    """
    words = [word for word in wake_words if not word.stops]
    return Info(
        satellite=Satellite(
            name=name,
            description=description,
            attribution=_ATTRIBUTION,
            installed=True,
            version=__version__,
            area=area or None,
            has_vad=True,
            active_wake_words=[word.name for word in words],
            max_active_wake_words=max(1, len(words)),
            supports_trigger=False,
        ),
        wake=[_wake_program(words)] if words else [],
    )


def _wake_program(words: Sequence[WakeWord]) -> WakeProgram:
    models = [
        WakeModel(
            name=word.name,
            description=word.phrase,
            attribution=_ATTRIBUTION,
            installed=True,
            version=None,
            languages=[],
            phrase=word.phrase,
        )
        for word in words
    ]
    return WakeProgram(
        name="wake words",
        description="heard by the satellite itself",
        attribution=_ATTRIBUTION,
        installed=True,
        version=__version__,
        models=models,
    )
