"""Whole conversations, effect by effect: what people and servers do, and what the satellite does about it."""

from collections.abc import Callable

import pytest

from satellite.events import (
    AnnouncementAudio,
    AnnouncementEnded,
    Event,
    MicrophoneLost,
    MicrophoneReady,
    MuteChanged,
    MuteSource,
    PlaybackHeard,
    Pressed,
    Progressed,
    Released,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    Say,
    SpeechEndedRemotely,
    Stopped,
    TimerDismissed,
    TimerFinished,
    Transcribed,
    Triggered,
    Trouble,
    TurnFailed,
    Via,
    ViaChanged,
    Woken,
)
from satellite.turn import State, TurnSettings, step
from tests.satellite.turn_stage import (
    DIRECT,
    HOME,
    NABU,
    SECOND,
    STOP_WORD,
    Stage,
    in_words,
    with_settings,
)
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted

SPEAK_SOON = with_settings(barge_in="speech", echo_cancelled=True)


def asked(settings: TurnSettings | None = None, ready: tuple[Via, ...] = (DIRECT,)) -> Stage:
    """A wake word and a question: an answer is being made."""
    stage = Stage(settings, ready)
    stage.do(Woken(NABU, 3000), SpeechStarted(3400), SpeechEnded(5000))
    assert stage.name == "processing"
    return stage


def answered(
    settings: TurnSettings | None = None,
    ready: tuple[Via, ...] = (DIRECT,),
    text: str = "It is ten.",
) -> Stage:
    """A second of an answer has come."""
    stage = asked(settings, ready)
    stage.do(Transcribed(1, "What time is it?"), ReplyText(1, text), ReplyAudio(1, SECOND))
    assert stage.name == "responding"
    return stage


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


def test_an_answer_that_fails_is_heard_as_far_as_it_came() -> None:
    stage = answered()
    assert stage.do(TurnFailed(1, Trouble.FAILED, "cut off")) == ["error: failed", "whole 1"]
    assert stage.do(ReplyAudio(1, SECOND), ReplyEnded(1)) == []
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


def test_an_announcement() -> None:
    stage = Stage(ready=(HOME,))
    assert stage.do(AnnouncementAudio(HOME, SECOND), AnnouncementAudio(HOME, SECOND)) == [
        "ANNOUNCING",
        "playback 1",
        "play 1",
        "play 1",
    ]
    assert stage.do(AnnouncementEnded(HOME)) == ["whole 1"]
    assert stage.heard() == ["played ha", "PLAYED", "IDLE"]


def test_an_announcement_whose_end_never_comes() -> None:
    stage = Stage(ready=(HOME,))
    stage.do(AnnouncementAudio(HOME, SECOND))
    assert stage.wait(30_999) == []
    assert stage.wait(1) == ["abort 1", "played ha", "IDLE"]
    assert stage.do(AnnouncementAudio(HOME, SECOND)) == [], "too late"


def test_an_announcement_abandons_a_turn() -> None:
    stage = Stage(ready=(HOME,))
    stage.do(Woken(NABU, 3000))
    assert stage.do(AnnouncementAudio(HOME, SECOND))[:2] == ["end 1 ha", "cancel 1 ha"]
    assert stage.name == "announcing"


def test_an_announcement_in_an_answer_waits_in_line() -> None:
    stage = answered(ready=(HOME,), text="Which room?")
    assert stage.do(AnnouncementAudio(HOME, SECOND), AnnouncementEnded(HOME)) == [
        "playback 2",
        "play 2",
        "whole 2",
    ]
    assert stage.do(PlaybackHeard(2)) == [], "it can't be heard yet"
    assert stage.do(ReplyAudio(1, SECOND), ReplyEnded(1))[-1] == "whole 1"
    assert stage.heard() == ["played ha", "PLAYED", "ANNOUNCING"]
    assert stage.heard() == ["played ha", "PLAYED", "UNDUCK", "IDLE"]


def test_a_long_announcement_in_line_is_heard_to_its_end() -> None:
    stage = answered(ready=(HOME,))
    stage.do(*[AnnouncementAudio(HOME, SECOND)] * 60, AnnouncementEnded(HOME))
    stage.wait(20_000)
    stage.do(ReplyEnded(1))
    stage.heard()
    assert stage.wait(89_999) == []
    assert stage.wait(1)[0] == "abort 2"


def test_an_announcement_in_line_gives_an_answer_no_more_time() -> None:
    stage = answered(ready=(HOME,))
    stage.wait(30_999)
    stage.do(AnnouncementAudio(HOME, SECOND))
    assert stage.wait(1)[0] == "abort 1"
    assert stage.name == "announcing"
    assert stage.do(AnnouncementAudio(HOME, SECOND)) == ["play 2"]


def test_a_sentence_has_time_to_be_heard() -> None:
    stage = asked(with_settings(answer_ms=1000))
    stage.wait(1000)
    assert stage.wait(10_999) == []
    assert stage.wait(1) == ["abort 1", "UNDUCK", "IDLE"]


def test_an_announcement_in_line_is_silenced_with_the_answer_and_before_it() -> None:
    stage = answered(ready=(HOME,))
    stage.do(AnnouncementAudio(HOME, SECOND))
    words = stage.do(Stopped())
    assert words[:5] == ["abort 2", "played ha", "abort 1", "played ha", "cancel 1 ha"]


def test_what_is_left_of_an_announcement_that_was_cut_off_is_dropped() -> None:
    stage = Stage(ready=(HOME,))
    stage.do(AnnouncementAudio(HOME, SECOND), Stopped())
    stage.wait(1499)
    assert stage.do(AnnouncementAudio(HOME, SECOND)) == []
    stage.wait(1499)
    assert stage.do(AnnouncementAudio(HOME, SECOND), AnnouncementEnded(HOME)) == []
    assert stage.do(AnnouncementAudio(HOME, SECOND))[0] == "ANNOUNCING"


def test_what_is_left_is_not_waited_for_for_ever() -> None:
    stage = Stage(ready=(HOME,))
    stage.do(AnnouncementAudio(HOME, SECOND), Stopped())
    stage.wait(1500)
    assert stage.do(AnnouncementAudio(HOME, SECOND))[0] == "ANNOUNCING"


def test_a_text_to_be_spoken() -> None:
    stage = Stage(ready=(HOME, DIRECT))
    assert stage.do(Say("Dinner!")) == ["announcing: Dinner!", "speak Dinner!"]
    stage.wait(29_000)
    assert stage.do(AnnouncementAudio(DIRECT, SECOND)) == ["playback 1", "play 1"]
    stage.wait(29_000)
    assert stage.do(AnnouncementEnded(DIRECT)) == ["whole 1"]
    assert stage.heard() == ["played direct", "PLAYED", "IDLE"]


def test_an_announcement_behind_a_text_that_was_spoken() -> None:
    stage = Stage(ready=(HOME, DIRECT))
    stage.do(Say("Dinner!"), AnnouncementAudio(DIRECT, SECOND), AnnouncementEnded(DIRECT))
    stage.do(AnnouncementAudio(HOME, SECOND), AnnouncementEnded(HOME))
    assert stage.heard()[0] == "played direct"
    assert stage.heard()[0] == "played ha"


def test_texts_wait_until_nobody_is_at_it() -> None:
    stage = asked()
    assert stage.do(*(Say(f"{n}") for n in range(8))) == []
    assert stage.do(Say("one more")) == [
        "error: 8 texts wait to be spoken already; say it later",
    ]
    assert stage.do(Transcribed(1, ""))[-2:] == ["announcing: 0", "speak 0"]
    stage.do(AnnouncementAudio(DIRECT, SECOND), AnnouncementEnded(DIRECT))
    assert stage.heard()[-1] == "speak 1"
    assert stage.do(Stopped())[-1] == "IDLE", "and wait no more"


def test_a_text_of_nothing() -> None:
    assert Stage().do(Say(" ")) == []


@pytest.mark.parametrize(
    ("missing", "trouble"), [((), "no-tts"), (("asr",), "no-asr"), (("tts",), "no-tts")]
)
def test_a_text_that_nobody_can_speak(missing: tuple[str, ...], trouble: str) -> None:
    stage = Stage(ready=(HOME,))
    stage.do(ViaChanged(DIRECT, False, missing))
    assert stage.do(Say("Dinner!")) == ["tone error", f"error: {trouble}", f"sentence 1 {trouble}"]


def test_a_text_that_was_not_spoken() -> None:
    stage = Stage()
    stage.do(Say("Dinner!"))
    assert stage.do(AnnouncementEnded(DIRECT))[-1] == "sentence 1 failed"
    stage = Stage()
    stage.do(Say("Dinner!"))
    assert stage.wait(30_000)[-1] == "sentence 1 timeout"


def test_texts_that_were_stopped_are_never_spoken() -> None:
    stage = Stage()
    assert stage.do(Say("Dinner!"), Stopped())[-2:] == ["speak no more", "IDLE"]
    assert stage.do(AnnouncementAudio(DIRECT, SECOND), AnnouncementEnded(DIRECT)) == []
    stage.do(Say("Supper!"))
    assert stage.do(AnnouncementAudio(DIRECT, SECOND)) == ["playback 1", "play 1"]
    assert stage.do(Stopped())[:3] == ["speak no more", "abort 1", "played direct"]


def test_a_text_that_is_still_being_made_when_somebody_calls() -> None:
    stage = Stage()
    assert "speak no more" in stage.do(Say("Dinner!"), Woken(NABU, 3000))
    stage.wait(4000)
    assert stage.do(AnnouncementAudio(DIRECT, SECOND), AnnouncementEnded(DIRECT)) == []
    assert stage.name == "listening"


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
