"""Whole files: the text that they have over Wyoming, in order, in little memory, and out of others' way."""

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from tests.asr.driving import program_of, served, transcript, until
from tests.asr.fakes import HashingEngine, ScriptedEngine
from tests.asr.media import adts, streamed_wav, wav
from tests.asr.speech import COMMAND_MODEL, noise, said, silence, utterance
from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Engine
from wyoming_voice.asr.files import Job, Passage, transcribed
from wyoming_voice.asr.recognition import Gate
from wyoming_voice.asr.server import AsrProgram, AsrSettings, build
from wyoming_voice.asr.session import Wish
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import BadAudio, EngineError, TooLarge
from wyoming_voice.worker import Priority, Worker

LIGHT, TIMER = "Turn on the kitchen light.", "Set a timer for five minutes."


def job(engine: Engine, worker: Worker, threshold: float | None = 0.3, **changed: Any) -> Job:
    choice = Choice(engine, DecodeOptions())
    return Job(choice, Gate(threshold), worker, 30, TurnRecord("asr"), **changed)


async def passages(source: BinaryIO | Path, job: Job) -> list[Passage]:
    async with contextlib.aclosing(transcribed(source, job)) as found:
        return [passage async for passage in found]


def text(found: list[Passage]) -> str:
    return "".join(segment.text for passage in found for segment in passage.segments).strip()


def long_speech() -> Audio:
    """Several windows: over 12 s of speech each, with a pause behind it."""
    paragraph = np.concatenate([np.concatenate((said(LIGHT), said(TIMER)))] * 3)
    return np.concatenate([paragraph, silence(0.8)] * 3)


@pytest.mark.parametrize("threshold", [0.3, None])
async def test_a_file_is_heard_as_the_same_audio_over_wyoming(threshold: float | None) -> None:
    """The engine's text depends on every sample of each window, and on all it is told about it."""
    audio = long_speech()
    program = program_of(HashingEngine(), no_vad_gate=threshold is None)  # type: ignore[arg-type]
    async with served(program) as (_, client):
        over_wyoming = await transcript(client, *utterance(audio, chunk_ms=100))
        choice = program.choice(Wish())
        asked = Job(choice, program.gate, program.worker, 30, TurnRecord("asr"))
        for source, rank in ((wav, Priority.BATCH), (streamed_wav, Priority.FINAL)):
            found = await passages(source(audio), replace(asked, rank=rank))
            assert text(found) == over_wyoming
    assert len(over_wyoming.split()) == (3 if threshold else 1)


@pytest.fixture(scope="module")
def commands() -> AsrProgram:
    values = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True, "model": [str(COMMAND_MODEL)]}
    program = build(AsrSettings.model_validate({**values, "workers": 1, "cpu_threads": 1}))
    assert isinstance(program, AsrProgram)
    return program


async def test_words_change_nothing_and_make_sentences(commands: AsrProgram) -> None:
    await commands.load()
    audio = np.concatenate((silence(3), said(LIGHT), silence(0.3), said(TIMER), silence(2)))
    engine = next(iter(commands._engines.values()))
    plain = await passages(wav(audio), job(engine, commands.worker))
    timed = await passages(wav(audio), job(engine, commands.worker, words=True))
    assert text(plain) == text(timed) == f"{LIGHT} {TIMER}"
    (whole,) = plain[0].segments
    assert (whole.words, whole.language) == ((), "en")
    first, second = timed[0].segments
    assert (first.text, second.text) == (f" {LIGHT}", f" {TIMER}")
    assert [word.text for word in second.words] == [f" {word}" for word in TIMER.split()]
    times = [whole.start_s, first.start_s, first.end_s, second.start_s, second.end_s, whole.end_s]
    truth = [3.2, 3.2, 4.6, 5.2, 7.0, 7.0]
    assert np.abs(np.array(times) - truth).max() < 0.35
    assert timed[0].language == "en"


async def test_silence_has_no_segments_and_still_progress(worker: Worker) -> None:
    audio = np.concatenate((silence(25), noise(10, 0.001)))
    found = await passages(wav(audio), job(ScriptedEngine(), worker))
    assert text(found) == ""
    assert [passage.heard_s for passage in found] == [10, 20, 30, 35]
    assert {passage.total_s for passage in found} == {35}
    assert not any(passage.segments for passage in found)


async def test_it_is_told_how_far_all_has_been_heard(worker: Worker) -> None:
    audio = long_speech()
    found = await passages(wav(audio), job(ScriptedEngine(), worker))
    heard_s = [passage.heard_s for passage in found]
    assert heard_s == sorted(heard_s)
    assert heard_s[-1] == found[0].total_s == pytest.approx(len(audio) / RATE_HZ)
    for passage in found[:-1]:
        assert passage.segments[-1].end_s <= passage.heard_s


@pytest.mark.parametrize("size", [0, 100, 1_599])
async def test_what_is_too_short_for_a_word_has_none(worker: Worker, size: int) -> None:
    engine = ScriptedEngine()
    asked = job(engine, worker, threshold=None)
    with contextlib.suppress(BadAudio):  # what holds no sample at all
        assert text(await passages(wav(noise(1)[:size]), asked)) == ""
    assert not engine.calls


@pytest.mark.parametrize(("made", "heard_ms"), [(wav, 0), (adts, 10_000)])
async def test_a_long_file_is_refused_as_soon_as_it_is_known(
    worker: Worker, made: Any, heard_ms: int
) -> None:
    asked = job(ScriptedEngine(), worker, max_duration_s=12.0)
    with pytest.raises(TooLarge, match="longer than 12 s"):
        await passages(made(long_speech()), asked)
    assert asked.record.facts["audio_ms"] == heard_ms
    await until(lambda: worker.idle)


async def test_what_is_no_medium_is_refused(worker: Worker) -> None:
    with pytest.raises(BadAudio, match="ZIP"):
        await passages(io.BytesIO(b"PK\x03\x04" + bytes(400)), job(ScriptedEngine(), worker))


async def test_a_failing_engine_ends_the_file(worker: Worker) -> None:
    engine = ScriptedEngine()
    engine.failure = EngineError("out of memory")
    with pytest.raises(EngineError, match="out of memory"):
        await passages(wav(long_speech()), job(engine, worker))
    await until(lambda: worker.idle)


async def test_what_is_read_from_is_left_open_and_a_path_will_do(
    worker: Worker, tmp_path: Path
) -> None:
    source = wav(said(LIGHT))
    path = tmp_path / "light.bin"
    path.write_bytes(source.getvalue())
    read = [await passages(one, job(HashingEngine(), worker)) for one in (source, path)]
    assert text(read[0]) == text(read[1])
    assert not source.closed


async def test_the_log_says_what_was_heard(worker: Worker) -> None:
    engine = ScriptedEngine()
    asked = job(engine, worker)
    await passages(wav(long_speech()), asked)
    (_, options), *_ = engine.calls
    assert options.speech_s is not None
    facts = {"model": "scripted", "language": "en", "windows": 3, "words": 3}
    assert facts.items() <= asked.record.facts.items()
    assert {"queue", "work"} <= asked.record.stages_ms.keys()


async def test_without_a_gate_a_file_is_cut_now_and_then(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wyoming_voice.asr.recognition._UNCUT_SAMPLES", 20 * RATE_HZ)
    engine = ScriptedEngine()
    await passages(wav(noise(45)), job(engine, worker, threshold=None))
    assert [(duration_s, asked.speech_s) for duration_s, asked in engine.calls] == [
        (20, None),
        (20, None),
        (5, None),
    ]
