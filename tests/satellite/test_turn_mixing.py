"""What comes between: announcements and texts at the same time, pauses in mid-sentence, a lost microphone."""

import pytest

from satellite.events import (
    AnnouncementAudio,
    AnnouncementEnded,
    Event,
    MicrophoneLost,
    MicrophoneReady,
    Pressed,
    Progressed,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    Say,
    Stopped,
    Transcribed,
    Triggered,
    Trouble,
    TurnFailed,
    ViaChanged,
    Woken,
)
from satellite.turn import TurnSettings
from tests.satellite.turn_stage import DIRECT, HOME, NABU, SECOND, Stage, with_settings
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted

SPEAK_SOON = with_settings(barge_in="speech", echo_cancelled=True)
SAID: tuple[Event, ...] = (Woken(NABU, 3000), SpeechStarted(3400), SpeechEnded(5000))
ANNOUNCED: tuple[Event, ...] = (AnnouncementAudio(HOME, SECOND), AnnouncementEnded(HOME))
SPOKEN: tuple[Event, ...] = (AnnouncementAudio(DIRECT, SECOND), AnnouncementEnded(DIRECT))


def both(settings: TurnSettings | None = None, *events: Event) -> Stage:
    """A satellite with Home Assistant and servers of its own, after some events."""
    stage = Stage(settings, ready=(HOME, DIRECT))
    stage.do(*events)
    return stage


def own_turn(settings: TurnSettings | None = None, *events: Event) -> Stage:
    """A turn of our own servers, begun before Home Assistant came, after some events."""
    stage = Stage(settings, ready=(DIRECT,))
    stage.do(*events, ViaChanged(HOME, True))
    return stage


def test_an_announcement_comes_before_a_text_that_is_still_being_made() -> None:
    stage = both(None, Say("Dinner!"))
    assert stage.do(*ANNOUNCED) == ["playback 1", "play 1", "whole 1"]
    assert stage.heard() == ["played ha", "PLAYED"]
    assert stage.name == "announcing", "the text is still to come"
    stage.wait(29_999)
    assert stage.do(*SPOKEN) == ["playback 2", "play 2", "whole 2"]
    assert stage.heard() == ["played direct", "PLAYED", "IDLE"]


def test_a_text_that_never_comes_after_an_announcement() -> None:
    stage = both(None, Say("Dinner!"), *ANNOUNCED)
    stage.heard()
    assert stage.wait(29_999) == []
    assert stage.wait(1)[-1] == "sentence 2 timeout"


def test_a_text_that_is_not_spoken_behind_an_announcement() -> None:
    stage = both(None, Say("Dinner!"), AnnouncementAudio(HOME, SECOND))
    assert stage.do(AnnouncementEnded(DIRECT))[-1] == "sentence 2 failed"
    assert stage.do(AnnouncementAudio(HOME, SECOND)) == ["play 1"]


def test_pieces_of_an_announcement_and_of_a_text_keep_apart() -> None:
    stage = both(None, Say("Dinner!"))
    home, own = AnnouncementAudio(HOME, SECOND), AnnouncementAudio(DIRECT, SECOND)
    assert stage.do(own, home, own, home) == [
        "playback 1",
        "play 1",
        "playback 2",
        "play 2",
        "play 1",
        "play 2",
    ]
    assert stage.do(AnnouncementEnded(HOME), own) == ["whole 2", "play 1"]
    assert stage.do(AnnouncementEnded(DIRECT)) == ["whole 1"]
    assert stage.heard() == ["played direct", "PLAYED", "ANNOUNCING"]
    assert stage.heard() == ["played ha", "PLAYED", "IDLE"]


def test_a_text_is_spoken_at_once_after_a_slow_announcement_was_cut_off() -> None:
    stage = both(None, AnnouncementAudio(HOME, SECOND), Stopped(), Say("Dinner!"))
    assert stage.do(AnnouncementAudio(HOME, SECOND)) == []
    assert stage.do(*SPOKEN) == ["playback 2", "play 2", "whole 2"]
    assert stage.do(*ANNOUNCED) == [], "the rest of it"
    assert stage.do(*ANNOUNCED)[0] == "playback 3"


def test_an_announcement_is_heard_at_once_after_a_text_was_cut_off() -> None:
    stage = both(None, Say("Dinner!"), Stopped())
    assert stage.do(*ANNOUNCED)[0] == "ANNOUNCING"
    assert stage.do(*SPOKEN) == [], "what nobody waits for"


def test_of_texts_that_were_cut_off_each_end_is_waited_for() -> None:
    stage = both(None, Say("one"), Stopped(), Say("two"), Stopped(), Say("three"))
    assert stage.do(*SPOKEN, AnnouncementEnded(DIRECT)) == []
    assert stage.do(*SPOKEN) == ["playback 1", "play 1", "whole 1"]


def test_an_announcement_that_stalls_leaves_the_text_behind_it() -> None:
    stage = both(None, Say("Dinner!"), AnnouncementAudio(HOME, SECOND))
    stage.do(AnnouncementAudio(DIRECT, SECOND))
    assert stage.wait(31_000) == ["abort 1", "played ha", "ANNOUNCING"]
    assert stage.do(*SPOKEN) == ["play 2", "whole 2"]


def test_a_text_that_stalls_leaves_the_announcement_behind_it() -> None:
    stage = both(None, Say("Dinner!"), AnnouncementAudio(DIRECT, SECOND))
    stage.do(AnnouncementAudio(HOME, SECOND))
    assert stage.wait(31_000) == ["speak no more", "abort 1", "played direct", "ANNOUNCING"]
    assert stage.do(AnnouncementEnded(DIRECT)) == []
    assert stage.do(*ANNOUNCED) == ["play 2", "whole 2"]


def test_home_assistant_has_no_say_in_a_satellite_of_its_own() -> None:
    stage = both(with_settings(mode="standalone"))
    assert stage.do(*ANNOUNCED) == []
    assert stage.name == "idle"


@pytest.mark.parametrize("before", [SAID[:1], SAID[:2], SAID], ids=["called", "speaking", "said"])
def test_an_announcement_waits_for_the_answer_of_our_own_servers(
    before: tuple[Event, ...],
) -> None:
    stage = own_turn(None, *before)
    state = stage.name
    assert stage.do(*ANNOUNCED) == []
    assert stage.name == state
    stage.do(Transcribed(1, "What time is it?"))
    assert stage.do(ReplyAudio(1, SECOND)) == [
        "think off",
        "playback 1",
        "RESPONDING",
        "play 1",
        "playback 2",
        "play 2",
        "whole 2",
    ]
    stage.do(ReplyEnded(1))
    assert stage.heard() == ["played direct", "PLAYED", "ANNOUNCING"]
    assert stage.heard() == ["played ha", "PLAYED", "UNDUCK", "IDLE"]


def test_an_announcement_that_waits_goes_on_in_line() -> None:
    stage = own_turn(None, *SAID, AnnouncementAudio(HOME, SECOND))
    stage.do(ReplyAudio(1, SECOND))
    assert stage.do(*ANNOUNCED) == ["play 2", "whole 2"]


@pytest.mark.parametrize(
    ("end", "heard"),
    [
        (Transcribed(1, ""), ["ANNOUNCING", "playback 1", "play 1", "whole 1"]),
        (ReplyEnded(1), ["ANNOUNCING", "playback 1", "play 1", "whole 1"]),
        (
            TurnFailed(1, Trouble.FAILED, ""),
            ["error: failed", "sentence 1 failed", "playback 2", "play 2", "whole 2"],
        ),
    ],
)
def test_an_announcement_waits_for_no_answer_that_never_comes(end: Event, heard: list[str]) -> None:
    stage = own_turn(None, *SAID)
    stage.do(*ANNOUNCED)
    assert stage.do(end)[-len(heard) :] == heard


def test_an_announcement_that_waits_is_stopped_with_all_else() -> None:
    stage = own_turn(None, *SAID)
    stage.do(AnnouncementAudio(HOME, SECOND))
    assert stage.do(Stopped())[:3] == ["think off", "played ha", "cancel 1 direct"]
    assert stage.do(*ANNOUNCED) == [], "the rest of it"


def test_what_waits_has_to_do_once_home_assistant_has_gone() -> None:
    stage = own_turn(None, *SAID)
    stage.do(AnnouncementAudio(HOME, SECOND), ViaChanged(HOME, False))
    assert stage.do(Transcribed(1, ""))[-3:] == ["playback 1", "play 1", "whole 1"]


def test_another_announcement_follows_what_waits_in_a_turn_that_was_handed_over() -> None:
    stage = own_turn(None, *SAID)
    stage.do(*ANNOUNCED, TurnFailed(1, Trouble.NO_ASR, "gone"))
    assert stage.state.turn is not None
    assert stage.state.turn.via is HOME
    words = stage.do(*ANNOUNCED)
    assert [word for word in words if word.startswith("whole")] == ["whole 1", "whole 2"]


def test_who_pauses_for_long_goes_on_with_the_same_turn_while_nothing_is_understood() -> None:
    stage = Stage(SPEAK_SOON)
    stage.do(*SAID)
    stage.wait(5_000)
    assert stage.do(SpeechStarted(5600)) == [
        "think off",
        "cancel 1 direct",
        "begin 2 direct from 2950 by okay_nabu",
        "LISTENING",
        "SPEECH-STARTED",
    ]
    assert stage.do(SpeechEnded(7000))[1] == "end 2 direct"


def test_a_cough_after_a_pause_loses_nothing() -> None:
    stage = Stage(SPEAK_SOON)
    stage.do(*SAID, SpeechStarted(5600))
    assert stage.do(SpeechEnded(5650))[1] == "end 2 direct"
    assert stage.name == "processing"


@pytest.mark.parametrize("known", [Transcribed(1, "Lights on"), ReplyText(1, "Well")])
def test_who_was_understood_says_something_new(known: Event) -> None:
    stage = Stage(SPEAK_SOON)
    stage.do(*SAID, known)
    stage.wait(701)
    assert "begin 2 direct from 8500" in stage.do(SpeechStarted(9000))


def test_home_assistant_has_understood_and_says_nothing() -> None:
    stage = both(None, *SAID, Transcribed(1, "Lights on"), Progressed(1))
    assert stage.wait(29_999) == []
    assert stage.wait(1) == ["think off", "cancel 1 ha", "UNDUCK", "IDLE"]


@pytest.mark.parametrize("events", [(), (Transcribed(1, "Lights on"), ReplyText(1, "Done."))])
def test_home_assistant_is_at_fault_where_it_heard_nothing_or_began_to_answer(
    events: tuple[Event, ...],
) -> None:
    stage = both(None, *SAID, *events)
    assert stage.wait(30_000)[-1] == "sentence 1 timeout"


def test_our_own_servers_always_owe_an_answer() -> None:
    stage = Stage()
    stage.do(*SAID, Transcribed(1, "Lights on"))
    assert stage.wait(30_000)[-1] == "sentence 1 timeout"


@pytest.mark.parametrize("call", [Triggered(9000), Pressed(9000)])
def test_a_button_without_a_microphone(call: Event) -> None:
    stage = both(None, MicrophoneLost("unplugged"))
    assert stage.do(call) == [
        "tone error",
        "error: no microphone: it is being opened again; see `wyoming-voice satellite doctor`",
        "sentence 1 failed",
    ]
    assert "tone listening" in stage.do(MicrophoneReady(), call)


def test_no_reply_is_waited_for_without_a_microphone() -> None:
    stage = both(None, *SAID, ReplyText(1, "Which room?"), ReplyAudio(1, SECOND), ReplyEnded(1))
    stage.do(MicrophoneLost("unplugged"))
    assert stage.heard() == ["played ha", "PLAYED", "UNDUCK", "IDLE"]
