"""The messages between a question and its answer."""

from wyoming_voice.handle.steps import NOT_BEGUN, UNDER_WAY, Deed, Steps
from wyoming_voice.handle.tools.toolbox import ToolCall, ToolResult

ON, OFF = ToolCall("a", "on", '{"name": "lamp"}'), ToolCall("b", "off", "{}")


def contents(steps: Steps) -> list[object]:
    return [message["content"] for message in steps.messages if message["role"] == "tool"]


def test_each_call_has_its_result_at_any_time() -> None:
    steps = Steps()
    steps.asked("Well.", (ON, OFF), 2)
    assert contents(steps) == [NOT_BEGUN, NOT_BEGUN]
    steps.begun(ON)
    assert contents(steps) == [UNDER_WAY, NOT_BEGUN]
    steps.answered(ON, ToolResult("on"))
    assert contents(steps) == ["on", NOT_BEGUN]
    steps.answered(OFF, ToolResult("off", error=True))
    assert contents(steps) == ["on", "off"]
    assert steps.failed


def test_what_stands_already_does_not_change() -> None:
    steps = Steps()
    for number in range(3):
        before = steps.messages
        (call,) = steps.asked("", (ToolCall("", "on", ""),), 2)
        steps.answered(call, ToolResult(f"result {number}"))
        assert steps.messages[: len(before)] == before
    calls = [message["tool_call_id"] for message in steps.messages if "tool_call_id" in message]
    assert len(set(calls)) == 3
    assert all(isinstance(call, str) and len(call) == 9 and call.isalnum() for call in calls)


def test_calls_with_one_id_get_one_each() -> None:
    first, second = Steps().asked("", (ON, ToolCall("a", "off", "{}")), 2)
    assert first == ON
    assert second.id not in ("", "a")


def test_what_failed_and_left_nothing_behind_is_no_deed() -> None:
    steps = Steps()
    steps.tried += [
        Deed("on", "{}", ToolResult("no", error=True)),
        Deed("off", "{}", ToolResult("?", error=True, unsure=True)),
        Deed("play", "{}", ToolResult("yes")),
    ]
    assert [deed.name for deed in steps.deeds] == ["off", "play"]


def test_equal_arguments_are_equal_in_any_order() -> None:
    deed = Deed("on", '{"a": 1, "b": [2]}', ToolResult(""))
    assert deed.is_of("on", {"b": [2], "a": 1})
    assert not deed.is_of("on", {"b": [1], "a": 1})
    assert not deed.is_of("off", {"b": [2], "a": 1})
