"""Who begins a turn, and when all was said: whole conversations, effect by effect."""

from satellite.events import (
    Pressed,
    Released,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    Transcribed,
    Woken,
)
from tests.satellite.turn_stage import (
    NABU,
    SECOND,
    Stage,
    with_settings,
)
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted


def test_a_turn_by_wake_word() -> None:
    stage = Stage()
    assert stage.do(Woken(NABU, 3000)) == [
        "DUCK",
        "wake: okay_nabu",
        "ears 3000",
        "begin 1 direct from 2950 by okay_nabu",
        "tone listening",
        "LISTENING",
    ]
    assert stage.sending == 1
    assert stage.do(SpeechStarted(3400)) == ["SPEECH-STARTED"]
    assert stage.do(SpeechEnded(5000)) == [
        "SPEECH-ENDED",
        "end 1 direct",
        "PROCESSING",
        "think on",
    ]
    assert stage.sending is None
    assert stage.do(Transcribed(1, "What time is it?")) == ["transcript: What time is it?"]
    assert stage.do(ReplyText(1, "It is"), ReplyText(1, " ten.")) == []
    assert stage.do(ReplyAudio(1, SECOND)) == ["think off", "playback 1", "RESPONDING", "play 1"]
    assert stage.do(ReplyAudio(1, SECOND)) == ["play 1"]
    assert stage.do(ReplyEnded(1)) == ["response: It is ten.", "whole 1"]
    assert stage.heard() == ["played direct", "PLAYED", "UNDUCK", "IDLE"]
    assert stage.state.deadline_ms is None


def test_nothing_said_after_the_wake_word() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000))
    assert stage.wait(4999) == []
    assert stage.wait(1) == ["end 1 direct", "cancel 1 direct", "UNDUCK", "IDLE"]


def test_a_cough_after_the_wake_word_is_waited_out_within_the_same_time() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000))
    stage.wait(3000)
    assert stage.do(SpeechStarted(6000), SpeechEnded(6249)) == ["SPEECH-STARTED", "SPEECH-ENDED"]
    assert stage.name == "listening"
    assert stage.wait(1999) == []
    assert stage.wait(1) == ["end 1 direct", "cancel 1 direct", "UNDUCK", "IDLE"]


def test_a_cough_that_ends_too_late_ends_the_waiting() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000))
    stage.wait(4900)
    stage.do(SpeechStarted(7900))
    assert stage.wait(300) == []
    assert stage.do(SpeechEnded(8100))[1:] == ["end 1 direct", "cancel 1 direct", "UNDUCK", "IDLE"]


def test_the_shortest_speech() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(6000), SpeechEnded(6250))
    assert stage.name == "processing"


def test_speech_that_nobody_ends_is_ended() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.wait(20_999) == []
    assert stage.wait(1) == ["end 1 direct", "PROCESSING", "think on"]


def test_speech_that_was_begun_before_the_wake_word_is_no_part_of_the_turn() -> None:
    stage = Stage()
    stage.do(SpeechStarted(2000), Woken(NABU, 3000))
    assert stage.do(SpeechEnded(3300)) == []
    assert stage.name == "listening"


def test_a_turn_by_speech_alone() -> None:
    stage = Stage(with_settings(gate="vad"))
    assert stage.do(SpeechStarted(3400)) == [
        "DUCK",
        "begin 1 direct from 2900",
        "LISTENING",
        "SPEECH-STARTED",
    ]
    stage.wait(1000)
    assert stage.do(SpeechEnded(5000))[1:3] == ["end 1 direct", "PROCESSING"]


def test_a_cough_begins_a_turn_and_ends_it() -> None:
    stage = Stage(with_settings(gate="vad"))
    stage.do(SpeechStarted(3400))
    assert stage.do(SpeechEnded(3500)) == [
        "SPEECH-ENDED",
        "end 1 direct",
        "cancel 1 direct",
        "UNDUCK",
        "IDLE",
    ]


def test_pre_roll_does_not_reach_back_before_the_first_sample() -> None:
    stage = Stage(with_settings(gate="vad"))
    assert "begin 1 direct from 0" in stage.do(SpeechStarted(320))


def test_speech_alone_begins_nothing_where_a_call_is_wanted() -> None:
    stage = Stage()
    assert stage.do(SpeechStarted(3400), SpeechEnded(5000)) == []


def test_push_to_talk() -> None:
    stage = Stage(with_settings(gate="push-to-talk"))
    assert stage.do(Pressed(3000)) == [
        "DUCK",
        "ears 3000",
        "begin 1 direct from 3000",
        "tone listening",
        "LISTENING",
    ]
    stage.do(SpeechStarted(3400), SpeechEnded(5000))
    assert stage.name == "listening", "the button is held"
    assert stage.do(Released()) == ["end 1 direct", "PROCESSING", "think on"]


def test_a_button_that_is_let_go_in_silence_leaves_it_to_the_recogniser() -> None:
    stage = Stage()
    stage.do(Pressed(3000))
    stage.wait(6000)  # longer than one waits for speech after a wake word
    assert stage.do(Released())[0] == "end 1 direct"
    assert stage.do(Transcribed(1, "")) == ["think off", "cancel 1 direct", "UNDUCK", "IDLE"]


def test_a_button_that_is_held_for_ever() -> None:
    stage = Stage()
    stage.do(Pressed(3000))
    stage.wait(10_000)
    stage.do(SpeechStarted(13_000), Pressed(14_000))
    assert stage.wait(10_999) == []
    assert stage.wait(1) == ["end 1 direct", "PROCESSING", "think on"]


def test_a_button_pressed_in_an_open_turn_holds_it_open() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000))
    assert stage.do(Pressed(3500), SpeechStarted(3600), SpeechEnded(4500)) == [
        "SPEECH-STARTED",
        "SPEECH-ENDED",
    ]
    assert stage.do(Released())[0] == "end 1 direct"


def test_letting_go_of_nothing() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000))
    assert stage.do(Released()) == []
