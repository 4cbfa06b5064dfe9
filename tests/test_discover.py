"""What `wyoming-voice discover` prints: addresses that can be copied, names as they are."""

import pytest

from wyoming_voice import discover
from wyoming_voice.describing import Declined
from wyoming_voice.discovery import Found

CELLAR = "tcp://192.0.2.8:10200"
SIX = "tcp://[2001:db8:1234:5678:9abc:def0:1234:5678]:10300"


async def test_addresses_and_names_are_printed_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def found(timeout_s: float) -> list[Found]:
        return [
            Found("[red] kitchen", SIX, {"version": "1.0"}, round_trip_ms=2.5),
            Found("attic", "tcp://192.0.2.7:10200", {}),
            Found("cellar", CELLAR, {}, declined=Declined(CELLAR, "no\x1b[1m room", "busy")),
        ]

    monkeypatch.setattr(discover, "discover", found)
    assert await discover.run(discover.DiscoverSettings()) == 0
    told = capsys.readouterr().out
    assert SIX in told
    assert "[red]" in told
    assert "192.0.2.7" in told
    rows = [line.split() for line in told.splitlines()]
    assert (rows[2][0], rows[2][-1]) == ("attic", "answer")
    assert (rows[3][0], rows[3][-1]) == ("cellar", "busy")
    assert told.splitlines()[-1] == f"cellar: {CELLAR} says: no [1m room"


async def test_where_nobody_is_announced_the_command_that_finds_this_machines_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def nobody(timeout_s: float) -> list[Found]:
        return []

    monkeypatch.setattr(discover, "discover", nobody)
    assert await discover.run(discover.DiscoverSettings()) == 1
    assert "`wyoming-voice status`" in capsys.readouterr().out
