"""Every state and every event: what becomes of it, as one picture, and what must hold everywhere.

A letter is the state after the event, small where the very same state is left, without an effect:
Booting, Idle, Listening, Processing, Responding, Guarding, aWaiting a reply, Announcing.
"""

from collections.abc import Callable

import pytest

from satellite.dialog.state import (
    Announcing,
    Awaiting,
    Booting,
    Guarding,
    Idle,
    Listening,
    Processing,
    Responding,
)
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
    Supposed,
    Tick,
    TimerDismissed,
    TimerFinished,
    Transcribed,
    Triggered,
    Trouble,
    TurnFailed,
    ViaChanged,
    Woken,
)
from satellite.turn import State, TurnSettings
from tests.satellite.turn_stage import DIRECT, HOME, NABU, SECOND, STOP_WORD, Stage, with_settings
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted

CALL = Woken(NABU, 3000)
SAID = (CALL, SpeechStarted(3400), SpeechEnded(5000))
ASKED_BACK = (*SAID, ReplyText(1, "Which room?"), ReplyAudio(1, SECOND), ReplyEnded(1))
TIMER = TimerFinished("1", "eggs")

LEADING_TO: dict[str, tuple[Event, ...]] = {
    "idle": (),
    "ringing": (TIMER,),
    "called": (CALL,),
    "speaking": (CALL, SpeechStarted(3400)),
    "held": (Pressed(3000),),
    "processing": SAID,
    "responding": (*SAID, ReplyAudio(1, SECOND)),
    "answered": ASKED_BACK,
    "in-line": (*ASKED_BACK, AnnouncementAudio(HOME, SECOND), AnnouncementEnded(HOME)),
    "guarding": (*ASKED_BACK, PlaybackHeard(1)),
    "asking": (Say("Dinner!"),),
    "announcing": (AnnouncementAudio(HOME, SECOND),),
    "complaining": (*SAID, TurnFailed(1, Trouble.FAILED, "")),
}
STATES = ("booting", *LEADING_TO, "awaiting")

EVENTS: dict[str, Callable[[State], Event]] = {
    "microphone ready": lambda _: MicrophoneReady(),
    "microphone lost": lambda _: MicrophoneLost("unplugged"),
    "wake word": lambda _: Woken(NABU, 9000),
    "stop word": lambda _: Woken(STOP_WORD, 9000),
    "speech started": lambda _: SpeechStarted(9000),
    "speech ended": lambda _: SpeechEnded(9900),
    "triggered": lambda _: Triggered(9000),
    "pressed": lambda _: Pressed(9000),
    "released": lambda _: Released(),
    "stopped": lambda _: Stopped(),
    "muted": lambda _: MuteChanged(MuteSource.SOFTWARE, True),
    "unmuted": lambda _: MuteChanged(MuteSource.SOFTWARE, False),
    "say": lambda _: Say("Dinner!"),
    "answerer there": lambda _: ViaChanged(HOME, True),
    "answerer gone": lambda _: ViaChanged(HOME, False),
    "sign of life": lambda state: Progressed(state.epoch),
    "heard enough": lambda state: SpeechEndedRemotely(state.epoch),
    "supposed": lambda state: Supposed(state.epoch, "Lights on."),
    "transcript": lambda state: Transcribed(state.epoch, "Lights on"),
    "no transcript": lambda state: Transcribed(state.epoch, ""),
    "stop phrase": lambda state: Transcribed(state.epoch, "Stop."),
    "reply text": lambda state: ReplyText(state.epoch, "Well"),
    "reply audio": lambda state: ReplyAudio(state.epoch, SECOND),
    "reply ended": lambda state: ReplyEnded(state.epoch),
    "failed": lambda state: TurnFailed(state.epoch, Trouble.FAILED, ""),
    "failed silently": lambda state: TurnFailed(state.epoch, Trouble.FAILED, "", silent=True),
    "announcement": lambda _: AnnouncementAudio(HOME, SECOND),
    "announcement ended": lambda _: AnnouncementEnded(HOME),
    "speech": lambda _: AnnouncementAudio(DIRECT, SECOND),
    "speech ended too": lambda _: AnnouncementEnded(DIRECT),
    "playback heard": lambda state: PlaybackHeard(state.line[0].number if state.line else 0),
    "timer finished": lambda _: TimerFinished("2", "tea"),
    "timer dismissed": lambda _: TimerDismissed("1"),
    "deadline": lambda _: Tick(),
}

LETTERS = {
    Booting: "B",
    Idle: "I",
    Listening: "L",
    Processing: "P",
    Responding: "R",
    Guarding: "G",
    Awaiting: "W",
    Announcing: "A",
}

OLD: list[Event] = [
    Progressed(0),
    SpeechEndedRemotely(0),
    Supposed(0, "Lights on."),
    Transcribed(0, "Lights on"),
    Transcribed(0, ""),
    ReplyText(0, "Well"),
    ReplyAudio(0, SECOND),
    ReplyEnded(0),
    TurnFailed(0, Trouble.FAILED, ""),
    PlaybackHeard(0),
    Tick(),
]
"""Of a turn and a playback that never were; and a Tick that comes early."""


def stage_in(name: str, settings: TurnSettings | None = None) -> Stage:
    stage = Stage(settings, ready=(HOME, DIRECT))
    if name == "booting":
        stage.state = State.initial(stage.settings, stage.now_ms)
    elif name == "awaiting":
        stage.do(*LEADING_TO["guarding"])
        stage.wait(400)
    else:
        stage.do(*LEADING_TO[name])
    return stage


def letter_after(stage: Stage, event: Event) -> str:
    before = stage.state
    words = stage.do(event)
    letter = LETTERS[type(stage.state.dialog)]
    return letter.lower() if stage.state is before and not words else letter


def row(name: str, settings: TurnSettings | None = None, *before: Event) -> str:
    letters = ""
    for state in STATES:
        stage = stage_in(state, settings)
        stage.do(*before)
        if name == "deadline":
            stage.now_ms = stage.state.deadline_ms or stage.now_ms
        letters += f"{letter_after(stage, EVENTS[name](stage.state)):5}"
    return letters.strip()


def picture(rows: str) -> dict[str, str]:
    """Each row's letters by its event; the first line is the heading."""
    lines = [line for line in rows.splitlines() if line.strip()]
    return {line[:20].strip(): line[20:].strip() for line in lines[1:]}


GRID = picture("""
                    boot idle ring call spkg held proc resp answ line grd  askd ann  cmpl wait
microphone ready    I    I    I    L    L    L    P    R    R    R    G    A    A    A    W
microphone lost     B    I    I    I    P    P    P    R    R    R    I    A    A    A    I
wake word           b    L    L    l    l    l    L    L    L    L    L    L    L    L    L
stop word           b    i    I    I    I    I    I    I    I    I    I    I    I    I    I
speech started      b    i    i    L    l    L    L    r    r    r    g    a    a    a    L
speech ended        b    i    i    l    P    l    p    r    r    r    g    a    a    a    w
triggered           b    L    L    l    l    l    L    L    L    L    L    L    L    L    L
pressed             b    L    L    L    L    l    L    L    L    L    L    L    L    L    L
released            b    i    i    l    l    P    p    r    r    r    g    a    a    a    w
stopped             b    i    I    I    I    I    I    I    I    I    I    I    I    I    I
muted               B    I    I    I    I    I    P    R    R    R    I    A    A    A    I
unmuted             b    i    i    l    l    l    p    r    r    r    g    a    a    a    w
say                 B    A    A    L    L    L    P    R    R    R    G    A    A    A    W
answerer there      B    i    i    l    l    l    p    r    r    r    g    a    a    a    w
answerer gone       b    I    I    L    L    L    P    R    R    R    G    A    A    A    W
sign of life        b    i    i    l    l    l    p    r    r    r    g    a    a    a    w
heard enough        b    i    i    P    P    P    p    r    r    r    g    a    a    a    w
supposed            b    i    i    l    L    l    p    r    r    r    g    a    a    a    w
transcript          b    i    i    P    P    P    P    R    R    R    g    a    a    a    w
no transcript       b    i    i    I    I    I    I    r    r    r    g    a    a    a    w
stop phrase         b    i    i    I    I    I    I    R    R    R    g    a    a    a    w
reply text          b    i    i    P    P    P    P    R    R    R    g    a    a    a    w
reply audio         b    i    i    R    R    R    R    R    r    r    g    a    a    a    w
reply ended         b    i    i    I    I    I    I    R    r    r    g    a    a    a    w
failed              b    i    i    A    A    A    A    R    r    r    g    a    a    a    w
failed silently     b    i    i    I    I    I    I    R    r    r    g    a    a    a    w
announcement        A    A    A    A    A    A    A    R    R    R    A    A    A    A    A
announcement ended  b    i    i    l    l    l    p    r    r    r    g    a    A    a    w
speech              b    i    i    l    l    l    p    r    r    r    g    A    a    a    w
speech ended too    b    i    i    l    l    l    p    r    r    r    g    A    a    a    w
playback heard      b    i    i    l    l    l    p    r    G    A    g    a    a    I    w
timer finished      B    I    I    L    L    L    P    R    R    R    G    A    A    A    W
timer dismissed     b    i    I    l    l    l    p    r    r    r    g    a    a    a    w
deadline            I    i    I    I    P    P    A    I    G    A    W    A    I    I    I
""")

OPEN_GRID = picture("""
                    boot idle ring call spkg held proc resp answ line grd  askd ann  cmpl wait
wake word           b    L    L    l    l    l    L    L    L    L    L    L    L    L    L
stop word           b    i    I    I    I    I    I    I    I    I    I    I    I    I    I
speech started      b    L    L    L    l    L    L    L    L    L    g    L    L    L    L
speech ended        b    i    i    l    P    l    p    r    r    r    g    a    a    a    w
triggered           b    L    L    l    l    l    L    L    L    L    L    L    L    L    L
pressed             b    L    L    L    L    l    L    L    L    L    L    L    L    L    L
""")

MUTED_GRID = picture("""
                    boot idle ring call spkg held proc resp answ line grd  askd ann  cmpl wait
wake word           b    i    I    i    i    i    p    r    r    r    i    a    a    a    i
stop word           b    i    I    i    i    i    I    I    I    I    i    I    I    I    i
speech started      b    i    i    i    i    i    p    r    r    r    i    a    a    a    i
speech ended        b    i    i    i    i    i    p    r    r    r    i    a    a    a    i
triggered           b    i    I    i    i    i    p    r    r    r    i    a    a    a    i
pressed             b    i    I    i    i    i    p    r    r    r    i    a    a    a    i
microphone lost     B    I    I    I    I    I    P    R    R    R    I    A    A    A    I
answerer gone       b    I    I    I    I    I    A    R    R    R    I    A    A    A    I
unmuted             b    i    i    i    i    i    p    r    r    r    i    a    a    a    i
say                 B    A    A    A    A    A    P    R    R    R    A    A    A    A    A
playback heard      b    i    i    i    i    i    p    r    I    A    i    a    a    I    i
announcement        A    A    A    A    A    A    A    R    R    R    A    A    A    A    A
timer finished      B    I    I    I    I    I    P    R    R    R    I    A    A    A    I
deadline            I    i    I    i    i    i    A    I    I    A    i    A    I    I    i
""")

DEAF_GRID = picture("""
                    boot idle ring call spkg held proc resp answ line grd  askd ann  cmpl wait
wake word           b    A    A    A    A    A    A    A    A    A    A    A    A    A    A
triggered           b    A    A    A    A    A    A    A    A    A    A    A    A    A    A
pressed             b    A    A    A    A    A    A    A    A    A    A    A    A    A    A
playback heard      b    i    i    i    p    p    p    r    I    A    i    a    a    I    i
""")


@pytest.mark.parametrize("name", EVENTS)
def test_what_becomes_of_each_state(name: str) -> None:
    assert row(name) == GRID[name]


@pytest.mark.parametrize("name", OPEN_GRID)
def test_what_becomes_of_it_where_speech_is_enough(name: str) -> None:
    settings = with_settings(gate="vad", barge_in="speech", echo_cancelled=True)
    assert row(name, settings) == OPEN_GRID[name]


@pytest.mark.parametrize("name", MUTED_GRID)
def test_what_becomes_of_it_while_muted(name: str) -> None:
    settings = with_settings(gate="vad", barge_in="speech", echo_cancelled=True)
    assert row(name, settings, MuteChanged(MuteSource.HOME_ASSISTANT, True)) == MUTED_GRID[name]


@pytest.mark.parametrize("name", DEAF_GRID)
def test_what_becomes_of_it_without_a_microphone(name: str) -> None:
    assert row(name, None, MicrophoneLost("unplugged")) == DEAF_GRID[name]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", OLD, ids=repr)
def test_what_is_old_or_early_changes_nothing(state: str, event: Event) -> None:
    stage = stage_in(state)
    before = stage.state
    assert stage.do(event) == []
    assert stage.state is before


@pytest.mark.parametrize("state", STATES)
def test_every_state_comes_to_rest_by_its_deadlines(state: str) -> None:
    stage = stage_in(state)
    ticks = 0
    while stage.state.deadline_ms is not None:
        stage.now_ms = stage.state.deadline_ms
        stage.do(Tick())
        ticks += 1
        assert ticks < 10
    assert stage.name == "idle"


@pytest.mark.parametrize("state", STATES)
def test_a_name_is_a_lower_case_word(state: str) -> None:
    name = stage_in(state).name
    assert name.isalpha()
    assert name.islower()
