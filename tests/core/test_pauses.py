"""How long somebody pauses: pauses in, the least silence out."""

import pytest

from wyoming_voice.core.pauses import Pauses, PauseSettings

SETTINGS = PauseSettings(counted_from_ms=150, margin_ms=100, weight=0.5, least_ms=200, most_ms=900)


def after(*pauses_ms: int) -> Pauses:
    pauses = Pauses(SETTINGS)
    for pause_ms in pauses_ms:
        pauses.note(pause_ms)
    return pauses


@pytest.mark.parametrize(
    ("pauses_ms", "at_least_ms"),
    [
        ((), 200),
        ((400,), 500),
        ((400, 600), 600),
        ((400, 600, 600), 650),
        ((149, 0, -5), 200),  # no pauses
        ((400, 149), 500),
        ((5_000,), 900),
        ((5_000, 300), 700),  # one long pause counts no more than the longest that is given
    ],
)
def test_the_least_silence_follows_the_average(pauses_ms: tuple[int], at_least_ms: int) -> None:
    assert after(*pauses_ms).at_least_ms == at_least_ms


def test_the_average_is_known() -> None:
    assert after().mean_ms is None
    assert after(400, 600).mean_ms == 500


def test_nobody_gets_less_than_the_floor() -> None:
    pauses = Pauses(PauseSettings(counted_from_ms=10, margin_ms=0, least_ms=300))
    pauses.note(20)
    assert pauses.at_least_ms == 300
