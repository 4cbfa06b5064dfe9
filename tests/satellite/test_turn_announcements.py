"""Sound that answers nobody: whole conversations, effect by effect."""

import pytest

from satellite.events import (
    AnnouncementAudio,
    AnnouncementEnded,
    PlaybackHeard,
    ReplyAudio,
    ReplyEnded,
    Say,
    Stopped,
    Transcribed,
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
