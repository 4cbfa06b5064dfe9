"""What this server says of its own accord, in the language of whoever is spoken to.

Decides which sentences there are, and which language's. `sentences/` has a file for each language, with all
of them. Rule: whoever has something to say names its kind; words are made of it where it is said, so that
nothing is ever told by its text.
"""

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files

from wyoming_voice.core.own_languages import own_language


class Own(StrEnum):
    """What is said beside what a language model's `Failure` is told with."""

    BROKE_OFF_THERE = "broke-off-there"
    """Ends an answer of which the first part has been spoken already."""
    DONE = "done"
    """The model did what it was asked and says nothing."""
    DONE_AND_BROKE_OFF = "done-and-broke-off"
    """The model did something and then failed."""
    NOTHING_HEARD = "nothing-heard"
    """The transcript was empty."""
    UNFIT = "unfit"
    """What a model called for makes no sense; nothing was done."""
    UNSURE = "unsure"
    """A command may have been carried out, or not."""
    NO_MODEL_CONFIGURED = "no-model-configured"
    """A question that only a model could answer."""
    ONE_MOMENT = "one-moment"
    """Somebody is being waited for."""


def in_words(kind: StrEnum, language: str) -> str:
    """The sentence for an `Own` or a `Failure`; `language` is a BCP-47 tag, or "" when it is not known."""
    return _sentences(own_language(language))[kind]


@cache
def _sentences(language: str) -> dict[str, str]:
    shipped = files("wyoming_voice.handle") / "sentences" / f"{language}.toml"
    return tomllib.loads(shipped.read_text(encoding="utf-8"))
