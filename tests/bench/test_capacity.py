"""The simulation against closed forms and itself, and the figures that it is fed with."""

import math
import random
from dataclasses import replace

import pytest

from bench import capacity
from bench.capacity_model import (
    Exponential,
    Fixed,
    Measured,
    Seen,
    Servers,
    Time,
    Turn,
    enough,
    simulate,
)
from bench.measured import figure
from wyoming_voice.benchmark.report import Report, percentile

CROWD = 2000
"""So many rooms that those who wait are hardly missed among those who may still come."""


def crowd(service: Time, servers: int, load: float) -> Seen:
    """A line of so many servers, each of which has this share of its time taken."""
    think_s = CROWD / (load * servers)  # the mean service takes a second
    turn = Turn(asr_s=service)
    return simulate(turn, Servers(asr=servers), rooms=CROWD, think_s=think_s, turns=20_000)


def erlang_c(servers: int, load: float) -> float:
    """The share of those who wait in M/M/c (A. K. Erlang, 1917)."""
    offered = servers * load
    last = offered**servers / math.factorial(servers) / (1 - load)
    return last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)


def mean_wait_s(seen: Seen) -> float:
    return sum(seen.waited_s) / seen.turns


@pytest.mark.parametrize(("servers", "load"), [(1, 0.6), (3, 0.7)])
def test_a_line_of_exponential_times_waits_as_erlang_says(servers: int, load: float) -> None:
    expected_s = erlang_c(servers, load) / (servers * (1 - load))
    seen = crowd(Exponential(1.0), servers, load)
    assert mean_wait_s(seen) == pytest.approx(expected_s, rel=0.1)
    assert seen.utilisation("asr", Servers(asr=servers)) == pytest.approx(load, rel=0.03)


def machine_repair_wait_s(servers: int, rooms: int, think_s: float) -> float:
    """The mean wait of M/M/c with so many who come again (C. Palm, 1947); the mean service takes a second."""
    weights = [1.0]
    for here in range(rooms):
        weights.append(weights[-1] * (rooms - here) / think_s / min(here + 1, servers))
    whole = sum(weights)
    line = sum(max(0, n - servers) * weight for n, weight in enumerate(weights)) / whole
    coming = sum((rooms - n) / think_s * weight for n, weight in enumerate(weights)) / whole
    return line / coming


@pytest.mark.parametrize(("servers", "rooms", "think_s"), [(3, 60, 18), (10, 300, 29)])
def test_a_line_that_is_hardly_ever_idle_waits_as_palm_says(
    servers: int, rooms: int, think_s: float
) -> None:
    turn, pool = Turn(asr_s=Exponential(1.0)), Servers(asr=servers)
    seen = simulate(turn, pool, rooms=rooms, think_s=think_s, turns=30_000)
    assert seen.utilisation("asr", pool) > 0.9
    expected_s = machine_repair_wait_s(servers, rooms, think_s)
    assert mean_wait_s(seen) == pytest.approx(expected_s, rel=0.1)


def test_a_slot_of_the_language_model_is_held_until_the_answer_is_whole() -> None:
    """Two rooms, one slot: the second waits for the rest of the first's answer, too."""
    turn = Turn(asr_s=Fixed(0.0), llm_s=Fixed(1.0), llm_rest_s=Fixed(9.0))
    seen = simulate(turn, Servers(), rooms=2, think_s=0.001, turns=40)
    assert seen.gaps_s[2:] == pytest.approx([10.0 + 1.0] * (seen.turns - 2), abs=0.1)
    assert seen.utilisation("llm", Servers()) == pytest.approx(1.0, abs=0.05)


def test_a_line_of_equal_times_waits_half_as_long() -> None:
    load = 0.6
    expected_s = load / (2 * (1 - load))  # M/D/1: F. Pollaczek, A. Y. Khinchine
    assert mean_wait_s(crowd(Fixed(1.0), 1, load)) == pytest.approx(expected_s, rel=0.1)


def test_a_room_alone_waits_for_nobody() -> None:
    turn = Turn(asr_s=Fixed(0.5), noticed_s=0.8, llm_s=Fixed(1.0), tts_s=Fixed(0.25))
    seen = simulate(turn, Servers(), rooms=1, think_s=10, turns=50)
    assert seen.gaps_s == pytest.approx([2.55] * 50)
    assert seen.wait_s(95) == 0
    assert seen.most_at_once == 1


@pytest.mark.parametrize(("decode_s", "gap_s"), [(0.3, 0.8), (1.0, 1.2)])
def test_a_guess_is_worked_on_while_the_end_is_uncertain(decode_s: float, gap_s: float) -> None:
    turn = Turn(asr_s=Fixed(decode_s), noticed_s=0.8, guess_s=0.2)
    seen = simulate(turn, Servers(), rooms=1, think_s=10, turns=20)
    assert seen.gaps_s == pytest.approx([gap_s] * 20)


def test_a_pause_costs_a_decode_in_vain_where_somebody_is_idle() -> None:
    turn = Turn(asr_s=Fixed(0.5), speech_s=Fixed(3.0), pauses=1.0)
    seen = simulate(turn, Servers(), rooms=1, think_s=10, turns=100)
    assert seen.in_vain == pytest.approx(100, abs=1)
    assert seen.busy_s["asr"] == pytest.approx(100 * 1.0, rel=0.02)
    crowded = simulate(turn, Servers(), rooms=50, think_s=10, turns=1000)
    assert crowded.in_vain < 200


def test_a_pause_that_is_still_decoded_is_waited_for() -> None:
    turn = Turn(asr_s=Fixed(2.0), speech_s=Fixed(3.0), pauses=1.0)
    seen = simulate(turn, Servers(), rooms=1, think_s=100, turns=20)
    assert seen.gaps_s == pytest.approx([2.5] * 20)


def test_enough_is_the_first_that_is() -> None:
    turn = Turn(asr_s=Fixed(0.9), llm_s=Fixed(0.8), tts_s=Fixed(0.4))
    servers, seen = enough(turn, rooms=100, think_s=60, turns=3000, bound_s=0.5)
    assert seen.wait_s(95) <= 0.5
    for kind in ("asr", "llm", "tts"):
        fewer = replace(servers, **{kind: max(1, servers.of(kind) - 1)})
        if fewer != servers:
            less = simulate(turn, fewer, rooms=100, think_s=60, turns=3000)
            assert less.wait_s(95) > 0.5


def test_what_can_t_be_enough_any_more_is_not_simulated_to_its_end() -> None:
    turn = Turn(asr_s=Fixed(1.0))
    short = simulate(turn, Servers(), rooms=50, think_s=60, turns=1000, bound_s=0.5)
    assert 51 < short.turns < 200
    assert short.wait_s(95) > 0.5
    ample = simulate(turn, Servers(asr=50), rooms=50, think_s=60, turns=1000, bound_s=0.5)
    assert ample.turns == 1000


def test_a_measured_time_lies_about_its_median() -> None:
    dice = random.Random(3)
    drawn = [Measured(0.4, 0.9).draw(dice) for _ in range(20_000)]
    assert percentile(drawn, 50) == pytest.approx(0.4, rel=0.03)
    assert percentile(drawn, 95) == pytest.approx(0.9, rel=0.03)


def test_the_figures_are_those_of_the_tables() -> None:
    found = figure("ASR, base.en", "paced, 1 at a time: after stop, ms")
    assert 0 < found.median <= found.p95
    with pytest.raises(LookupError, match="no row 'nothing'"):
        figure("ASR, base.en", "nothing")
    with pytest.raises(LookupError, match="no table 'ASR, tiny'"):
        figure("ASR, tiny", "nothing")


def test_a_size_is_told_with_all_that_it_takes() -> None:
    arguments = capacity.parsed(["--rooms", "1", "30", "--turns", "100"])
    houses = {context: list(capacity.sized(arguments, context)) for context in ("full", "auto")}
    assert [house[0].cores for house in houses.values()] == [4, 4]
    table = capacity.markdown(houses, arguments).splitlines()
    assert table[0] == ("| rooms, `--audio-context full` (`auto`) | 1 | 30 | where it comes from |")
    assert {line.count("|") for line in table} == {5}
    assert any(line.startswith("| ASR servers | 1 (1) |") for line in table)
    named = {what for what, _, _ in capacity.columns(houses["full"][0], "full", arguments)}
    assert named == set(capacity.SOURCES)
    report = Report("capacity", {})
    for context, sizes in houses.items():
        for house in sizes:
            capacity.told(report, house, context, arguments)
    assert len(report.rows) == 2 * (len(table) - 2)
    assert set(report.rows["audio context full: ASR servers"].values) == {"1 rooms", "30 rooms"}


def test_what_to_buy_is_told_in_a_line() -> None:
    arguments = capacity.parsed(["--rooms", "1", "100", "--turns", "200"])
    one, many = map(capacity.bought, capacity.sized(arguments, "full"))
    assert one.startswith("**1 room**: one machine of 2 cores and 4 GiB for all servers")
    assert "machines for ASR" in many
    assert "`--history-conversations 100`" in many


def test_a_rush_is_met_with_the_servers_of_the_hour() -> None:
    arguments = capacity.parsed(["--rooms", "300", "--turns", "1500"])
    (house,) = capacity.sized(arguments, "full")
    assert house.rush.turns / house.rush.span_s == pytest.approx(2 * house.turns_per_s, rel=0.15)
    assert house.rush.wait_s(95) > house.seen.wait_s(95)
