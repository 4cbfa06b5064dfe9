"""What comes of a turn, and the reply that an answer asks for: whole conversations, effect by effect."""

import pytest

from satellite.events import (
    Progressed,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    SpeechEndedRemotely,
    TimerFinished,
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


def test_home_assistant_answers_where_it_is_ready() -> None:
    stage = Stage(ready=(DIRECT, HOME))
    assert "begin 1 ha from 3000" in stage.do(Triggered(3000))
    assert stage.do(SpeechStarted(3000), SpeechEndedRemotely(1))[1:] == [
        "end 1 ha",
        "PROCESSING",
        "think on",
    ]


def test_an_early_transcript_ends_the_audio() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.do(Transcribed(1, "Lights on")) == [
        "end 1 direct",
        "PROCESSING",
        "transcript: Lights on",
        "think on",
    ]


def test_nothing_understood_ends_in_silence() -> None:
    assert asked().do(Transcribed(1, " ")) == ["think off", "cancel 1 direct", "UNDUCK", "IDLE"]


def test_a_stop_phrase_wants_no_answer() -> None:
    stage = asked()
    stage.do(TimerFinished("1", "eggs"))
    assert stage.do(Transcribed(1, "Never mind.")) == [
        "think off",
        "transcript: Never mind.",
        "dismiss all",
        "tone done",
        "cancel 1 direct",
        "UNDUCK",
        "IDLE",
    ]


def test_an_answer_without_sound() -> None:
    stage = asked()
    stage.do(ReplyText(1, "Done."))
    assert stage.do(ReplyEnded(1)) == ["think off", "response: Done.", "UNDUCK", "IDLE"]


@pytest.mark.parametrize("sign", [Progressed(1), Transcribed(1, "lights"), ReplyText(1, "so")])
def test_an_answer_is_waited_for_while_there_are_signs_of_life(sign: Progressed) -> None:
    stage = asked()
    stage.wait(29_999)
    stage.do(sign)
    assert stage.wait(29_999) == []
    assert stage.wait(1) == [
        "think off",
        "cancel 1 direct",
        "tone error",
        "error: timeout",
        "sentence 1 timeout",
    ]
    assert stage.heard() == ["PLAYED", "UNDUCK", "IDLE"]


def test_a_long_answer_that_came_at_once_is_heard_to_its_end() -> None:
    stage = answered()
    for _ in range(99):
        stage.do(ReplyAudio(1, SECOND))
    stage.do(ReplyEnded(1))
    assert stage.wait(100_000) == []
    assert stage.heard()[0] == "played direct"


def test_an_answer_of_which_no_more_comes() -> None:
    stage = answered(text="Which room?")
    assert stage.wait(30_999) == []
    assert stage.wait(1) == [
        "abort 1",
        "played direct",
        "cancel 1 direct",
        "prepare direct",
    ], "it goes on as if it had been heard"


def test_a_turn_that_fails_says_so() -> None:
    assert asked().do(TurnFailed(1, Trouble.NO_HANDLE, "refused")) == [
        "think off",
        "tone error",
        "error: no-handle",
        "sentence 1 no-handle",
    ]


def test_a_turn_that_fails_while_it_is_being_said() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    words = stage.do(TurnFailed(1, Trouble.NO_ASR, "gone"))
    assert words[0] == "end 1 direct"
    assert words[-1] == "sentence 1 no-asr"


def test_a_turn_that_fails_silently() -> None:
    failure = TurnFailed(1, Trouble.FAILED, "duplicate wake-up", silent=True)
    assert asked().do(failure) == ["think off", "UNDUCK", "IDLE"]


def test_an_answer_that_fails_is_heard_as_far_as_it_came_and_then_that_it_failed() -> None:
    stage = answered(text="Which room? The")
    assert stage.do(TurnFailed(1, Trouble.FAILED, "cut off")) == [
        "error: failed",
        "whole 1",
        "sentence 2 failed",
    ]
    assert stage.do(ReplyAudio(1, SECOND), ReplyEnded(1)) == []
    assert stage.heard() == ["played direct", "PLAYED", "ANNOUNCING"]
    assert stage.heard() == ["PLAYED", "UNDUCK", "IDLE"]


def test_an_answer_that_fails_silently_is_heard_as_far_as_it_came() -> None:
    stage = answered()
    failure = TurnFailed(1, Trouble.FAILED, "cut off", silent=True)
    assert stage.do(failure) == ["error: failed", "whole 1"]
    assert stage.heard() == ["played direct", "PLAYED", "UNDUCK", "IDLE"]


def test_a_question_opens_the_ear_again() -> None:
    stage = answered(text="Which room? 🙂")
    stage.do(ReplyEnded(1))
    assert stage.heard() == ["played direct", "PLAYED", "prepare direct"]
    assert stage.wait(399) == []
    assert stage.wait(1) == ["ears here", "LISTENING"]
    assert stage.sending is None, "nothing is sent before somebody speaks"
    stage.wait(1000)
    assert stage.do(SpeechStarted(9000)) == [
        "begin 2 direct from 8500 by okay_nabu again",
        "SPEECH-STARTED",
    ]
    assert stage.do(SpeechEnded(9800))[1] == "end 2 direct"


def test_nobody_replies() -> None:
    stage = answered(with_settings(echo_cancelled=True), text="Which room?")
    stage.do(ReplyEnded(1))
    stage.heard()
    assert stage.wait(100) == ["ears here", "LISTENING"]
    assert stage.wait(7999) == []
    assert stage.wait(1) == ["UNDUCK", "IDLE"]


def test_a_cough_is_no_reply() -> None:
    stage = answered(text="Which room?")
    stage.do(ReplyEnded(1))
    stage.heard()
    stage.wait(1400)
    stage.do(SpeechStarted(9000), SpeechEnded(9100))
    assert stage.name == "listening"
    assert stage.wait(6999) == []
    assert stage.wait(1) == ["end 2 direct", "cancel 2 direct", "UNDUCK", "IDLE"]


@pytest.mark.parametrize(
    ("policy", "text", "state"),
    [
        ("off", "Which room?", "idle"),
        ("question", "It is ten.", "idle"),
        ("question", "Which room?", "guarding"),
        ("always", "It is ten.", "guarding"),
    ],
)
def test_when_a_reply_is_waited_for(policy: str, text: str, state: str) -> None:
    stage = answered(with_settings(follow_up=policy), text=text)
    stage.do(ReplyEnded(1))
    stage.heard()
    assert stage.name == state


def test_a_reply_goes_to_whoever_asked_while_that_one_is_ready() -> None:
    stage = answered(text="Which room?")
    stage.do(ReplyEnded(1), ViaChanged(HOME, True))
    assert "prepare direct" in stage.heard()
    stage.wait(400)
    stage.do(ViaChanged(DIRECT, False))
    assert stage.do(SpeechStarted(9000))[0] == "begin 2 ha from 8500 by okay_nabu again"


@pytest.mark.parametrize(
    ("household", "spoken", "told_in"), [("", "de", " in de"), ("fr", "", " in fr"), ("", "", "")]
)
def test_what_is_wrong_is_told_in_the_language_that_was_spoken_last(
    household: str, spoken: str, told_in: str
) -> None:
    stage = asked(with_settings(language=household))
    stage.do(Transcribed(1, "lights", spoken))
    assert stage.wait(30_000)[-1] == f"sentence 1 timeout{told_in}"
    stage.heard()
    stage.do(ViaChanged(DIRECT, False))
    assert stage.do(Triggered(9000))[-1].endswith(told_in)
