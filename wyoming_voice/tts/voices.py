"""Which voices there are, what they are called, and which of them a request gets.

Kokoro's names say it all: language, gender, name (`af_heart`). The list is that of Kokoro v1.0
(https://huggingface.co/hexgrad/Kokoro-82M/blob/main/VOICES.md). A blend, `af_bella(2)+af_sky(1)`, is a
weighted mean of voices of one language. Rule: what is not on the list is refused with the nearest name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_voice.errors import BadEvent, UnknownChoice

KOKORO_LANGUAGES = {
    "a": ("en-US", "US English"),
    "b": ("en-GB", "British English"),
    "e": ("es", "Spanish"),
    "f": ("fr-FR", "French"),
    "h": ("hi-IN", "Hindi"),
    "i": ("it-IT", "Italian"),
    "j": ("ja-JP", "Japanese"),
    "p": ("pt-BR", "Brazilian Portuguese"),
    "z": ("zh-CN", "Mandarin Chinese"),
}
"""First letter of a Kokoro voice: its BCP-47 tag and the language's name."""

_GENDERS = {"f": "female", "m": "male"}
_KOKORO_NAME = re.compile(r"([abefhijpz])([fm])_(\w+)")
_BLEND_PART = re.compile(r"([\w-]+)\s*(?:\(\s*(\d+(?:\.\d+)?|\.\d+)\s*\))?")
_MOST_BLENDED = 8

_KOKORO_NAMES = {
    "af": "heart alloy aoede bella jessica kore nicole nova river sarah sky",
    "am": "adam echo eric fenrir liam michael onyx puck santa",
    "bf": "alice emma isabella lily",
    "bm": "daniel fable george lewis",
    "ef": "dora",
    "em": "alex santa",
    "ff": "siwis",
    "hf": "alpha beta",
    "hm": "omega psi",
    "if": "sara",
    "im": "nicola",
    "jf": "alpha gongitsune nezumi tebukuro",
    "jm": "kumo",
    "pf": "dora",
    "pm": "alex santa",
    "zf": "xiaobei xiaoni xiaoxiao xiaoyi",
    "zm": "yunjian yunxi yunxia yunyang",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice as clients see it; `language` is a BCP-47 tag."""

    name: str
    language: str
    description: str


@dataclass(frozen=True, slots=True)
class Blend:
    """Voices with their shares of the sound; the shares add up to 1."""

    parts: tuple[tuple[str, float], ...]


def kokoro_voice(name: str) -> Voice | None:
    """What Kokoro's naming says about a voice, or None when it isn't named that way."""
    match = _KOKORO_NAME.fullmatch(name)
    if match is None:
        return None
    letter, gender, person = match.groups()
    tag, language = KOKORO_LANGUAGES[letter]
    shown = person.replace("_", " ").title()
    return Voice(name, tag, f"{shown}, {language}, {_GENDERS[gender]}")


KOKORO_VOICES = tuple(
    voice
    for kind, people in _KOKORO_NAMES.items()
    for person in people.split()
    if (voice := kokoro_voice(f"{kind}_{person}"))
)


def parse_blend(text: str, known: Sequence[str]) -> Blend:
    """The voices and shares in `af_bella(2)+af_sky`; one name alone is a blend of itself.

    Raises UnknownChoice for a part that is not in `known`, BadEvent for parts that can't be mixed.
    """
    weights: dict[str, float] = {}
    for part in text.split("+"):
        match = _BLEND_PART.fullmatch(part.strip())
        if match is None:
            raise UnknownChoice("voice", text, known)
        name, weight = match.groups()
        if name not in known:
            raise UnknownChoice("voice", name, known)
        weights[name] = weights.get(name, 0.0) + float(weight or 1)
    _check_blend(text, weights)
    total = sum(weights.values())
    return Blend(tuple((name, weight / total) for name, weight in weights.items()))


def _check_blend(text: str, weights: dict[str, float]) -> None:
    if len(weights) > _MOST_BLENDED:
        raise _unmixable(f"a blend of {len(weights)} voices; at most {_MOST_BLENDED} can be mixed")
    if sum(weights.values()) <= 0:
        raise _unmixable(
            f"the weights in {text[:80]!r} add up to nothing; give one voice more than 0"
        )
    by_language = {KOKORO_LANGUAGES[name[0]][1]: name for name in weights}
    if len(by_language) > 1:
        mixed = " and ".join(f"{name} ({language})" for language, name in by_language.items())
        raise _unmixable(f"a blend needs voices of one language, not {mixed}")


def _unmixable(why: str) -> BadEvent:
    return BadEvent(why).about("voice")


class Catalogue:
    """The voices of one engine, the default first, and the choice among them."""

    def __init__(self, voices: Sequence[Voice], default: str) -> None:
        """Raises UnknownChoice or BadEvent when `default` can't be spoken with."""
        self._known = {voice.name: voice for voice in voices}
        self._default = self.named(default)
        rest = [voice for voice in voices if voice.name != self._default.name]
        self.voices = (self._default, *rest)

    def choose(self, name: str | None, language: str | None) -> Voice:
        """The voice for a request: by name, else by language, else the default.

        A language is met by its own tag first, then by its primary part ("en" by "en-US"), each time by
        the default voice if that fits. Raises UnknownChoice.
        """
        if name:
            return self.named(name)
        if not language:
            return self._default
        wanted = language.replace("_", "-").lower()
        exact = [voice for voice in self.voices if voice.language.lower() == wanted]
        related = [voice for voice in self.voices if _primary(voice.language) == _primary(wanted)]
        if not exact and not related:
            raise UnknownChoice("language", language, {voice.language for voice in self.voices})
        return (exact or related)[0]

    def named(self, name: str) -> Voice:
        """The voice of that name; UnknownChoice when there is none."""
        voice = self._known.get(name.strip())
        if voice is None:
            raise UnknownChoice("voice", name, self._known, self._speaker_of(name))
        return voice

    def _speaker_of(self, language: str) -> str:
        """The first voice in whose description a language's English name stands, `""` for none."""
        name = language.strip().casefold()
        described = ((voice.name, voice.description.casefold()) for voice in self._known.values())
        words = ((voice, re.findall(r"\w+", text)) for voice, text in described)
        return next((voice for voice, said in words if name in said), "")


class BlendingCatalogue(Catalogue):
    """A catalogue whose voices can be mixed, as Kokoro's can."""

    def named(self, name: str) -> Voice:
        """The voice or the blend of that name; UnknownChoice or BadEvent when there is none."""
        try:
            blend = parse_blend(name.strip(), list(self._known))
        except UnknownChoice as error:
            if meant := self._speaker_of(name):
                raise UnknownChoice("voice", name, self._known, meant) from error
            raise
        first = self._known[blend.parts[0][0]]
        if len(blend.parts) == 1:
            return first
        shares = " + ".join(
            f"{round(share * 100)} % {self._known[part].description.split(',')[0]}"
            for part, share in blend.parts
        )
        language = KOKORO_LANGUAGES[first.name[0]][1]
        return Voice(name.strip(), first.language, f"{shares}, {language}, blend")


def _primary(tag: str) -> str:
    return tag.lower().partition("-")[0]
