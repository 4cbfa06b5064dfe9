"""What the decoder reads and should say for an example, and where it should look meanwhile.

Whisper's sequences: [previous text,] start, then timestamps around each segment or the token that
says there are none. Input and target are told apart on purpose: after "start" the target of a
recording without speech is `<|nospeech|>`, while the input goes on as the decoder goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from tests.models.train_command_whisper.data import Example, Span, draw_sentence
from tests.models.train_command_whisper.tokenizer import Tokens

IGNORED = -100
"""The target that `cross_entropy` passes over."""
ENCODER_HZ = 50
_FRAMES_HZ = 100
_TIMESTAMPED = 0.6
_AFTER_S = 0.6
_LONGEST_PROMPT = 223
"""Tokens of previous text that Whisper takes: half of its 448, less one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One position of the decoder: read a token, say a token, look at a span."""

    read: int
    say: int = IGNORED
    look: Span | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of B examples, T decoder positions, W feature frames and E = W / 2 encoder frames.

    features [B, 80, W] float32; read and say [B, T] ids; look [B, T, E] of 0 and 1;
    phones [B, E] ids.
    """

    features: Tensor
    read: Tensor
    say: Tensor
    look: Tensor
    phones: Tensor


class Targets:
    """Draws sequences for examples and puts them into batches; `rng` decides what is drawn."""

    def __init__(self, tokens: Tokens, phones: Sequence[str], rng: Generator) -> None:
        self._tokens = tokens
        self._phones = {name: i for i, name in enumerate(phones)}
        self._rng = rng

    def batch(self, examples: list[Example], width: int) -> Batch:
        """Examples in a window of `width` feature frames, zeros behind each, as in use."""
        longest_prompt = _LONGEST_PROMPT if self._rng.random() < 0.06 else 16
        sequences = [self._sequence(example, longest_prompt) for example in examples]
        length = max(len(sequence) for sequence in sequences)
        padded = [[*s, *[Step(self._tokens.end)] * (length - len(s))] for s in sequences]
        return Batch(
            features=_features(examples, width),
            read=torch.tensor([[step.read for step in steps] for steps in padded]),
            say=torch.tensor([[step.say for step in steps] for steps in padded]),
            look=_looks(padded, width // 2),
            phones=self._phone_ids(examples, width // 2),
        )

    def _sequence(self, example: Example, longest_prompt: int) -> list[Step]:
        body = self._body(example)
        if self._rng.random() < 0.15 or longest_prompt == _LONGEST_PROMPT:
            return [*map(Step, self._prompt(longest_prompt)), *body]
        return body

    def _body(self, example: Example) -> list[Step]:
        if not example.segments:
            return self._no_speech()
        if self._rng.random() < _TIMESTAMPED:
            return self._timestamped(example)
        spans = [span for segment in example.segments for span in segment]
        start = [Step(self._tokens.start), self._after(self._tokens.no_timestamps, spans[0])]
        return [*start, *self._spoken(spans), self._last(spans[-1], self._tokens.end)]

    def _no_speech(self) -> list[Step]:
        tokens = self._tokens
        plain = self._rng.random() < 0.5
        follows = tokens.no_timestamps if plain else tokens.timestamp(0)
        return [Step(tokens.start, tokens.no_speech), Step(follows, tokens.end)]

    def _timestamped(self, example: Example) -> list[Step]:
        tokens, steps = self._tokens, []
        before = tokens.start
        for segment in example.segments:
            begin, end = tokens.timestamp(segment[0].start_s), tokens.timestamp(segment[-1].end_s)
            steps += [Step(before, begin), self._after(begin, segment[0])]
            steps += [*self._spoken(list(segment)), self._last(segment[-1], end)]
            before = end
        return [*steps, Step(before, tokens.end)]

    def _spoken(self, spans: list[Span]) -> list[Step]:
        """Reads each but the last, says the next."""
        words = [(self._tokens.word(span.label), following) for span, following in pairwise(spans)]
        return [self._after(word, following) for word, following in words]

    def _after(self, read: int, span: Span) -> Step:
        return Step(read, self._tokens.word(span.label), span)

    def _last(self, span: Span, say: int) -> Step:
        """Looks at what follows: where the end looks is where the alignment puts the silence."""
        after = Span(span.end_s, span.end_s + _AFTER_S, "")
        return Step(self._tokens.word(span.label), say, after)

    def _prompt(self, longest: int) -> list[int]:
        """Previous text, prompt or hotwords, to be read over: commands, or anything at all.

        Ends in a mark as often as not. A model that never saw one there takes it for its own end.
        """
        length = int(self._rng.integers(1, longest + 1))
        if self._rng.random() < 0.5:
            sentences = [draw_sentence(self._rng) for _ in range(1 + length // 4)]
            ids = self._tokens.encode(f" {' '.join(sentences)}")[-length:]
        else:
            ids = self._anything(length)
        if self._rng.random() < 0.5:
            ids[-1] = self._tokens.word(".")
        return [self._tokens.previous, *ids]

    def _anything(self, length: int) -> list[int]:
        """Mostly words, mostly single characters, or mostly timestamps."""
        words = self._rng.integers(256, self._tokens.end, size=length)
        characters = self._rng.integers(ord(" "), ord("z") + 1, size=length)
        stamps = self._rng.integers(self._tokens.first_timestamp, self._tokens.size, size=length)
        kinds = self._rng.choice(3, size=length, p=self._rng.permutation([0.8, 0.15, 0.05]))
        ids: list[int] = np.choose(kinds, [words, characters, stamps]).tolist()
        return ids

    def _phone_ids(self, examples: list[Example], frames: int) -> Tensor:
        """One phone an encoder frame; silence within the recording, ignored behind it."""
        ids = np.full((len(examples), frames), IGNORED)
        for row, example in zip(ids, examples, strict=True):
            row[: example.features.shape[1] // 2] = self._phones[""]
            for phone in example.phones:
                row[_frames(phone, 0)] = self._phones.get(phone.label, self._phones[""])
        return torch.from_numpy(ids)


def phone_names(examples: list[Example]) -> list[str]:
    """Every phone that occurs, sorted, silence ("") first."""
    return sorted({"", *(phone.label for example in examples for phone in example.phones)})


def _features(examples: list[Example], width: int) -> Tensor:
    features = np.zeros((len(examples), 80, width), np.float32)
    for row, example in zip(features, examples, strict=True):
        # faster-whisper drops the last frame of a recording, too.
        frames = min(width, example.features.shape[1] - 1)
        row[:, :frames] = example.features[:, :frames]
    return torch.from_numpy(features)


def _looks(sequences: list[list[Step]], frames: int) -> Tensor:
    looks = np.zeros((len(sequences), len(sequences[0]), frames), np.float32)
    for row, steps in zip(looks, sequences, strict=True):
        for position, step in enumerate(steps):
            if step.look is not None:
                row[position, _frames(step.look, 1)] = 1
    return torch.from_numpy(looks)


def _frames(span: Span, margin: int) -> slice:
    first, last = int(span.start_s * ENCODER_HZ), int(span.end_s * ENCODER_HZ)
    return slice(max(0, first - margin), max(last, first + 1) + margin)


def width_of(example: Example) -> int:
    """Feature frames, made even for the encoder's stride of two."""
    frames = int(example.features.shape[1])
    return frames + frames % 2


def whole_window() -> int:
    """The window that Whisper is used with: 30 s."""
    return 30 * _FRAMES_HZ
