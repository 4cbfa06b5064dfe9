"""Home Assistant and a satellite with ears and a mouth: it hears what is said, and is heard to the end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from wyoming.satellite import RunSatellite
from wyoming.timer import TimerFinished, TimerStarted

from tests.asr.speech import said
from tests.home_assistant import RATE_HZ as REPLY_HZ
from tests.home_assistant import Run, Script, ScriptedHomeAssistant, home_assistant
from tests.sound.pulse import SoundServer
from tests.sound.room import Audio, Recording, likeness, speak
from tests.sound.satellite import Satellite, naming, starting
from wyoming_voice.audio import to_pcm16

pytestmark = [pytest.mark.sound, pytest.mark.asyncio(loop_scope="session")]

Record = Callable[[str, object], None]
QUESTION = "what time is it"
ORDER = "turn on the living room light"
LISTEN = ("--uri", "tcp://127.0.0.1:0", "--gate", "vad", "--follow-up", "off")


def tone(length_s: float) -> bytes:
    """A reply whose length is known: 22.05 kHz, -10 dBFS."""
    at_s = np.arange(round(REPLY_HZ * length_s)) / REPLY_HZ
    return to_pcm16((0.3 * np.sin(2 * np.pi * 440 * at_s)).astype(np.float32))


def heard_in(run: Run) -> Audio:
    """What Home Assistant heard of a turn: 16 kHz, shape (n,)."""
    return np.frombuffer(bytes(run.heard), "<i2").astype(np.float32) / 32768.0


def spoken(text: str) -> Audio:
    """The text from the first sound to the last, without the silence around it."""
    audio = said(text)
    loud = np.flatnonzero(np.abs(audio) > 0.02)
    return audio[loud[0] : loud[-1]]


async def address_of(running: Satellite) -> str:
    """Where Home Assistant is to connect."""
    return str((await running.status())["home assistant"]["listening"])


@contextlib.asynccontextmanager
async def at_home(
    pulse: SoundServer, folder: Path, script: Script, *arguments: str
) -> AsyncIterator[tuple[Satellite, ScriptedHomeAssistant]]:
    """A satellite that Home Assistant alone answers."""
    more = ("--mode", "ha", *LISTEN, *arguments)
    async with (
        starting(pulse.environment, folder, *more) as running,
        home_assistant(await address_of(running), script) as home,
    ):
        await running.booted()
        yield running, home


async def test_a_turn_is_heard_from_its_first_word_and_its_reply_to_the_end(
    pulse: SoundServer, loudspeaker: Recording, tmp_path: Path, record_property: Record
) -> None:
    async with at_home(pulse, tmp_path, Script(reply_pcm=tone(3.0))) as (running, home):
        asked_s = time.monotonic()
        await speak(pulse.environment, said(QUESTION))
        await home.until(lambda: home.counts["played"] > 0)
        played_s = time.monotonic()
        last_s = await loudspeaker.silence(asked_s, for_s=0.3)
        (run,) = home.runs
        assert run.ended_by_satellite
        assert home.counts["audio-stop"] == home.counts["played"] == 1
        likenesses = [likeness(heard_in(run), spoken(text)) for text in (QUESTION, ORDER)]
        steps = loudspeaker.loud_steps((await running.until("responding", asked_s)).at_s)
        record_property("likeness_of_said_and_unsaid", [round(float(n), 2) for n in likenesses])
        record_property("heard_of_3000_ms", 10 * len(steps))
        record_property("last_sample_to_played_ms", round(1000 * (played_s - last_s)))
        assert likenesses[0] > 0.8 > 0.5 > likenesses[1]
        assert 295 <= len(steps) <= 305
        assert round(100 * (steps[-1] - steps[0])) < 305  # and in one piece
        # The recording is later than the room by what its own way takes.
        assert played_s > last_s - 0.15


async def test_an_announcement_is_heard_and_answered(
    pulse: SoundServer, loudspeaker: Recording, tmp_path: Path
) -> None:
    async with at_home(pulse, tmp_path, Script()) as (running, home):
        announced_s = time.monotonic()
        await home.announce(tone(1.5))
        await loudspeaker.silence(announced_s, for_s=0.3)
        assert 145 <= len(loudspeaker.loud_steps(announced_s)) <= 155
        assert home.counts["played"] == 1
        await running.until("idle", (await running.until("announcing", announced_s)).at_s)
        assert not home.runs


async def test_a_button_interrupts_a_reply_and_begins_a_turn(
    pulse: SoundServer, loudspeaker: Recording, tmp_path: Path, record_property: Record
) -> None:
    script = Script(reply_pcm=tone(12.0))
    async with at_home(pulse, tmp_path, script, "--no-tones") as (running, home):
        asked_s = time.monotonic()
        await speak(pulse.environment, said(QUESTION))
        responding = await running.until("responding", asked_s)
        await loudspeaker.sound(responding.at_s)
        home.script = Script(reply_pcm=tone(1.0))
        interrupted_s = time.monotonic()
        await running.do("trigger")
        quiet_s = await loudspeaker.silence(interrupted_s, for_s=0.5)
        record_property("trigger_to_silence_ms", round(1000 * (quiet_s - interrupted_s)))
        assert quiet_s - responding.at_s < 6  # of 12
        assert home.counts["played"] == 1
        await speak(pulse.environment, said(ORDER))
        await home.until(lambda: home.counts["played"] > 1)
        await loudspeaker.silence(quiet_s + 0.1, for_s=0.5)
        first, second = (run for run in home.runs if run.start_stage == "asr")
        assert first.ended_by_satellite
        assert second.ended_by_satellite
        assert likeness(heard_in(second), spoken(ORDER)) > 0.8
        assert 95 <= len(loudspeaker.loud_steps(quiet_s + 0.1)) <= 105  # nothing of the old reply
        assert home.counts["played"] == 2


async def test_a_timer_rings_until_it_is_dismissed(
    pulse: SoundServer, loudspeaker: Recording, tmp_path: Path, record_property: Record
) -> None:
    async with at_home(pulse, tmp_path, Script()) as (running, home):
        started_s = time.monotonic()
        await home.send(TimerStarted(id="1", total_seconds=600, name="eggs").event())
        assert (await running.until("timer-started", started_s)).text == "eggs"
        await home.send(TimerFinished(id="1").event())
        await running.until("timer-finished", started_s)
        await loudspeaker.sounding(started_s, for_s=2.0)  # more than one round
        dismissed_s = time.monotonic()
        await running.do("stop")
        assert (await running.until("timer-dismissed", dismissed_s)).text == "eggs"
        quiet_s = await loudspeaker.silence(dismissed_s, for_s=1.5)  # it pauses for 0.9 s by itself
        record_property("stop_to_silence_ms", round(1000 * (quiet_s - dismissed_s)))
        assert not (await running.status())["timers"]["timers"]


async def test_a_muted_ear_hears_nothing_and_a_muted_satellite_still_speaks(
    pulse: SoundServer, loudspeaker: Recording, tmp_path: Path
) -> None:
    async with at_home(pulse, tmp_path, Script()) as (running, home):
        muted_s = time.monotonic()
        await home.pause()
        await running.until("muted", muted_s)
        await speak(pulse.environment, said(ORDER))
        assert not loudspeaker.loud_steps(muted_s)
        await home.announce(tone(0.5))
        await loudspeaker.sounding(muted_s, for_s=0.4)
        await home.send(RunSatellite().event())
        await running.until("unmuted", muted_s)
        await speak(pulse.environment, said(QUESTION))
        await home.until(lambda: bool(home.runs) and home.runs[-1].ended_by_satellite)
        (run,) = home.runs  # any speech begins one: what was said before did not
        assert likeness(heard_in(run), spoken(QUESTION)) > 0.8
        assert likeness(heard_in(run), spoken(ORDER)) < 0.5


async def test_the_own_servers_answer_while_home_assistant_is_away(
    pulse: SoundServer, loudspeaker: Recording, servers: dict[str, str], tmp_path: Path
) -> None:
    more = ("--mode", "auto", *LISTEN, *naming(servers))

    async def turn(running: Satellite) -> str:
        """Ask; the transcript tells who answered: the script always understands something else."""
        asked_s = time.monotonic()
        await speak(pulse.environment, said(QUESTION))
        transcript = await running.until("transcript", asked_s)
        responding = await running.until("responding", asked_s)
        await running.until("idle", responding.at_s)
        assert len(loudspeaker.loud_steps(responding.at_s)) > 50
        return transcript.text

    script = Script(reply_pcm=tone(1.0))
    async with starting(pulse.environment, tmp_path, *more) as running:
        address = await address_of(running)

        async def turn_at_home() -> None:
            async with home_assistant(address, script) as home:
                await running.reaches(lambda status: status["answers"] == "home-assistant")
                assert await turn(running) == script.transcript
                assert [run.start_stage for run in home.runs] == ["asr"]
                assert home.counts["played"] == 1

        await turn_at_home()
        gone = await running.until("disconnected")
        assert gone.text == "home-assistant"
        assert await turn(running) == "What time is it?"
        await turn_at_home()


async def test_what_is_being_said_to_a_home_assistant_that_goes_is_answered(
    pulse: SoundServer,
    loudspeaker: Recording,
    servers: dict[str, str],
    tmp_path: Path,
    record_property: Record,
) -> None:
    more = ("--mode", "auto", *LISTEN, *naming(servers))
    async with starting(pulse.environment, tmp_path, *more) as running:
        await running.reaches(lambda status: status["answers"] == "direct")
        async with home_assistant(await address_of(running)) as home:
            await running.reaches(lambda status: status["answers"] == "home-assistant")
            asked_s = time.monotonic()
            speaking = asyncio.create_task(speak(pulse.environment, said(ORDER)))
            await home.until(lambda: any(len(run.heard) > 32_000 for run in home.runs))  # a second
            assert not speaking.done()
            await home.hang_up()
            lost_s = time.monotonic()
            transcript = await running.until("transcript", asked_s)
            ended = await running.until("speech-ended", lost_s)
            record_property(
                "speech_ended_to_transcript_ms", round(1000 * (transcript.at_s - ended.at_s))
            )
            assert transcript.text == "Turn on the living room light."
            responding = await running.until("responding", asked_s)
            await running.until("idle", responding.at_s)
            assert len(loudspeaker.loud_steps(responding.at_s)) > 50
            await speaking
