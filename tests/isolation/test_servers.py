"""Whole servers whose engine is killed, stopped and unloaded under them: the listener stays, answers come."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from tests.asr.speech import said
from tests.fakes import FakeProgram, on_loopback
from tests.wire_client import client_of
from wyoming_voice.asr import isolated
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.audio import to_pcm16
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError
from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.isolation.isolated import Isolated
from wyoming_voice.program import Program
from wyoming_voice.service import Health, Service, serving
from wyoming_voice.tts.engines import cast
from wyoming_voice.tts.isolated import IsolatedVoice
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.wire import Address

REPOSITORY = Path(__file__).parents[2]
BOUNDS = Bounds(30.0, 30.0, 60.0)


def pid_of(engine: Isolated) -> int:
    pid = engine.pid
    assert pid is not None
    return pid


@asynccontextmanager
async def hearing(bounds: Bounds = BOUNDS) -> AsyncIterator[tuple[Address, Isolated]]:
    settings = load(
        AsrSettings,
        ["--engine", "pocketsphinx", "--uri", "tcp://127.0.0.1:0", "--no-zeroconf"],
        {},
    )
    engine = isolated.pocketsphinx(bounds)
    async with serving(AsrProgram(settings, [engine]), settings) as address:
        yield address, engine
    assert engine.join(10)


@asynccontextmanager
async def speaking() -> AsyncIterator[tuple[Address, IsolatedVoice]]:
    arguments = ["--engine", "espeak", "--isolate", "--uri", "tcp://127.0.0.1:0", "--no-zeroconf"]
    settings = load(TtsSettings, arguments, {})
    made = cast(settings)
    engine = made.engine
    assert isinstance(engine, IsolatedVoice)
    program = TtsProgram(settings, engine, made.catalogue, made.made_by)
    async with serving(program, settings) as address:
        yield address, engine
    assert engine.join(10)


def utterance() -> list[Event]:
    """`what time is it`, in two halves."""
    pcm = to_pcm16(said("What time is it?"))
    half = len(pcm) // 4 * 2
    return [
        Transcribe().event(),
        AudioStart(16_000, 2, 1).event(),
        AudioChunk(16_000, 2, 1, pcm[:half]).event(),
        AudioChunk(16_000, 2, 1, pcm[half:]).event(),
        AudioStop().event(),
    ]


async def transcript_of(address: Address) -> str:
    async with client_of(address) as client:
        await client.send(*utterance())
        return Transcript.from_event((await client.read_until("transcript"))[-1]).text


async def test_a_recogniser_killed_in_the_middle_of_an_utterance_is_missed_by_nobody() -> None:
    async with hearing() as (address, engine):
        heard = await transcript_of(address)
        assert heard
        async with client_of(address) as client:
            events = utterance()
            await client.send(*events[:3])
            os.kill(pid_of(engine), signal.SIGSEGV)
            assert (await client.ask(Describe().event()) or events[0]).type == "info"
            await client.send(*events[3:])
            (answer,) = await client.read_until("transcript")
        assert Transcript.from_event(answer).text == heard


async def test_a_recogniser_killed_while_it_decodes_is_missed_by_nobody() -> None:
    async with hearing() as (address, engine):
        heard = await transcript_of(address)
        os.kill(pid_of(engine), signal.SIGSTOP)  # so that it is surely at work when it is killed
        async with client_of(address) as client, client_of(address) as other:
            await client.send(*utterance())
            assert (await other.ask(Describe().event()) or Event("none")).type == "info"
            os.kill(pid_of(engine), signal.SIGKILL)
            (answer,) = await client.read_until("transcript")
        assert Transcript.from_event(answer).text == heard


async def test_a_client_that_hangs_up_leaves_an_engine_that_serves_the_next() -> None:
    async with hearing() as (address, engine):
        heard = await transcript_of(address)
        before = pid_of(engine)
        os.kill(before, signal.SIGSTOP)
        async with client_of(address) as client:
            await client.send(*utterance())
            assert (await client.ask(Describe().event()) or Event("none")).type == "info"
        os.kill(before, signal.SIGCONT)
        assert await transcript_of(address) == heard
        assert engine.pid == before


async def test_an_unloaded_recogniser_hears_the_next_utterance() -> None:
    async with hearing(Bounds(30.0, 30.0, 60.0, unload_after_s=0.5)) as (address, engine):
        heard = await transcript_of(address)
        watch = os.pidfd_open(pid_of(engine))
        gone = asyncio.Event()
        asyncio.get_running_loop().add_reader(watch, gone.set)
        async with asyncio.timeout(10):
            await gone.wait()
        asyncio.get_running_loop().remove_reader(watch)
        os.close(watch)
        assert dict(engine.numbers())["engine_memory_bytes"] == 0
        assert await transcript_of(address) == heard


async def test_a_voice_killed_in_the_middle_of_an_answer_speaks_on() -> None:
    text = "The first sentence is here. And the second one comes after it."
    async with speaking() as (address, engine), client_of(address) as client:
        await client.send(SynthesizeStart().event(), SynthesizeChunk(text[:40]).event())
        begun = [await client.read() for _ in range(3)]
        assert next(event.type for event in begun if event is not None) == "audio-start"
        os.kill(pid_of(engine), signal.SIGKILL)
        await client.send(SynthesizeChunk(text[40:]).event(), SynthesizeStop().event())
        rest = await client.read_until("synthesize-stopped")
        assert [event.type for event in rest if event.type == "error"] == []
        killed_s = sum(len(event.payload or b"") for event in [*begun, *rest] if event)
        await client.send(Synthesize(text).event())
        whole = await client.read_until("audio-stop")
        assert killed_s / sum(len(event.payload or b"") for event in whole) == pytest.approx(1, 0.1)


class Reloading(FakeProgram):
    """A program whose engine is being started again."""

    reloading = True


async def test_while_an_engine_is_started_again_the_service_says_so_and_is_not_stuck() -> None:
    program: Program = Reloading()
    service = Service(program, on_loopback())
    await service.listen()
    await service.load()
    assert service.health is Health.RELOADING
    await service.stop()


def test_idle_times_are_read_and_bad_ones_are_refused() -> None:
    def settings(told: str) -> TtsSettings:
        return load(TtsSettings, ["--unload-after", told], {})

    assert [settings(told).unload_after_s for told in ("90s", "10m", "1.5h")] == [90, 600, 5400]
    assert settings("10m").isolated
    assert not load(TtsSettings, [], {}).isolated
    for told in ("10", "soon", "0s", "5d", "1000h", "10 minutes"):
        with pytest.raises(ConfigError, match=rf"'{told}' is no time .*90s, 10m or 2h"):
            settings(told)


_PROGRAMS = """
import asyncio, sys
from wyoming_voice.config import load
if sys.argv[1] == "asr":
    from wyoming_voice.asr.server import AsrSettings as Settings, build
else:
    from wyoming_voice.tts.server import TtsSettings as Settings, build
async def main():
    program = build(load(Settings, sys.argv[2:], {}))
    await program.load()
    print(dict(program.numbers())["engine_loaded"])
    await program.close()
asyncio.run(main())
heavy = {"torch", "ctranslate2", "faster_whisper", "kokoro", "misaki", "spacy", "pocketsphinx"}
heavy |= {"huggingface_hub", "transformers"}
print(*sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("asr", "--isolate", "--model", "tests/models/command_whisper"),
        ("asr", "--unload-after", "1h", "--engine", "pocketsphinx"),
        ("tts", "--isolate", "--engine", "espeak"),
    ],
    ids=" ".join,
)
def test_the_server_loads_nothing_that_its_engine_needs(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAMS, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1.0"], done.stderr
