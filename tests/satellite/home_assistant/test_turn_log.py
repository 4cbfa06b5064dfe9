"""Each turn that Home Assistant answers has one line, whatever became of it."""

import logging

import pytest

from satellite import events as e
from satellite.effects import BeginTurn
from satellite.home_assistant.turn_log import TurnLog
from tests.home_assistant import Script
from tests.satellite.home_assistant.server_stage import connected


def begun(epoch: int) -> BeginTurn:
    return BeginTurn(epoch, e.Via.HOME_ASSISTANT, 0, turn_id=f"t{epoch}")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="wyoming_voice.outcome")
    return caplog


async def test_a_turn_from_its_begin_to_its_end(told: pytest.LogCaptureFixture) -> None:
    log = TurnLog()
    log.begin(begun(1), 10.0)
    log.push(e.Transcribed(7, "of another turn"), 10.5)
    log.heard(1, 11.0)
    log.push(e.Transcribed(1, "turn on the light"), 11.25)
    for text, at_s in (("It ", 11.5), ("is on.", 11.75)):
        log.push(e.ReplyText(1, text), at_s)
    log.push(e.ReplyEnded(1), 12.0)
    log.push(e.ReplyEnded(1), 13.0)
    assert [line.getMessage() for line in told.records] == [
        "turn=t1 kind=turn via=home-assistant audio_end=1000.0ms transcript=250.0ms"
        " first_text=250.0ms end=500.0ms outcome=ok"
    ]


async def test_turns_that_nobody_waits_for_and_those_that_fail(
    told: pytest.LogCaptureFixture,
) -> None:
    log = TurnLog()
    log.begin(begun(1), 1.0)
    log.cancel(1, 2.0)
    log.cancel(1, 2.0)
    log.begin(begun(2), 3.0)
    log.begin(begun(3), 4.0)
    log.push(e.TurnFailed(3, e.Trouble.NO_HOME_ASSISTANT, "it has gone"), 5.0)
    ends = [(line.__dict__["turn"], line.__dict__["outcome"]) for line in told.records]
    assert ends == [("t1", "cancelled"), ("t2", "cancelled"), ("t3", "no-home-assistant")]


async def test_a_real_one(told: pytest.LogCaptureFixture) -> None:
    async with connected(Script(reply_pcm=bytes(2560))) as (satellite, _):
        satellite.begin(1)
        satellite.backend.end_audio(1)
        await satellite.told(e.ReplyEnded(1))
    (line,) = (r for r in told.records if r.name == "wyoming_voice.outcome")
    assert line.__dict__["outcome"] == "ok"
    assert {"audio_end", "transcript", "first_audio", "end"} <= line.__dict__["stages_ms"].keys()
    assert "light" not in line.getMessage()
