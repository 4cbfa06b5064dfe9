"""What the satellite's tools are offered as, and the arguments that they take."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from satellite.around.timers import LONGEST_S
from satellite.around.tool_specs import SPECS
from tests.satellite.around.test_tools import Kitchen
from wyoming_voice.handle.tools.offered import read_tools


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path / "timers.json")


def test_what_is_offered_is_what_a_handle_server_takes(kitchen: Kitchen) -> None:
    offered = [dict(spec) for spec in kitchen.tools.specs]
    tools = read_tools("transcript", {"context": {"tools": offered}})
    assert len(tools) == 10
    assert [tool.name for tool in tools if tool.reads] == ["HassTimerStatus"]
    assert len(json.dumps(offered)) < 8000  # about two thousand tokens


def test_all_that_is_offered_is_done(kitchen: Kitchen) -> None:
    for spec in SPECS:
        assert "there is no tool" not in kitchen.tools.do(str(spec["name"]), {}).text
    assert kitchen.refused("HassTurnOn").startswith(
        "there is no tool 'HassTurnOn'; there are: Hass"
    )


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ({"hours": 1}, 3600),
        ({"minutes": "5"}, 300),
        ({"hours": 0.5, "minutes": None, "seconds": ""}, 1800),
        ({"hours": 0, "minutes": 0, "seconds": 7, "name": ""}, 7),
    ],
)
def test_lengths_as_models_write_them(
    kitchen: Kitchen, arguments: dict[str, Any], seconds: int
) -> None:
    assert kitchen.did("HassStartTimer", **arguments)["total_seconds_left"] == seconds


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "how long?"),
        ({"minutes": 0}, "how long?"),
        ({"minutes": -1}, "'minutes' is -1"),
        ({"minutes": "five"}, "'minutes' must be a number"),
        ({"minutes": True}, "'minutes' must be a number"),
        ({"minutes": float("nan")}, "'minutes' must be a number"),
        ({"minutes": 5, "name": 7}, "'name' must be a string"),
        ({"hours": LONGEST_S}, "a week"),
        (
            {"minutes": 5, "conversation_command": "turn off the light"},
            "HassStartTimer has no argument 'conversation_command'; there are: hours, minutes",
        ),
    ],
)
def test_a_timer_that_can_t_be_had_says_why(
    kitchen: Kitchen, arguments: dict[str, Any], why: str
) -> None:
    assert why in kitchen.refused("HassStartTimer", **arguments)
    assert kitchen.names == []


NUMBERS = (
    st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 10**307, "1e999", "∞"])
)
VALUES = NUMBERS | st.none() | st.booleans() | st.text(max_size=4) | st.just([]) | st.just({})
ARGUMENTS = st.dictionaries(
    st.sampled_from([name for spec in SPECS for name in spec["parameters"]["properties"]]),  # type: ignore[index]
    VALUES,
    max_size=4,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from(SPECS), ARGUMENTS), max_size=4))
def test_whatever_is_asked_for_is_answered(kitchen: Kitchen, calls: list[Any]) -> None:
    for spec, arguments in calls:
        known = {
            name: arguments[name] for name in arguments if name in spec["parameters"]["properties"]
        }
        done = kitchen.tools.do(spec["name"], known)
        assert done.error or json.loads(done.text)
