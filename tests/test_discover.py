"""What `wyoming-voice discover` prints: addresses that can be copied, names as they are."""

import pytest

from wyoming_voice import discover
from wyoming_voice.discovery import Found

SIX = "tcp://[2001:db8:1234:5678:9abc:def0:1234:5678]:10300"


async def test_addresses_and_names_are_printed_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def found(timeout_s: float) -> list[Found]:
        return [
            Found("[red] kitchen", SIX, {"version": "1.0"}, round_trip_ms=2.5),
            Found("attic", "tcp://192.0.2.7:10200", {}),
        ]

    monkeypatch.setattr(discover, "discover", found)
    assert await discover.run(discover.DiscoverSettings()) == 0
    told = capsys.readouterr().out
    assert SIX in told
    assert "[red]" in told
    assert "192.0.2.7" in told
