from datetime import UTC, datetime

import pytest

from wyoming_voice.handle.llm.patience import Deadline, Patience, pause_s

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_pauses_double_up_to_a_limit() -> None:
    assert [pause_s(attempt, None, NOW) for attempt in range(6)] == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.25),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.25),
        ("soon", 0.25),
        ("-5", 0.25),
        ("", 0.25),
        ("9" * 500, 999_999_999.0),
    ],
)
def test_a_server_that_asks_for_a_longer_pause_gets_it(header: str, seconds: float) -> None:
    assert pause_s(0, header, NOW) == seconds


def test_each_sign_of_life_buys_time_up_to_the_end() -> None:
    deadline = Deadline(Patience(first_token_s=10, total_s=25), 100.0)
    assert deadline.next_sign_s == 110.0
    deadline.alive(108.0)
    assert deadline.next_sign_s == 118.0
    deadline.alive(118.0)
    assert deadline.next_sign_s == 125.0
    deadline.finished(120.0)
    assert deadline.next_sign_s == 121.0


def test_an_unreachable_server_is_given_up_before_one_that_loads() -> None:
    deadline = Deadline(Patience(first_token_s=60, total_s=120), 0.0)
    assert deadline.allows(4.9, connected=False)
    assert not deadline.allows(5.1, connected=False)
    assert deadline.allows(59.0, connected=True)
    assert not deadline.allows(60.0, connected=True)
