"""The small checkpoint goes through Kokoro's own classes and sounds within bounds."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
kokoro = pytest.importorskip("kokoro")

from tests.models import tiny_kokoro  # noqa: E402

RATE_HZ = 24000
PHONEMES = "həlˈO wˈɜɹld."


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_kokoro.build(tmp_path_factory.mktemp("kokoro"))


@pytest.fixture(scope="module")
def model(directory: Path) -> object:
    weights = directory / tiny_kokoro.WEIGHTS
    return kokoro.KModel(
        repo_id="hexgrad/Kokoro-82M", config=str(directory / "config.json"), model=str(weights)
    ).eval()


def say(model: object, directory: Path, voice: str, speed: float) -> NDArray[np.float32]:
    pack = torch.load(directory / "voices" / f"{voice}.pt", weights_only=True)
    return np.asarray(kokoro.KPipeline.infer(model, PHONEMES, pack, speed).audio)


def test_every_part_loads_strictly(directory: Path, model: object) -> None:
    weights = torch.load(directory / tiny_kokoro.WEIGHTS, weights_only=True)
    assert set(weights) == set(tiny_kokoro.PARTS)
    for part, values in weights.items():
        getattr(model, part).load_state_dict(values, strict=True)


@pytest.mark.parametrize("voice", tiny_kokoro.VOICES)
def test_every_voice_hums_within_bounds(directory: Path, model: object, voice: str) -> None:
    audio = say(model, directory, voice, 1.0)
    assert 0.05 < np.abs(audio).max() < 0.7
    assert len(audio) / RATE_HZ == pytest.approx(0.075 * (len(PHONEMES) + 2), abs=0.05)


def test_speed_shortens(directory: Path, model: object) -> None:
    usual, fast = (say(model, directory, "af_heart", speed) for speed in (1.0, 1.5))
    assert len(fast) / len(usual) == pytest.approx(2 / 3, abs=0.02)


def test_the_file_is_small_and_the_same_for_a_seed(directory: Path, tmp_path: Path) -> None:
    again = tiny_kokoro.build(tmp_path / "again")
    first, second = ((d / tiny_kokoro.WEIGHTS).read_bytes() for d in (directory, again))
    assert first == second
    assert len(first) < 400_000
