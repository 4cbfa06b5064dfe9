import json
import re
from typing import Any

import pytest
from wyoming.intent import Intent, IntentsStart, IntentsStop

from wyoming_voice.handle.intents import events
from wyoming_voice.handle.intents.catalogue import BY_NAME, INTENTS, TIMERS
from wyoming_voice.handle.intents.events import MAX_INTENTS, MAX_SPOKEN_CHARS, intended, offered
from wyoming_voice.handle.session import Question, read_question, read_warm_up
from wyoming_voice.handle.tools.arguments import Misfit
from wyoming_voice.handle.tools.toolbox import ToolCall

CONTEXT = {"conversation_id": "c", "turn_id": "t"}
ALL_OF_THEM = offered(Question("", "", device_id="d"))


def call(name: str, /, **arguments: Any) -> ToolCall:
    return ToolCall("id", name, json.dumps(arguments))


def one(name: str, said: str = "", /, **arguments: Any) -> Intent:
    """What Home Assistant reads of an answer with one call."""
    (event,) = intended([call(name, **arguments)], ALL_OF_THEM, said, CONTEXT)
    return Intent.from_event(event)


def slots(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {entity.name: entity.value for entity in one(name, **arguments).entities}


def texts(*calls: ToolCall, said: str = "") -> list[str | None]:
    start, *events, stop = intended(calls, ALL_OF_THEM, said, CONTEXT)
    assert (start.type, stop.type) == (IntentsStart().event().type, IntentsStop().event().type)
    return [Intent.from_event(event).text for event in events]


def test_a_call_becomes_an_intent_with_what_the_model_said_beside_it() -> None:
    intent = one("HassTurnOn", "Das Licht\nist an.", name="Küche", domain=["light"])
    assert intent.name == "HassTurnOn"
    assert [(entity.name, entity.value) for entity in intent.entities] == [
        ("name", "Küche"),
        ("domain", ["light"]),
    ]
    assert intent.text == "Das Licht ist an."
    assert intent.context == CONTEXT


def test_without_a_word_of_the_model_s_something_short_is_said() -> None:
    assert one("HassTurnOff", name="lamp").text == "OK."


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"brightness": 30, "area": "attic"}, {"area": "attic", "brightness": 30}),
        ({"brightness": "30", "area": " attic "}, {"area": "attic", "brightness": 30}),
        ({"brightness": 30.0, "area": "attic"}, {"area": "attic", "brightness": 30}),
        ({"brightness": 0, "name": "lamp"}, {"name": "lamp", "brightness": 0}),
        (
            {"color": "red", "name": "lamp", "area": "", "floor": None},
            {"name": "lamp", "color": "red"},
        ),
    ],
)
def test_values_are_such_as_home_assistant_takes(
    arguments: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = slots("HassLightSet", **arguments)
    assert found == expected
    assert [type(value) for value in found.values()] == [type(v) for v in expected.values()]


def test_a_single_kind_is_a_list_of_one_and_a_temperature_a_number() -> None:
    assert slots("HassTurnOff", area="attic", domain="light")["domain"] == ["light"]
    assert slots("HassClimateSetTemperature", temperature=21.5) == {"temperature": 21.5}


def test_a_timer_of_no_hours_is_one_of_minutes() -> None:
    assert slots("HassStartTimer", hours=0, minutes=5, seconds=0) == {"minutes": 5}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("HassLightSet", {"brightness": 130, "area": "attic"}),
        ("HassLightSet", {"brightness": "bright", "area": "attic"}),
        ("HassLightSet", {"brightness": True, "area": "attic"}),
        ("HassLightSet", {"area": "attic"}),
        ("HassLightSet", {"brightness": 30}),
        ("HassTurnOn", {"name": "lamp", "brightness": 30}),
        ("HassTurnOn", {"area": "attic", "domain": ["lamps"]}),
        ("HassTurnOn", {"name": ["lamp"]}),
        ("HassTurnOn", {"name": "x" * 501}),
        ("HassTurnOn", {}),
        ("HassGetState", {"state": ["on"]}),
        ("HassGetState", {"name": "lamp", "state": ["on"] * 21}),
        ("HassStartTimer", {"minutes": 0}),
        ("HassStartTimer", {"minutes": -5}),
        ("HassBroadcast", {"message": "  "}),
        ("HassSetVolume", {"volume_level": float("nan")}),
        ("intent__HassTurnOn", {"name": "lamp"}),
        ("HassToggle", {"name": "lamp"}),
    ],
)
def test_arguments_that_don_t_fit_are_no_intent(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(Misfit):
        intended([call(name, **arguments)], ALL_OF_THEM, "Done.", CONTEXT)


@pytest.mark.parametrize("arguments", ["", "{", "[]", '"lamp"', "null"])
def test_arguments_that_are_no_object_are_no_intent(arguments: str) -> None:
    with pytest.raises(Misfit):
        intended([ToolCall("id", "HassTurnOn", arguments)], ALL_OF_THEM, "", CONTEXT)


@pytest.mark.parametrize("place", [{"area": "hall"}, {"name": "all"}, {"name": "All", "area": "x"}])
def test_a_whole_room_is_not_switched_lest_its_door_be_unlocked(place: dict[str, str]) -> None:
    with pytest.raises(Misfit, match="needs a name, or domain or device_class"):
        slots("HassTurnOff", **place)
    assert slots("HassTurnOff", **place, domain=["light"])["domain"] == ["light"]


def test_all_is_written_as_home_assistant_knows_it_and_asked_for_by_no_name() -> None:
    assert slots("HassLightSet", name="All", brightness=5)["name"] == "all"
    assert slots("HassGetState", name="all", domain="light") == {"domain": ["light"]}
    with pytest.raises(Misfit):
        slots("HassGetState", name="all")


def test_one_call_that_doesn_t_fit_keeps_all_from_being_sent() -> None:
    with pytest.raises(Misfit):
        intended([call("HassTurnOn", name="lamp"), call("HassTurnOn")], ALL_OF_THEM, "", CONTEXT)


def test_more_than_a_few_calls_are_a_loop() -> None:
    calls = [call("HassTurnOn", name=f"lamp {number}") for number in range(MAX_INTENTS + 1)]
    assert len(intended(calls[:-1], ALL_OF_THEM, "", CONTEXT)) == MAX_INTENTS + 2
    with pytest.raises(Misfit):
        intended(calls, ALL_OF_THEM, "", CONTEXT)


def test_the_same_call_twice_is_one() -> None:
    louder = call("HassSetVolumeRelative", volume_step=10)
    assert len(intended([louder, louder], ALL_OF_THEM, "", CONTEXT)) == 1


def test_of_several_the_last_that_is_done_says_what_the_model_said() -> None:
    on, state = call("HassTurnOn", name="lamp"), call("HassGetState", name="door")
    answer = BY_NAME["HassGetState"].answer
    off = call("HassTurnOff", name="fan")
    assert texts(on, off, state, said="Both done.") == [None, "Both done.", answer]


def test_of_several_without_a_word_each_says_what_it_was() -> None:
    on, off = call("HassTurnOn", name="lamp"), call("HassTurnOff", area="attic", domain=["light"])
    pause = call("HassMediaPause")
    assert texts(on, off, pause) == ["lamp: OK.", "attic: OK.", "OK."]


@pytest.mark.parametrize(
    "said", ["{{ states.person }}", "{% for x in y %}", "{# x #}", "{ { 1 } }"]
)
def test_what_a_model_says_is_never_a_template(said: str) -> None:
    spoken = [one("HassTurnOn", said, name="lamp").text]
    spoken += texts(call("HassTurnOn", name=said), call("HassTurnOn", name="lamp"))
    assert not any(brace in text for text in spoken if text for brace in "{}")


def test_the_answer_to_a_question_is_home_assistant_s_whatever_the_model_says() -> None:
    assert one("HassGetState", "It is on.", name="lamp").text == BY_NAME["HassGetState"].answer


def test_what_is_said_is_bounded() -> None:
    assert len(one("HassTurnOn", "x" * 5000, name="lamp").text or "") == MAX_SPOKEN_CHARS


def test_timers_are_offered_where_there_is_a_device_to_have_them() -> None:
    names = [tool.name for tool in offered(Question("q", "x")).tools]
    assert names == [intent.name for intent in INTENTS]
    assert [tool.name for tool in offered(Question("q", "x", device_id="d")).tools] == [
        intent.name for intent in (*INTENTS, *TIMERS)
    ]


def test_what_is_offered_is_what_openai_s_api_takes_and_stays_the_same() -> None:
    asked = Question("q", "x", device_id="d")
    assert offered(asked) is offered(asked)
    for tool in offered(asked).tools:
        assert re.fullmatch("[A-Za-z]{1,64}", tool.name)
        properties = tool.parameters["properties"]
        assert set(tool.parameters.get("required", ())) <= properties.keys()
        assert all(json.dumps(schema) and "type" in schema for schema in properties.values())
    assert len(json.dumps([tool.parameters for tool in offered(asked).tools])) < 10_000


def test_each_need_is_a_slot() -> None:
    for intent in BY_NAME.values():
        known = {slot.name for slot in intent.slots}
        assert {name for group in intent.needs for name in group} <= known
        assert set(intent.narrowed_by) <= known


def question(context: object) -> Question:
    return read_question({"text": "q", "context": context}, 100, "x")


def test_home_assistant_is_known_by_what_it_sends() -> None:
    assert question({"conversation_id": "c", "device_id": "d", "satellite_id": "s"}).from_hass
    assert question({"conversation_id": "c"}).from_hass


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        {"device_id": "d"},
        {"conversation_id": "c", "turn_id": "t"},
        {"conversation_id": "c", "system_prompt": ""},
        {"conversation_id": "c", "tools": []},
        {"conversation_id": "c", "area": "Kitchen"},
        {"conversation_id": "c", "speculative": True},
    ],
)
def test_nobody_else_is_taken_for_home_assistant(context: object) -> None:
    assert not question(context).from_hass


def test_a_warm_up_is_never_home_assistant_s() -> None:
    assert not read_warm_up({"context": {"conversation_id": "c"}}, "x").from_hass


def test_the_model_is_told_that_it_sees_no_result() -> None:
    assert "you see no result" in offered(Question("q", "x")).told
    assert "isn't known" in events.HANDED_OVER


def test_an_intent_that_was_not_offered_is_refused_like_an_unknown_one() -> None:
    five = call("HassStartTimer", minutes=5)
    assert len(intended([five], ALL_OF_THEM, "", CONTEXT)) == 1
    with pytest.raises(Misfit, match="no such intent"):
        intended([five], offered(Question("", "")), "", CONTEXT)
