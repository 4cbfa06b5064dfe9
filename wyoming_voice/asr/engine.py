"""What a recogniser is to its caller: a name, languages, and a generator of segments.

Plain data, so that the server, the gate and the tests know no model.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
"""What every engine hears."""

Audio = npt.NDArray[np.float32]
"""Mono samples within [-1, 1] at RATE_HZ, shape (n,)."""

Task = Literal["transcribe", "translate"]
"""Write what is said in its own language, or in English."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was written (with its leading space), and when it was said, in seconds."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Snap:
    """A name that was written for what was heard; how far apart they sound, and how probable that was."""

    heard: str
    name: str
    distance: float
    probability: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the model says about its own segment; None where it can't tell.

    `no_speech` is a probability, `log_prob` the mean over the tokens (natural logarithm),
    `compression` the length of the text over its length under zlib. `cut` means that the decoder
    was stopped by its limit, not by an end of its own. `context_s` is how much the model was shown
    (speech and padding), where that is chosen by the request; `again` says why it had to be shown more,
    and is empty when it hadn't. `language` is how probable the language was, where it had to be found.
    `names` is how many names the model was told; `echo` what the text has of them (see `echo`), which was
    heard in `spoken_s` seconds of speech, if that is known. `snaps` are the names in the text that were
    not heard as they are (see `snapping`).
    """

    no_speech: float | None = None
    log_prob: float | None = None
    compression: float | None = None
    cut: bool = False
    context_s: float | None = None
    again: str = ""
    language: float | None = None
    names: int = 0
    echo: str = ""
    spoken_s: float | None = None
    snaps: tuple[Snap, ...] = ()


def facts(evidence: Iterable[Evidence]) -> dict[str, str | float]:
    """For the log: how many names the model was told, how much it was shown, and why it was asked again."""
    evidence = [*evidence]
    found: dict[str, str | float] = {}
    if names := max((one.names for one in evidence), default=0):
        found["names"] = names
    if shown_s := [one.context_s for one in evidence if one.context_s is not None]:
        found["context"] = max(shown_s)
    if again := [one.again for one in evidence if one.again]:
        found["context_again"] = again[0]
    return found


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the transcript. Texts are joined without a separator: they bring their own spaces."""

    text: str
    start_s: float
    end_s: float
    language: str
    words: tuple[Word, ...] = ()
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class Glossary:
    """Names of a house, spelled as there, the likeliest to be said first; `likely`: how many of them are."""

    names: tuple[str, ...] = ()
    likely: int = 0


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How one piece of audio is to be heard.

    `language` is one of the engine's, or None to detect one, then among `languages` where that is
    not empty. `names`, `hotwords`, `terms`, `house` and `initial_prompt` bias the spelling, in this order
    of importance. `speech_s` is from when to when somebody speaks in the audio, in seconds, if that is
    known. With `want_words` segments have their words; the text is the same as without. `doubted` says of
    a text and its language that its words are wanted all the same, for their probabilities.
    """

    language: str | None = None
    languages: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    hotwords: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    house: Glossary = Glossary()
    initial_prompt: str = ""
    beam_size: int = 1
    want_words: bool = False
    doubted: Callable[[str, str], bool] | None = None
    task: Task = "transcribe"
    speech_s: tuple[float, float] | None = None

    def wants_words_of(self, text: str, language: str) -> bool:
        """Whether a segment with this text is to have its words."""
        return self.want_words or (self.doubted is not None and self.doubted(text, language))


class Engine(Protocol):
    """A loaded or loadable model; its methods block and run in a worker's thread."""

    @property
    def name(self) -> str:
        """What a client asks for in `transcribe.name`."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes that it understands, also before `load` as far as they can be known then."""

    @property
    def longest_s(self) -> float:
        """How much audio it hears well at once; longer audio is better cut at pauses."""

    @property
    def at_once(self) -> int:
        """How many transcriptions it gains from having inside at the same time; final after `load`."""

    def load(self) -> None:
        """Get ready; raises EngineError with the remedy."""

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        """The segments of `audio` (of any length), one at a time; raises EngineError.

        None is a breath: more is to come, and this is a moment at which the generator may be dropped.
        Generators of several requests may be open at once and take turns, also between threads.
        """
