"""A Whisper of any real size, for CTranslate2, that always says the same sentence.

Random weights alone never stop: 448 tokens, at six temperatures. Here every layer has random
weights and does its full work, but the decoder's position encodings outweigh them: position p
points at the p-th word of the script, then at the end. Encoder cost, decoder cost per token,
vocabulary and file are as large as the real ones; text, token count and log-probability are fixed.

The script starts after the usual prompt: a `.en` size with or without timestamps, any other one
with `without_timestamps=True`. An initial prompt shifts the positions: the first words are lost.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec
from numpy.typing import NDArray

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Size:
    """Width, heads, layers and mel bins, from the table of OpenAI's model card."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    mel_bins: int = 80
    languages: int = 99


SIZES = {
    "tiny": Size(384, 6, 4, 4),
    "base": Size(512, 8, 6, 6),
    "small": Size(768, 12, 12, 12),
    "medium": Size(1024, 16, 24, 24),
    "large-v3-turbo": Size(1280, 20, 32, 4, mel_bins=128, languages=100),
    "large-v3": Size(1280, 20, 32, 32, mel_bins=128, languages=100),
}
_ENGLISH_ONLY = ".en"
_TEXT_TOKENS = 50257
_SOURCE_POSITIONS, _TARGET_POSITIONS = 1500, 448
_TIMESTAMPS = 1501
_UNKNOWN = "Ġw0"
"""faster-whisper looks up the tokens of symbols, and forbids what it finds: never a word said."""
_OVERWEIGHT = 12.0
"""How far a position outweighs what the layers add."""
_BRANCH_SCALE = 0.002
"""Of the weights that lead back into the residual stream: full work, hardly any effect."""


def build(size: str, directory: Path, text: str, quantization: str, seed: int = 0) -> None:
    """Write the model directory. Raises ValueError for a size that Whisper doesn't have."""
    name = size.removesuffix(_ENGLISH_ONLY)
    if name not in SIZES:
        raise ValueError(f"unknown size {size!r}; one of {', '.join(SIZES)}, or with '.en'")
    writer = _Writer(SIZES[name], size.endswith(_ENGLISH_ONLY), text.split(), seed)
    writer.write(directory, quantization)


class _Writer:
    """Fills CTranslate2's specification of one size, weight by weight."""

    def __init__(self, size: Size, english_only: bool, words: list[str], seed: int) -> None:
        self._size, self._words = size, words
        self._rng = np.random.default_rng(seed)
        # An English model has tokens of languages, too; they aren't part of its prompt.
        self._languages = [] if english_only else _language_tokens(size.languages)
        self._tokens = _vocabulary(words, english_only, size.languages)
        self._index = {token: i for i, token in enumerate(self._tokens)}

    def write(self, directory: Path, quantization: str) -> None:
        size = self._size
        spec = whisper_spec.WhisperSpec(
            size.encoder_layers, size.heads, size.decoder_layers, size.heads
        )
        self._encoder(spec.encoder)
        self._decoder(spec.decoder)
        spec.register_vocabulary(self._tokens)
        spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
        spec.config.lang_ids = [self._index[token] for token in self._languages]
        spec.config.alignment_heads = [(size.decoder_layers - 1, 0)]
        spec.validate()
        spec.optimize(quantization=quantization)
        directory.mkdir(parents=True, exist_ok=True)
        spec.save(str(directory))
        tokenizer = json.dumps(_tokenizer(self._tokens), ensure_ascii=False)
        (directory / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
        front_end = json.dumps({"feature_size": size.mel_bins})
        (directory / "preprocessor_config.json").write_text(front_end)

    def _encoder(self, encoder: Any) -> None:
        width = self._size.width
        self._weights(encoder.conv1, (width, self._size.mel_bins, 3))
        self._weights(encoder.conv2, (width, width, 3))
        encoder.position_encodings.encodings = self._normal((_SOURCE_POSITIONS, width))
        self._norm(encoder.layer_norm)
        for layer in encoder.layer:
            self._self_attention(layer.self_attention)
            self._feed_forward(layer.ffn)

    def _decoder(self, decoder: Any) -> None:
        width = self._size.width
        embeddings = self._normal((len(self._tokens), width), 1 / np.sqrt(width))
        decoder.embeddings.weight = decoder.projection.weight = embeddings
        decoder.position_encodings.encodings = _OVERWEIGHT * embeddings[self._script()]
        self._norm(decoder.layer_norm)
        for layer in decoder.layer:
            self._self_attention(layer.self_attention)
            self._cross_attention(layer.attention)
            self._feed_forward(layer.ffn)

    def _script(self) -> list[int]:
        """The token said at each position: within the prompt any, then the words, then the end."""
        prompt = 4 if self._languages else 2
        words = [self._index[f"Ġ{word}"] for word in self._words]
        before = [self._index["<|notimestamps|>"]] * (prompt - 1)
        end = [self._index["<|endoftext|>"]] * _TARGET_POSITIONS
        return [*before, *words, *end][:_TARGET_POSITIONS]

    def _self_attention(self, spec: Any) -> None:
        width = self._size.width
        self._norm(spec.layer_norm)
        self._weights(spec.linear[0], (3 * width, width))
        self._weights(spec.linear[1], (width, width), _BRANCH_SCALE)

    def _cross_attention(self, spec: Any) -> None:
        width = self._size.width
        self._norm(spec.layer_norm)
        self._weights(spec.linear[0], (width, width))
        self._weights(spec.linear[1], (2 * width, width))
        self._weights(spec.linear[2], (width, width), _BRANCH_SCALE)

    def _feed_forward(self, spec: Any) -> None:
        width = self._size.width
        self._norm(spec.layer_norm)
        self._weights(spec.linear_0, (4 * width, width))
        self._weights(spec.linear_1, (width, 4 * width), _BRANCH_SCALE)

    def _weights(self, spec: Any, shape: tuple[int, ...], scale: float = 0.02) -> None:
        spec.weight, spec.bias = self._normal(shape, scale), np.zeros(shape[0], np.float32)

    def _norm(self, spec: Any) -> None:
        width = self._size.width
        spec.gamma, spec.beta = np.ones(width, np.float32), np.zeros(width, np.float32)

    def _normal(self, shape: tuple[int, ...], scale: float = 0.02) -> Weights:
        return self._rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)


def _vocabulary(words: list[str], english_only: bool, languages: int) -> list[str]:
    """One token a word, filled up to the real size; the special tokens in their real order."""
    text = [f"Ġ{word}" for word in dict.fromkeys(words)]
    wanted = _TEXT_TOKENS - 1 if english_only else _TEXT_TOKENS
    text += [f"Ġw{i}" for i in range(wanted - len(text))]
    tasks = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
    special = ["<|endoftext|>", "<|startoftranscript|>", *_language_tokens(languages)]
    special += [f"<|{task}|>" for task in tasks]
    return text + special + [f"<|{i * 0.02:.2f}|>" for i in range(_TIMESTAMPS)]


def _language_tokens(count: int) -> list[str]:
    return [f"<|{code}|>" for code in _LANGUAGES.split()[:count]]


def _tokenizer(tokens: list[str]) -> dict[str, object]:
    """The vocabulary as a file of the `tokenizers` library, one id a word."""
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": True,
        "trim_offsets": True,
        "use_regex": True,
    }
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [
        {"id": i, "content": token, "special": True, **flags}
        for i, token in enumerate(tokens)
        if token.startswith("<|")
    ]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": _UNKNOWN},
    }


# In the order of their tokens (`LANGUAGES` of OpenAI's tokenizer); large-v3 added the last.
_LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th "
    "ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr "
    "pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt "
    "haw ln ha ba jw su yue"
)
