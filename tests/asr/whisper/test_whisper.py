"""The real faster-whisper on the command model that the repository ships."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from tests.asr.speech import COMMAND_MODEL, noise, said, silence
from wyoming_voice.asr.engine import Audio, DecodeOptions, Segment
from wyoming_voice.asr.languages import WHISPER
from wyoming_voice.asr.names.bias import BUDGET_TOKENS
from wyoming_voice.asr.whisper import limits
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings
from wyoming_voice.errors import ConfigError, EngineError, UnknownChoice

LAMP = "Turn on the kitchen light."


def command_model(**settings: object) -> Whisper:
    return Whisper(str(COMMAND_MODEL), WhisperSettings(device="cpu", cpu_threads=1, **settings))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def engine() -> Whisper:
    engine = command_model()
    engine.load()
    return engine


def segments(engine: Whisper, audio: Audio, options: DecodeOptions | None = None) -> list[Segment]:
    found = engine.transcribe(audio, options or DecodeOptions())
    return [segment for segment in found if segment is not None]


def text(engine: Whisper, audio: Audio, options: DecodeOptions | None = None) -> str:
    return "".join(segment.text for segment in segments(engine, audio, options)).strip()


@pytest.mark.parametrize(
    "sentence", [LAMP, "Set a timer for five minutes.", "What time is it?", "Stop."]
)
def test_it_hears_a_command(engine: Whisper, sentence: str) -> None:
    assert text(engine, said(sentence)) == sentence


def test_a_model_is_known_before_it_is_loaded() -> None:
    engine = command_model()
    assert (engine.name, engine.languages) == ("command_whisper", ("en",))
    with pytest.raises(EngineError, match="not loaded"):
        text(engine, silence(1))


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("base.en", ("en",)),
        ("Systran/faster-whisper-small.en", ("en",)),
        ("distil-large-v3", ("en",)),
        ("base", WHISPER),
        ("large-v3-turbo", WHISPER),
    ],
)
def test_a_name_tells_the_languages(name: str, languages: tuple[str, ...]) -> None:
    assert Whisper(name, WhisperSettings()).languages == languages


def test_words_have_times(engine: Whisper) -> None:
    (segment,) = segments(engine, said(LAMP), DecodeOptions(want_words=True))
    assert [word.text for word in segment.words] == [" Turn", " on", " the", " kitchen", " light."]
    times = [time for word in segment.words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[-1] < len(said(LAMP)) / 16_000


def test_audio_of_over_30_s_is_heard_to_its_end(engine: Whisper) -> None:
    audio = np.concatenate((said("Stop the music."), silence(31), said("Good night.")))
    assert text(engine, audio).endswith("Good night.")


def test_nothing_is_said_in_silence_and_noise(engine: Whisper) -> None:
    assert text(engine, silence(2)) == ""
    assert text(engine, noise(2)) == ""


def test_names_that_fill_the_budget_leave_room_for_the_text(engine: Whisper) -> None:
    names = tuple(f"Gerät {number}" for number in range(200))
    options = DecodeOptions(names=names, initial_prompt="At home. " * 100, speech_s=(0, 28))
    assert text(engine, said("Good night."), options).startswith("Good night")


def test_the_budget_is_counted_as_the_model_counts(
    engine: Whisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[list[int]] = []
    model = engine._model
    assert model is not None
    generate = model.generate_with_fallback

    def spy(encoded: object, prompt: list[int], *rest: object) -> object:
        prompts.append(prompt)
        return generate(encoded, prompt, *rest)

    monkeypatch.setattr(model, "generate_with_fallback", spy)
    options = DecodeOptions(names=("Wohnzimmerlampe",), terms=tuple(map(str, range(400))))
    text(engine, said("Stop."), options)
    (prompt,) = prompts
    told = model.hf_tokenizer.decode(prompt)
    assert told.endswith("Wohnzimmerlampe.")
    assert BUDGET_TOKENS - 10 < len(prompt) - 3 <= BUDGET_TOKENS


def test_names_are_those_of_the_request(engine: Whisper) -> None:
    model = engine._model
    assert model is not None
    assert model.teller.told(DecodeOptions(names=("Anna",))).text == "Anna."
    assert model.teller.told(DecodeOptions(terms=("Bo",))).text == "Bo."
    assert model.teller.told(DecodeOptions()).text == ""


@pytest.mark.parametrize("wanted", [3, 4, 5])
@pytest.mark.parametrize("names", [(), ("Wohnzimmerlampe",) * 3, tuple(map(str, range(100)))])
def test_the_text_is_bounded_exactly(
    engine: Whisper, monkeypatch: pytest.MonkeyPatch, wanted: int, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(limits, "token_limit", lambda *_: wanted)
    (segment,) = segments(engine, said(LAMP), DecodeOptions(names=names))
    assert segment.text.split() == LAMP.strip(".").split()[:wanted] or len(names) > 3
    assert segment.evidence.cut


def test_a_second_of_speech_has_room_for_fast_talk_and_no_more(
    engine: Whisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    limit = limits.limit

    def spy(prompt_tokens: int, wanted: int) -> object:
        asked.append(wanted)
        return limit(prompt_tokens, wanted)

    monkeypatch.setattr(limits, "limit", spy)
    for speech_s in ((0.2, 1.2), (0.0, 28.0), None):
        (segment,) = segments(engine, said(LAMP), DecodeOptions(speech_s=speech_s))
        assert not segment.evidence.cut
    second, longest, unknown = asked
    assert 20 <= second <= 40
    assert longest == 224
    assert second < unknown < 60


class Multilingual:
    """The loaded model, but of many languages, and sure that it hears German, then English."""

    is_multilingual = True

    def __init__(self, model: Any) -> None:
        self._model = model
        self.encoded = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, *arguments: Any, **options: Any) -> Any:
        self.encoded += 1
        return self._model.encode(*arguments, **options)

    def detect_language(self, encoded: Any) -> list[list[tuple[str, float]]]:
        return [[("<|de|>", 0.6), ("<|en|>", 0.3), ("<|fr|>", 0.1)]]


@pytest.mark.parametrize(
    ("allowed", "found"), [((), "de"), (("en", "fr"), "en"), (("fr",), "fr"), (("ja",), "ja")]
)
def test_a_language_is_detected_among_the_allowed(allowed: tuple[str, ...], found: str) -> None:
    engine = command_model()
    engine.load()
    assert engine._model is not None
    engine._model.model = Multilingual(engine._model.model)
    (segment,) = segments(engine, said(LAMP), DecodeOptions(languages=allowed))
    assert segment.language == found


def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often the features of some audio have been computed."""
    calls: list[object] = []
    compute = FeatureExtractor.stft

    def stft(*args: Any, **how: Any) -> Any:
        calls.append(args)
        return compute(*args, **how)

    monkeypatch.setattr(FeatureExtractor, "stft", staticmethod(stft))
    return lambda: len(calls)


def test_a_window_is_encoded_once_for_language_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = command_model()
    engine.load()
    computed = counted(monkeypatch)
    assert engine._model is not None
    engine._model.model = model = Multilingual(engine._model.model)
    for number in (1, 2):
        (segment,) = segments(engine, said(LAMP), DecodeOptions(languages=("en",)))
        assert segment.language == "en"
        assert model.encoded == computed() == number


def test_two_requests_may_take_turns(engine: Whisper) -> None:
    long = np.concatenate((said("Stop the music."), silence(31), said("Good night.")))
    one = engine.transcribe(long, DecodeOptions())
    found: list[Segment | None] = []
    for segment in one:
        assert text(engine, said("What time is it?")) == "What time is it?"
        found.append(segment)
    assert found[0] is None
    assert "".join(segment.text for segment in found if segment).endswith("Good night.")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(COMMAND_MODEL, tmp_path / "model"))


def test_a_directory_that_lacks_a_file_is_named(copy: Path) -> None:
    (copy / "model.bin").unlink()
    with pytest.raises(ConfigError, match=r"model\.bin"):
        Whisper(str(copy), WhisperSettings()).load()


def test_a_broken_model_is_an_error_with_a_remedy(copy: Path) -> None:
    (copy / "model.bin").write_bytes(b"not a model")
    with pytest.raises(EngineError, match="can't be loaded"):
        Whisper(str(copy), WhisperSettings()).load()


def test_a_broken_config_is_named(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    with pytest.raises(EngineError, match=r"config\.json"):
        Whisper(str(copy), WhisperSettings())


def test_a_config_with_languages_is_multilingual(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "lang_ids": [50259, 50260]}))
    assert Whisper(str(copy), WhisperSettings()).languages == WHISPER


def test_a_compute_type_that_is_none_is_told() -> None:
    with pytest.raises(EngineError, match=r"'int3'.*--compute-type auto"):
        command_model(compute_type="int3").load()


def test_a_size_that_is_none_is_told() -> None:
    with pytest.raises(UnknownChoice, match=r"did you mean 'base.en'"):
        Whisper("bas.en", WhisperSettings())


def test_a_directory_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no directory"):
        Whisper(str(tmp_path / "lost"), WhisperSettings())


def test_weights_that_cannot_be_had_name_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    engine = Whisper("small.en", WhisperSettings(model_dir=tmp_path))
    with pytest.raises(EngineError, match=r"wyoming-voice models fetch asr small\.en") as caught:
        engine.load()
    assert str(tmp_path) in str(caught.value)
