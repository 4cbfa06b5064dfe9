"""Timers, and a microphone that comes and goes: whole conversations, effect by effect."""

from satellite.events import (
    MicrophoneLost,
    MicrophoneReady,
    MuteChanged,
    MuteSource,
    Say,
    Stopped,
    TimerDismissed,
    TimerFinished,
    Triggered,
    Woken,
)
from satellite.turn import State, TurnSettings, step
from tests.satellite.turn_stage import (
    NABU,
    Stage,
    answered,
    in_words,
)
from wyoming_voice.core.endpointing import SpeechStarted


def test_a_timer_rings_until_somebody_calls() -> None:
    stage = Stage()
    assert stage.do(TimerFinished("1", "eggs"), TimerFinished("1", "eggs")) == ["ring on"]
    assert stage.do(Woken(NABU, 3000))[:4] == ["ring off", "DUCK", "dismiss all", "wake: okay_nabu"]
    assert stage.state.ringing == ()


def test_a_timer_rings_until_it_is_stopped() -> None:
    stage = Stage()
    stage.do(TimerFinished("1", "eggs"))
    assert stage.do(Stopped()) == ["ring off", "dismiss all"]


def test_a_timer_is_dismissed_while_muted_and_no_turn_begins() -> None:
    stage = Stage()
    stage.do(MuteChanged(MuteSource.HOME_ASSISTANT, True), TimerFinished("1", "eggs"))
    assert stage.do(Triggered(3000)) == ["ring off", "dismiss all"]


def test_a_timer_waits_for_the_answer_to_end_and_is_not_dismissed_unheard() -> None:
    stage = answered()
    assert stage.do(TimerFinished("1", "eggs")) == []
    assert "dismiss all" not in stage.do(Woken(NABU, 9000))
    assert stage.wait(5000)[-3:] == ["ring on", "UNDUCK", "IDLE"]


def test_a_timer_is_given_up_after_a_quarter_of_an_hour() -> None:
    stage = Stage()
    stage.do(TimerFinished("1", "eggs"))
    stage.wait(60_000)
    stage.do(TimerFinished("2", "tea"))
    assert stage.wait(14 * 60_000) == ["dismiss 1"]
    assert stage.do(TimerDismissed("2")) == ["ring off"]
    assert stage.state.deadline_ms is None


def test_the_microphone_lost_in_mid_sentence() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.do(MicrophoneLost("unplugged")) == [
        "microphone-lost: unplugged",
        "end 1 direct",
        "PROCESSING",
        "ears here",
        "think on",
    ]


def test_the_microphone_lost_before_anything_was_said() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000))
    assert stage.do(MicrophoneLost("unplugged"))[1:3] == ["end 1 direct", "cancel 1 direct"]
    assert stage.do(MicrophoneReady()) == ["MICROPHONE-READY"]


def test_booting() -> None:
    settings = TurnSettings()
    state = State.initial(settings, 0)
    assert state.name == "booting"
    assert state.deadline_ms == 10_000
    with_microphone, effects = step(settings, state, MicrophoneReady(), 500)
    assert with_microphone.name == "idle"
    assert [in_words(effect) for effect in effects] == ["MICROPHONE-READY", "READY", "IDLE"]
    stage = Stage()
    stage.state, stage.now_ms = State.initial(settings, 0), 0
    assert stage.do(Triggered(0), Say("Hello")) == []
    assert stage.wait(10_000)[0].startswith("error: no microphone yet")
    assert stage.name == "announcing", "the mouth works without an ear"
