"""Who answers, when somebody goes or nobody is there: whole conversations, effect by effect."""

import pytest

from satellite.events import (
    Event,
    ReplyAudio,
    ReplyEnded,
    Transcribed,
    Triggered,
    Trouble,
    TurnFailed,
    ViaChanged,
    Woken,
)
from tests.satellite.turn_stage import (
    DIRECT,
    HOME,
    NABU,
    SECOND,
    Stage,
    answered,
    asked,
    with_settings,
)
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted


def test_home_assistant_lost_in_mid_utterance() -> None:
    stage = Stage(ready=(HOME, DIRECT))
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.do(ViaChanged(HOME, False)) == [
        "disconnected: home-assistant",
        "end 1 ha",
        "cancel 1 ha",
        "begin 2 direct from 2950 by okay_nabu",
    ]
    assert stage.do(TurnFailed(1, Trouble.FAILED, "gone")) == []
    assert stage.do(SpeechEnded(5000))[1] == "end 2 direct"


def test_home_assistant_lost_after_the_utterance() -> None:
    stage = asked(ready=(HOME, DIRECT))
    assert stage.do(ViaChanged(HOME, False))[1:] == [
        "cancel 1 ha",
        "begin 2 direct from 2950 by okay_nabu",
        "end 2 direct",
    ]
    assert stage.name == "processing"
    assert stage.wait(29_999) == []


def test_home_assistant_says_itself_that_it_is_lost() -> None:
    stage = asked(ready=(HOME, DIRECT))
    assert stage.do(TurnFailed(1, Trouble.NO_HOME_ASSISTANT, "the link has ended")) == [
        "cancel 1 ha",
        "begin 2 direct from 2950 by okay_nabu",
        "end 2 direct",
    ]
    assert stage.do(ViaChanged(HOME, False)) == ["disconnected: home-assistant"]


@pytest.mark.parametrize("mode", ["auto", "ha"])
@pytest.mark.parametrize(
    "loss",
    [ViaChanged(HOME, False), TurnFailed(1, Trouble.NO_HOME_ASSISTANT, "the link has ended")],
)
def test_home_assistant_lost_and_nobody_else_there(mode: str, loss: Event) -> None:
    stage = Stage(with_settings(mode=mode), ready=(HOME,))
    stage.do(ViaChanged(DIRECT, mode == "ha", ("tts",)), Woken(NABU, 3000))
    assert stage.do(loss)[-5:] == [
        "end 1 ha",
        "cancel 1 ha",
        "tone error",
        "error: no-home-assistant",
        "sentence 1 no-home-assistant",
    ]


def test_a_server_lost_that_has_done_its_part() -> None:
    stage = asked()
    assert stage.do(ViaChanged(DIRECT, False, ("asr",))) == ["disconnected: direct"]
    stage.do(Transcribed(1, "what time is it"), ReplyAudio(1, SECOND))
    stage.do(ViaChanged(DIRECT, True), ViaChanged(DIRECT, False, ("asr",)))
    assert stage.do(ReplyAudio(1, SECOND)) == ["play 1"]
    assert stage.do(ReplyEnded(1))[-1] == "whole 1"


def test_own_servers_lost_and_nobody_else_there() -> None:
    stage = asked()
    stage.do(ViaChanged(DIRECT, False, ("tts",)))
    assert stage.do(TurnFailed(1, Trouble.NO_TTS, "gone"))[-1] == "sentence 1 no-tts"


@pytest.mark.parametrize("noticed", [True, False])
def test_nobody_of_our_own_to_hear_while_home_assistant_is_there(noticed: bool) -> None:
    stage = asked()
    stage.do(ViaChanged(HOME, True), ViaChanged(DIRECT, not noticed, ("asr",) * noticed))
    assert stage.do(TurnFailed(1, Trouble.NO_ASR, "gone"))[-2:] == [
        "begin 2 ha from 2950 by okay_nabu",
        "end 2 ha",
    ]


def test_home_assistant_lost_in_mid_answer() -> None:
    stage = answered(ready=(HOME, DIRECT))
    assert stage.do(ViaChanged(HOME, False)) == ["disconnected: home-assistant", "whole 1"]
    assert stage.heard()[0] == "played ha"


def test_home_assistant_comes_in_mid_utterance_and_is_not_needed() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000))
    assert stage.do(ViaChanged(HOME, True), ViaChanged(HOME, True)) == ["connected: home-assistant"]
    assert stage.sending == 1


@pytest.mark.parametrize(
    ("mode", "missing", "trouble"),
    [
        ("ha", (), "no-home-assistant"),
        ("auto", (), "no-asr"),
        ("auto", ("tts", "handle"), "no-handle"),
        ("standalone", ("tts",), "no-tts"),
    ],
)
def test_nobody_can_answer(mode: str, missing: tuple[str, ...], trouble: str) -> None:
    stage = Stage(with_settings(mode=mode), ready=())
    stage.do(ViaChanged(DIRECT, False, missing))
    assert stage.do(Triggered(3000)) == ["tone error", f"error: {trouble}", f"sentence 1 {trouble}"]
    assert stage.heard() == ["PLAYED", "IDLE"]


def test_nobody_can_answer_what_is_said_unasked() -> None:
    stage = Stage(with_settings(gate="vad"), ready=())
    assert stage.do(SpeechStarted(3400))[-1] == "sentence 1 no-asr"


def test_no_reply_is_waited_for_that_nobody_could_answer() -> None:
    stage = answered(text="Which room?")
    stage.do(ReplyEnded(1), ViaChanged(DIRECT, False))
    assert stage.heard() == ["played direct", "PLAYED", "UNDUCK", "IDLE"]


def test_a_mode_is_kept_to() -> None:
    assert "sentence 1 no-home-assistant" in Stage(with_settings(mode="ha")).do(Triggered(1))
    alone = Stage(with_settings(mode="standalone"), ready=(HOME, DIRECT))
    assert "begin 1 direct from 1" in alone.do(Triggered(1))
