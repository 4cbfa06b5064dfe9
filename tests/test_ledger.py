"""What is kept of requests and errors: enough to see what is wrong, and never more than a little."""

import time

import pytest

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy
from wyoming_voice.ledger import Ledger
from wyoming_voice.outcome import recorded


async def test_a_request_that_fails_through_any_door_is_kept_with_its_words() -> None:
    ledger = Ledger()
    with recorded(TurnRecord("asr"), ledger.finished):
        pass
    with pytest.raises(Busy), recorded(TurnRecord("asr"), ledger.finished):
        raise Busy("no room")
    told = ledger.status()
    assert told["requests"] == {"ok": 1, "busy": 1}
    assert isinstance(told["last_errors"], list)
    (error,) = told["last_errors"]
    assert (error["code"], error["text"]) == ("busy", "no room")
    assert abs(error["at"] - time.time()) < 60


def test_the_last_five_that_differ_the_latest_last() -> None:
    ledger = Ledger()
    for number in (1, 2, 3, 4, 5, 2, 6, 6):
        ledger.told("code", f"error {number} " + "x" * 1000)
    errors = ledger.status()["last_errors"]
    assert isinstance(errors, list)
    assert [error["text"].split()[1] for error in errors] == ["3", "4", "5", "2", "6"]
    assert {len(error["text"]) for error in errors} == {300}


def test_outcomes_are_bounded() -> None:
    ledger = Ledger()
    for number in range(1000):
        ledger.count(f"outcome-{number}")
    requests = ledger.status()["requests"]
    assert isinstance(requests, dict)
    assert len(requests) == 65
    assert sum(requests.values()) == 1000
