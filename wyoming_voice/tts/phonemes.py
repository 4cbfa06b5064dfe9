"""Text to Kokoro's phonemes: the one importer of misaki and spaCy.

Rule: nothing is downloaded. misaki's English wants spaCy's tagging model and would install it by pip in
the running process; where it isn't installed, rules give the tags (`g2p.penn_tags`).
"""

import logging
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from wyoming_voice.errors import EngineError
from wyoming_voice.tts.g2p import Phonemes, Token, by_words, penn_tags
from wyoming_voice.tts.voices import KOKORO_LANGUAGES

_log = logging.getLogger(__name__)

G2p = Callable[[str], Phonemes]

_ESPEAK_LANGUAGES = {"e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
_SPACY_MODEL = "en_core_web_sm"

_MISAKI_FAILS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What misaki raises for text that it wasn't made for, such as a number of 400 digits."""


def g2p_for(letter: str) -> G2p:
    """Text to phonemes for the language of a voice's first letter; raises EngineError."""
    g2p = _made(letter)
    # After the backend was made, which sets the level; it warns of each word that espeak-ng splits.
    logging.getLogger("phonemizer").setLevel(logging.ERROR)
    return g2p


def _made(letter: str) -> G2p:
    if letter in "ab":
        return _english_g2p(british=letter == "b")
    if letter in _ESPEAK_LANGUAGES:
        from misaki.espeak import EspeakG2P

        return _first_of(EspeakG2P(_ESPEAK_LANGUAGES[letter]))
    try:
        return _asian_g2p(letter)
    except ImportError as error:
        language = KOKORO_LANGUAGES[letter][1]
        extra = "ja" if letter == "j" else "zh"
        raise EngineError(
            f"{language} needs {error.name}, which is not installed; pip install 'misaki[{extra}]'"
        ) from error


def _asian_g2p(letter: str) -> G2p:
    if letter == "j":
        from misaki.ja import JAG2P

        return _first_of(JAG2P())
    from misaki.zh import ZHG2P

    return _first_of(ZHG2P(version=None))


def _first_of(g2p: Callable[[str], tuple[str, object]]) -> G2p:
    return lambda text: by_words(text, g2p(text)[0])


def _english_g2p(*, british: bool) -> G2p:
    """misaki's lexicon; words are tagged by spaCy's model where that is installed, else by rules."""
    import spacy.util
    from misaki.espeak import EspeakFallback

    fallback = EspeakFallback(british=british)
    if spacy.util.is_package(_SPACY_MODEL):
        from misaki.en import G2P

        _log.info("English: misaki's lexicon, tags by spaCy's %s", _SPACY_MODEL)
        g2p = G2P(british=british, fallback=fallback, unk="")
    else:
        _log.info("English: misaki's lexicon, tags by rules (%s is not installed)", _SPACY_MODEL)
        g2p = _rule_g2p(british, fallback)

    def phonemes(text: str) -> Phonemes:
        try:
            return _by_tokens(text, *g2p(text, preprocess=False))
        except _MISAKI_FAILS as error:
            _log.warning("misaki failed with %s; espeak-ng reads this piece", type(error).__name__)
            return by_words(text, fallback(SimpleNamespace(text=text))[0] or "")

    return phonemes


def _by_tokens(text: str, symbols: str, tokens: Iterable[Any]) -> Phonemes:
    """`symbols` are the tokens' phonemes, with the white space between them."""
    found: list[Token] = []
    start = first = 0
    for token in tokens:
        at, last = text.find(token.text, start), first + len(token.phonemes or "")
        if at >= 0:
            start = at + len(token.text)
            if last > first:
                found.append(Token(at, start, first, last))
        first = last + len(token.whitespace)
    return Phonemes(symbols, tuple(found))


def _rule_g2p(british: bool, fallback: object) -> Any:
    """misaki's English G2P without its constructor, which would install a spaCy model."""
    import spacy
    from misaki.en import G2P, Lexicon
    from spacy.language import Language
    from spacy.tokens import Doc

    if not Language.has_factory("rule_tagger"):

        @Language.component("rule_tagger")  # type: ignore[untyped-decorator]
        def rule_tagger(doc: Doc) -> Doc:
            for token, tag in zip(doc, penn_tags([token.text for token in doc]), strict=True):
                token.tag_ = tag
            return doc

    g2p = G2P.__new__(G2P)
    g2p.version, g2p.british, g2p.unk = None, british, ""
    g2p.nlp = spacy.blank("en")
    g2p.nlp.add_pipe("rule_tagger")
    g2p.lexicon, g2p.fallback = Lexicon(british), fallback
    return g2p
