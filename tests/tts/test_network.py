"""Our way through Kokoro's generator beside kokoro's own, on the small checkpoint."""

import gc
import importlib.util
import logging
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

if importlib.util.find_spec("kokoro") is None:
    pytest.skip("Kokoro's package stops at Python 3.12", allow_module_level=True)

import torch
from kokoro import KModel

from wyoming_voice.tts.engine import Samples
from wyoming_voice.tts.kokoro import KokoroEngine
from wyoming_voice.tts.network import Network, loaded_table
from wyoming_voice.tts.tuning import spectral_difference_db
from wyoming_voice.tts.weights import KokoroFiles

PHONEMES = "tˈɜɹn ˌɔn ðə lˈIt."


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network(tiny_kokoro: Path) -> Network:
    files = KokoroFiles(tiny_kokoro)
    return Network(files.config(), files.checkpoint(), "cpu")


def said(network: Network, tiny_kokoro: Path) -> Samples:
    table = loaded_table(KokoroFiles(tiny_kokoro).voice("af_heart"))
    samples, _ = network.rehearse(PHONEMES, table[20], float("inf"))
    assert samples is not None
    return samples


def test_in_float32_it_says_what_kokoro_says(network: Network, tiny_kokoro: Path) -> None:
    files = KokoroFiles(tiny_kokoro)
    model = KModel("none", config=str(files.config()), model=str(files.checkpoint())).eval()
    table = loaded_table(files.voice("af_heart"))
    torch.manual_seed(0)
    with torch.inference_mode():
        expected = model(PHONEMES, torch.from_numpy(table[20])).numpy()
    assert np.abs(expected).max() > 0.01
    assert np.allclose(said(network, tiny_kokoro), expected, atol=1e-5)


def test_bfloat16_is_near_and_can_be_taken_back(network: Network, tiny_kokoro: Path) -> None:
    exact = said(network, tiny_kokoro)
    network.use_bfloat16()
    rounded = said(network, tiny_kokoro)
    assert 0 < np.abs(exact - rounded).max() < 0.1 * np.abs(exact).max()
    assert spectral_difference_db(exact, rounded) < 3
    network.use_float32()
    assert np.array_equal(said(network, tiny_kokoro), exact)


def test_a_rehearsal_that_takes_too_long_is_left(network: Network, tiny_kokoro: Path) -> None:
    table = loaded_table(KokoroFiles(tiny_kokoro).voice("af_heart"))
    assert network.rehearse(PHONEMES, table[20], -1.0)[0] is None


def test_the_noise_is_the_same_each_time(network: Network, tiny_kokoro: Path) -> None:
    first = said(network, tiny_kokoro)
    torch.rand(7)
    assert np.array_equal(said(network, tiny_kokoro), first)


def test_threads_and_precision_are_measured_and_told(
    tiny_kokoro: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("wyoming_voice.tts.kokoro.usable_cores", lambda: 2)
    files = KokoroFiles(tiny_kokoro)
    KokoroEngine(lambda: files, "af_heart", device="cpu", precision="auto").load()
    assert "kokoro computes with" in caplog.text
    assert "(2: " in caplog.text
    assert "kokoro computes in" in caplog.text


def test_without_bfloat16_nothing_is_tried(
    tiny_kokoro: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t: avx2\n", encoding="utf-8")
    monkeypatch.setattr("wyoming_voice.tts.kokoro._CPUINFO", cpuinfo)
    monkeypatch.setattr(Network, "rehearse", None)  # would fail if it were called
    files = KokoroFiles(tiny_kokoro)
    KokoroEngine(lambda: files, "af_heart", cpu_threads=1, precision="auto", device="cpu").load()
    assert "float32; this processor has no bfloat16" in caplog.text


def test_a_machine_too_busy_to_rehearse_uses_all_cores_and_rounds_nothing(
    tiny_kokoro: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("wyoming_voice.tts.kokoro.usable_cores", lambda: 2)
    monkeypatch.setattr("wyoming_voice.tts.kokoro.has_bfloat16", lambda cpuinfo: True)
    monkeypatch.setattr("wyoming_voice.tts.kokoro._REHEARSALS_WITHIN_S", 1e-6)
    monkeypatch.setattr("wyoming_voice.tts.kokoro._REHEARSAL_WITHIN_S", 1e-6)
    files = KokoroFiles(tiny_kokoro)
    KokoroEngine(lambda: files, "af_heart", device="cpu", precision="auto").load()
    assert "computes with 2 threads (2: too long)" in caplog.text
    assert "float32; this machine is too busy" in caplog.text


def test_threads_that_are_given_are_taken(tiny_kokoro: Path) -> None:
    files = KokoroFiles(tiny_kokoro)
    KokoroEngine(lambda: files, "af_heart", device="cpu", cpu_threads=3).load()
    assert torch.get_num_threads() == 3


def test_a_network_that_nobody_uses_is_let_go(tiny_kokoro: Path) -> None:
    files = KokoroFiles(tiny_kokoro)
    gone = weakref.ref(Network(files.config(), files.checkpoint(), "cpu"))
    gc.collect()
    assert gone() is None


def test_the_models_durations_tell_when_each_symbol_begins(
    network: Network, tiny_kokoro: Path
) -> None:
    table = loaded_table(KokoroFiles(tiny_kokoro).voice("af_heart"))
    take = network.speak(f"{PHONEMES}\N{SNOWMAN}a", table[20])
    assert take is not None
    assert len(take.edges) == len(PHONEMES) + 3
    steps = np.diff(take.edges)
    assert (steps % 600 == 0).all()
    assert steps[len(PHONEMES)] == 0, "a symbol that the model doesn't know takes no time"
    assert (np.delete(steps, len(PHONEMES)) >= 600).all()
    files = KokoroFiles(tiny_kokoro)
    model = KModel("none", config=str(files.config()), model=str(files.checkpoint())).eval()
    with torch.inference_mode():
        made = model(PHONEMES + "a", torch.from_numpy(table[20]), return_output=True)
    assert len(take.samples) == len(made.audio) == 600 * int(made.pred_dur.sum())
    assert take.edges[0] == 600 * max(0, int(made.pred_dur[0]) - 3)
    assert steps.sum() == 600 * int(made.pred_dur[1:-1].sum())
