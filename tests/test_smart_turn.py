"""Smart-turn's features, what is made of its probability, and where its model is found."""

from pathlib import Path

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

from wyoming_voice import smart_turn
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.errors import ConfigError, EngineError
from wyoming_voice.onnx import Tensor
from wyoming_voice.smart_turn import HEARD_SAMPLES, RATE_HZ, Audio, SmartTurn, log_mel, model_path

SILERO = Path(smart_turn.__file__).parent / "data" / "silero_vad.onnx"


class FakeModel:
    """Gives one probability, and keeps what it was given."""

    def __init__(self, probability: float = 0.5) -> None:
        self.heard: list[Tensor] = []
        self._probability = probability

    def run(self, outputs: tuple[str, ...] | None, inputs: dict[str, Tensor]) -> list[Tensor]:
        self.heard.append(inputs["input_features"])
        return [np.array([[self._probability]], np.float32)]


def sound(duration_s: float) -> Audio:
    """Noise that gets louder, and a tone."""
    samples = np.arange(round(duration_s * RATE_HZ), dtype=np.float32)
    noise = np.random.default_rng(3).standard_normal(len(samples)).astype(np.float32)
    tone = 0.1 * np.sin(samples * np.float32(0.2))
    mixed: Audio = (tone + 0.05 * noise * samples / len(samples)).astype(np.float32)
    return mixed


@pytest.mark.parametrize("duration_s", [1.0, 8.0])
def test_the_features_are_whispers(duration_s: float) -> None:
    features = log_mel(sound(duration_s))
    assert features.shape == (80, 100 * duration_s)
    assert features.dtype == np.float32
    np.testing.assert_allclose(
        features, FeatureExtractor()(sound(duration_s), padding=0), atol=1e-5
    )


def test_the_model_hears_the_last_eight_seconds_at_one_loudness() -> None:
    model = FakeModel()
    judge = SmartTurn(model)
    last = sound(8)
    judge.probability(np.concatenate((sound(2), last)))
    judge.probability(last * np.float32(3))
    (features, louder) = model.heard
    assert features.shape == (1, 80, 800)
    np.testing.assert_allclose(features, louder, atol=1e-3)
    normal = (last - last.mean()) / last.std()
    np.testing.assert_allclose(features[0], log_mel(normal), atol=1e-3)


def test_what_is_shorter_has_silence_before_it() -> None:
    model = FakeModel()
    SmartTurn(model).probability(sound(2))
    (features,) = model.heard
    changes = np.abs(np.diff(features[0])).max(axis=0)
    assert changes[:597].max() == 0
    assert changes[602:].min() > 0


def test_nothing_at_all_is_heard_as_silence() -> None:
    assert SmartTurn(FakeModel(0.25)).probability(np.zeros(0, np.float32)) == 0.25
    assert SmartTurn(FakeModel(0.25)).probability(np.zeros(HEARD_SAMPLES, np.float32)) == 0.25


@pytest.mark.parametrize(
    ("probability", "opinion"),
    [
        (0.99, Completeness.COMPLETE),
        (0.71, Completeness.COMPLETE),
        (0.5, Completeness.UNKNOWN),
        (0.29, Completeness.OPEN),
        (0.0, Completeness.OPEN),
    ],
)
def test_it_is_believed_where_it_is_sure(probability: float, opinion: Completeness) -> None:
    assert SmartTurn(FakeModel(probability)).completeness(sound(1)) is opinion


def wheel(directory: Path, *names: str) -> None:
    """What an installed wheel leaves that importlib.metadata looks at."""
    about = directory / "pipecat_ai-9.9.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pipecat-ai\nVersion: 9.9.0\n")
    (about / "RECORD").write_text("".join(f"{name},,\n" for name in names))


def test_the_model_is_found_in_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = "pipecat/audio/turn/smart_turn/data"
    models = [f"{folder}/smart-turn-v3.{n}.onnx" for n in ("1-cpu", "2-cpu", "2-gpu")]
    wheel(tmp_path, "pipecat/__init__.py", "pipecat/audio/vad/data/silero_vad.onnx", *models)
    monkeypatch.syspath_prepend(tmp_path)
    assert model_path() == tmp_path / folder / "smart-turn-v3.2-cpu.onnx"


def test_a_wheel_without_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, "pipecat/__init__.py")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="pip install --no-deps pipecat-ai"):
        model_path()


class Unfit(FakeModel):
    """Takes something else than features, or gives nothing."""

    def __init__(self, failure: Exception | None) -> None:
        super().__init__()
        self._failure = failure

    def run(self, outputs: tuple[str, ...] | None, inputs: dict[str, Tensor]) -> list[Tensor]:
        if self._failure is not None:
            raise self._failure
        return [np.zeros(0, np.float32)]


@pytest.mark.parametrize("failure", [InvalidArgument("bad shape"), ValueError("no input"), None])
def test_a_model_that_fails_says_so(failure: Exception | None) -> None:
    with pytest.raises(EngineError, match="smart-turn has failed"):
        SmartTurn(Unfit(failure)).completeness(sound(1))


@pytest.mark.parametrize("content", [b"no model", SILERO.read_bytes()], ids=["none", "another"])
def test_a_file_that_is_no_such_model_is_told_at_once(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "pipecat/audio/turn/smart_turn/data/smart-turn-v9.onnx"
    wheel(tmp_path, name)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"smart-turn-v9\.onnx is no model that --smart-turn can"):
        SmartTurn()


def test_a_model_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smart_turn, "_WHEEL", "no-such-wheel")
    with pytest.raises(ConfigError, match="--smart-turn needs the model"):
        SmartTurn()
