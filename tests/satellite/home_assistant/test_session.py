"""What Home Assistant's events mean: pictures in, pictures out.

In: `begin1 feed1 end1 cancel1 played` of ours, `up` and `down` of the link, `+500` for time in ms, all else
an event of Home Assistant's, with `=` before its text or code. Out: `>` before what is sent, and events of
ours with the epoch behind them.
"""

import random

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event as WireEvent
from wyoming.ping import Ping
from wyoming.pipeline import RunPipeline

from satellite import effects
from satellite import events as e
from satellite.home_assistant.messages import CANCEL, RUN, HangUp, Outcome, Send, TimerNews
from satellite.home_assistant.session import Session
from wyoming_voice.errors import BadEvent

NABU = e.WakeWord("okay_nabu", "okay nabu")
START = AudioStart(22_050, 2, 1).event()


def chunk(pcm: bytes = bytes(4)) -> WireEvent:
    return AudioChunk(22_050, 2, 1, pcm).event()


def from_home_assistant(word: str) -> WireEvent:
    kind, _, text = word.partition("=")
    match kind:
        case "audio-start":
            return START
        case "audio-chunk":
            return chunk()
        case "audio-stop":
            return AudioStop().event()
        case "error":
            return Error(text="because", code=text).event()
        case "transcript" | "synthesize":
            return WireEvent(kind, {"text": text})
        case "timer-finished":
            return WireEvent(kind, {"id": "t1"})
    return WireEvent(kind)


def shown(outcome: Outcome) -> str:
    match outcome:
        case Send(event) if event == CANCEL:
            return ">cancel"
        case Send(event):
            return {"run-pipeline": ">run"}.get(event.type, f">{event.type}")
        case HangUp():
            return "hang-up"
        case TimerNews(event):
            return event.type
        case e.TurnFailed(epoch, trouble, silent=silent):
            return f"{'silent' if silent else trouble.value}{epoch}"
        case e.Transcribed(epoch, text) | e.ReplyText(epoch, text):
            return f"{type(outcome).__name__}{epoch}={text}"
        case e.ViaChanged(ready=ready):
            return "ready" if ready else "gone"
        case e.MuteChanged(muted=muted):
            return "muted" if muted else "unmuted"
        case e.AnnouncementAudio(via=via) | e.AnnouncementEnded(via=via):
            assert via is e.Via.HOME_ASSISTANT
            return type(outcome).__name__
    return f"{type(outcome).__name__}{getattr(outcome, 'epoch', '')}"


class Desk:
    """A session and its clock."""

    def __init__(self) -> None:
        self.session = Session()
        self.now_ms = 1_000_000

    def do(self, word: str) -> list[Outcome]:
        name = word.rstrip("0123456789")
        number = int(word[len(name) :] or 0)
        match name:
            case "up":
                return self.session.connected(self.now_ms)
            case "down":
                return self.session.disconnected(self.now_ms)
            case "begin":
                return self.session.begin(self._turn(number, None), self.now_ms)
            case "woken":
                return self.session.begin(self._turn(number, NABU), self.now_ms)
            case "feed":
                return self.session.feed(number, bytes(1024))
            case "end":
                return self.session.end_audio(number)
            case "cancel":
                return self.session.cancel(number, self.now_ms)
            case "played":
                return self.session.played()
            case "+":
                return self._pass(number)
        return self.session.received(from_home_assistant(word), self.now_ms)

    def _turn(self, epoch: int, word: e.WakeWord | None) -> effects.BeginTurn:
        return effects.BeginTurn(epoch, e.Via.HOME_ASSISTANT, 0, word)

    def _pass(self, ms: int) -> list[Outcome]:
        end_ms, outcomes = self.now_ms + ms, list[Outcome]()
        while (due_ms := self.session.deadline_ms) is not None and due_ms <= end_ms:
            self.now_ms = max(due_ms, self.now_ms)
            outcomes += (done := self.session.tick(self.now_ms))
            if any(isinstance(outcome, HangUp) for outcome in done):
                break
        self.now_ms = end_ms
        return outcomes


def follow(picture: str) -> str:
    desk = Desk()
    return " ".join(shown(outcome) for word in picture.split() for outcome in desk.do(word))


TURN = "begin1 feed1 end1 transcribe transcript=hi synthesize=Hello. audio-start"
MADE = "begin1 end1 transcript=a synthesize=b"
MADE_TOLD = ">run >audio-stop Transcribed1=a ReplyText1=b"
TOLD = ">run >audio-chunk >audio-stop Progressed1 Transcribed1=hi ReplyText1=Hello. Progressed1"


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        ("woken1 feed1 end1", ">detection >run >audio-chunk >audio-stop"),
        (
            f"{TURN} audio-chunk audio-chunk audio-stop played",
            f"{TOLD} ReplyAudio1 ReplyAudio1 ReplyEnded1 >played",
        ),
        (
            "begin1 feed1 transcribe voice-started voice-stopped end1",
            ">run >audio-chunk Progressed1 Progressed1 SpeechEndedRemotely1 >audio-stop",
        ),
        (
            "begin1 voice-stopped voice-stopped transcript=hi",
            ">run SpeechEndedRemotely1 Progressed1 Transcribed1=hi",
        ),
        ("begin1 feed1 transcript=hi", ">run >audio-chunk SpeechEndedRemotely1 Transcribed1=hi"),
        ("begin1 end1 voice-stopped", ">run >audio-stop Progressed1"),
        (
            "begin1 end1 transcript=hi audio-start audio-chunk synthesize=Yes. audio-stop",
            ">run >audio-stop Transcribed1=hi Progressed1 ReplyAudio1 ReplyText1=Yes. ReplyEnded1",
        ),
        (
            "begin1 end1 transcript=hi audio-start audio-stop synthesize=Yes.",
            ">run >audio-stop Transcribed1=hi Progressed1 ReplyEnded1 ReplyText1=Yes.",
        ),
        ("begin1 end1 transcript=hi synthesize=", ">run >audio-stop Transcribed1=hi Progressed1"),
        ("begin1 end1 end1 feed1", ">run >audio-stop"),
        ("begin2 feed1 end1 cancel1", ">run"),
    ],
)
def test_a_turn(picture: str, outcomes: str) -> None:
    assert follow(f"up {picture}") == f"ready {outcomes}"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("stt-no-text-recognized", "silent1"),
        ("duplicate_wake_up_detected", "silent1"),
        ("intent-failed", "failed1"),
        ("validation-error", "failed1"),
        ("", "failed1"),
    ],
)
def test_error_codes(code: str, told: str) -> None:
    assert follow(f"up begin1 error={code} transcript=late error={code}") == f"ready >run {told}"


def test_an_error_after_the_answer_and_one_without_a_turn_are_nobodys() -> None:
    assert follow(f"up {TURN} audio-stop error=x") == f"ready {TOLD} ReplyEnded1"
    assert follow("up error=x") == "ready"


def test_what_an_error_says_is_for_the_log() -> None:
    desk = Desk()
    desk.do("up")
    desk.do("begin1")
    failed = desk.do("error=intent-failed")[0]
    assert isinstance(failed, e.TurnFailed)
    assert failed.text == "Home Assistant says: because (intent-failed)"


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        ("", "AnnouncementAudio AnnouncementEnded"),
        (f"{TURN} audio-stop", f"{TOLD} ReplyEnded1 AnnouncementAudio AnnouncementEnded"),
        (
            "begin1 feed1 transcribe",
            ">run >audio-chunk Progressed1 silent1 AnnouncementAudio AnnouncementEnded",
        ),
        (
            "audio-start audio-chunk",
            "AnnouncementAudio AnnouncementEnded AnnouncementAudio AnnouncementEnded",
        ),
    ],
)
def test_audio_out_of_the_blue_is_an_announcement(picture: str, outcomes: str) -> None:
    assert follow(f"up {picture} audio-start audio-chunk audio-stop") == f"ready {outcomes}"


def test_a_turn_that_an_announcement_displaced_is_over() -> None:
    picture = "up begin1 audio-start audio-stop feed1 end1 transcript=x"
    assert follow(picture) == "ready >run silent1 AnnouncementEnded"


def test_audio_without_a_start_is_nobodys() -> None:
    assert follow("up audio-chunk audio-stop") == "ready"


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        # Home Assistant works: it is told, and answers with a validation-error.
        (
            "begin1 cancel1 error=validation-error +50 begin2 error=intent-failed",
            ">run >cancel >run failed2",
        ),
        ("begin1 begin2 feed2 error=validation-error +49", ">run >cancel"),
        ("begin1 begin2 feed2 error=validation-error +50", ">run >cancel >run >audio-chunk"),
        ("begin1 begin2 feed2 end2 +499", ">run >cancel"),
        ("begin1 begin2 feed2 end2 +500", ">run >cancel >run >audio-chunk >audio-stop"),
        (
            "begin1 begin2 +500 error=validation-error error=validation-error",
            ">run >cancel >run failed2",
        ),
        ("begin1 cancel1 +500 begin2", ">run >cancel >run"),
        ("begin1 cancel1 begin2 played", ">run >cancel >played"),
        # An old run says its last words meanwhile.
        ("begin1 begin2 transcript=old synthesize=old error=x +500", ">run >cancel >run"),
        ("begin1 cancel1 transcript=old synthesize=old", ">run >cancel"),
        # A turn that Home Assistant never heard of needs no cancel.
        ("begin1 begin2 feed2 cancel2 +500 begin3", ">run >cancel >run"),
        ("begin1 begin2 begin3 +500", ">run >cancel >run"),
        # An announcement takes its place in the end.
        (
            "begin1 begin2 feed2 audio-start audio-stop +500",
            ">run >cancel silent2 AnnouncementEnded",
        ),
    ],
)
def test_a_run_at_work_is_cancelled_before_the_next(picture: str, outcomes: str) -> None:
    assert follow(f"up {picture}") == f"ready {outcomes}"


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        # In the middle of the answer: dropped up to its end.
        (
            f"{TURN} audio-chunk begin2 audio-chunk +9000 audio-chunk audio-stop",
            f"{TOLD} ReplyAudio1 >run",
        ),
        (
            f"{TURN} cancel1 audio-chunk audio-stop audio-start audio-chunk",
            f"{TOLD} AnnouncementAudio",
        ),
        (
            f"{TURN} begin2 audio-chunk audio-start audio-chunk",
            f"{TOLD} >run silent2 AnnouncementAudio",
        ),
        # Its speech is being made: dropped whenever it comes, once.
        (f"{MADE} begin2 +9000 audio-start audio-chunk audio-stop", f"{MADE_TOLD} >run"),
        (
            f"{MADE} begin2 end2 transcript=c audio-start audio-chunk audio-stop synthesize=d audio-start",
            f"{MADE_TOLD} >run >audio-stop Transcribed2=c ReplyText2=d Progressed2",
        ),
        (f"{MADE} cancel1 +30000 audio-start audio-chunk", f"{MADE_TOLD} AnnouncementAudio"),
        (
            f"{MADE} cancel1 audio-start audio-chunk audio-stop audio-start audio-chunk",
            f"{MADE_TOLD} AnnouncementAudio",
        ),
        # It was being thought of: dropped if it comes soon.
        (
            "begin1 end1 transcript=a cancel1 +1499 audio-start audio-chunk audio-stop",
            ">run >audio-stop Transcribed1=a >cancel",
        ),
        (
            "begin1 end1 transcript=a cancel1 +1500 audio-start audio-chunk",
            ">run >audio-stop Transcribed1=a >cancel AnnouncementAudio",
        ),
        (
            "begin1 end1 transcript=a begin2 end2 +500 transcript=b audio-start audio-chunk",
            ">run >audio-stop Transcribed1=a >cancel >run >audio-stop Transcribed2=b Progressed2 ReplyAudio2",
        ),
    ],
)
def test_a_stale_answer_never_comes_back(picture: str, outcomes: str) -> None:
    assert follow(f"up {picture}") == f"ready {outcomes}"


def test_a_wake_word_is_told_once_in_a_while() -> None:
    """Home Assistant would take it for another satellite's, and end the run."""
    assert follow("up woken1 error=x +2499 woken2").count(">detection") == 1
    assert follow("up woken1 error=x +2500 woken2").count(">detection") == 2


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


VOCABULARY = """
    up down begin woken feed end cancel played ping pause-satellite
    transcribe voice-started voice-stopped transcript=x transcript= synthesize=y
    audio-start audio-chunk audio-stop error=x error=validation-error
    error=stt-no-text-recognized timer-finished +40 +600 +2000 +11000
"""


@pytest.mark.parametrize("seed", range(60))
def test_a_random_walk(seed: int) -> None:
    """Nothing of an old turn comes out, and nothing is sent without a link."""
    chance, desk, epoch, link = random.Random(seed), Desk(), 0, False
    over: set[int] = set()
    for _ in range(400):
        word = chance.choice(VOCABULARY.split())
        if word in ("begin", "woken"):
            over, epoch = over | {epoch}, epoch + 1
        if word in ("begin", "woken", "feed", "end", "cancel"):
            word = f"{word}{epoch}"
        if word.startswith("cancel"):
            over.add(epoch)
        if word in ("up", "down"):
            link = word == "up"
        for outcome in desk.do(word):
            assert link or not isinstance(outcome, Send)
            assert getattr(outcome, "epoch", None) not in over
            if isinstance(outcome, e.TurnFailed):
                over.add(epoch)
            if isinstance(outcome, HangUp):
                link = False
                desk.do("down")
    desk.do("down")
    assert desk.session.deadline_ms is None


def test_a_ping_is_no_news() -> None:
    desk = Desk()
    desk.do("up")
    assert desk.session.received(Ping().event(), 0) == []
