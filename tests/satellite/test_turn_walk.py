"""Random walks through the turn machine: whatever happens in whatever order, the ledger balances.

A simulated loop lets time pass, posts a Tick at each deadline, and plays to the end what is in line when
it is told to; the ledger of the stage looks at every effect.
"""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

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
from satellite.turn import TurnSettings
from tests.satellite.test_turn_grid import LEADING_TO
from tests.satellite.turn_stage import DIRECT, HOME, NABU, SECOND, STOP_WORD, Stage
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted

SOURCES = list(MuteSource)
VIAS = [HOME, DIRECT]
TEXTS = ["", "Lights on", "stop", "Which room?"]

Make = Callable[[int, int, int], Event]
"""An event, given where the line of audio is, an epoch or a playback, and a die's throw."""
Path = list[tuple[Make | None, int, int, int]]

SPOKEN: list[Make] = [
    lambda at_ms, _, die: Woken(STOP_WORD if die == 3 else NABU, at_ms),
    lambda at_ms, _, __: SpeechStarted(at_ms),
    lambda at_ms, _, __: SpeechEnded(at_ms),
]
PEOPLE: list[Make] = [
    lambda at_ms, _, __: Triggered(at_ms),
    lambda at_ms, _, __: Pressed(at_ms),
    lambda *_: Released(),
    lambda *_: Stopped(),
    lambda _, __, die: MuteChanged(SOURCES[die % len(SOURCES)], False),
    lambda _, __, die: MuteChanged(SOURCES[die % len(SOURCES)], True),
    lambda _, __, die: Say(TEXTS[die]),
    lambda _, __, die: ViaChanged(DIRECT, die > 0, ("tts",)),
    lambda _, __, die: ViaChanged(HOME, die > 1),
    lambda *_: MicrophoneReady(),
    lambda *_: MicrophoneLost("unplugged"),
    lambda _, __, die: TimerFinished(str(die), "eggs"),
    lambda _, __, die: TimerDismissed(str(die)),
    lambda *_: Tick(),
    lambda _, __, die: AnnouncementAudio(VIAS[die % 2], SECOND),
    lambda _, __, die: AnnouncementEnded(VIAS[die % 2]),
]
OF_TURN: list[Make] = [
    lambda _, epoch, __: Progressed(epoch),
    lambda _, epoch, __: SpeechEndedRemotely(epoch),
    lambda _, epoch, die: Supposed(epoch, TEXTS[die]),
    lambda _, epoch, die: Transcribed(epoch, TEXTS[die]),
    lambda _, epoch, die: ReplyText(epoch, TEXTS[die]),
    lambda _, epoch, __: ReplyAudio(epoch, SECOND),
    lambda _, epoch, __: ReplyEnded(epoch),
    lambda _, epoch, die: TurnFailed(epoch, Trouble.FAILED, "", silent=die == 0),
]

wishes = st.builds(
    TurnSettings,
    gate=st.sampled_from(["wake", "vad", "push-to-talk", "remote"]),
    barge_in=st.sampled_from(["off", "stop", "wake", "speech"]),
    follow_up=st.sampled_from(["off", "question", "always"]),
    mode=st.sampled_from(["auto", "ha", "standalone"]),
    echo_cancelled=st.booleans(),
)
die = st.integers(0, 3)
pauses = st.sampled_from([0, 0, 50, 300, 2_000, 9_000, 40_000, 1_000_000])
steps = st.one_of(
    st.tuples(st.sampled_from(SPOKEN), st.just(0), die, pauses),
    st.tuples(st.sampled_from(PEOPLE), st.just(0), die, pauses),
    st.tuples(st.sampled_from(OF_TURN), st.just(0), die, pauses),
    st.tuples(st.none(), st.just(0), die, pauses),
)
"""What happens, how many turns ago, a die, and how long until the next; None is a playback heard."""
beginnings = st.sampled_from([*LEADING_TO.values(), *LEADING_TO.values(), ()])
stale = st.tuples(st.sampled_from(OF_TURN), st.integers(1, 5), die, pauses)


def walk(wished: TurnSettings, beginning: tuple[Event, ...], path: Path) -> Stage:
    stage = Stage(wished, ready=(HOME, DIRECT))
    stage.do(*beginning)
    for make, ago, thrown, pause_ms in path:
        before = stage.state
        if make is None:
            stage.do(PlaybackHeard(before.line[0].number if before.line else before.playback))
        else:
            stage.do(make(stage.now_ms, before.epoch - ago, thrown))
        if ago:
            assert stage.state is before
        stage.wait(pause_ms)
    return stage


def come_to_rest(stage: Stage) -> None:
    for _ in range(100):
        if (deadline_ms := stage.state.deadline_ms) is None:
            break
        stage.now_ms = max(stage.now_ms, deadline_ms)
        stage.do(Tick())
    assert stage.name == "idle"
    assert stage.state.deadline_ms is None


@settings(max_examples=400, deadline=None)
@given(wishes, beginnings, st.lists(st.one_of(steps, steps, steps, stale), max_size=60))
def test_the_ledger_balances_whatever_happens(
    wished: TurnSettings, beginning: tuple[Event, ...], path: Path
) -> None:
    stage = walk(wished, beginning, path)
    come_to_rest(stage)
    ledger = stage.ledger
    assert ledger.sending is None
    assert not ledger.playing
    assert ledger.unreported == 0
    assert not any(ledger.on.values())


@settings(max_examples=100, deadline=None)
@given(wishes, beginnings, st.lists(steps, max_size=40), st.integers(1, 20_000))
def test_a_tick_that_comes_early_changes_nothing(
    wished: TurnSettings, beginning: tuple[Event, ...], path: Path, early_ms: int
) -> None:
    stage = walk(wished, beginning, path)
    before = stage.state
    if before.deadline_ms is None:
        return
    stage.now_ms = max(stage.now_ms, before.deadline_ms - early_ms)
    if stage.now_ms < before.deadline_ms:
        assert stage.do(Tick()) == []
        assert stage.state is before


@settings(max_examples=100, deadline=None)
@given(wishes, beginnings, st.lists(steps, max_size=40))
def test_stopped_is_silence_at_once(
    wished: TurnSettings, beginning: tuple[Event, ...], path: Path
) -> None:
    stage = walk(wished, beginning, path)
    stage.do(Stopped())
    assert stage.name == "idle"
    assert stage.state.line == ()
    assert stage.state.waiting == ()
    assert stage.state.deadline_ms is None


@settings(max_examples=100, deadline=None)
@given(wishes, beginnings, st.lists(steps, max_size=40))
def test_from_wherever_one_is_a_button_is_answered(
    wished: TurnSettings, beginning: tuple[Event, ...], path: Path
) -> None:
    stage = walk(wished, beginning, path)
    stage.do(ViaChanged(HOME, True), ViaChanged(DIRECT, True), MicrophoneReady())
    stage.do(*(MuteChanged(source, False) for source in SOURCES), Triggered(stage.now_ms))
    assert stage.name == "listening"
    assert stage.sending is not None
