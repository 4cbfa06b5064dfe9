"""Whisper through faster-whisper: an engine from its name to its segments.

Rules: work is bounded by the seconds of speech, with one second try at most, and one more where less than
the usual 30 s was shown to the model, or where it repeats the names that it was told; the work on a window
is two items, so that who drops a request between them frees the thread; what was computed for a request
stays with it, since its items may run in different threads.
"""

import logging
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wyoming_voice.asr.engine import (
    RATE_HZ,
    Audio,
    DecodeOptions,
    Evidence,
    Segment,
    Word,
)
from wyoming_voice.asr.gate import hides_speech
from wyoming_voice.asr.languages import checked_task
from wyoming_voice.asr.names.bias import Told, untold
from wyoming_voice.asr.names.echo import echo_in
from wyoming_voice.asr.whisper import capacity, limits
from wyoming_voice.asr.whisper.audio_context import FULL_S, context_s, loops_when_short
from wyoming_voice.asr.whisper.choosing import LONGEST_S, WhisperSettings, name_of, weights
from wyoming_voice.asr.whisper.config import config_of, expected_languages
from wyoming_voice.asr.whisper.ctranslate import Hearing, Model, gpu, load, request_s
from wyoming_voice.asr.whisper.doubts import Doubt, doubt
from wyoming_voice.asr.words import MARGIN_S, within
from wyoming_voice.cores import usable_cores
from wyoming_voice.errors import EngineError
from wyoming_voice.hub import directory, obtain

__all__ = ["Whisper", "WhisperSettings"]

_log = logging.getLogger(__name__)

_TEMPERATURES = (0.0, 0.4)
_SURE = 0.5
"""The probability from which on faster-whisper believes a language (`language_detection_threshold`)."""

_GPU_BATCH = 8
_SHORT_BATCH = 4
_FULL_BATCH = 1
"""The last two on a CPU. Measured on two cores, base.en int8, 4 at once against one alone: tokens come 1.5
times as fast at a context of 6 s (8 clients: 1.4 times the requests a second), and no faster at 30 s, where
each request reads its own 1500 positions again for each token."""


class Whisper:
    """An Engine: one Whisper by its size, its repository on the hub, or its directory."""

    longest_s = LONGEST_S

    def __init__(self, model: str, settings: WhisperSettings) -> None:
        """Raises UnknownChoice and ConfigError for a model that can't exist; reads a small file at most."""
        self._model_name = model
        self._settings = settings
        self.settled = settings
        """Once loaded: those with which another one need not measure anything."""
        self._weights = weights(model)
        self._model: Model | None = None
        self._aligned = True
        self._batch = 1
        self.at_once = 1
        self.name = name_of(model)
        self.languages = expected_languages(model)

    def load(self) -> None:
        """Find or fetch the weights, load them, and hear a second of silence with them. Raises EngineError.

        A missing CUDA library shows itself only when the model first works: hence the silence.
        """
        settings = self._settings
        path = self._path()
        self._aligned = bool(config_of(path).get("alignment_heads"))
        if not self._aligned:
            _log.warning(
                "%s has no alignment_heads in %s: its words are timed by their lengths; to have them "
                "heard, convert the model again with ct2-transformers-converter",
                *(self.name, path / "config.json"),
            )
        try:
            self._model = self._loaded(path)
            second = np.zeros(RATE_HZ, np.float32)
            list(self._segments(self._model, second, DecodeOptions(language="en")))
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineError(
                f"the model in {path} can't be loaded on device {settings.device!r} with compute type "
                f"{settings.compute_type!r}: {error}; try --device cpu --compute-type auto"
            ) from error
        if not self._model.model.is_multilingual:
            self.languages = ("en",)
        if settings.audio_context_s < FULL_S and loops_when_short(self._model_name):
            _log.warning(
                "%s is known to repeat itself when it is shown less than 30 s; such texts are decoded "
                "again, which costs more than it saves: leave --audio-context at full",
                self.name,
            )

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        """The segments of `audio`; each item is at most the work on a window of 30 s. Raises EngineError."""
        if self._model is None:
            raise EngineError(f"the model {self._model_name!r} is not loaded")
        checked_task(options.task, self.name, self.languages)
        try:
            yield from self._segments(self._model, audio, options)
        except RuntimeError as error:
            raise EngineError(f"the model {self.name!r} failed: {error}") from error

    def _loaded(self, path: Path) -> Model:
        settings = self._settings
        on_gpu = gpu(settings.device)
        wanted = capacity.Wanted(settings.cpu_threads, settings.workers, usable_cores())
        if (
            on_gpu
        ):  # which needs one thread to be fed, and gains by batches what others gain by workers
            wanted = capacity.Wanted(settings.cpu_threads or 1, settings.workers or 1, 1)
        found = capacity.loaded(
            wanted,
            lambda split: load(path, settings.device, settings.compute_type, split),
            request_s,
        )
        usual = _SHORT_BATCH if settings.audio_context_s < FULL_S else _FULL_BATCH
        self._batch = settings.batch or (_GPU_BATCH if on_gpu else usual)
        self._batch = found.model.work_together(found.split.workers, self._batch)
        # What comes while batches are at work collects for the next one.
        self.at_once = found.split.workers * self._batch + int(self._batch > 1)
        if not on_gpu:
            self.settled = replace(
                settings, cpu_threads=found.split.threads, workers=found.split.workers
            )
        _log.info("%s: %s, batches of %d", self.name, found.told(), self._batch)
        return found.model

    def _segments(
        self, model: Model, audio: Audio, options: DecodeOptions
    ) -> Iterator[Segment | None]:
        shown_s = context_s(len(audio) / RATE_HZ, self._settings.audio_context_s)
        hearing = Hearing(model, audio, shown_s)
        why: Doubt | None = None
        if hearing.short:
            why = yield from self._tried(hearing, options)
            if why is None:
                return
            yield None
            hearing.widen()
            if why is Doubt.ECHO:
                options = untold(options)
        yield from self._own_words(hearing, options, why)

    def _own_words(
        self, hearing: Hearing, options: DecodeOptions, why: Doubt | None
    ) -> Iterator[Segment | None]:
        """The segments; all of them without names where the first echoes those, and somebody spoke."""
        first = True
        for segment in self._heard(hearing, options, why):
            if first and segment is not None and hides_speech(segment):
                yield None
                yield from self._heard(hearing, untold(options), Doubt.ECHO)
                return
            first = first and segment is None
            yield segment

    def _tried(
        self, hearing: Hearing, options: DecodeOptions
    ) -> Generator[Segment | None, None, Doubt | None]:
        """The segments from a short context; or none of them, and why they are not believed."""
        found: list[Segment] = []
        for segment in self._heard(hearing, options, None):
            if segment is None:
                yield None
            else:
                found.append(segment)
        if not hearing.language:
            return Doubt.LANGUAGE
        rate = limits.tokens_per_s(hearing.language)
        why = doubt(found, hearing.tokens, options.speech_s, rate)
        if why is None:
            yield from found
        return why

    def _heard(
        self, hearing: Hearing, options: DecodeOptions, why: Doubt | None
    ) -> Iterator[Segment | None]:
        """A breath after the encoder, then the segments; none where the language is not to be told."""
        hearing.encode_first()
        yield None
        language, probability = _language(hearing, options)
        hearing.language = language
        if not language:
            return
        told = hearing.loaded.teller.told(options)
        limit = self._limit(hearing, options, told)
        segments = self._decoded(hearing, options, told, limit)
        shown_s = hearing.shown_s if self._settings.audio_context_s < FULL_S else None
        begin_s, end_s = _spoken(options, _duration_s(hearing))
        for segment in segments:
            hearing.tokens += len(segment.tokens)
            evidence = Evidence(
                no_speech=segment.no_speech_prob,
                log_prob=segment.avg_logprob,
                compression=segment.compression_ratio,
                cut=len(segment.tokens) >= limit.tokens,
                context_s=shown_s,
                again=why or "",
                language=probability,
                names=told.names,
                echo=echo_in(segment.text, told.phrases),
                spoken_s=options.speech_s and options.speech_s[1] - options.speech_s[0],
            )
            words: tuple[Word, ...] = ()
            if self._aligned and options.wants_words_of(segment.text, language):
                yield None
                words = within(hearing.words(segment), begin_s, end_s)
                begin_s = words[-1].end_s if words else begin_s
            yield Segment(
                segment.text, float(segment.start), float(segment.end), language, words, evidence
            )

    def _limit(self, hearing: Hearing, options: DecodeOptions, told: Told) -> limits.Limit:
        """How much text at most: what so much speech can hold, beside what was told before it."""
        duration_s = _duration_s(hearing)
        wanted = limits.token_limit(hearing.language, options.speech_s, duration_s)
        return limits.limit(
            hearing.loaded.prompt_tokens(told.text, without_timestamps=duration_s <= FULL_S),
            limits.stepped(wanted) if self._batch > 1 else wanted,
        )

    def _decoded(
        self, hearing: Hearing, options: DecodeOptions, told: Told, limit: limits.Limit
    ) -> Iterable[Any]:
        """What faster-whisper finds, as it is asked for."""
        segments: Iterable[Any]  # the package has no types
        segments, _ = hearing.transcribe(
            hearing.audio,
            language=hearing.language,
            beam_size=options.beam_size,
            best_of=1,
            temperature=_TEMPERATURES[:1] if hearing.short else _TEMPERATURES,
            condition_on_previous_text=False,
            without_timestamps=_duration_s(hearing) <= FULL_S,
            task=options.task,
            hotwords=told.text or None,
            max_new_tokens=limit.asked,
            no_speech_threshold=None,  # the gate decides, and says so
        )
        return segments

    def _path(self) -> Path:
        if self._weights is None:
            return directory(Path(self._model_name), ("config.json", "model.bin", "tokenizer.json"))
        return obtain(self._weights, self._settings.model_dir)


def _duration_s(hearing: Hearing) -> float:
    return len(hearing.audio) / RATE_HZ


def _language(hearing: Hearing, options: DecodeOptions) -> tuple[str, float | None]:
    """The language, and how probable it is, None where it was told.

    `""` when less than the usual 30 s was shown, and none is likely.
    """
    if options.language:
        return options.language, None
    language, probability = hearing.detected(options.languages)
    return ("" if hearing.short and probability < _SURE else language), probability


def _spoken(options: DecodeOptions, duration_s: float) -> tuple[float, float]:
    """Between which times the words lie, in seconds."""
    start_s, end_s = options.speech_s or (0.0, duration_s)
    return max(0.0, start_s - MARGIN_S), min(duration_s, end_s + MARGIN_S)
