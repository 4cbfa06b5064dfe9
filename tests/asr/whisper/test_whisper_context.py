"""The real model, shown less than 30 s; what is doubted is heard again."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.asr.speech import COMMAND_MODEL, noise, said, silence
from wyoming_voice.asr.engine import Audio, DecodeOptions, Segment
from wyoming_voice.asr.whisper.audio_context import AUTO_S
from wyoming_voice.asr.whisper.ctranslate import Hearing
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings

LAMP = "Turn on the kitchen light."
SENTENCES = (
    *(LAMP, "Stop.", "What time is it?", "Set a timer for five minutes.", "Thank you."),
    *("Open the garage door.", "What is the weather today?", "Set the office fan to ten percent."),
    *("Turn off all the lights.", "Cancel the timer.", "Play some music.", "Good morning."),
)


class Watched:
    """The loaded model; remembers the seconds of each window that it encodes."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.encoded_s: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: Any, **options: Any) -> Any:
        self.encoded_s.append(features.shape[-1] / 100)
        return self._model.encode(features, **options)


class Unsure(Watched):
    """Of many languages, and sure of one at 30 s only."""

    is_multilingual = True
    probability_at_first = 0.4

    def detect_language(self, encoded: Any) -> list[list[tuple[str, float]]]:
        if encoded.shape[1] == 1500:
            return [[("<|en|>", 0.9), ("<|fr|>", 0.1)]]
        first = self.probability_at_first
        return [[("<|fr|>", first), ("<|en|>", first / 2), ("<|de|>", 1 - 1.5 * first)]]


def loaded(watched: type[Watched] = Watched, audio_context_s: float = AUTO_S) -> Whisper:
    settings = WhisperSettings(
        device="cpu", cpu_threads=1, workers=1, audio_context_s=audio_context_s
    )
    engine = Whisper(str(COMMAND_MODEL), settings)
    engine.load()
    assert engine._model is not None
    engine._model.model = watched(engine._model.model)
    return engine


@pytest.fixture(scope="module")
def shared() -> Whisper:
    return loaded()


@pytest.fixture
def engine(shared: Whisper) -> Whisper:
    encoded_s(shared).clear()
    return shared


def encoded_s(engine: Whisper) -> list[float]:
    assert engine._model is not None
    windows: list[float] = engine._model.model.encoded_s
    return windows


def segments(engine: Whisper, audio: Audio, options: DecodeOptions | None = None) -> list[Segment]:
    found = engine.transcribe(audio, options or DecodeOptions())
    return [segment for segment in found if segment is not None]


def test_commands_are_heard_as_ever(engine: Whisper) -> None:
    for sentence in SENTENCES:
        (segment,) = segments(engine, said(sentence))
        assert segment.text.strip() == sentence
        assert (segment.evidence.context_s, segment.evidence.again) == (6, "")
    assert encoded_s(engine) == [6] * len(SENTENCES)


@pytest.mark.parametrize(("silence_s", "context_s"), [(0, 6), (2, 8), (4, 10), (8, 15), (20, 30)])
def test_the_context_goes_by_the_length(
    engine: Whisper, silence_s: float, context_s: float
) -> None:
    audio = np.concatenate((said(LAMP), silence(silence_s)))
    (segment,) = segments(engine, audio)
    assert segment.text.strip() == LAMP
    assert segment.evidence.context_s == context_s
    assert encoded_s(engine) == [context_s]


def test_words_have_the_times_of_the_full_window(engine: Whisper) -> None:
    full = loaded(audio_context_s=30)
    options = DecodeOptions(want_words=True)
    ((short,), (long,)) = (segments(one, said(LAMP), options) for one in (engine, full))
    assert [word.text for word in short.words] == [word.text for word in long.words]
    for word, other in zip(short.words, long.words, strict=True):
        assert abs(word.start_s - other.start_s) < 0.1
        assert abs(word.end_s - other.end_s) < 0.1


def test_audio_of_over_30_s_is_heard_to_its_end(engine: Whisper) -> None:
    audio = np.concatenate((said("Stop the music."), silence(31), said("Good night.")))
    assert segments(engine, audio)[-1].text.strip() == "Good night."


def test_full_says_nothing_of_contexts() -> None:
    engine = loaded(audio_context_s=30)
    (segment,) = segments(engine, said(LAMP))
    assert (segment.evidence.context_s, segment.evidence.again) == (None, "")
    assert encoded_s(engine) == [30]


def looping(
    hear: Any, temperatures: list[tuple[float, ...]], **changes: object
) -> Any:  # stands in for Hearing.transcribe
    def transcribe(self: Hearing, audio: Audio, **options: Any) -> tuple[Iterator[Any], None]:
        temperatures.append(options["temperature"])
        if not self.short:
            found, info = hear(self, audio, **options)
            return found, info
        usual = {"text": " A text.", "start": 0.0, "end": 2.0, "tokens": [1, 2, 3], "words": None}
        evidence = {"no_speech_prob": 0.0, "avg_logprob": -0.1, "compression_ratio": 1.0}
        return iter([SimpleNamespace(**{**usual, **evidence, **changes})]), None

    return transcribe


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tokens": [*range(200)]}, "cut"),
        ({"avg_logprob": -1.5}, "log-prob"),
        ({"compression_ratio": 3.0}, "compression"),
        ({"text": " the light" * 9}, "repeat"),
        ({"text": " one two three four five six seven" * 3, "end": 1.0}, "pace"),
        ({"tokens": [*range(32)]}, "pace"),
    ],
)
def test_a_failure_is_heard_again_at_30_s(
    engine: Whisper, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], why: str
) -> None:
    temperatures: list[tuple[float, ...]] = []
    hear = Hearing.transcribe
    monkeypatch.setattr(Hearing, "transcribe", looping(hear, temperatures, **changes))
    (segment,) = segments(engine, said(LAMP), DecodeOptions(speech_s=(0.2, 2.0)))
    assert segment.text.strip() == LAMP
    assert (segment.evidence.context_s, segment.evidence.again) == (30, why)
    assert encoded_s(engine) == [6, 30]
    assert temperatures == [(0.0,), (0.0, 0.4)]


def test_nothing_heard_where_somebody_spoke_is_heard_again(engine: Whisper) -> None:
    assert segments(engine, noise(2), DecodeOptions(speech_s=(0.5, 1.5))) == []
    assert encoded_s(engine) == [6, 30]


def test_silence_is_heard_once(engine: Whisper) -> None:
    assert segments(engine, silence(2)) == []
    assert encoded_s(engine) == [6]


def test_a_breath_stands_between_all_pieces_of_work(
    engine: Whisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = Hearing.transcribe
    monkeypatch.setattr(Hearing, "transcribe", looping(hear, [], avg_logprob=-2.0))
    items = engine.transcribe(said(LAMP), DecodeOptions())
    done = [(len(encoded_s(engine)), item is None) for item in items]
    assert done == [(1, True), (1, True), (2, True), (2, False)]


def test_a_language_that_is_not_sure_is_heard_at_30_s() -> None:
    engine = loaded(Unsure)
    (segment,) = segments(engine, said(LAMP))
    assert (segment.language, segment.evidence.again) == ("en", "language")
    assert encoded_s(engine) == [6, 30]


def test_a_language_is_sure_by_its_share_among_the_allowed() -> None:
    engine = loaded(Unsure)
    (segment,) = segments(engine, said(LAMP), DecodeOptions(languages=("fr", "en")))
    assert (segment.language, segment.evidence.again) == ("fr", "")
    assert encoded_s(engine) == [6]


def test_a_model_that_loops_is_warned_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Whisper("large-v3-turbo", WhisperSettings(device="cpu", audio_context_s=6))
    monkeypatch.setattr(engine, "_path", lambda: COMMAND_MODEL)
    engine.load()
    assert "leave --audio-context at full" in caplog.text
