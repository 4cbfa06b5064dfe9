"""Home Assistant's intents that a model may answer with, and how each is told to it.

Names and slots are those of https://developers.home-assistant.io/docs/intent_builtin/, types and limits those
of the handlers that read them in https://github.com/home-assistant/core (2026.11, each noted below). Rule:
only what an older Home Assistant (2026.2) knows as well, since an unknown intent is an error there, and
nothing that could act on the whole house by what was left out:
- The handlers of HassTurnOn and HassTurnOff take an area alone, and then mean all that is in it, the locks
  of its doors included; here a device's name, or a kind of devices, has to be there too. HassLightSet and
  HassFanSetSpeed take nothing at all, and then mean every light or fan; here a place has to be there.
- Left out: HassToggle, HassOpenCover, HassCloseCover, HassHumidifier*, HassShoppingListLastItems
  (deprecated), HassNevermind and HassRespond (a model just says it), HassGetCurrentDate (it stands in the
  prompt), HassStopMoving, HassVacuumCleanArea, HassListRemoveItem and HassClimateSetFanMode (not in 2026.2),
  `conversation_command` of timers (words that would be acted on later, unseen), `preferred_area_id` (ids).
"""

from wyoming_voice.handle.intents.slots import HassIntent, Kind, Slot

_COVERS = ("awning", "blind", "curtain", "door", "garage", "gate", "shade", "shutter", "window")
_DOMAINS = (
    "light", "switch", "fan", "cover", "lock", "valve", "media_player", "climate", "humidifier", "vacuum",
    "scene", "script", "automation", "input_boolean", "button",
)  # fmt: skip

_NAME = Slot("name")
_AREA = Slot("area")
_FLOOR = Slot("floor")
_PLACE = (_NAME, _AREA, _FLOOR)
_SOMEWHERE = ("name", "area", "floor")
_DOMAIN = Slot("domain", "kinds of devices", Kind.TEXTS, _DOMAINS)
_ONOFF = (
    Slot("name", '"all": all of a kind'),
    _AREA,
    _FLOOR,
    _DOMAIN,
    Slot("device_class", "kinds of covers, switches and players", Kind.TEXTS,
         (*_COVERS, "outlet", "switch", "tv", "speaker", "receiver", "water", "gas")),
)  # fmt: skip
_KIND = ("domain", "device_class")


def _percent(name: str) -> Slot:
    return Slot(name, "percent", Kind.WHOLE, least=0, most=100)


_TIME = tuple(
    Slot(unit, "", Kind.WHOLE, least=0, or_none=True) for unit in ("hours", "minutes", "seconds")
)
_HOW_LONG = ("hours", "minutes", "seconds")
_STARTED = tuple(Slot(f"start_{unit}", "", Kind.WHOLE, least=0, or_none=True) for unit in _HOW_LONG)
_TIMER = Slot("name", "of the timer, if it has one")

_STATES = (
    "{% for one in query.matched[:8] %}{{ one.name }}: "
    "{{ one.state_with_unit if one.attributes.unit_of_measurement is defined "
    "else state_translated(one.entity_id) }}"
    "{{ '' if loop.last else ', ' }}"
    "{% else %}{{ slots.name ~ ': ?' if slots.name is defined else '0' }}{% endfor %}"
)
_TEMPERATURE = (
    "{% set measured = state_attr(state.entity_id, 'current_temperature') %}"
    "{{ state.name }}: {{ state.state if measured is none else measured }}°"
)
_WEATHER = (
    "{{ state_translated(state.entity_id) }}, "
    "{{ state.attributes.temperature }} {{ state.attributes.temperature_unit }}"
)
_TIMERS = (
    "{% for timer in slots.timers %}{{ timer.name ~ ': ' if timer.name else '' }}"
    "{{ '%d:%02d:%02d' | format(timer.hours_left, timer.minutes_left, timer.seconds_left) }}"
    "{{ '' if loop.last else ', ' }}{% else %}0{% endfor %}"
)

INTENTS = (
    # components/intent/__init__.py
    HassIntent("HassTurnOn", "Turns on, opens, presses or starts devices; locks a lock. "
               "Needs a name, or else domain or device_class.", _ONOFF, (_SOMEWHERE,), _KIND),
    HassIntent("HassTurnOff", "Turns off or closes devices; unlocks a lock. "
               "Needs a name, or else domain or device_class.", _ONOFF, (_SOMEWHERE,), _KIND),
    HassIntent("HassGetState", "Answers how devices or sensors are: the person hears their states.",
               (*_PLACE, Slot("domain", "light, sensor, …", Kind.TEXTS),
                Slot("device_class", "temperature, door, battery, …", Kind.TEXTS),
                Slot("state", "only those that are on, open, …", Kind.TEXTS)),
               ((*_SOMEWHERE, "domain", "device_class"),), answer=_STATES),
    HassIntent("HassSetPosition", "Sets how far covers or valves are open.",
               (*_PLACE, Slot("device_class", "kinds of covers", Kind.TEXTS, _COVERS),
                _percent("position")), (("position",), _SOMEWHERE)),
    HassIntent("HassClimateGetTemperature", "Answers how warm it is inside.", _PLACE,
               answer=_TEMPERATURE),
    HassIntent("HassGetCurrentTime", "Answers what time it is.",
               answer="{{ slots.time.strftime('%H:%M') }}"),
    # components/light/intent.py
    HassIntent("HassLightSet", "Sets lights' brightness, colour, or warmth.",
               (*_PLACE, _percent("brightness"), Slot("color", "English name of CSS, such as red"),
                Slot("temperature", "kelvin", Kind.WHOLE, least=1000, most=12000)),
               (("brightness", "color", "temperature"), _SOMEWHERE)),
    # components/fan/intent.py
    HassIntent("HassFanSetSpeed", "Sets a fan's speed.", (*_PLACE, _percent("percentage")),
               (("percentage",), _SOMEWHERE)),
    # components/climate/intent.py
    HassIntent("HassClimateSetTemperature", "Sets the target temperature of heating or cooling.",
               (*_PLACE, Slot("temperature", "in the units of the home", Kind.NUMBER)),
               (("temperature",),)),
    # components/media_player/intent.py
    HassIntent("HassMediaPause", "Pauses what is playing.", _PLACE),
    HassIntent("HassMediaUnpause", "Goes on with what was paused.", _PLACE),
    HassIntent("HassMediaNext", "Plays the next item.", _PLACE),
    HassIntent("HassMediaPrevious", "Plays the previous item.", _PLACE),
    HassIntent("HassMediaSearchAndPlay", "Searches for music, radio or films and plays it.",
               (Slot("search_query", "what to play"), *_PLACE), (("search_query",),)),
    HassIntent("HassSetVolume", "Sets the volume of players.", (*_PLACE, _percent("volume_level")),
               (("volume_level",),)),
    HassIntent("HassSetVolumeRelative", "Makes players louder or quieter.",
               (*_PLACE, Slot("volume_step", "percent; below 0 is quieter", Kind.WHOLE,
                              least=-100, most=100)), (("volume_step",),)),
    # components/vacuum/intent.py, lawn_mower/intent.py
    HassIntent("HassVacuumStart", "Starts a vacuum cleaner.", _PLACE),
    HassIntent("HassVacuumReturnToBase", "Sends a vacuum cleaner home.", _PLACE),
    HassIntent("HassLawnMowerStartMowing", "Starts a lawn mower.", _PLACE),
    HassIntent("HassLawnMowerDock", "Sends a lawn mower home.", _PLACE),
    # components/weather/intent.py
    HassIntent("HassGetWeather", "Answers how the weather is outside.", (_NAME,), answer=_WEATHER),
    # components/todo/intent.py, shopping_list/intent.py
    HassIntent("HassListAddItem", "Adds an item to a to-do list.",
               (Slot("item"), Slot("name", "name of the list")), (("item",), ("name",))),
    HassIntent("HassListCompleteItem", "Ticks an item off a to-do list.",
               (Slot("item"), Slot("name", "name of the list")), (("item",), ("name",))),
    HassIntent("HassShoppingListAddItem", "Adds an item to the shopping list.", (Slot("item"),),
               (("item",),)),
    HassIntent("HassShoppingListCompleteItem", "Ticks an item off the shopping list.", (Slot("item"),),
               (("item",),)),
    # components/assist_satellite/intent.py
    HassIntent("HassBroadcast", "Says a message in all other rooms.", (Slot("message"),),
               (("message",),)),
)  # fmt: skip

TIMERS = (
    # components/intent/timers.py
    HassIntent("HassStartTimer", "Starts a timer.", (*_TIME, _TIMER), (_HOW_LONG,)),
    HassIntent("HassCancelTimer", "Cancels a timer, told apart by its name or by what it was set to.",
               (_TIMER, *_STARTED)),
    HassIntent("HassCancelAllTimers", "Cancels all timers."),
    HassIntent("HassIncreaseTimer", "Adds time to a timer.", (*_TIME, _TIMER), (_HOW_LONG,)),
    HassIntent("HassDecreaseTimer", "Takes time off a timer.", (*_TIME, _TIMER),
               (_HOW_LONG,)),
    HassIntent("HassPauseTimer", "Pauses a timer.", (_TIMER,)),
    HassIntent("HassUnpauseTimer", "Lets a paused timer go on.", (_TIMER,)),
    HassIntent("HassTimerStatus", "Answers how much time is left.", (_TIMER,),
               answer=_TIMERS),
)  # fmt: skip
"""Only a satellite has timers (TimersNotSupportedError without a device)."""

BY_NAME = {intent.name: intent for intent in (*INTENTS, *TIMERS)}
