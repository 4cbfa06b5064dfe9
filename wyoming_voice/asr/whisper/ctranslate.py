"""faster-whisper and CTranslate2, of which this is the one importer: a model, and a request's view of it.

Rules: one budget of tokens holds all that biases the spelling; a window is encoded once, also when its
language is to be detected; how faster-whisper decodes is left to faster-whisper.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.feature_extractor import FeatureExtractor

from wyoming_voice.asr.engine import Audio, Word
from wyoming_voice.asr.names.bias import Teller
from wyoming_voice.asr.whisper.audio_context import FULL_S
from wyoming_voice.asr.whisper.batches import Batches, Kind
from wyoming_voice.asr.whisper.capacity import Split

logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # a line for each request otherwise

_BEFORE_WORDS = "\"'“¿([{-"
_BEHIND_WORDS = "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word beside it: faster-whisper's own defaults."""

_PROBE_S = 10
_PROBE_TOKENS = 8
_PROBES = 3
_PROBED_S = 0.2
"""A command's worth of both halves of the work; the best of the probes, since others use the machine, of
which there are more where they are short."""


class Model(WhisperModel):  # type: ignore[misc]  # the package has no types
    """A loaded model, which all requests share."""

    model: Any
    """CTranslate2's own, or what stands before it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teller = Teller(self.count_tokens)

    def work_together(self, workers: int, batch: int) -> int:
        """Have requests worked on in batches of up to `batch`; how many are possible on this device."""
        # numpy, by which the parts of a batch are put together, has no bfloat16.
        if batch < 2 or "bfloat16" in self.model.compute_type:
            return 1
        self.model = _Together(self.model, workers, batch)
        return batch

    def prompt_tokens(self, told: str, *, without_timestamps: bool) -> int:
        """How many tokens stand before the text: language and task, and what the model is told."""
        start = 3 if self.model.is_multilingual else 1
        before = 1 + self.count_tokens(f" {told}") if told else 0
        return before + start + int(without_timestamps)

    def count_tokens(self, text: str) -> int:
        """How many tokens a text has for this model."""
        return len(self.hf_tokenizer.encode(text, add_special_tokens=False).ids)


class Hearing(WhisperModel):  # type: ignore[misc]  # the package has no types
    """One request's view of a loaded model: `audio`, of which the encoder is shown `shown_s` seconds.

    What it has computed is its own: requests may take turns item by item, between threads too.
    """

    def __init__(self, loaded: Model, audio: Audio, shown_s: float) -> None:
        self.__dict__.update(vars(loaded))
        self.feature_extractor = _Once(loaded.feature_extractor)
        self.loaded = loaded
        self.audio = audio
        self.shown_s = shown_s
        self.language = ""
        self.tokens = 0
        self._window: tuple[Any, Any] | None = None
        self._written: _Written | None = None

    @property
    def short(self) -> bool:
        """Whether the encoder is shown less than Whisper was trained on."""
        return self.shown_s < FULL_S

    def widen(self) -> None:
        """Begin again with the usual window."""
        self.shown_s = FULL_S

    def encode_first(self) -> None:
        """Encode the first window; what comes next finds it done."""
        self.encode(self._first_window())

    def encode(self, features: Any) -> Any:
        """As the parent does, but no longer than is shown, and not what was encoded last."""
        shown = features[..., : round(self.shown_s * self.frames_per_second)]
        if self._window is not None and np.array_equal(self._window[0], shown):
            return self._window[1]
        encoded = super().encode(shown)
        self._window = (shown, encoded)
        return encoded

    def _split_segments_by_timestamps(self, tokenizer: Any, tokens: Any, **window: Any) -> Any:
        """As the parent does; what was written for this window is kept, to be aligned if that is wanted."""
        split = super()._split_segments_by_timestamps(tokenizer, tokens, **window)
        self._written = _Written(tokenizer, window["segment_size"], [{**part} for part in split[0]])
        return split

    def words(self, segment: Any) -> tuple[Word, ...]:
        """When the words of the segment were said that was the last to be yielded, in the audio's seconds.

        Its tokens are aligned with the encoder's output of their window, all of a window's at once. Where
        faster-whisper is asked for words itself, it writes another text: by a prompt with time stamps, and
        by decoding again what lies behind the last word.
        """
        written, window = self._written, self._window
        assert written is not None, "a segment is asked for its words when it has been yielded"
        assert window is not None, "what has been written was encoded"
        if not written.aligned:
            self.add_word_timestamps(
                [written.parts],
                written.tokenizer,
                window[1],
                written.frames,
                _BEFORE_WORDS,
                _BEHIND_WORDS,
                last_speech_timestamp=0.0,
            )
            written.aligned = True
        (part,) = [part for part in written.parts if part["tokens"] is segment.tokens]
        return tuple(
            Word(word["word"], float(word["start"]), float(word["end"]), float(word["probability"]))
            for word in part.get("words", ())
        )

    def detected(self, allowed: tuple[str, ...]) -> tuple[str, float]:
        """The most likely language of the first window, and its probability, among `allowed` if any."""
        if not self.model.is_multilingual:
            return "en", 1.0
        ranking = self.model.detect_language(self.encode(self._first_window()))[0]
        likely = [(token[2:-2], probability) for token, probability in ranking]
        likely = [one for one in likely if not allowed or one[0] in allowed]
        if not likely:
            return (*allowed, "en")[0], 1.0
        return likely[0][0], likely[0][1] / (sum(one[1] for one in likely) or 1.0)

    def _first_window(self) -> Any:
        # As faster-whisper cuts it: without the last frame, which is padding.
        features = self.feature_extractor(self.audio)[:, :-1]
        return pad_or_trim(features[:, : round(FULL_S * self.frames_per_second)])


@dataclass
class _Written:
    """The tokens of one window's segments, as faster-whisper's dictionaries; `frames` are its content."""

    tokenizer: Any
    frames: int
    parts: list[dict[str, Any]]
    aligned: bool = False


class _Once(FeatureExtractor):  # type: ignore[misc]  # the package has no types
    """Computes the features of a request's audio once, for its language and for its text."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.__dict__.update(vars(extractor))
        self._last: tuple[Audio, Any] | None = None

    def __call__(self, waveform: Audio, padding: int = 160, chunk_length: int | None = None) -> Any:
        if self._last is None or self._last[0] is not waveform:
            self._last = (waveform, super().__call__(waveform, padding, chunk_length))
        return self._last[1]


class _Together:
    """CTranslate2's Whisper, asked for one window at a time, and working on several where they are alike."""

    def __init__(self, model: Any, workers: int, batch: int) -> None:
        self._model = model
        self._batches = Batches(workers)
        self._decode = batch
        self._encode = (
            batch if model.device == "cuda" else 1
        )  # on a CPU, 1.2 times the time for each

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: Any, to_cpu: bool = False) -> Any:
        def work(items: Sequence[Any]) -> Sequence[Any]:
            if len(items) == 1:
                return [self._model.encode(items[0], to_cpu=to_cpu)]
            return _rows(self._model.encode(_stacked(items), to_cpu=to_cpu))

        key = ("encode", tuple(features.shape), to_cpu)
        return self._batches.run(Kind(key, work, self._encode), features)

    def align(
        self,
        encoded: Any,
        start: Sequence[int],
        texts: list[list[int]],
        frames: int,
        median_filter_width: int,
    ) -> Any:
        """One window's alignment of its text."""

        def work(items: Sequence[tuple[Any, list[int], int]]) -> Sequence[Any]:
            windows, written, lengths = zip(*items, strict=True)
            together = windows[0] if len(windows) == 1 else _stacked(windows)
            found = self._model.align(
                together,
                start,
                list(written),
                list(lengths),
                median_filter_width=median_filter_width,
            )
            return [[result] for result in found]

        (text,) = texts
        key = ("align", tuple(encoded.shape), tuple(start), median_filter_width)
        return self._batches.run(Kind(key, work, self._decode), (encoded, text, frames))

    def generate(self, encoded: Any, prompts: list[list[int]], **how: Any) -> Any:
        """One window's results. What is drawn at random is drawn alone."""

        def work(items: Sequence[tuple[Any, list[int]]]) -> Sequence[Any]:
            windows, starts = zip(*items, strict=True)
            together = windows[0] if len(windows) == 1 else _stacked(windows)
            return [[result] for result in self._model.generate(together, list(starts), **how)]

        (prompt,) = prompts
        # Prompts have to be of one length and shape; the last token tells whether there are timestamps.
        key = ("generate", tuple(encoded.shape), len(prompt), prompt[-1], repr(sorted(how.items())))
        alone = how.get("sampling_temperature", 1) != 1
        return self._batches.run(Kind(key, work, 1 if alone else self._decode), (encoded, prompt))


def _stacked(views: Sequence[Any]) -> Any:
    on_cpu = [np.asarray(view.to_device(ctranslate2.Device.cpu)) for view in views]
    return ctranslate2.StorageView.from_array(np.concatenate(on_cpu))


def _rows(view: Any) -> list[Any]:
    array = np.asarray(view.to_device(ctranslate2.Device.cpu))
    return [ctranslate2.StorageView.from_array(row[None].copy()) for row in array]


def gpu(device: str) -> bool:
    """Whether a model asked for on `device` (auto, cpu, cuda) works on a GPU."""
    return device == "cuda" or (device == "auto" and ctranslate2.get_cuda_device_count() > 0)


def load(path: Path, device: str, compute_type: str, split: Split) -> Model:
    """The model in a directory. Raises RuntimeError, ValueError and OSError."""
    return Model(
        str(path),
        device=device,
        compute_type=compute_type,
        cpu_threads=split.threads,
        num_workers=split.workers,
        local_files_only=True,
    )


def request_s(model: Model) -> float:
    """How long this model takes for one short request, in seconds."""
    silence = np.zeros(
        (1, model.feature_extractor.mel_filters.shape[0], 100 * _PROBE_S), np.float32
    )
    start = model.hf_tokenizer.token_to_id("<|startoftranscript|>")
    end = model.hf_tokenizer.token_to_id("<|endoftext|>")
    spent_s: list[float] = []
    while len(spent_s) < _PROBES or sum(spent_s) < _PROBED_S:
        begun_s = time.monotonic()
        encoded = model.model.encode(ctranslate2.StorageView.from_array(silence))
        # Half of the length is for the prompt; without an end to write it writes all of the rest.
        model.model.generate(
            encoded, [[start]], beam_size=1, max_length=2 * _PROBE_TOKENS, suppress_tokens=[end]
        )
        spent_s.append(time.monotonic() - begun_s)
    return min(spent_s)
