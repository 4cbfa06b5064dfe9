"""Packs names, hotwords, terms and a prompt into the text that Whisper is told before it listens.

Whisper reads at most 223 tokens of earlier text (half its context of 448, less one for the marker;
openai/whisper `decoding.py`). Rule: what matters most gets room first and stands last, nearest to the
speech, where the model heeds it most; a name goes in whole or not at all.
"""

from collections.abc import Callable, Iterable

from wyoming_voice.asr.engine import DecodeOptions

BUDGET_TOKENS = 223


def packed(
    options: DecodeOptions, count: Callable[[str], int], budget_tokens: int = BUDGET_TOKENS
) -> str:
    """The text to prompt with, at most `budget_tokens` by `count`; empty when there is nothing to say."""
    listed: list[str] = []
    for phrase in _unique((*options.names, *options.hotwords, *options.terms)):
        if count(_text([*listed, phrase], "")) <= budget_tokens:
            listed.append(phrase)
    kept: list[str] = []
    for sentence_word in options.initial_prompt.split():
        if count(_text(listed, " ".join([*kept, sentence_word]))) > budget_tokens:
            break
        kept.append(sentence_word)
    return _text(listed, " ".join(kept))


def _unique(phrases: Iterable[str]) -> list[str]:
    tidy = (" ".join(phrase.split()) for phrase in phrases)
    return list(dict.fromkeys(phrase for phrase in tidy if phrase))


def _text(listed: list[str], prompt: str) -> str:
    glossary = f"{', '.join(reversed(listed))}." if listed else ""
    return " ".join(part for part in (prompt, glossary) if part)
