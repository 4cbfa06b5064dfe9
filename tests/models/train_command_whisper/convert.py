"""The trained network as a directory that `faster_whisper.WhisperModel` loads.

Five files and nothing to fetch: weights (int8), CTranslate2's config and vocabulary, the tokenizer,
the front end's settings.
"""

import json
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from ctranslate2.specs import whisper_spec
from numpy.typing import NDArray
from torch import Tensor, nn

from tests.models.train_command_whisper.network import (
    Attention,
    CommandWhisper,
    DecoderLayer,
    EncoderLayer,
    FeedForward,
)
from tests.models.train_command_whisper.tokenizer import Tokens

_SPACE = "Ġ"
_FRONT_END = {
    "feature_size": 80,
    "sampling_rate": 16000,
    "hop_length": 160,
    "chunk_length": 30,
    "n_fft": 400,
}


class _Weights(Protocol):
    """A linear layer or convolution of CTranslate2's specification."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


class _Norm(Protocol):
    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]


class _AttentionSpec(Protocol):
    linear: list[_Weights]
    layer_norm: _Norm


class _FeedForwardSpec(Protocol):
    layer_norm: _Norm
    linear_0: _Weights
    linear_1: _Weights


class _LayerSpec(Protocol):
    self_attention: _AttentionSpec
    attention: _AttentionSpec
    ffn: _FeedForwardSpec


def convert(network: CommandWhisper, tokens: Tokens, directory: Path) -> None:
    """Write the model directory, made when it doesn't exist."""
    spec = _specification(network)
    spec.register_vocabulary(tokens.in_order())
    spec.config.suppress_ids = []
    # Whisper forbids an end or a space as the first token. Here the end may come first: silence
    # gives an empty text.
    spec.config.suppress_ids_begin = [tokens.tokenizer.get_vocab()[_SPACE]]
    spec.config.alignment_heads = [(network.shape.layers - 1, 0)]
    spec.validate()
    spec.optimize(quantization="int8")
    directory.mkdir(parents=True, exist_ok=True)
    spec.save(str(directory))
    tokens.tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "preprocessor_config.json").write_text(json.dumps(_FRONT_END) + "\n")


def _specification(network: CommandWhisper) -> whisper_spec.WhisperSpec:
    shape = network.shape
    spec = whisper_spec.WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    _weights(spec.encoder.conv1, network.conv1)
    _weights(spec.encoder.conv2, network.conv2)
    spec.encoder.position_encodings.encodings = _array(network.source_positions)
    _norm(spec.encoder.layer_norm, network.encoder_norm)
    for layer, module in zip(spec.encoder.layer, network.encoder, strict=True):
        _encoder_layer(layer, cast(EncoderLayer, module))
    spec.decoder.embeddings.weight = _array(network.embeddings)
    spec.decoder.projection.weight = _array(network.embeddings)
    spec.decoder.position_encodings.encodings = _array(network.target_positions)
    _norm(spec.decoder.layer_norm, network.decoder_norm)
    for layer, module in zip(spec.decoder.layer, network.decoder, strict=True):
        _decoder_layer(layer, cast(DecoderLayer, module))
    return spec


def _encoder_layer(spec: _LayerSpec, layer: EncoderLayer) -> None:
    _norm(spec.self_attention.layer_norm, layer.norm)
    _self_attention(spec.self_attention, layer.attention)
    _feed_forward(spec.ffn, layer.feed_forward)


def _decoder_layer(spec: _LayerSpec, layer: DecoderLayer) -> None:
    _norm(spec.self_attention.layer_norm, layer.norm)
    _self_attention(spec.self_attention, layer.attention)
    _norm(spec.attention.layer_norm, layer.cross_norm)
    _weights(spec.attention.linear[0], layer.cross.query)
    _weights(spec.attention.linear[1], layer.cross.key_value)
    _weights(spec.attention.linear[2], layer.cross.out)
    _feed_forward(spec.ffn, layer.feed_forward)


def _self_attention(spec: _AttentionSpec, attention: Attention) -> None:
    """CTranslate2 keeps query, key and value of self-attention in one matrix."""
    query, rest = attention.query, attention.key_value
    spec.linear[0].weight = np.concatenate([_array(query.weight), _array(rest.weight)])
    spec.linear[0].bias = np.concatenate([_array(query.bias), _array(rest.bias)])
    _weights(spec.linear[1], attention.out)


def _feed_forward(spec: _FeedForwardSpec, module: FeedForward) -> None:
    _norm(spec.layer_norm, module.norm)
    _weights(spec.linear_0, module.widen)
    _weights(spec.linear_1, module.narrow)


def _weights(spec: _Weights, module: nn.Linear | nn.Conv1d) -> None:
    if module.bias is None:
        raise ValueError(f"{module} has no bias; every layer of the network has one")
    spec.weight, spec.bias = _array(module.weight), _array(module.bias)


def _norm(spec: _Norm, module: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = _array(module.weight), _array(module.bias)


def _array(values: Tensor) -> NDArray[np.float32]:
    # A copy each: CTranslate2 quantises in place, and two matrices share the embeddings.
    return np.array(values.detach().numpy(), np.float32)
