"""Spoken examples: log-mel features with the times of their words and phones.

The features are faster-whisper's own, so that training and use see the same numbers. An example is
one command, two in a row, a command cut off in mid-sentence (what a partial transcript hears), or
something that is no speech at all. Shards have seeds of their own: the set depends on the seed and
the count, never on the number of processes.
"""

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from typing import Literal

import numpy as np
import soxr
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.random import Generator
from numpy.typing import NDArray

from tests.models.train_command_whisper.channel import SAMPLE_HZ, Audio, disturb, not_speech
from tests.models.train_command_whisper.espeak import Espeak, Manner, Speech
from tests.models.train_command_whisper.grammar import everyday_sentences, sentences, written

_SHARD_EXAMPLES = 250
_TAIL_S = 0.04
"""Where a mark is "heard": around the end of the last word."""


@dataclass(frozen=True, slots=True)
class Span:
    """A token or a phone, and when it sounds, in seconds."""

    start_s: float
    end_s: float
    label: str

    def later(self, by_s: float) -> "Span":
        return Span(self.start_s + by_s, self.end_s + by_s, self.label)


@dataclass(frozen=True, slots=True)
class Voices:
    """espeak-ng's voices and the variants (larynxes, so to say) that go with each."""

    names: tuple[str, ...]
    variants: tuple[str, ...]

    def draw(self, rng: Generator) -> str:
        return str(rng.choice(self.names)) + str(rng.choice(self.variants))


# The plain American voice twice: it is what tests speak with.
TAUGHT = Voices(
    ("en-us", "en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc"),
    (
        *("", "", "", "+m1", "+m2", "+m3", "+m4", "+m6", "+f1", "+f2", "+f3", "+f4"),
        *("+linda", "+edward", "+max", "+michael", "+grandma", "+belinda"),
    ),
)
HELD_OUT = Voices(
    ("en-gb-x-gbcwmd", "en-us", "en"), ("+m5", "+m7", "+f5", "+adam", "+steph", "+zac")
)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Which examples there are: voices, and shares between 0 and 1 of the unusual kinds."""

    voices: Voices
    not_speech: float
    cut_off: float
    two_commands: float


TRAINING = Mixture(TAUGHT, not_speech=0.07, cut_off=0.1, two_commands=0.12)
TAUGHT_ONLY = Mixture(TAUGHT, not_speech=0.0, cut_off=0.0, two_commands=0.0)


@dataclass(frozen=True, slots=True)
class Example:
    """Features [80, frames of 10 ms], the words of each segment, and the phones."""

    features: NDArray[np.float16]
    segments: tuple[tuple[Span, ...], ...]
    phones: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Utterance:
    """Audio with its words and phones; an empty one is silence or noise."""

    audio: Audio
    words: tuple[Span, ...] = ()
    phones: tuple[Span, ...] = ()

    def later(self, by_s: float) -> "Utterance":
        words = tuple(word.later(by_s) for word in self.words)
        return Utterance(self.audio, words, tuple(phone.later(by_s) for phone in self.phones))


def make_examples(mixture: Mixture, count: int, seed: int, processes: int) -> list[Example]:
    """At least `count` examples, made in `processes` processes."""
    seeds = [(seed, shard) for shard in range(-(-count // _SHARD_EXAMPLES))]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        shards = pool.map(_make_shard, [mixture] * len(seeds), seeds)
        return [example for shard in shards for example in shard]


def draw_sentence(rng: Generator) -> str:
    """A written sentence; half of the time without the many percentages."""
    spoken = sentences() if rng.random() < 0.5 else everyday_sentences()
    return written(str(rng.choice(spoken)))


def draw_manner(rng: Generator) -> Manner:
    """From slow to hurried, from low to high."""
    return Manner(
        rate=int(rng.integers(115, 210)),
        pitch=int(rng.integers(25, 75)),
        pitch_range=int(rng.integers(30, 70)),
    )


def to_audio(speech: Speech) -> Audio:
    """Speech at 16 kHz, -1 to 1."""
    return np.asarray(soxr.resample(speech.samples / 32768, speech.rate_hz, SAMPLE_HZ), np.float64)


def _make_shard(mixture: Mixture, seed: tuple[int, int]) -> list[Example]:
    rng = np.random.default_rng(seed)
    voice = Espeak()
    extractor = FeatureExtractor()
    return [_make_example(mixture, voice, extractor, rng) for _ in range(_SHARD_EXAMPLES)]


def _make_example(
    mixture: Mixture, voice: Espeak, extractor: FeatureExtractor, rng: Generator
) -> Example:
    parts = _draw_parts(mixture, voice, rng)
    audio = np.concatenate([part.audio for part in parts])
    if any(part.phones for part in parts):
        audio = disturb(audio, rng)
    return Example(
        features=np.asarray(extractor(audio.astype(np.float32), padding=160), np.float16),
        segments=tuple(part.words for part in parts if part.words),
        phones=tuple(phone for part in parts for phone in part.phones),
    )


def _draw_parts(mixture: Mixture, voice: Espeak, rng: Generator) -> list[Utterance]:
    kind = rng.random()
    if kind < mixture.not_speech:
        return [Utterance(not_speech(rng))]
    lead = Utterance(_silence(rng))
    spoken = utter(voice, mixture.voices.draw(rng), rng)
    kind -= mixture.not_speech
    if kind < mixture.cut_off:
        return _in_a_row([lead, cut_off(spoken, rng)])
    kind -= mixture.cut_off
    if kind < mixture.two_commands:
        second = utter(voice, mixture.voices.draw(rng), rng)
        between, tail = Utterance(_silence(rng)), Utterance(_silence(rng))
        return _in_a_row([lead, spoken, between, second, tail])
    return _in_a_row([lead, spoken, Utterance(_silence(rng))])


def _in_a_row(parts: list[Utterance]) -> list[Utterance]:
    moved, start_s = [], 0.0
    for part in parts:
        moved.append(part.later(start_s))
        start_s += len(part.audio) / SAMPLE_HZ
    return moved


def _silence(rng: Generator) -> Audio:
    """Mostly the pre-roll and hangover of an endpointer, at times a long wait."""
    longest: Literal[1, 2, 4] = rng.choice([1, 2, 4], p=[0.75, 0.2, 0.05])
    return np.zeros(int(rng.uniform(0.05, 0.6) * longest * SAMPLE_HZ))


def utter(voice: Espeak, name: str, rng: Generator) -> Utterance:
    """A drawn sentence in a drawn manner, at full level."""
    text = draw_sentence(rng)
    speech = voice.say(text, name, draw_manner(rng))
    audio = to_audio(speech)
    peak = float(np.abs(audio).max()) or 1.0
    pauses = [time_s for time_s, phone in speech.phones if phone.startswith("_")]
    end_s = pauses[0] if pauses else len(audio) / SAMPLE_HZ
    return Utterance(audio / peak, _words(text, speech, end_s), _phones(speech, end_s))


def _phones(speech: Speech, end_s: float) -> tuple[Span, ...]:
    spoken = [(time_s, name) for time_s, name in speech.phones if not name.startswith("_")]
    ends = pairwise([*spoken, (end_s, "")])
    return tuple(Span(start_s, stop_s, name) for (start_s, name), (stop_s, _) in ends)


def _words(text: str, speech: Speech, end_s: float) -> tuple[Span, ...]:
    """One span a token: each word with its leading space, then the final mark."""
    found = list(re.finditer(r"[^\s.?]+", text))
    starts_s = _fill([speech.word_starts_s.get(word.start()) for word in found], end_s)
    spans = [
        Span(start_s, stop_s, f" {word.group()}")
        for word, (start_s, stop_s) in zip(found, pairwise([*starts_s, end_s]), strict=True)
    ]
    return (*spans, Span(end_s - 2 * _TAIL_S, end_s + _TAIL_S, text[-1]))


def _fill(starts_s: list[float | None], end_s: float) -> list[float]:
    """espeak-ng speaks some words as one ("on the") and reports the first: share the time out."""
    known = [(i, start) for i, start in enumerate(starts_s) if start is not None and i > 0]
    known = [(0, starts_s[0] or 0.0), *known, (len(starts_s), end_s)]
    positions, times_s = zip(*known, strict=True)
    filled = np.interp(np.arange(len(starts_s)), positions, times_s)
    return [float(time_s) for time_s in filled]


def cut_off(whole: Utterance, rng: Generator) -> Utterance:
    """Ends within a word after the first: the words before it remain, without a mark."""
    if len(whole.words) < 3:
        return whole
    broken = whole.words[int(rng.integers(1, len(whole.words) - 1))]
    end_s = broken.start_s + rng.uniform(0.0, 0.6) * (broken.end_s - broken.start_s)
    kept = tuple(word for word in whole.words[:-1] if word.end_s <= broken.start_s + 0.001)
    heard = tuple(phone for phone in whole.phones if phone.end_s <= end_s)
    return Utterance(whole.audio[: int(end_s * SAMPLE_HZ)], kept, heard)
