"""What ends an answer or closes the ear: whole conversations, effect by effect."""

from collections.abc import Callable

import pytest

from satellite.events import (
    Event,
    MuteChanged,
    MuteSource,
    PlaybackHeard,
    Pressed,
    ReplyAudio,
    ReplyEnded,
    Stopped,
    Triggered,
    Woken,
)
from satellite.turn import TurnSettings
from tests.satellite.turn_stage import (
    HOME,
    NABU,
    SECOND,
    SPEAK_SOON,
    STOP_WORD,
    Stage,
    answered,
    asked,
    with_settings,
)
from wyoming_voice.core.endpointing import SpeechStarted


def test_a_wake_word_interrupts_an_answer() -> None:
    stage = answered(ready=(HOME,))
    assert stage.do(Woken(NABU, 9000)) == [
        "abort 1",
        "played ha",
        "cancel 1 ha",
        "wake: okay_nabu",
        "ears 9000",
        "begin 2 ha from 8950 by okay_nabu",
        "tone listening",
        "LISTENING",
    ]
    assert stage.do(ReplyAudio(1, SECOND), ReplyEnded(1), PlaybackHeard(1)) == []


def test_speech_interrupts_an_answer() -> None:
    stage = answered(SPEAK_SOON)
    stage.wait(701)
    assert stage.do(SpeechStarted(9000)) == [
        "abort 1",
        "played direct",
        "cancel 1 direct",
        "begin 2 direct from 8500",
        "LISTENING",
        "SPEECH-STARTED",
    ]


def test_speech_interrupts_nothing_where_the_satellite_hears_itself() -> None:
    stage = answered(with_settings(barge_in="speech"))
    assert stage.do(SpeechStarted(9000)) == []
    assert stage.do(Woken(NABU, 9000))[0] == "abort 1"


@pytest.mark.parametrize(
    ("barge_in", "interrupts"),
    [
        ("off", "..!!!"),
        ("stop", ".!!!!"),
        ("wake", "!!!!!"),
        ("speech", "!!!!!"),
    ],
)
@pytest.mark.parametrize("reach", [asked, answered], ids=["processing", "responding"])
def test_who_may_interrupt(
    reach: Callable[[TurnSettings], Stage], barge_in: str, interrupts: str
) -> None:
    calls: list[Event] = [
        Woken(NABU, 9000),
        Woken(STOP_WORD, 9000),
        Stopped(),
        Triggered(9000),
        Pressed(9000),
    ]
    picture = ""
    for call in calls:
        stage = reach(with_settings(barge_in=barge_in))
        picture += "!" if "cancel 1 direct" in stage.do(call) else "."
    assert picture == interrupts


def test_a_stop_word_leaves_silence() -> None:
    stage = answered()
    assert stage.do(Woken(STOP_WORD, 9000)) == [
        "abort 1",
        "played direct",
        "cancel 1 direct",
        "UNDUCK",
        "IDLE",
    ]


def test_stopped_while_somebody_speaks() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.do(Stopped()) == ["end 1 direct", "cancel 1 direct", "UNDUCK", "IDLE"]


def test_muted_in_mid_sentence() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.do(MuteChanged(MuteSource.HOME_ASSISTANT, True)) == [
        "MUTED",
        "end 1 direct",
        "cancel 1 direct",
        "UNDUCK",
        "IDLE",
    ]
    assert stage.do(Woken(NABU, 5000), Triggered(5000), Pressed(5000)) == []
    assert stage.do(MuteChanged(MuteSource.SOFTWARE, True)) == []
    assert stage.do(MuteChanged(MuteSource.HOME_ASSISTANT, False)) == []
    assert stage.do(MuteChanged(MuteSource.SOFTWARE, False)) == ["UNMUTED"]
    assert "begin 2 direct from 5000" in stage.do(Triggered(5000))


def test_muted_speech_begins_nothing() -> None:
    stage = Stage(with_settings(gate="vad"))
    stage.do(MuteChanged(MuteSource.HOME_ASSISTANT, True))
    assert stage.do(SpeechStarted(3400)) == []


def test_an_answer_is_heard_while_muted_but_asks_nothing_back() -> None:
    stage = answered(SPEAK_SOON, text="Which room?")
    assert stage.do(MuteChanged(MuteSource.HOME_ASSISTANT, True)) == ["MUTED"]
    assert stage.do(SpeechStarted(9000), Woken(NABU, 9000)) == []
    stage.do(ReplyEnded(1))
    assert stage.heard() == ["played direct", "PLAYED", "UNDUCK", "IDLE"]


def test_muted_while_a_reply_is_waited_for() -> None:
    stage = answered(text="Which room?")
    stage.do(ReplyEnded(1))
    stage.heard()
    assert stage.do(MuteChanged(MuteSource.SOFTWARE, True)) == ["MUTED", "UNDUCK", "IDLE"]
