"""Whisper's network at a width of 96, built so that training can see one head's attention.

The same computation as OpenAI's model (pre-norm, GELU, sinusoids in the encoder, learned positions
in the decoder, embeddings shared with the output), hence what CTranslate2 runs. Two things exist
for training only: the attention of the head that will give word times, and a phone classifier.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

MEL_BINS = 80
SOURCE_POSITIONS = 1500
TARGET_POSITIONS = 448


@dataclass(frozen=True, slots=True)
class Shape:
    """Width and depth. 0.9 M parameters: 1.6 MB as int8, and enough for a vocabulary of 70 words."""

    width: int = 96
    heads: int = 3
    layers: int = 2
    dropout: float = 0.05


class Attention(nn.Module):
    """Multi-head attention of `queries` over `memory`."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width)
        self.key_value = nn.Linear(shape.width, 2 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)

    def forward(self, queries: Tensor, memory: Tensor, *, causal: bool = False) -> Tensor:
        """[B, T, width] and [B, E, width] to [B, T, width]."""
        query, key, value = self._split(queries, memory)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return cast(Tensor, self.out(mixed.transpose(1, 2).flatten(2)))

    def first_head(self, queries: Tensor, memory: Tensor) -> Tensor:
        """The weights of head 0, [B, T, E], each row summing to 1."""
        query, key, _ = self._split(queries, memory)
        scores = query[:, 0] @ key[:, 0].transpose(1, 2) / query.shape[-1] ** 0.5
        return torch.softmax(scores, -1)

    def _split(self, queries: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        key, value = self.key_value(memory).chunk(2, -1)
        return self._by_head(self.query(queries)), self._by_head(key), self._by_head(value)

    def _by_head(self, values: Tensor) -> Tensor:
        batch, length, _ = values.shape
        return values.reshape(batch, length, self.heads, -1).transpose(1, 2)


class FeedForward(nn.Module):
    """Norm, widen four times, GELU, narrow."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.width)
        self.widen = nn.Linear(shape.width, 4 * shape.width)
        self.narrow = nn.Linear(4 * shape.width, shape.width)

    def forward(self, values: Tensor) -> Tensor:
        """[..., width] to the same."""
        return cast(Tensor, self.narrow(functional.gelu(self.widen(self.norm(values)))))


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward, each added to its input."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.width)
        self.attention = Attention(shape)
        self.feed_forward = FeedForward(shape)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, values: Tensor) -> Tensor:
        """[B, E, width] to the same."""
        normed = self.norm(values)
        values = values + self.dropout(self.attention(normed, normed))
        return cast(Tensor, values + self.dropout(self.feed_forward(values)))


class DecoderLayer(nn.Module):
    """Causal self-attention, attention over the encoder, feed-forward."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.width)
        self.attention = Attention(shape)
        self.cross_norm = nn.LayerNorm(shape.width)
        self.cross = Attention(shape)
        self.feed_forward = FeedForward(shape)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, values: Tensor, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, width] and [B, E, width] to the same shape as the first, and head 0's weights."""
        normed = self.norm(values)
        values = values + self.dropout(self.attention(normed, normed, causal=True))
        queries = self.cross_norm(values)
        looked = self.cross.first_head(queries, encoded)
        values = values + self.dropout(self.cross(queries, encoded))
        return values + self.dropout(self.feed_forward(values)), looked


class CommandWhisper(nn.Module):
    """Encoder, decoder, and a phone classifier that is thrown away after training."""

    def __init__(self, shape: Shape, vocabulary: int, phones: int) -> None:
        super().__init__()
        self.shape = shape
        self.conv1 = nn.Conv1d(MEL_BINS, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.source_positions = nn.Buffer(_sinusoids(SOURCE_POSITIONS, shape.width))
        self.encoder = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.layers))
        self.encoder_norm = nn.LayerNorm(shape.width)
        self.embeddings = nn.Parameter(torch.randn(vocabulary, shape.width) * 0.02)
        # Neighbouring positions start alike, so that a place seldom trained on still makes sense.
        self.target_positions = nn.Parameter(_sinusoids(TARGET_POSITIONS, shape.width) * 0.02)
        self.decoder = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.layers))
        self.decoder_norm = nn.LayerNorm(shape.width)
        self.phones = nn.Linear(shape.width, phones)

    def encode(self, features: Tensor) -> Tensor:
        """[B, 80, W] to [B, W / 2, width]; W is even, at most 3000."""
        values = functional.gelu(self.conv1(features))
        values = functional.gelu(self.conv2(values)).transpose(1, 2)
        values = values + self.source_positions[: values.shape[1]]
        for layer in self.encoder:
            values = layer(values)
        return cast(Tensor, self.encoder_norm(values))

    def decode(self, encoded: Tensor, read: Tensor) -> tuple[Tensor, Tensor]:
        """Ids [B, T] to logits [B, T, vocabulary] and the last layer's head 0, [B, T, E]."""
        values = self.embeddings[read] + self.target_positions[: read.shape[1]]
        looked = encoded.new_zeros(())
        for layer in self.decoder:
            values, looked = layer(values, encoded)
        return self.decoder_norm(values) @ self.embeddings.T, looked


def _sinusoids(length: int, width: int) -> Tensor:
    """Sines in the first half of the width, cosines in the second, as in OpenAI's Whisper."""
    half = width // 2
    scales = 10000 ** (-torch.arange(half) / (half - 1))
    angles = torch.arange(length)[:, None] * scales[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1)
