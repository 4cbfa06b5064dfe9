"""The loop carries out what the machine decides: audio to who answers, effects to the mouth, in order."""

import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from satellite.effects import Moment, Tell
from satellite.events import (
    AnnouncementAudio,
    Event,
    MicrophoneLost,
    MicrophoneReady,
    MuteChanged,
    MuteSource,
    Pressed,
    ReplyAudio,
    Say,
    Stopped,
    Supposed,
    Triggered,
    Trouble,
    TurnFailed,
    Via,
    ViaChanged,
)
from satellite.turn import TurnSettings
from tests.satellite.loop_stage import Stage, settled
from tests.satellite.waiting import until
from wyoming_voice import logs
from wyoming_voice.client import Sound
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.vad import FRAME_MS

SOUND = Sound(bytes(3200), SPEECH)


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage(TurnSettings(gate="vad", mode="standalone", follow_up="off"))
    await stage.post(MicrophoneReady(), ViaChanged(Via.DIRECT, ready=True))
    yield stage


async def test_every_frame_of_an_utterance_is_sent_once_and_in_order(stage: Stage) -> None:
    stage.hear("." * 30 + "SSSS")
    await settled()
    stage.hear("S" * 20)
    await settled()
    stage.hear("." * 40)
    await settled()
    (turn,) = stage.backend.turns
    heard = stage.frames_heard(turn.epoch)
    assert heard == list(range(heard[0], heard[-1] + 1))
    assert heard[0] == (30 * FRAME_MS - 500) // FRAME_MS + 1  # half a second before speech
    assert stage.backend.calls == ["begin 1", "end 1"]


async def test_nothing_is_sent_after_the_end_of_the_audio(stage: Stage) -> None:
    stage.hear("." * 30 + "S" * 20 + "." * 40)
    await settled()
    sent = len(stage.backend.heard[1])
    stage.hear("." * 10)
    await settled()
    assert len(stage.backend.heard[1]) == sent


async def test_a_frame_that_ends_a_turn_by_mute_is_not_sent(stage: Stage) -> None:
    stage.hear("." * 30 + "S" * 10)
    await settled()
    sent = len(stage.backend.heard[1])
    await stage.post(MuteChanged(MuteSource.SOFTWARE, True))
    stage.hear("SSS")
    await settled()
    assert len(stage.backend.heard[1]) == sent


async def test_what_was_heard_of_an_interrupted_answer_goes_into_the_next_turn(
    stage: Stage,
) -> None:
    await stage.post(Triggered(stage.loop.ear_ms), ReplyAudio(1, SOUND))
    await stage.post(Triggered(stage.loop.ear_ms))
    assert stage.backend.turns[1].heard_ms == 700
    assert "abort 1" in stage.mouth.calls
    await stage.post(Stopped(), Triggered(stage.loop.ear_ms))
    assert stage.backend.turns[2].heard_ms is None


async def test_what_was_stopped_is_not_taken_for_what_was_interrupted(stage: Stage) -> None:
    await stage.post(Triggered(stage.loop.ear_ms), ReplyAudio(1, SOUND), Stopped())
    await stage.post(Triggered(stage.loop.ear_ms))
    assert stage.backend.turns[1].heard_ms is None


async def test_what_was_heard_of_an_announcement_is_nothing_of_an_answer(stage: Stage) -> None:
    await stage.post(Say("Dinner!"), AnnouncementAudio(Via.DIRECT, SOUND))
    await stage.post(Triggered(stage.loop.ear_ms))
    assert "abort 1" in stage.mouth.calls
    assert stage.backend.turns[0].heard_ms is None


async def test_what_was_heard_of_one_is_nothing_that_another_has_said() -> None:
    stage, home, own = Stage(TurnSettings()), Via.HOME_ASSISTANT, Via.DIRECT
    await stage.post(MicrophoneReady(), ViaChanged(home, True), ViaChanged(own, True))
    await stage.post(Triggered(0), ReplyAudio(1, SOUND), ViaChanged(home, False), Triggered(0))
    assert "abort 1" in stage.mouth.calls
    assert [(turn.via, turn.heard_ms) for turn in stage.backend.turns] == [
        (home, None),
        (own, None),
    ]


async def test_who_goes_on_speaking_after_a_pause_has_still_interrupted_the_answer() -> None:
    settings = TurnSettings(mode="standalone", barge_in="speech", echo_cancelled=True)
    stage = Stage(settings)
    await stage.post(MicrophoneReady(), ViaChanged(Via.DIRECT, ready=True), Triggered(0))
    await stage.post(ReplyAudio(1, SOUND), SpeechStarted(2000), SpeechEnded(3000))
    await stage.post(SpeechStarted(3500))
    assert [turn.heard_ms for turn in stage.backend.turns] == [None, 700, 700]


async def test_a_deadline_that_the_machine_fails_at_does_not_come_again_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = TurnSettings(mode="standalone", max_speech_ms=-1000, answer_ms=None)  # type: ignore[arg-type]
    stage = Stage(broken)
    await stage.post(MicrophoneReady(), ViaChanged(Via.DIRECT, ready=True), Pressed(0))
    await until(lambda: "Tick could not be carried out" in caplog.text)
    for _ in range(50):
        await settled()
    assert caplog.text.count("Tick could not be carried out") == 1


async def test_a_bug_in_one_effect_leaves_the_others(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.mouth.broken = True
    with caplog.at_level(logging.ERROR):
        await stage.post(Say("Dinner!"), AnnouncementAudio(Via.DIRECT, SOUND))
        await stage.post(Triggered(stage.loop.ear_ms))
    assert "AbortPlayback could not be carried out" in caplog.text
    assert [turn.epoch for turn in stage.backend.turns] == [stage.loop.state.epoch]


async def test_a_bug_in_the_machine_costs_one_event(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    broken: Event = AnnouncementAudio(Via.DIRECT, None)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        await stage.post(Say("Dinner!"), broken, Triggered(stage.loop.ear_ms))
    assert "AnnouncementAudio could not be carried out" in caplog.text
    assert len(stage.backend.turns) == 1


async def test_what_is_posted_meanwhile_waits_its_turn(stage: Stage) -> None:
    def interrupt(told: Tell) -> None:
        if told.moment is Moment.LISTENING:
            stage.loop.post(Stopped())

    stage.loop.listeners.append(interrupt)
    await stage.post(Triggered(stage.loop.ear_ms))
    calls = [call for call in stage.backend.calls if call != "prepare"]
    assert calls == ["begin 1", "end 1", "cancel 1"]


async def test_speech_that_a_lost_microphone_cut_off_is_not_gone_on_with(stage: Stage) -> None:
    stage.hear("SSSSSSSSSS")
    await settled()
    await stage.post(MicrophoneLost("unplugged"), TurnFailed(1, Trouble.FAILED, "", silent=True))
    assert stage.loop.state.name == "idle"
    await stage.post(MicrophoneReady())
    stage.hear("SSSS")
    await settled()
    assert stage.loop.state.name == "listening"


async def test_what_is_said_again_to_another_ends_where_the_ear_was_closed() -> None:
    stage = Stage(TurnSettings(gate="vad"))
    home, direct = Via.HOME_ASSISTANT, Via.DIRECT
    await stage.post(MicrophoneReady(), ViaChanged(home, True), ViaChanged(direct, True))
    stage.hear("." * 30 + "S" * 20)
    await settled()
    stage.hear("." * 30)
    await settled()
    assert stage.loop.state.name == "processing"
    heard = stage.backend.heard[1]
    stage.hear("." * 10)
    await stage.post(ViaChanged(home, False), ViaChanged(home, True))
    stage.hear("." * 10)
    await stage.post(TurnFailed(2, Trouble.NO_ASR, "gone"))
    stage.hear("." * 10)
    assert stage.backend.heard == {1: heard, 2: heard, 3: heard}


async def test_a_text_that_is_spoken_is_given_up_with_all_else(stage: Stage) -> None:
    await stage.post(Say("Dinner!"), Stopped())
    assert stage.backend.calls == ["say Dinner!", "unsay"]


async def test_a_deadline_comes_by_itself() -> None:
    stage = Stage(TurnSettings(gate="remote", mode="standalone", no_speech_ms=20))
    await stage.post(MicrophoneReady(), ViaChanged(Via.DIRECT, ready=True))
    await stage.post(Triggered(stage.loop.ear_ms))
    assert stage.loop.state.name == "listening"
    await until(lambda: stage.loop.state.name == "idle")


async def in_a_pause(stage: Stage) -> None:
    """Somebody has spoken, and is silent for 160 ms."""
    stage.hear("." * 30 + "S" * 10)
    await settled()
    stage.hear("." * 5)


async def frames_until_the_end(stage: Stage) -> int:
    for frames in range(1, 40):
        stage.hear(".")
        await settled()
        if stage.backend.calls[-1] == "end 1":
            return frames
    raise AssertionError("it never ended")


@pytest.mark.parametrize(
    ("text", "frames"), [("Lights on.", 3), ("lights on in the", 27), ("turn the", 27)]
)
async def test_what_was_said_shortens_or_lengthens_the_silence(
    stage: Stage, text: str, frames: int
) -> None:
    await in_a_pause(stage)
    await stage.post(Supposed(1, text))
    assert await frames_until_the_end(stage) == frames


@pytest.mark.parametrize(("sound", "frames"), [("c", 2), ("o", 26), (".", 10)])
async def test_what_it_sounds_like_shortens_or_lengthens_the_silence(
    stage: Stage, sound: str, frames: int
) -> None:
    await in_a_pause(stage)
    stage.hear(sound)
    await settled()
    assert await frames_until_the_end(stage) == frames


async def test_pauses_in_a_turn_are_noted_and_no_others(stage: Stage) -> None:
    await stage.post(MuteChanged(MuteSource.SOFTWARE, True))
    stage.hear("S" * 5 + "." * 8 + "S" * 5 + "." * 40)
    assert stage.ears.pauses.mean_ms is None
    await stage.post(MuteChanged(MuteSource.SOFTWARE, False))
    await in_a_pause(stage)
    stage.hear("." * 5 + "S")
    assert stage.ears.pauses.mean_ms == 10 * FRAME_MS


async def test_a_turn_that_goes_on_is_sent_from_its_beginning_and_its_pause_is_noted(
    stage: Stage,
) -> None:
    stage.hear("." * 30 + "S" * 10)
    await settled()
    stage.hear("." * 20)
    await settled()
    stage.hear("." * 5 + "SS")
    await settled()
    assert stage.backend.calls == ["begin 1", "end 1", "cancel 1", "begin 2"]
    first, second = stage.backend.turns
    assert (first.replaces, second.replaces) == (None, 1)
    assert stage.frames_heard(2)[0] == stage.frames_heard(1)[0]
    assert stage.frames_heard(2)[-1] == 67
    assert stage.ears.pauses.mean_ms == 25 * FRAME_MS


async def test_what_is_told_during_a_turn_carries_its_id(stage: Stage) -> None:
    ids: dict[Moment, str] = {}
    stage.loop.listeners.append(lambda told: ids.update({told.moment: logs.current_turn()}))
    for _ in range(2):
        stage.hear("." * 30 + "S" * 30)
        await settled()
        turn = stage.backend.turns[-1]
        assert ids[Moment.SPEECH_STARTED] == turn.turn_id != ""
        stage.hear("." * 40)
        await settled()
        await stage.post(TurnFailed(turn.epoch, Trouble.NO_ASR, "nobody"))
        assert ids[Moment.ERROR] == turn.turn_id
        await stage.post(Stopped())
    first, second = stage.backend.turns
    assert first.turn_id != second.turn_id
    await stage.post(MuteChanged(MuteSource.SOFTWARE, muted=True))
    assert ids[Moment.MUTED] == ""
    assert logs.current_turn() == ""


async def test_the_mouth_is_told_in_which_language_something_is_wrong() -> None:
    stage = Stage(TurnSettings(mode="standalone", language="de"))
    await stage.post(MicrophoneReady(), Triggered(0))
    assert "sentence no-asr de" in stage.mouth.calls
