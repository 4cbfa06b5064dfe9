"""Speech that goes on after it seemed to have ended, and how its end is expected: effect by effect."""

import pytest

from satellite.effects import BeginTurn
from satellite.events import (
    Event,
    MuteChanged,
    MuteSource,
    Pressed,
    Released,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    SpeechEndedRemotely,
    Supposed,
    Transcribed,
    ViaChanged,
    Woken,
)
from satellite.turn import TurnSettings, step
from tests.satellite.turn_stage import (
    DIRECT,
    HOME,
    NABU,
    SECOND,
    SPEAK_SOON,
    Stage,
    answered,
    asked,
    with_settings,
)
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted

GOES_ON = SpeechStarted(6200)
JOINED = [
    "think off",
    "pause of 1200",
    "cancel 1 direct",
    "begin 2 direct from 2950 by okay_nabu",
    "LISTENING",
    "SPEECH-STARTED",
]


def begun(stage: Stage, event: Event) -> BeginTurn:
    _, effects = step(stage.settings, stage.state, event, stage.now_ms)
    return next(effect for effect in effects if isinstance(effect, BeginTurn))


@pytest.mark.parametrize("barge_in", ["off", "stop", "wake", "speech"])
@pytest.mark.parametrize("known", [(), (Transcribed(1, "Turn on"),), (ReplyText(1, "Which"),)])
def test_speech_that_resumes_at_once_joins_the_turn(barge_in: str, known: tuple[Event]) -> None:
    stage = asked(with_settings(barge_in=barge_in))
    stage.do(*known)
    stage.wait(700)
    assert stage.do(GOES_ON) == JOINED
    assert stage.do(SpeechEnded(7000))[1] == "end 2 direct"


def test_speech_that_resumes_later_does_not() -> None:
    stage = asked()
    stage.wait(701)
    assert stage.do(GOES_ON) == []


def test_the_turn_that_is_gone_on_with_is_named() -> None:
    stage = asked()
    assert begun(stage, GOES_ON).replaces == 1
    stage.do(GOES_ON, SpeechEnded(7000))
    assert begun(stage, SpeechStarted(7900)).replaces == 2
    assert begun(Stage(), Woken(NABU, 3000)).replaces is None


def test_a_turn_that_goes_on_and_is_handed_over_still_names_it() -> None:
    stage = asked(ready=(HOME, DIRECT))
    stage.do(GOES_ON)
    assert begun(stage, ViaChanged(HOME, False)).replaces == 1


def test_an_answer_is_not_given_up_where_nobody_could_answer_the_whole() -> None:
    stage = asked()
    stage.do(ViaChanged(DIRECT, False, ("asr",)))
    assert stage.do(GOES_ON) == []


def test_a_turn_that_was_joined_can_be_joined_again_after_its_own_end_only() -> None:
    stage = asked()
    stage.do(GOES_ON)
    stage.wait(100)
    stage.do(SpeechEndedRemotely(2))
    assert stage.name == "processing"
    assert stage.do(SpeechStarted(6900)) == []


def test_an_answer_that_sounds_is_taken_back_where_it_is_not_heard_itself() -> None:
    stage = answered(SPEAK_SOON)
    stage.wait(300)
    assert stage.do(GOES_ON) == [
        "pause of 1200",
        "abort 1",
        "played direct",
        "cancel 1 direct",
        "begin 2 direct from 2950 by okay_nabu",
        "LISTENING",
        "SPEECH-STARTED",
    ]


@pytest.mark.parametrize(
    "settings",
    [
        with_settings(barge_in="speech"),
        with_settings(barge_in="wake", echo_cancelled=True),
    ],
)
def test_an_answer_that_may_be_heard_itself_goes_on(settings: TurnSettings) -> None:
    assert answered(settings).do(GOES_ON) == []


def test_home_assistant_has_not_understood_yet() -> None:
    stage = asked(ready=(HOME,))
    assert "begin 2 ha from 2950 by okay_nabu" in stage.do(GOES_ON)


def test_what_home_assistant_has_understood_it_does() -> None:
    stage = asked(ready=(HOME,))
    stage.do(Transcribed(1, "Turn on the light"))
    assert stage.do(GOES_ON) == []
    stage = asked(SPEAK_SOON, ready=(HOME,))
    stage.do(Transcribed(1, "Turn on the light"))
    assert "begin 2 ha from 5700" in stage.do(GOES_ON), "it is a turn of its own"
    stage = answered(SPEAK_SOON, ready=(HOME,))
    assert "begin 2 ha from 5700" in stage.do(GOES_ON)


def test_no_turn_grows_for_ever() -> None:
    stage = asked()
    assert stage.do(SpeechStarted(2950 + 20_000)) == []
    assert "begin 2 direct from 2950 by okay_nabu" in stage.do(SpeechStarted(2950 + 19_999))
    stage = asked(SPEAK_SOON)
    assert "begin 2 direct from 22450" in stage.do(SpeechStarted(2950 + 20_000))


def test_a_button_that_was_let_go_means_that_it_was_all() -> None:
    stage = Stage()
    stage.do(Pressed(3000), SpeechStarted(3400), SpeechEnded(5000), Released())
    assert stage.do(GOES_ON) == []


def test_nothing_goes_on_while_muted() -> None:
    stage = asked()
    stage.do(MuteChanged(MuteSource.SOFTWARE, True))
    assert stage.do(GOES_ON) == []


def test_what_was_answered_is_over() -> None:
    stage = asked()
    stage.do(ReplyAudio(1, SECOND), ReplyEnded(1))
    stage.heard()
    assert stage.do(GOES_ON) == []


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("Turn on the.", "open"),
        ("Turn on the light.", "complete"),
        ("ruhe bitte", "complete"),
        ("turn on the light", "complete"),
        ("the light", "unknown"),
    ],
)
def test_how_the_words_so_far_look(text: str, looks: str) -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.do(Supposed(1, text)) == [f"expect {looks}"]
    assert stage.sending == 1, "it never closes the ear"


def test_what_was_supposed_has_its_place_on_the_line_of_audio() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.do(Supposed(1, "the light", "", 1500)) == ["expect unknown by 4450"]


def test_words_are_judged_in_their_language() -> None:
    stage = Stage()
    stage.do(Woken(NABU, 3000), SpeechStarted(3400))
    assert stage.do(Supposed(1, "Mach das Licht an.", "de")) == ["expect complete"]
    assert stage.do(Supposed(1, "Mach das Licht an.", "en")) == ["expect open"]


@pytest.mark.parametrize(
    "before",
    [
        (Woken(NABU, 3000),),
        (Pressed(3000), SpeechStarted(3400)),
        (Woken(NABU, 3000), SpeechStarted(3400), SpeechEnded(5000)),
    ],
    ids=["silent", "held", "over"],
)
def test_nothing_is_expected_where_no_silence_decides(before: tuple[Event, ...]) -> None:
    stage = Stage()
    stage.do(*before)
    assert stage.do(Supposed(1, "Lights on.")) == []
