"""Whole conversations in a room: somebody speaks into the microphone, the loudspeaker is recorded."""

import contextlib
import time
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from tests.asr.speech import said
from tests.sound.pulse import SoundServer
from tests.sound.room import Audio, Recording, speak
from tests.sound.satellite import Satellite, satellite
from wyoming_voice.audio import to_mono
from wyoming_voice.core.pcm import SPEECH

pytestmark = [pytest.mark.sound, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "what time is it"
OPEN_TO_SPEECH = ("--gate", "vad", "--barge-in", "speech", "--follow-up", "off")
LONG = "One sentence after another is spoken here, so that there is time to interrupt it. " * 4


def okay_nabu() -> Audio:
    """The wake word, as a person says it."""
    path = Path(__file__).parents[1] / "satellite" / "hearing" / "data" / "okay_nabu.wav"
    with wave.open(str(path)) as file:
        return to_mono(file.readframes(file.getnframes()), SPEECH)


def standalone(servers: dict[str, str], *more: str) -> tuple[str, ...]:
    """Arguments for a satellite that works with these servers alone."""
    named = [part for kind, uri in servers.items() for part in (f"--{kind}-uri", uri)]
    return ("--mode", "standalone", *named, *more)


@pytest_asyncio.fixture(loop_scope="session")
async def open_ear(
    pulse: SoundServer, servers: dict[str, str], tmp_path: Path
) -> AsyncIterator[Satellite]:
    """A satellite to which any speech is a question."""
    async with satellite(
        pulse.environment, tmp_path, *standalone(servers, "--gate", "vad", "--follow-up", "off")
    ) as running:
        yield running


async def test_a_question_is_heard_from_its_first_word_and_answered_aloud(
    pulse: SoundServer, loudspeaker: Recording, open_ear: Satellite
) -> None:
    asked_s = time.monotonic()
    await speak(pulse.environment, said(QUESTION))
    transcript = await open_ear.until("transcript", asked_s)
    assert transcript.text.lower().startswith("what time is it")
    responding = await open_ear.until("responding", asked_s)
    idle = await open_ear.until("idle", asked_s)
    answer = loudspeaker.between(responding.at_s - 0.2, idle.at_s + 0.2)
    assert 0.02 < np.abs(answer).max() < 1.0  # to be heard, and not clipped
    assert len(loudspeaker.loud_steps(responding.at_s)) > 50  # half a second of it


async def test_a_wake_word_is_followed_by_its_question(
    pulse: SoundServer,
    loudspeaker: Recording,
    servers: dict[str, str],
    tmp_path: Path,
) -> None:
    async with satellite(pulse.environment, tmp_path, *standalone(servers)) as woken:
        asked_s = time.monotonic()
        await speak(pulse.environment, np.concatenate((okay_nabu(), said(QUESTION))))
        assert (await woken.until("wake", asked_s)).text == "okay_nabu"
        transcript = await woken.until("transcript", asked_s)
        assert transcript.text.lower().startswith("what time is it")
        await woken.until("played", asked_s)
        assert await loudspeaker.sound(asked_s) > asked_s


async def test_speech_interrupts_an_answer_and_is_a_question_itself(
    pulse: SoundServer,
    loudspeaker: Recording,
    servers: dict[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    arguments = standalone(servers, *OPEN_TO_SPEECH, "--aec", "inproc")
    async with contextlib.AsyncExitStack() as room:
        room.enter_context(pulse.echo())
        running = await room.enter_async_context(satellite(pulse.environment, tmp_path, *arguments))
        await running.do("say", text=LONG)
        began_s = await loudspeaker.sound((await running.until("announcing")).at_s)
        interrupted_s = time.monotonic()
        await speak(pulse.environment, said(QUESTION))
        decided = await running.until("listening", interrupted_s)
        quiet_s = await loudspeaker.silence(decided.at_s, for_s=0.3)
        record_property("decision_to_silence_ms", round(1000 * (quiet_s - decided.at_s)))
        record_property("speech_to_silence_ms", round(1000 * (quiet_s - interrupted_s)))
        transcript = await running.until("transcript", interrupted_s)
        assert began_s < interrupted_s
        assert transcript.text.lower().startswith("what time is it")
        # Of the long text nothing comes back: what sounds next is the answer.
        responding = await running.until("responding", interrupted_s)
        between = [
            at_s for at_s in loudspeaker.loud_steps(quiet_s + 0.05) if at_s < responding.at_s
        ]
        assert len(between) < 30  # a tone or two, no speech


@pytest.mark.parametrize(("cancelling", "hears_itself"), [("inproc", False), ("hw", True)])
async def test_the_assistant_does_not_answer_itself(
    pulse: SoundServer,
    servers: dict[str, str],
    tmp_path: Path,
    cancelling: str,
    hears_itself: bool,
) -> None:
    """The second case claims hardware that cancels, and shows that it would without any."""
    arguments = standalone(servers, *OPEN_TO_SPEECH, "--aec", cancelling)
    with pulse.echo():
        async with satellite(pulse.environment, tmp_path, *arguments) as running:
            began_s = time.monotonic()
            await running.do("say", text=LONG)
            await running.until("listening" if hears_itself else "played", began_s)
            heard = [moment.event for moment in running.moments if moment.at_s > began_s]
            assert ("listening" in heard) == hears_itself


def maps_of(running: Satellite) -> str:
    """The files that its process has in memory."""
    return Path(f"/proc/{running.process.pid}/maps").read_text()


async def test_no_video_library_comes_along(open_ear: Satellite) -> None:
    """ALSA's AC-3 encoder would bring ffmpeg, and 14 MB, when PortAudio looks at every device."""
    maps = maps_of(open_ear)
    assert "libportaudio" in maps
    assert "libavcodec" not in maps
