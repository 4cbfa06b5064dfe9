"""Many requests at once: batches of the real model, requests that are dropped, workers that are measured."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ctranslate2 import StorageView

from tests.asr.speech import COMMAND_MODEL, said
from wyoming_voice.asr.engine import DecodeOptions, Segment
from wyoming_voice.asr.whisper.ctranslate import _Together, request_s
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings
from wyoming_voice.errors import EngineError

SENTENCES = (
    *("Turn on the kitchen light.", "Stop.", "What time is it?", "Set a timer for five minutes."),
    *("Thank you.", "Open the garage door."),
)


class Crowded:
    """CTranslate2's model, whose first piece of work of each kind lasts until all others wait for it."""

    def __init__(self, model: Any, together: _Together, others: int) -> None:
        self._model = model
        self._together = together
        self._others = others
        self.sizes: dict[str, list[int]] = {"encode": [], "generate": []}
        self.refuses_batches = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: Any, **how: Any) -> Any:
        self._note("encode", features)
        return self._model.encode(features, **how)

    def generate(self, encoded: Any, prompts: Any, **how: Any) -> Any:
        self._note("generate", encoded)
        return self._model.generate(encoded, prompts, **how)

    def _note(self, kind: str, windows: Any) -> None:
        sizes = self.sizes[kind]
        sizes.append(windows.shape[0])
        while len(sizes) == 1 and self._together._batches.waiting < self._others:
            time.sleep(0)  # lets the others run
        if self.refuses_batches and windows.shape[0] > 1:
            raise RuntimeError("out of memory")


def batching(batch: int = 8, others: int = len(SENTENCES) - 1, *, encodes: int = 8) -> Whisper:
    settings = WhisperSettings(device="cpu", cpu_threads=1, workers=1, batch=batch)
    engine = Whisper(str(COMMAND_MODEL), settings)
    engine.load()
    assert engine._model is not None
    together = engine._model.model
    together._model = Crowded(together._model, together, others)
    together._encode = encodes
    return engine


def crowd(engine: Whisper) -> Crowded:
    assert engine._model is not None
    crowded: Crowded = engine._model.model._model
    return crowded


def begun(engine: Whisper) -> list[Iterator[Segment | None]]:
    return [engine.transcribe(said(sentence), DecodeOptions()) for sentence in SENTENCES]


def texts(requests: list[Iterator[Segment | None]]) -> list[str]:
    """Each heard to its end, in a thread of its own."""

    def text(request: Iterator[Segment | None]) -> str:
        return "".join(segment.text for segment in request if segment is not None).strip()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(text, requests))


def test_what_is_decoded_together_reads_as_if_alone() -> None:
    engine = batching()
    assert texts(begun(engine)) == [*SENTENCES]
    assert crowd(engine).sizes["encode"] == [1, 5]
    assert sum(crowd(engine).sizes["generate"]) == 6
    assert max(crowd(engine).sizes["generate"]) > 1


def test_beams_are_decoded_together_too() -> None:
    engine = batching()
    options = DecodeOptions(beam_size=3)
    requests = [engine.transcribe(said(sentence), options) for sentence in SENTENCES]
    assert texts(requests) == [*SENTENCES]
    assert max(crowd(engine).sizes["generate"]) > 1


def test_a_batch_that_fails_is_decoded_one_by_one() -> None:
    engine = batching()
    crowd(engine).refuses_batches = True
    assert texts(begun(engine)) == [*SENTENCES]
    assert crowd(engine).sizes["encode"] == [1, 5, 1, 1, 1, 1, 1]


def test_a_request_that_is_dropped_holds_nobody() -> None:
    engine = batching(others=0, encodes=1)
    requests = begun(engine)
    assert [next(request) for request in requests] == [None] * 6
    for dropped in (0, 3):
        requests[dropped].close()  # type: ignore[attr-defined]
    crowd(engine)._others = 3
    crowd(engine).sizes["generate"].clear()
    kept = [one for number, one in enumerate(requests) if number not in (0, 3)]
    heard = [one for number, one in enumerate(SENTENCES) if number not in (0, 3)]
    assert texts(kept) == heard
    assert crowd(engine).sizes["generate"] == [1, 3]


def test_prompts_of_different_lengths_are_apart() -> None:
    engine = batching(others=0, encodes=1)
    names = ("Anna", "Wohnzimmerlampe")
    options = [DecodeOptions(names=names[:number]) for number in (0, 1, 2)] * 2
    requests = [
        engine.transcribe(said(sentence), option)
        for sentence, option in zip(SENTENCES, options, strict=True)
    ]
    assert [next(request) for request in requests] == [None] * 6
    crowd(engine)._others = 5
    crowd(engine).sizes["generate"].clear()
    texts(requests)
    assert sorted(crowd(engine).sizes["generate"][:4]) == [1, 1, 2, 2]


def test_what_is_drawn_at_random_is_drawn_alone() -> None:
    engine = batching(others=0, encodes=1)
    assert engine._model is not None
    together = engine._model.model
    window = together.encode(StorageView.from_array(np.zeros((1, 80, 600), np.float32)))
    start = engine._model.hf_tokenizer.token_to_id("<|startoftranscript|>")
    crowd(engine)._others = 2

    def draw(_: int) -> object:
        return together.generate(window, [[start]], max_length=8, sampling_temperature=0.4)

    with ThreadPoolExecutor(3) as pool:
        assert len(list(pool.map(draw, range(3)))) == 3
    assert crowd(engine).sizes["generate"] == [1, 1, 1]


def test_numbers_that_numpy_lacks_are_not_put_together() -> None:
    engine = batching(others=0)
    assert engine._model is not None
    engine._model.model = SimpleNamespace(compute_type="int8_bfloat16")
    assert engine._model.work_together(1, 4) == 1


def test_a_failure_of_one_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = batching(others=0)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(crowd(engine), "generate", fail)
    with pytest.raises(EngineError, match="out of memory"):
        texts(begun(engine)[:1])
    monkeypatch.undo()
    assert texts(begun(engine)[:1]) == [SENTENCES[0]]


def test_a_cpu_encodes_one_at_a_time() -> None:
    settings = WhisperSettings(device="cpu", cpu_threads=1, workers=1, batch=4)
    engine = Whisper(str(COMMAND_MODEL), settings)
    engine.load()
    assert engine._model is not None
    assert engine._model.model._encode == 1


@pytest.mark.parametrize(
    ("workers", "batch", "context_s", "at_once"),
    [(1, 0, 30, 1), (2, 0, 30, 2), (2, 1, 6, 2), (2, 4, 30, 9), (2, 0, 6, 9)],
)
def test_how_many_it_gains_from(workers: int, batch: int, context_s: float, at_once: int) -> None:
    settings = WhisperSettings(
        device="cpu",
        cpu_threads=1,
        workers=workers,
        batch=batch,
        audio_context_s=context_s,
    )
    engine = Whisper(str(COMMAND_MODEL), settings)
    assert engine.at_once == 1
    engine.load()
    assert engine.at_once == at_once


def test_what_is_measured_is_logged_and_used(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("wyoming_voice.asr.whisper.whisper.usable_cores", lambda: 2)
    monkeypatch.setattr("wyoming_voice.asr.whisper.whisper.request_s", lambda model: 0.1)
    engine = Whisper(str(COMMAND_MODEL), WhisperSettings(device="cpu"))
    engine.load()
    assert engine.at_once == 2
    assert (
        "command_whisper: 2 workers of 1 threads (1 threads 100 ms, 2 threads 100 ms)"
        in caplog.text
    )
    assert engine._model is not None
    assert engine._model.model.num_workers == 2


def test_a_probe_encodes_and_writes_as_many_tokens_each_time() -> None:
    engine = Whisper(str(COMMAND_MODEL), WhisperSettings(device="cpu", cpu_threads=1))
    engine.load()
    assert engine._model is not None
    model = engine._model.model
    tokens: list[int] = []

    class Counted:
        encode = model.encode

        def generate(self, *args: Any, **how: Any) -> Any:
            found = model.generate(*args, **how)
            tokens.append(len(found[0].sequences_ids[0]))
            return found

    engine._model.model = Counted()
    assert request_s(engine._model) > 0
    assert len(tokens) >= 3
    assert set(tokens) == {8}
