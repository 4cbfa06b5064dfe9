"""Whole servers whose engine is killed, stopped and unloaded under them: the listener stays, answers come."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import numpy as np
import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from tests.asr.speech import said
from tests.fakes import FakeProgram, on_loopback
from tests.isolation.engines import Obedient, Patient, obedient
from tests.isolation.watching import ends, pid_of
from tests.satellite.waiting import until
from tests.tts.fakes import MADE_BY
from tests.wire_client import PATIENCE_S, client_of
from wyoming_voice.asr import isolated
from wyoming_voice.asr.isolated import IsolatedRecogniser, Known
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.asr.session import Wish
from wyoming_voice.audio import to_pcm16
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError
from wyoming_voice.isolation import faults
from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.isolation.isolated import NotLoaded
from wyoming_voice.program import Program
from wyoming_voice.service import Health, Service, serving
from wyoming_voice.tts.cache import CachingEngine, openers
from wyoming_voice.tts.engine import Sound, Utterance, never
from wyoming_voice.tts.engines import cast
from wyoming_voice.tts.isolated import IsolatedVoice
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue
from wyoming_voice.wire import Address

BOUNDS = Bounds(30.0, 30.0, 60.0)


@asynccontextmanager
async def hearing(engine: IsolatedRecogniser) -> AsyncIterator[Address]:
    arguments = ["--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--initial-prompt", "say:heard"]
    settings = load(AsrSettings, arguments, {})
    async with serving(AsrProgram(settings, [engine]), settings) as address:
        yield address
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


def utterance(model: str | None = None) -> list[Event]:
    """`what time is it`, in two halves."""
    pcm = to_pcm16(said("What time is it?"))
    half = len(pcm) // 4 * 2
    return [
        Transcribe(name=model).event(),
        AudioStart(16_000, 2, 1).event(),
        AudioChunk(16_000, 2, 1, pcm[:half]).event(),
        AudioChunk(16_000, 2, 1, pcm[half:]).event(),
        AudioStop().event(),
    ]


async def transcript_of(address: Address, model: str | None = None) -> str:
    async with client_of(address) as client:
        await client.send(*utterance(model))
        return Transcript.from_event((await client.read_until("transcript"))[-1]).text


async def test_a_recogniser_killed_in_the_middle_of_an_utterance_is_missed_by_nobody() -> None:
    engine = obedient()
    async with hearing(engine) as address:
        async with client_of(address) as client:
            events = utterance()
            await client.send(*events[:3])
            os.kill(pid_of(engine), signal.SIGSEGV)
            assert (await client.ask(Describe().event()) or events[0]).type == "info"
            await client.send(*events[3:])
            (answer,) = await client.read_until("transcript")
        assert Transcript.from_event(answer).text == "heard"


async def test_a_recogniser_killed_while_it_decodes_is_missed_by_nobody() -> None:
    engine = obedient()
    async with hearing(engine) as address:
        os.kill(pid_of(engine), signal.SIGSTOP)  # so that it is surely at work when it is killed
        async with client_of(address) as client, client_of(address) as other:
            await client.send(*utterance())
            assert (await other.ask(Describe().event()) or Event("none")).type == "info"
            os.kill(pid_of(engine), signal.SIGKILL)
            (answer,) = await client.read_until("transcript")
        assert Transcript.from_event(answer).text == "heard"


async def test_a_client_that_hangs_up_leaves_an_engine_that_serves_the_next() -> None:
    engine = obedient()
    async with hearing(engine) as address:
        before = pid_of(engine)
        os.kill(before, signal.SIGSTOP)
        async with client_of(address) as client:
            await client.send(*utterance())
            assert (await client.ask(Describe().event()) or Event("none")).type == "info"
        os.kill(before, signal.SIGCONT)
        assert await transcript_of(address) == "heard"
        assert engine.pid == before


async def test_an_unloaded_recogniser_hears_the_next_utterance() -> None:
    engine = isolated.pocketsphinx(Bounds(30.0, 30.0, 60.0, unload_after_s=0.2))
    async with hearing(engine) as address:
        heard = await transcript_of(address)
        await until(lambda: engine.pid is None)
        assert dict(engine.numbers())["engine_memory_bytes"] == 0
        assert await transcript_of(address) == heard


async def test_each_of_several_models_has_a_process_that_is_started_again_by_itself() -> None:
    first, second = (obedient(name=name) for name in ("first", "second"))
    program = AsrProgram(load(AsrSettings, [], {}), [first, second])
    await program.load()
    assert dict(program.numbers())["engine_loaded"] == 2
    before = (pid_of(first), pid_of(second))
    with ends(before[1]):
        os.kill(before[1], signal.SIGKILL)
    await until(lambda: dict(program.numbers())["engine_restarts"] == 1)
    await asyncio.to_thread(second.wait)
    assert (pid_of(first) == before[0], first.failing) == (True, False)
    assert pid_of(second) not in before
    await program.close()


async def test_who_waits_for_one_model_holds_up_nobody_who_asks_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faults, "PAUSES_S", (2 * PATIENCE_S,))
    engines = [obedient(name=name) for name in ("first", "second")]
    told = ["--no-zeroconf", "--initial-prompt", "say:heard", "--no-vad-gate"]
    settings = load(AsrSettings, ["--uri", "tcp://127.0.0.1:0", *told], {})
    program = AsrProgram(settings, engines)
    async with serving(program, settings) as address, AsyncExitStack() as clients:
        first = pid_of(engines[0])
        os.kill(first, signal.SIGSTOP)  # so that its requests are surely in hand when it is killed
        for _ in range(3):
            one = await clients.enter_async_context(client_of(address))
            await one.send(*utterance("first"))
        await until(lambda: program.worker.requests == 3)
        assert program.worker.threads == 2
        os.kill(first, signal.SIGKILL)
        assert await transcript_of(address, "second") == "heard"
        assert program.worker.requests == 3, "who waits waits on"
    for engine in engines:
        assert engine.join(10)


class Light(IsolatedRecogniser):
    """Without a process; counts how often it is woken."""

    woken = 0

    def wake(self) -> None:
        self.woken += 1


def test_only_the_model_that_will_hear_is_woken() -> None:
    first, second = (
        Light(Obedient, Known(name, ("en",), 28.0), BOUNDS) for name in ("first", "second")
    )
    program = AsrProgram(load(AsrSettings, [], {}), [first, second])
    program.choice(Wish(model="second"))
    assert (first.woken, second.woken) == (0, 1)
    program.choice(Wish())
    assert (first.woken, second.woken) == (1, 1)


class Sleeper(IsolatedVoice):
    """Without a process; says whether it is loaded, and counts how often it is asked to speak.

    The first time that it is asked aside it has fallen asleep meanwhile.
    """

    awake = False
    asked = 0
    asked_aside = 0

    @property
    def loaded(self) -> bool:
        return self.awake

    def load(self) -> None:
        return

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        self.asked += 1
        yield Sound(np.ones(80, np.float32))

    def synthesize_aside(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        self.asked_aside += 1
        if self.asked_aside == 1:
            raise NotLoaded("asleep")
        yield Sound(np.ones(80, np.float32))


async def test_an_unloaded_voice_is_not_woken_for_what_is_made_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wyoming_voice.tts.server._IDLE_S", 0.0)
    engine = Sleeper("sleeper", Patient, Patient.sample_rate_hz, "af_heart", BOUNDS)
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    cache = CachingEngine(engine, 1 << 20)
    settings = load(TtsSettings, ["--uri", "tcp://127.0.0.1:0", "--no-zeroconf"], {})
    program = TtsProgram(settings, engine, catalogue, MADE_BY, cache)
    await program.load()
    rehearsed = engine.asked
    for _ in range(1000):
        await asyncio.sleep(0)
    assert engine.asked_aside == 0
    engine.awake = True
    wanted = openers("af_heart", "en-US", 1.0)
    async with asyncio.timeout(10):
        while not all(map(cache.holds, wanted)):  # noqa: ASYNC110
            await asyncio.sleep(0)
    await program.close()
    assert engine.asked == rehearsed
    assert engine.asked_aside == 1 + len(wanted)


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
