"""Whole files beside others: who waits for whom, how much is at work, and in how little memory."""

import asyncio
import contextlib
import io
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.asr.driving import until
from tests.asr.fakes import HashingEngine, LoudDetector, ScriptedEngine, soon
from tests.asr.media import wav
from tests.asr.speech import said, silence
from tests.asr.test_files import LIGHT, job, long_speech, passages, text
from tests.fakes import Steps
from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Segment
from wyoming_voice.asr.files import transcribed
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy
from wyoming_voice.worker import Priority, Worker


class Company(HashingEngine):
    """Waits until three are inside; then the later ones end first."""

    at_once = 3

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(3)
        self.turns = [threading.Event() for _ in range(3)]
        self.turns[2].set()
        self.ended: list[int] = []

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        number = self.barrier.wait(10)
        self.turns[number].wait(10)
        self.ended.append(number)
        if number:
            self.turns[number - 1].set()
        yield from super().transcribe(audio, options)


async def test_windows_are_at_work_together_and_told_in_order(worker: Worker) -> None:
    audio = long_speech()
    together = await passages(wav(audio), job(Company(), worker))
    alone = await passages(wav(audio), job(HashingEngine(), worker))
    assert text(together) == text(alone)
    starts_s = [segment.start_s for passage in together for segment in passage.segments]
    assert starts_s == sorted(starts_s)
    assert len(starts_s) == 3


async def test_a_command_waits_for_one_item_of_a_file_at_most() -> None:
    worker, engine = Worker("asr"), ScriptedEngine(held=True)
    log: list[str] = []
    reading = asyncio.create_task(passages(wav(long_speech()), job(engine, worker)))
    await until(lambda: worker.requests == 3)  # two windows and the reading
    await soon(engine.begun)
    command = worker.stream(lambda: _noted(engine, log), deadline_s=30)
    asked = asyncio.create_task(anext(command))
    await until(lambda: worker.requests == 4)
    engine.may_go_on.set()
    await asked
    await reading
    assert log == ["1 begun, 0 finished"]
    await command.aclose()
    worker.close()


def _noted(engine: ScriptedEngine, log: list[str]) -> Iterator[None]:
    log.append(f"{len(engine.calls)} begun, {engine.finished} finished")
    yield None


async def test_no_more_is_begun_than_the_engine_gains_from(worker: Worker) -> None:
    engine = ScriptedEngine(held=True)
    reading = asyncio.create_task(passages(wav(long_speech()), job(engine, worker)))
    still = 0
    async with asyncio.timeout(10):
        while still < 50:  # nobody reads on, and nothing is begun
            await asyncio.sleep(0)
            both = len(worker._running) == len(engine.calls) == engine.at_once
            still = still + 1 if both else 0
    assert worker.requests == 1 + engine.at_once
    engine.may_go_on.set()
    assert text(await reading) == "hello hello hello"


async def test_a_file_that_nobody_wants_any_more_is_dropped(worker: Worker) -> None:
    engine = ScriptedEngine(held=True)
    reading = asyncio.create_task(passages(wav(long_speech()), job(engine, worker)))
    await soon(engine.begun)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    engine.may_go_on.set()
    await until(lambda: worker.idle)
    await soon(engine.closed)
    assert engine.finished == 0


async def test_a_reader_that_stops_holds_up_the_work(worker: Worker) -> None:
    engine = ScriptedEngine()
    asked = job(engine, worker)
    async with contextlib.aclosing(
        transcribed(wav(np.concatenate([long_speech()] * 3)), asked)
    ) as found:
        await anext(found)
        await until(lambda: not worker.busy)
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(engine.calls) < 6


async def test_an_upload_has_one_place_to_its_end(worker: Worker) -> None:
    worker.max_requests = 1
    engine = ScriptedEngine(held=True)
    asked = job(engine, worker, rank=Priority.FINAL)
    reading = asyncio.create_task(passages(wav(long_speech()), asked))
    await soon(engine.begun)
    with pytest.raises(Busy):
        await passages(wav(said(LIGHT)), replace(asked, record=TurnRecord("asr")))
    engine.may_go_on.set()
    assert text(await reading) == "hello hello hello"
    assert asked.record.facts["windows"] == 3


def _talk(minutes: int) -> io.BytesIO:
    """Loud for 20 s, then quiet for 10 s, and so on."""
    half = np.concatenate((np.full(20 * RATE_HZ, 0.5, np.float32), silence(10)))
    return wav(np.tile(half, 2 * minutes))


async def test_memory_does_not_grow_with_the_file(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wyoming_voice.asr.recording.Silero", LoudDetector)
    peaks = [await _peak_bytes(minutes, worker) for minutes in (1, 2, 5)]
    assert peaks[2] < 1.2 * peaks[1]
    assert peaks[2] < 9e6  # 5 minutes are 19 MB


async def _peak_bytes(minutes: int, worker: Worker) -> int:
    source = _talk(minutes)
    windows = 0
    tracemalloc.start()
    async with contextlib.aclosing(transcribed(source, job(ScriptedEngine(), worker))) as found:
        async for passage in found:
            windows += bool(passage.segments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert windows >= 2 * minutes
    return peak


async def test_steps_of_others_are_made_between(worker: Worker) -> None:
    """With several threads, one is kept for commands; a file never takes all."""
    worker.threads = 2
    engine = ScriptedEngine(held=True)
    reading = asyncio.create_task(passages(wav(long_speech()), job(engine, worker)))
    await soon(engine.begun)
    log: list[str] = []
    steps = Steps("command", log, items=1).let()
    async with contextlib.aclosing(worker.stream(steps, deadline_s=30)) as command:
        assert await anext(command) == "command0"
    assert engine.finished == 0
    engine.may_go_on.set()
    await reading
