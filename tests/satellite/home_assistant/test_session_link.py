"""The link to Home Assistant and what goes over it: pings, mutes, samples, nonsense."""

import pytest
from wyoming.audio import AudioChunk
from wyoming.event import Event as WireEvent
from wyoming.ping import Ping
from wyoming.pipeline import RunPipeline

from satellite import events as e
from satellite.home_assistant.messages import CANCEL, RUN, Send
from tests.satellite.home_assistant.session_stage import TOLD, TURN, Desk, chunk, follow
from wyoming_voice.errors import BadEvent


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        ("begin1", "no-home-assistant1"),
        ("up down begin1", "ready gone no-home-assistant1"),
        ("up begin1 down up end1", "ready >run no-home-assistant1 gone ready"),
        ("up begin1 up transcript=x", "ready >run no-home-assistant1"),
        (f"up {TURN} down", f"ready {TOLD} no-home-assistant1 gone"),
        (f"up {TURN} audio-stop down played", f"ready {TOLD} ReplyEnded1 gone"),
        ("up audio-start audio-chunk down", "ready AnnouncementAudio AnnouncementEnded gone"),
        ("up begin1 begin2 down up +500", "ready >run >cancel no-home-assistant2 gone ready"),
        # A mute: the link stays, and unmuting is a new one.
        ("up pause-satellite pause-satellite begin1", "ready muted no-home-assistant1"),
        ("up pause-satellite +90000 up begin1", "ready muted unmuted >run"),
        ("up pause-satellite +90000 down up", "ready muted gone unmuted ready"),
        (
            "up pause-satellite audio-start audio-stop played",
            "ready muted AnnouncementEnded >played",
        ),
        # Home Assistant shuts down.
        ("up pause-satellite down", "ready muted unmuted gone"),
        ("up pause-satellite +90000 pause-satellite down", "ready muted gone"),
        # Pings.
        ("up +90000", "ready"),
        ("up ping +9999", "ready"),
        ("up ping +10000", "ready hang-up"),
        ("up ping +9999 voice-started +9999", "ready"),
        ("up ping pause-satellite +90000", "ready muted"),
        ("up ping down +90000", "ready gone"),
        ("up timer-finished", "ready timer-finished"),
        ("up something-else", "ready"),
    ],
)
def test_the_link(picture: str, outcomes: str) -> None:
    assert follow(picture) == outcomes


def test_samples_that_are_cut_in_two_are_put_together() -> None:
    desk = Desk()
    desk.do("up")
    desk.do("audio-start")
    heard = b"".join(
        outcome.sound.pcm
        for piece in (b"\1", b"\2\3", b"\4\5\6", b"\7")
        for outcome in desk.session.received(chunk(piece), 0)
        if isinstance(outcome, e.AnnouncementAudio)
    )
    assert heard == b"\1\2\3\4\5\6"
    desk.do("audio-start")
    (other,) = desk.session.received(chunk(b"\1\2"), 0)
    assert isinstance(other, e.AnnouncementAudio)
    assert other.sound.pcm == b"\1\2"


@pytest.mark.parametrize(
    "event",
    [
        WireEvent("audio-chunk", {"rate": 0, "width": 2, "channels": 1}, b"x"),
        WireEvent("audio-chunk", {"rate": 16_000, "width": 9, "channels": 1}, b"x"),
        WireEvent("audio-chunk", {"rate": 16_000, "width": True, "channels": 1}, b"x"),
        WireEvent("audio-chunk", {}, b"x"),
        WireEvent("transcript", {}),
        WireEvent("synthesize", {"text": 7}),
        WireEvent("timer-started", {"id": None}),
    ],
)
def test_events_that_make_no_sense(event: WireEvent) -> None:
    desk = Desk()
    desk.do("up")
    desk.do("begin1")
    with pytest.raises(BadEvent, match=event.type):
        desk.session.received(event, 0)


def test_the_stages_that_home_assistant_knows() -> None:
    run = RunPipeline.from_event(RUN)
    assert (run.start_stage, run.end_stage, run.restart_on_end) == ("asr", "tts", False)
    assert RunPipeline.from_event(CANCEL).start_stage == "tts"


def test_long_audio_goes_in_small_chunks() -> None:
    desk = Desk()
    desk.do("up")
    desk.do("begin1")
    chunks = [
        AudioChunk.from_event(o.event)
        for o in desk.session.feed(1, bytes(96_000))
        if isinstance(o, Send)
    ]
    assert sum(len(c.audio) for c in chunks) == 96_000
    assert max(len(c.audio) for c in chunks) <= 8_192
    assert {(c.rate, c.width, c.channels) for c in chunks} == {(16_000, 2, 1)}
    assert desk.session.feed(1, b"") == []  # which Home Assistant would take for the end


def test_a_ping_is_no_news() -> None:
    desk = Desk()
    desk.do("up")
    assert desk.session.received(Ping().event(), 0) == []
