"""Timers: who rings, how often, and what outlives a restart."""

import json
from pathlib import Path

import pytest
from wyoming.event import Event as WyomingEvent
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from satellite import events
from satellite.around.timer_book import GRACE_MS, MOST
from satellite.around.timer_file import Saved, load, save
from satellite.around.timers import LATE_S, Clock, TimerError, Timers
from satellite.effects import Moment, Tell
from tests.satellite.waiting import running, until

A, B = TimerStarted("a", 60, "pasta").event(), TimerStarted("b", 120).event()


class House:
    """Timers with a clock that a test moves, and all that came of them."""

    def __init__(self, path: Path, wall_s: float = 1_000_000.0) -> None:
        self.now_ms = 500_000
        self.wall_s = wall_s
        self.posted: list[events.Event] = []
        self.told: list[tuple[Moment, str]] = []
        self.relayed: list[WyomingEvent] = []
        self.timers = Timers(
            path,
            self.posted.append,
            self._listen,
            relay=self.relayed.append,
            clock=Clock(lambda: self.now_ms, lambda: self.wall_s),
        )

    def _listen(self, told: Tell) -> None:
        self.told.append((told.moment, told.text))

    def wait(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)
        self.wall_s += seconds
        self.timers.advance()

    @property
    def rang(self) -> list[str]:
        return [event.timer_id for event in self.posted if isinstance(event, events.TimerFinished)]

    @property
    def silenced(self) -> list[str]:
        return [e.timer_id for e in self.posted if isinstance(e, events.TimerDismissed)]

    def remaining_s(self) -> dict[str, int]:
        timers = self.timers.status()["timers"]
        assert isinstance(timers, list)
        return {timer["id"]: timer["remaining_s"] for timer in timers}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "timers.json"


@pytest.fixture
def house(path: Path) -> House:
    return House(path)


def test_a_mirrored_timer_rings_when_home_assistant_says_so(house: House) -> None:
    house.timers.handle(A)
    house.wait(59.9)
    house.timers.handle(TimerFinished("a").event())
    house.wait(100)
    assert house.posted == [events.TimerFinished("a", "pasta")]
    assert house.told == [(Moment.TIMER_STARTED, "pasta"), (Moment.TIMER_FINISHED, "pasta")]


def test_a_mirrored_timer_rings_without_home_assistant_and_not_again_with_it(house: House) -> None:
    house.timers.handle(A)
    house.wait(60)
    assert house.rang == []  # it may yet say so itself
    house.wait(GRACE_MS / 1000)
    assert house.rang == ["a"]
    house.timers.handle(TimerFinished("a").event())
    house.timers.dismiss()
    house.timers.handle(TimerFinished("a").event())
    house.wait(100)
    assert house.rang == ["a"]


def test_a_paused_timer_stands_still(house: House) -> None:
    house.timers.handle(A)
    house.wait(20)
    house.timers.handle(TimerUpdated("a", False, 40).event())
    house.wait(1000)
    assert (house.rang, house.remaining_s()) == ([], {"a": 40})
    house.timers.handle(TimerUpdated("a", True, 40).event())
    house.wait(39)
    assert house.remaining_s() == {"a": 1}
    house.wait(2)
    assert house.rang == ["a"]


def test_time_is_added_and_taken(house: House) -> None:
    house.timers.handle(A)
    house.timers.handle(B)
    house.timers.handle(TimerUpdated("a", True, 300).event())
    house.timers.handle(TimerUpdated("b", True, 10).event())
    house.wait(11)
    assert (house.rang, house.remaining_s()["a"]) == (["b"], 289)


def test_a_cancelled_timer_never_rings_and_one_that_rings_falls_silent(house: House) -> None:
    house.timers.handle(A)
    house.timers.handle(B)
    house.timers.handle(TimerCancelled("a").event())
    house.wait(1000)
    house.timers.handle(TimerCancelled("b").event())
    assert (house.rang, house.silenced) == (["b"], ["b"])
    assert house.told[-1] == (Moment.TIMER_DISMISSED, "b")


def test_timers_that_were_started_while_home_assistant_was_not_connected(house: House) -> None:
    house.timers.handle(TimerFinished("unknown").event())
    house.timers.handle(TimerUpdated("half", True, 10).event())
    house.wait(11)
    assert house.rang == ["unknown", "half"]


@pytest.mark.parametrize(
    "event",
    [
        WyomingEvent("timer-started"),
        WyomingEvent("timer-started", {"id": "x"}),
        WyomingEvent("timer-started", {"id": 7, "total_seconds": 1}),
        WyomingEvent("timer-started", {"id": "x", "total_seconds": float("nan")}),
        WyomingEvent("timer-started", {"id": "x", "total_seconds": "soon"}),
        WyomingEvent("timer-updated", {"id": "x", "total_seconds": -float("inf")}),
        WyomingEvent("timer-updated", {"id": "x", "is_active": True}),
        WyomingEvent("transcript", {"id": "x", "total_seconds": 1}),
    ],
)
def test_nonsense_is_no_timer(house: House, event: WyomingEvent) -> None:
    house.timers.handle(event)
    house.wait(10)
    assert (house.posted, house.told) == ([], [])


def test_our_own_timer_rings_to_the_millisecond_until_it_is_dismissed(house: House) -> None:
    timer_id = house.timers.add(90, "  the \n eggs ")
    house.wait(89.999)
    assert house.rang == []
    house.wait(0.001)
    assert house.posted == [events.TimerFinished(timer_id, "the eggs")]
    house.timers.dismiss(timer_id)
    assert house.timers.status() == {"running": 0, "ringing": 0, "timers": []}
    assert house.silenced == []  # those who dismissed it know


def test_one_of_two_that_ring_is_dismissed(house: House) -> None:
    first, second = house.timers.add(1), house.timers.add(2)
    house.wait(3)
    assert house.rang == [first, second]
    house.timers.dismiss(second)
    assert list(house.remaining_s()) == [first]


def test_timers_are_cancelled_by_id_or_by_a_name_that_only_one_has(house: House) -> None:
    tea, coffee, other = (house.timers.add(60, name) for name in ("Tea", "coffee", "Coffee"))
    assert house.timers.cancel("tea")
    assert not house.timers.cancel("coffee")  # which one?
    assert house.timers.cancel(coffee)
    assert house.timers.cancel("coffee")
    assert not house.timers.cancel(tea)
    assert house.remaining_s() == {}
    assert other not in house.rang


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_timer_that_makes_no_sense_is_refused_with_what_can_be_had(
    house: House, seconds: float
) -> None:
    with pytest.raises(TimerError, match="from 1 to 604800 s"):
        house.timers.add(seconds)


def test_there_is_an_end_to_timers(house: House) -> None:
    for _ in range(MOST):
        house.timers.add(60)
    with pytest.raises(TimerError, match="100 timers run already; cancel one"):
        house.timers.add(60)
    house.timers.handle(A)
    house.timers.handle(TimerUpdated("b", True, 1).event())
    house.timers.handle(TimerFinished("c").event())
    assert len(house.remaining_s()) == MOST


def test_wyoming_names_what_happens_for_the_event_service(house: House) -> None:
    timer_id = house.timers.add(3723, "roast")
    house.timers.handle(A)
    house.timers.handle(TimerUpdated("a", True, 30).event())
    house.timers.handle(TimerCancelled("a").event())
    house.wait(4000)
    house.timers.dismiss()
    assert house.relayed == [
        TimerStarted(timer_id, 3723, "roast", 1, 2, 3).event(),
        TimerStarted("a", 60, "pasta", 0, 1, 0).event(),
        TimerUpdated("a", True, 30).event(),
        TimerCancelled("a").event(),
        TimerFinished(timer_id).event(),
    ]


def restarted(path: Path, wall_s: float) -> House:
    house = House(path, wall_s)
    house.timers.restore()
    house.timers.advance()
    return house


def test_our_own_timers_survive_a_restart_and_home_assistants_do_not(
    house: House, path: Path
) -> None:
    timer_id = house.timers.add(600, "bread")
    house.timers.handle(A)
    house.wait(100)
    again = restarted(path, house.wall_s + 200)
    assert again.remaining_s() == {timer_id: 300}
    again.wait(300)
    assert again.posted == [events.TimerFinished(timer_id, "bread")]
    assert (Moment.TIMER_STARTED, "bread") not in again.told


def test_one_that_ran_out_meanwhile_rings_at_once_or_is_told_as_missed(
    house: House, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house.timers.add(60, "long ago")
    late = house.timers.add(61 + LATE_S / 2, "just now")
    again = restarted(path, house.wall_s + 70 + LATE_S)
    assert again.rang == [late]
    assert again.told == [(Moment.TIMER_MISSED, "long ago"), (Moment.TIMER_FINISHED, "just now")]
    assert "ran out 10 min ago" in caplog.text
    assert [saved.name for saved in load(path)] == ["just now"]


def test_one_that_rings_rings_again_after_a_restart_unless_it_was_dismissed(
    house: House, path: Path
) -> None:
    house.timers.add(60, "dismissed")
    house.timers.add(60, "ringing")
    house.wait(60)
    house.timers.cancel("dismissed")
    again = restarted(path, house.wall_s + 5)
    assert [text for _, text in again.told] == ["ringing"]


def test_a_clock_that_is_set_moves_no_timer_and_is_followed_on_disk(
    house: House, path: Path
) -> None:
    timer_id = house.timers.add(600)
    house.wall_s += 7200
    house.wait(0)
    assert house.remaining_s() == {timer_id: 600}
    assert load(path)[0].rings_at_s == house.wall_s + 600
    house.wait(300)
    assert house.remaining_s() == {timer_id: 300}


def test_a_clock_that_was_set_back_while_we_were_off_makes_no_timer_longer(
    house: House, path: Path
) -> None:
    timer_id = house.timers.add(600)
    again = restarted(path, house.wall_s - 86_400)
    assert again.remaining_s() == {timer_id: 600}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"timers": 5}',
        b'{"timers": [{"id": "a"}]}',
        b'{"timers": [{"id": "a", "name": "", "total_s": 1, "rings_at_s": NaN}]}',
        b'{"timers": [{"id": 1, "name": "", "total_s": 1, "rings_at_s": 2}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"timers": [{"id": "a", "name": "", "total_s": %d, "rings_at_s": 1}]}' % 10**400,
    ],
)
def test_a_file_that_holds_no_timers_is_set_aside(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "timers.json"
    path.write_bytes(content)
    assert load(path) == []
    assert (tmp_path / "timers.json.bad").read_bytes() == content
    assert "timers.json.bad" in caplog.text
    assert not path.exists()


def test_timers_run_where_nothing_can_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    house = House(tmp_path / "file" / "timers.json")
    house.timers.add(5)
    house.wait(5)
    assert len(house.rang) == 1
    assert "--state-dir" in caplog.text


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "timers.json"
    timers = [Saved("a", "ü \ud83d", 60, 1.5)]
    assert save(path, timers)
    assert load(path) == [Saved("a", "ü ?", 60, 1.5)]
    assert [file.name for file in path.parent.iterdir()] == ["timers.json"]
    assert json.loads(path.read_text(encoding="utf-8"))["timers"][0]["id"] == "a"


async def test_the_clock_rings_for_what_was_on_disk(path: Path) -> None:
    Timers(path, lambda event: None, lambda told: None).add(0.02, "egg")
    posted: list[events.Event] = []
    async with running(Timers(path, posted.append, lambda told: None).run()):
        await until(lambda: posted)
    assert isinstance(posted[0], events.TimerFinished)


async def test_a_sleep_ends_when_a_sooner_timer_comes(path: Path) -> None:
    posted: list[events.Event] = []
    timers = Timers(path, posted.append, lambda told: None)
    async with running(timers.run()):
        timers.add(3600, "later")
        first = timers.add(0.02, "first")
        await until(lambda: posted)  # and from here on it sleeps
        second = timers.add(0.02, "second")
        await until(lambda: len(posted) == 2)
    assert posted == [events.TimerFinished(first, "first"), events.TimerFinished(second, "second")]
