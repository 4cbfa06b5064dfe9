"""How many tokens a decode may spend: a loop otherwise runs to the end of the model's context.

Rule: the seconds of speech bound the text, whatever stands before it.
"""

import math
from dataclasses import dataclass

_CONTEXT_TOKENS = 448
_LONGEST_TEXT_TOKENS = 224
_LONGEST_S = 30.0
_SPARE_TOKENS = 16
_TOKENS_PER_S = {"en": 10}
_TOKENS_PER_S_ELSEWHERE = 20
"""Fast English is 5 words, 7 tokens a second; scripts that Whisper spells by bytes need thrice that."""

_STEP_TOKENS = 32


@dataclass(frozen=True)
class Limit:
    """`asked` is the `max_new_tokens` for faster-whisper, `tokens` what comes of it."""

    asked: int
    tokens: int


def tokens_per_s(language: str) -> float:
    """What the fastest speaker of a language needs."""
    return _TOKENS_PER_S.get(language, _TOKENS_PER_S_ELSEWHERE)


def token_limit(language: str, speech_s: tuple[float, float] | None, duration_s: float) -> int:
    """How many tokens a text may have."""
    spoken_s = speech_s[1] - speech_s[0] if speech_s is not None else duration_s
    needed = math.ceil(tokens_per_s(language) * min(spoken_s + 1.0, _LONGEST_S))
    return min(_LONGEST_TEXT_TOKENS, _SPARE_TOKENS + needed)


def stepped(wanted_tokens: int) -> int:
    """A limit that few others differ from: only requests of one limit can be decoded together."""
    return min(_LONGEST_TEXT_TOKENS, -(-wanted_tokens // _STEP_TOKENS) * _STEP_TOKENS)


def limit(prompt_tokens: int, wanted_tokens: int) -> Limit:
    """How to ask for at most `wanted_tokens` of text.

    faster-whisper adds the prompt to `max_new_tokens` and calls that `max_length`, of which CTranslate2
    spends no more than half on text (src/models/whisper.cc, `generate`): asked for 20, it stops at 11.
    """
    total = max(2 * wanted_tokens, prompt_tokens + wanted_tokens - 1)
    total = min(total, _CONTEXT_TOKENS)
    return Limit(total - prompt_tokens, min(total // 2, total - prompt_tokens + 1))
