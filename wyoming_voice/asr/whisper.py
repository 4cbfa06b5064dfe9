"""Whisper through faster-whisper, of which this is the one importer.

Rules: work is bounded by the seconds of speech, with one second try at most; one budget of tokens holds
all that biases the spelling; a window is encoded once, also when its language is to be detected.
"""

import json
import logging
import math
import threading
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim

from wyoming_voice.asr.bias import packed
from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Evidence, Segment, Word
from wyoming_voice.asr.languages import WHISPER
from wyoming_voice.errors import ConfigError, EngineError
from wyoming_voice.hub import Weights, directory, obtain
from wyoming_voice.hub import whisper as weights_of

logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # a line for each request otherwise

_WINDOW_S = 30.0
_TEMPERATURES = (0.0, 0.4)
_CONTEXT_TOKENS = 448
_LONGEST_TEXT_TOKENS = 224
_SPARE_TOKENS = 16
_TOKENS_PER_S = {"en": 10}
_TOKENS_PER_S_ELSEWHERE = 20
"""Fast English is 5 words, 7 tokens a second; scripts that Whisper spells by bytes need thrice that."""


@dataclass(frozen=True)
class WhisperSettings:
    """How to load a model: `device`, `compute_type` as CTranslate2 names them; 0 threads: its own choice."""

    model_dir: Path | None = None
    device: str = "auto"
    compute_type: str = "auto"
    cpu_threads: int = 0
    workers: int = 1


class Whisper:
    """An Engine: one Whisper by its size, its repository on the hub, or its directory."""

    longest_s = 28.0

    def __init__(self, model: str, settings: WhisperSettings) -> None:
        """Raises UnknownChoice and ConfigError for a model that can't exist; reads a small file at most."""
        self._model_name = model
        self._settings = settings
        self._weights = None if Path(model).is_dir() else _on_hub(model)
        self._model: _Model | None = None
        self._front = threading.Lock()
        self.name = model.rstrip("/").rsplit("/", 1)[-1]
        self.languages = _expected_languages(model)

    def load(self) -> None:
        """Find or fetch the weights, load them, and hear a second of silence with them. Raises EngineError.

        A missing CUDA library shows itself only when the model first works: hence the silence.
        """
        settings = self._settings
        path = self._path()
        try:
            self._model = _Model(
                str(path),
                device=settings.device,
                compute_type=settings.compute_type,
                cpu_threads=settings.cpu_threads,
                num_workers=settings.workers,
                local_files_only=True,
            )
            second = np.zeros(RATE_HZ, np.float32)
            list(self._segments(self._model, second, DecodeOptions(language="en")))
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineError(
                f"the model in {path} can't be loaded on device {settings.device!r} with compute type "
                f"{settings.compute_type!r}: {error}; try --device cpu --compute-type auto"
            ) from error
        if not self._model.model.is_multilingual:
            self.languages = ("en",)

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        """The segments of `audio`; each item is at most the work on a window of 30 s. Raises EngineError."""
        if self._model is None:
            raise EngineError(f"the model {self._model_name!r} is not loaded")
        try:
            yield from self._segments(self._model, audio, options)
        except RuntimeError as error:
            raise EngineError(f"the model {self.name!r} failed: {error}") from error

    def _segments(
        self, model: "_Model", audio: Audio, options: DecodeOptions
    ) -> Iterator[Segment | None]:
        duration_s = len(audio) / RATE_HZ
        timed = options.want_words or duration_s > _WINDOW_S
        # The feature extractor keeps state on the instance; the windows after it don't.
        with self._front:
            language = options.language or model.detected(audio, options.languages)
            prompt = model.told(options)
            limit = _limit(
                model.prompt_tokens(prompt, without_timestamps=not timed),
                _token_limit(language, options.speech_s, duration_s),
            )
            segments, _ = model.transcribe(
                audio,
                language=language,
                beam_size=options.beam_size,
                best_of=1,
                temperature=_TEMPERATURES,
                condition_on_previous_text=False,
                without_timestamps=not timed,
                word_timestamps=options.want_words,
                hotwords=prompt or None,
                max_new_tokens=limit.asked,
                no_speech_threshold=None,  # the gate decides, and says so
            )
        try:
            for segment in segments:
                yield _segment(segment, language, limit.tokens)
        finally:
            model.forget()

    def _path(self) -> Path:
        if self._weights is None:
            return directory(Path(self._model_name), ("config.json", "model.bin", "tokenizer.json"))
        return obtain(self._weights, self._settings.model_dir)


class _Model(WhisperModel):  # type: ignore[misc]  # the package has no types
    """Encodes a window once for the detection of its language and for its text: half of the work on a CPU."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen = threading.local()
        self._told: tuple[Hashable, str] = ((), "")

    def encode(self, features: Any) -> Any:
        """As the parent does, but the window that this thread encoded last is not encoded again."""
        last = getattr(self._seen, "last", None)
        if last is not None and np.array_equal(last[0], features):
            return last[1]
        encoded = super().encode(features)
        self._seen.last = (features, encoded)
        return encoded

    def forget(self) -> None:
        """Let go of the encoded window."""
        self._seen.last = None

    def detected(self, audio: Audio, allowed: tuple[str, ...]) -> str:
        """The most likely language of the first 30 s, among `allowed` where that is not empty."""
        if not self.model.is_multilingual:
            return "en"
        # As faster-whisper cuts its first window: without the last frame, which is padding.
        window = self.feature_extractor(audio)[:, :-1][:, : int(_WINDOW_S * self.frames_per_second)]
        ranking = self.model.detect_language(self.encode(pad_or_trim(window)))[0]
        codes = [token[2:-2] for token, _ in ranking]
        return next((code for code in codes if not allowed or code in allowed), (*allowed, "en")[0])

    def told(self, options: DecodeOptions) -> str:
        """What biases the spelling, packed; kept, since a thousand names take 150 ms to count."""
        wanted = (options.names, options.hotwords, options.terms, options.initial_prompt)
        if self._told[0] != wanted:
            self._told = (wanted, packed(options, self.count_tokens))
        return self._told[1]

    def prompt_tokens(self, told: str, *, without_timestamps: bool) -> int:
        """How many tokens stand before the text: language and task, and what the model is told."""
        start = 3 if self.model.is_multilingual else 1
        before = 1 + self.count_tokens(f" {told}") if told else 0
        return before + start + int(without_timestamps)

    def count_tokens(self, text: str) -> int:
        """How many tokens a text has for this model."""
        return len(self.hf_tokenizer.encode(text, add_special_tokens=False).ids)


def _segment(segment: Any, language: str, limit: int) -> Segment:
    evidence = Evidence(
        no_speech=segment.no_speech_prob,
        log_prob=segment.avg_logprob,
        compression=segment.compression_ratio,
        cut=len(segment.tokens) >= limit,
    )
    words = tuple(
        Word(word.word, float(word.start), float(word.end), float(word.probability))
        for word in segment.words or ()
    )
    return Segment(
        segment.text, float(segment.start), float(segment.end), language, words, evidence
    )


@dataclass(frozen=True)
class _Limit:
    """`asked` is the `max_new_tokens` for faster-whisper, `tokens` what comes of it."""

    asked: int
    tokens: int


def _limit(prompt_tokens: int, wanted_tokens: int) -> _Limit:
    """How to ask for at most `wanted_tokens` of text.

    faster-whisper adds the prompt to `max_new_tokens` and calls that `max_length`, of which CTranslate2
    spends no more than half on text (src/models/whisper.cc, `generate`): asked for 20, it stops at 11.
    """
    total = max(2 * wanted_tokens, prompt_tokens + wanted_tokens - 1)
    total = min(total, _CONTEXT_TOKENS)
    return _Limit(total - prompt_tokens, min(total // 2, total - prompt_tokens + 1))


def _token_limit(language: str, speech_s: tuple[float, float] | None, duration_s: float) -> int:
    spoken_s = speech_s[1] - speech_s[0] if speech_s is not None else duration_s
    rate = _TOKENS_PER_S.get(language, _TOKENS_PER_S_ELSEWHERE)
    return min(
        _LONGEST_TEXT_TOKENS, _SPARE_TOKENS + math.ceil(rate * min(spoken_s + 1.0, _WINDOW_S))
    )


def _on_hub(model: str) -> Weights:
    if model.startswith(("/", ".", "~")):
        raise ConfigError(f"--model: there is no directory {model!r}")
    return weights_of(model)


def _expected_languages(model: str) -> tuple[str, ...]:
    """What a model understands, by its config where it is a directory, else by its name."""
    config = Path(model) / "config.json"
    try:
        text = config.read_text(encoding="utf-8") if config.is_file() else None
        english = _english_by_name(model) or bool(text and not json.loads(text).get("lang_ids"))
    except (OSError, ValueError, AttributeError) as error:
        raise EngineError(f"{config} can't be read: {error}") from error
    return ("en",) if english else WHISPER


def _english_by_name(model: str) -> bool:
    """`base.en` and its like, and the distilled models, which were trained on English alone."""
    name = model.rsplit("/", 1)[-1]
    return name.endswith((".en", "-en")) or "distil-" in name
