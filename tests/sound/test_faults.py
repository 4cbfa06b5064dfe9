"""What breaks around a satellite while it runs, and that it mends itself: a whole turn works after."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from satellite.events import Trouble
from satellite.speaking.tones import read_sentences, resampled
from tests.asr.speech import said
from tests.sound.conftest import recogniser
from tests.sound.pulse import SoundServer
from tests.sound.room import RATE_HZ, Recording, likeness, recording, speak
from tests.sound.satellite import Satellite, converse, naming, satellite

pytestmark = [pytest.mark.sound, pytest.mark.asyncio(loop_scope="session")]

Record = Callable[[str, object], None]
OPEN_EAR = ("--mode", "standalone", "--gate", "vad", "--follow-up", "off")
LONG_ORDER = "turn on the living room light"
Fault = Callable[[SoundServer], contextlib.AbstractContextManager[None]]


@pytest_asyncio.fixture(loop_scope="session")
async def running(
    pulse: SoundServer, servers: dict[str, str], tmp_path: Path
) -> AsyncIterator[Satellite]:
    async with satellite(pulse.environment, tmp_path, *OPEN_EAR, *naming(servers)) as open_ear:
        yield open_ear


@pytest.mark.parametrize("fault", [SoundServer.killed, SoundServer.all_unplugged])
async def test_a_microphone_that_goes_is_told_of_and_opened_again(
    pulse: SoundServer, running: Satellite, record_property: Record, fault: Fault
) -> None:
    broken_s = time.monotonic()
    with fault(pulse):
        lost = await running.until("microphone-lost", broken_s)
        assert (await running.status())["microphone"]["reason"] == lost.text
    whole_s = time.monotonic()
    ready = await running.until("microphone-ready", lost.at_s)
    record_property("break_to_lost_ms", round(1000 * (lost.at_s - broken_s)))
    record_property("whole_to_ready_ms", round(1000 * (ready.at_s - whole_s)))
    await converse(pulse.environment, running)


async def test_a_sound_server_that_stalls_is_waited_for(
    pulse: SoundServer, running: Satellite, record_property: Record
) -> None:
    broken_s = time.monotonic()
    with pulse.stalled():
        lost = await running.until("microphone-lost", broken_s)
        # It is tried twice while every call into the sound system hangs, and still answers here.
        await running.reaches(lambda status: status["microphone"]["openings"] >= 3)
    whole_s = time.monotonic()
    ready = await running.until("microphone-ready", lost.at_s)
    record_property("break_to_lost_ms", round(1000 * (lost.at_s - broken_s)))
    record_property("whole_to_ready_ms", round(1000 * (ready.at_s - whole_s)))
    await converse(pulse.environment, running)


async def test_a_microphone_that_is_plugged_in_again_is_used(
    pulse: SoundServer, running: Satellite
) -> None:
    """PulseAudio moves its stream away and back without a word."""
    with pulse.microphone_unplugged():
        spoken_s = time.monotonic()
        await speak(pulse.environment, said(LONG_ORDER))
    await converse(pulse.environment, running)
    transcripts = [m.text for m in running.moments if m.event == "transcript" and m.at_s > spoken_s]
    assert len(transcripts) == 1  # what was said to no microphone was heard by none


@pytest.mark.parametrize("fault", [SoundServer.killed, SoundServer.stalled])
async def test_an_answer_that_breaks_off_leaves_nothing_hanging(
    pulse: SoundServer, running: Satellite, record_property: Record, fault: Fault
) -> None:
    async with recording(pulse.environment, "virt_speaker") as heard:
        asked_s = time.monotonic()
        await speak(pulse.environment, said("what time is it"))
        responding = await running.until("responding", asked_s)
        await heard.sound(responding.at_s)
        broken_s = time.monotonic()
        with fault(pulse):
            lost = await running.until("microphone-lost", broken_s)
            idle = await running.until("idle", broken_s)
    ready = await running.until("microphone-ready", lost.at_s)
    record_property("break_to_idle_ms", round(1000 * (idle.at_s - broken_s)))
    record_property("break_to_ready_ms", round(1000 * (ready.at_s - broken_s)))
    await converse(pulse.environment, running)


async def test_a_question_that_breaks_off_leaves_nothing_hanging(
    pulse: SoundServer, running: Satellite, record_property: Record
) -> None:
    asked_s = time.monotonic()
    speaking = asyncio.create_task(speak(pulse.environment, said(LONG_ORDER)))
    await running.until("speech-started", asked_s)
    with pulse.killed():
        broken_s = time.monotonic()
        lost = await running.until("microphone-lost", asked_s)
        idle = await running.until("idle", lost.at_s)
    record_property("break_to_idle_ms", round(1000 * (idle.at_s - broken_s)))
    await speaking
    await running.until("microphone-ready", lost.at_s)
    await converse(pulse.environment, running)


async def test_what_is_being_said_is_said_again_to_another_recogniser(
    pulse: SoundServer, servers: dict[str, str], tmp_path: Path, record_property: Record
) -> None:
    async with contextlib.AsyncExitStack() as room:
        used = await room.enter_async_context(recogniser())
        other = await room.enter_async_context(recogniser())
        arguments = (*naming(servers | {"asr": used.uri}), "--asr-uri", other.uri)
        open_ear = await room.enter_async_context(
            satellite(pulse.environment, tmp_path, *OPEN_EAR, *arguments)
        )
        spoken = await room.enter_async_context(recording(pulse.environment, "virt_mic_sink"))
        asked_s = time.monotonic()
        speaking = asyncio.create_task(speak(pulse.environment, said(LONG_ORDER)))
        await open_ear.until("speech-started", asked_s)
        await spoken.sounding(asked_s, for_s=0.8)
        assert used.process is not None
        assert not speaking.done()
        used.process.kill()
        killed_s = time.monotonic()
        ended = await open_ear.until("speech-ended", killed_s)
        transcript = await open_ear.until("transcript", killed_s)
        record_property(
            "speech_ended_to_transcript_ms", round(1000 * (transcript.at_s - ended.at_s))
        )
        assert transcript.text == "Turn on the living room light."
        await speaking
        assert len(spoken.loud_steps(killed_s)) > 30  # it was in the middle


async def test_a_missing_recogniser_is_told_of_aloud(
    pulse: SoundServer,
    loudspeaker: Recording,
    servers: dict[str, str],
    tmp_path: Path,
    record_property: Record,
) -> None:
    async with contextlib.AsyncExitStack() as room:
        only = await room.enter_async_context(recogniser())
        open_ear = await room.enter_async_context(
            satellite(pulse.environment, tmp_path, *OPEN_EAR, *naming(servers | {"asr": only.uri}))
        )
        assert only.process is not None
        only.process.kill()
        asked_s = time.monotonic()
        await speak(pulse.environment, said(LONG_ORDER))
        assert (await open_ear.until("error", asked_s)).text == Trouble.NO_ASR
        await open_ear.until("idle", asked_s)
        await loudspeaker.silence(asked_s, for_s=0.5)
        heard = loudspeaker.between(asked_s)
        sentences = read_sentences()
        alike = {
            trouble: likeness(heard, resampled(sentence, RATE_HZ))
            for trouble, sentence in sentences.items()
        }
        record_property("alike", {str(trouble): round(n, 2) for trouble, n in alike.items()})
        assert alike.pop(Trouble.NO_ASR) > 0.8
        assert max(alike.values()) < 0.5
