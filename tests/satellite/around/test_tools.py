"""The satellite's own tools: what is done, what is told of it, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from satellite.around.timers import LONGEST_S
from satellite.around.tools import MOST_TOLD, OwnTools
from satellite.effects import Moment
from tests.satellite.around.test_timers import A, House
from wyoming_voice.errands import Done


class Mouth:
    """The part of a loudspeaker that can be turned up and down."""

    volume = 0.5


class Kitchen(House):
    """Timers and a volume, and the tools that change them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path
        self.mouth = Mouth()
        self.tools = OwnTools(self.timers, self.mouth)  # type: ignore[arg-type]

    def refused(self, tool: str, /, **arguments: object) -> str:
        done = self.tools.do(tool, arguments)
        assert done.error
        return done.text

    def did(self, tool: str, /, **arguments: object) -> Any:
        done = self.tools.do(tool, arguments)
        assert not done.error, done.text
        return json.loads(done.text)

    @property
    def names(self) -> list[str]:
        return [timer.name for timer, _ in self.timers.left()]

    def again(self) -> "Kitchen":
        """The same after a restart."""
        after = Kitchen(self.path)
        after.now_ms, after.wall_s = 0, self.wall_s
        return after


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path / "timers.json")


def test_a_timer_rings_when_it_was_set_for(kitchen: Kitchen) -> None:
    told = kitchen.did("HassStartTimer", minutes=1, seconds=30, name="pasta")
    (timer, left_s), *_ = kitchen.timers.left()
    assert told == {
        "id": timer.id,
        "name": "pasta",
        "state": "running",
        "is_active": True,
        "start_hours": 0,
        "start_minutes": 1,
        "start_seconds": 30,
        "hours_left": 0,
        "minutes_left": 1,
        "seconds_left": 30,
        "rounded_hours_left": 0,
        "rounded_minutes_left": 1,
        "rounded_seconds_left": 30,
        "total_seconds_left": left_s,
    }
    kitchen.wait(89)
    assert kitchen.rang == []
    kitchen.wait(1)
    assert kitchen.rang == [timer.id]


def test_a_lone_timer_needs_no_name(kitchen: Kitchen) -> None:
    kitchen.did("HassStartTimer", minutes=5)
    assert kitchen.did("HassCancelTimer", name="", start_minutes=0)["state"] == "cancelled"
    assert kitchen.names == []
    assert kitchen.refused("HassCancelTimer") == "there is no timer"


def test_timers_are_told_apart_by_name_or_length(kitchen: Kitchen) -> None:
    kitchen.did("HassStartTimer", minutes=5, name="Pasta")
    kitchen.did("HassStartTimer", minutes=10, name="bread")
    kitchen.did("HassStartTimer", hours=1, minutes=30)
    kitchen.wait(57)
    assert kitchen.refused("HassCancelTimer") == (
        "3 timers fit: Pasta (5 min, 4 min 3 s left), bread (10 min, 9 min 3 s left), "
        "without a name (1 h 30 min, 1 h 29 min 3 s left); say which, by name, by start_minutes, "
        "or by the id that HassTimerStatus tells, in place of the name"
    )
    assert "there is no timer named 'tea'; there are: Pasta (" in kitchen.refused(
        "HassCancelTimer", name="tea"
    )
    assert "there is no timer of " in kitchen.refused("HassCancelTimer", start_hours=10**307)
    assert "there is no timer named 'bread' of 5 min;" in kitchen.refused(
        "HassCancelTimer", name="bread", start_minutes=5
    )
    kitchen.did("HassCancelTimer", name="pasta")
    kitchen.did("HassCancelTimer", start_minutes=90)
    assert kitchen.names == ["bread"]


def test_what_rings_is_meant_where_nothing_else_is_said(kitchen: Kitchen) -> None:
    kitchen.did("HassStartTimer", seconds=5, name="egg")
    kitchen.did("HassStartTimer", minutes=5, name="pasta")
    kitchen.wait(6)
    assert kitchen.did("HassCancelTimer")["name"] == "egg"
    assert kitchen.silenced == kitchen.rang
    assert kitchen.names == ["pasta"]


def test_all_that_rings_is_silenced_at_once(kitchen: Kitchen) -> None:
    for name in ("egg", "tea"):
        kitchen.did("HassStartTimer", seconds=5, name=name)
    kitchen.did("HassStartTimer", minutes=5, name="pasta")
    kitchen.wait(6)
    told = kitchen.did("HassCancelTimer")["timers"]
    assert [timer["name"] for timer in told] == ["egg", "tea"]
    assert kitchen.silenced == kitchen.rang
    assert kitchen.names == ["pasta"]


def test_two_that_are_alike_are_told_apart_by_their_ids(kitchen: Kitchen) -> None:
    first, second = (kitchen.did("HassStartTimer", minutes=5, name="tea")["id"] for _ in "12")
    assert "2 timers fit" in kitchen.refused("HassPauseTimer", name="tea")
    assert kitchen.did("HassPauseTimer", name=second)["state"] == "paused"
    assert kitchen.did("HassCancelTimer", name=first)["id"] == first
    assert [timer.id for timer, _ in kitchen.timers.left()] == [second]


def test_what_ran_out_while_the_machine_slept_is_over(kitchen: Kitchen) -> None:
    """Nobody has looked at the clock since: that may take half a minute."""
    kitchen.did("HassStartTimer", seconds=5, name="egg")
    kitchen.now_ms += 3_600_000
    kitchen.wall_s += 3600
    assert "ringing" in kitchen.refused("HassPauseTimer")
    assert "ringing" in kitchen.refused("HassIncreaseTimer", minutes=1)
    assert kitchen.rang == [kitchen.timers.left()[0][0].id]


def test_all_timers_are_cancelled(kitchen: Kitchen) -> None:
    assert kitchen.did("HassCancelAllTimers") == {"canceled": 0}
    kitchen.did("HassStartTimer", minutes=5)
    kitchen.did("HassStartTimer", minutes=6)
    assert kitchen.refused("HassCancelAllTimers", area="Kitchen").endswith("it takes none")
    assert kitchen.did("HassCancelAllTimers") == {"canceled": 2}
    kitchen.wait(1000)
    assert kitchen.rang == []


def test_the_state_of_all_timers_or_of_one(kitchen: Kitchen) -> None:
    assert kitchen.did("HassTimerStatus") == {"timers": []}
    kitchen.did("HassStartTimer", minutes=10, name="bread")
    kitchen.did("HassStartTimer", minutes=5, name="pasta")
    kitchen.wait(20)
    assert [timer["name"] for timer in kitchen.did("HassTimerStatus")["timers"]] == [
        "pasta",
        "bread",
    ]
    (bread,) = kitchen.did("HassTimerStatus", name="Bread")["timers"]
    assert (bread["total_seconds_left"], bread["rounded_minutes_left"]) == (580, 9)
    assert bread["rounded_seconds_left"] == 30
    assert "named 'tea'" in kitchen.refused("HassTimerStatus", name="tea")


def test_a_long_list_of_timers_is_cut(kitchen: Kitchen) -> None:
    for _ in range(MOST_TOLD + 2):
        kitchen.did("HassStartTimer", minutes=5)
    told = kitchen.did("HassTimerStatus")
    assert (len(told["timers"]), told["more"]) == (MOST_TOLD, 2)
    assert kitchen.refused("HassCancelTimer").count("without a name") == MOST_TOLD


def test_time_is_added_and_taken_away(kitchen: Kitchen) -> None:
    kitchen.did("HassStartTimer", minutes=5, name="pasta")
    kitchen.wait(60)
    longer = kitchen.did("HassIncreaseTimer", minutes=2)
    assert (longer["total_seconds_left"], longer["start_minutes"]) == (360, 7)
    shorter = kitchen.did("HassDecreaseTimer", seconds=30, name="pasta")
    assert (shorter["total_seconds_left"], shorter["start_minutes"]) == (330, 6)
    assert "330 s are left of it; cancel it" in kitchen.refused("HassDecreaseTimer", minutes=6)
    assert "a week" in kitchen.refused("HassIncreaseTimer", hours=LONGEST_S / 3600)
    assert "by how much?" in kitchen.refused("HassIncreaseTimer")
    kitchen.wait(329)
    assert kitchen.rang == []
    kitchen.wait(1)
    assert len(kitchen.rang) == 1
    assert kitchen.refused("HassIncreaseTimer", minutes=1).startswith(
        "no timer is running or paused; there are: pasta (6 min 30 s, ringing)"
    )
    kitchen.timers.lengthen(kitchen.rang[0], 60)
    assert kitchen.told[-1] == (Moment.TIMER_FINISHED, "pasta")


def test_a_paused_timer_stands_still_until_it_is_resumed(kitchen: Kitchen) -> None:
    kitchen.did("HassStartTimer", minutes=5)
    kitchen.wait(60)
    assert kitchen.did("HassPauseTimer")["state"] == "paused"
    assert kitchen.refused("HassPauseTimer").startswith("no timer is running; there are: without")
    kitchen.wait(1000)
    assert kitchen.did("HassIncreaseTimer", minutes=1)["total_seconds_left"] == 300
    assert kitchen.did("HassUnpauseTimer")["is_active"]
    assert "no timer is paused" in kitchen.refused("HassUnpauseTimer")
    kitchen.wait(299)
    assert kitchen.rang == []
    kitchen.wait(1)
    assert len(kitchen.rang) == 1
    moments = [moment for moment, _ in kitchen.told]
    assert moments == [Moment.TIMER_STARTED, *[Moment.TIMER_UPDATED] * 3, Moment.TIMER_FINISHED]


def test_what_was_changed_outlives_a_restart(kitchen: Kitchen) -> None:
    kitchen.did("HassStartTimer", minutes=5, name="pasta")
    kitchen.did("HassStartTimer", minutes=10, name="bread")
    kitchen.did("HassIncreaseTimer", seconds=1, name="bread")
    assert kitchen.again().did("HassTimerStatus", name="bread")["timers"][0]["start_seconds"] == 1
    kitchen.did("HassIncreaseTimer", seconds=59, name="bread")
    kitchen.wait(60)
    kitchen.did("HassPauseTimer", name="pasta")
    written = kitchen.path.stat().st_mtime_ns
    kitchen.wait(30)
    assert kitchen.path.stat().st_mtime_ns == written  # nothing has changed
    after = kitchen.again()
    left = {timer.name: (left_s, timer.running) for timer, left_s in after.timers.left()}
    assert left == {"pasta": (240, False), "bread": (570, True)}
    after.did("HassUnpauseTimer")
    assert after.again().did("HassTimerStatus", name="pasta")["timers"][0]["is_active"]


def test_files_of_before_timers_could_be_paused_are_read(kitchen: Kitchen) -> None:
    row = {"id": "a", "name": "tea", "total_s": 60, "rings_at_s": kitchen.wall_s + 50}
    kitchen.path.write_text(json.dumps({"timers": [row]}))
    assert kitchen.did("HassTimerStatus")["timers"][0]["total_seconds_left"] == 50


def test_a_timer_of_home_assistant_can_be_cancelled_but_not_changed(kitchen: Kitchen) -> None:
    kitchen.timers.handle(A)
    assert "Home Assistant's" in kitchen.refused("HassPauseTimer")
    assert "Home Assistant's" in kitchen.refused("HassIncreaseTimer", minutes=1)
    assert kitchen.did("HassCancelTimer", name="pasta")["id"] == "a"
    kitchen.wait(100)
    assert kitchen.rang == []


def test_the_volume_is_set(kitchen: Kitchen) -> None:
    assert kitchen.did("HassSetVolume", volume_level=40) == {"volume": 40}
    assert kitchen.mouth.volume == 0.4
    assert kitchen.did("HassSetVolume", volume_level="70%") == {"volume": 70}
    for level in (-1, 101, None, "loud", [1]):
        kitchen.refused("HassSetVolume", volume_level=level)
    assert kitchen.mouth.volume == 0.7


def test_louder_and_softer(kitchen: Kitchen) -> None:
    steps: list[tuple[object, int]] = [("up", 60), ("down", 50), (25, 75), ("-5", 70), (-100, 0)]
    for step, volume in [*steps, ("down", 0), (100, 100), ("up", 100)]:
        assert kitchen.did("HassSetVolumeRelative", volume_step=step) == {"volume": volume}
    assert "from -100 to 100" in kitchen.refused("HassSetVolumeRelative", volume_step=101)
    assert "must be a number" in kitchen.refused("HassSetVolumeRelative", volume_step="much")
    assert kitchen.tools.do("HassSetVolumeRelative", {}) == Done(
        "'volume_step' must be a number", error=True
    )
