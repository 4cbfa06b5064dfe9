"""Simple commands that are understood without a language model, and act at once.

Decides who is asked whether a sentence is understood. A client that can do something itself comes first:
its own timers are the ones that it means. For all others Home Assistant does, which knows the house.

Rule: looking changes nothing, so it may be done for a question that nobody has asked yet; acting is done
once, after the question stands. The model is asked only where nothing was done; where that isn't known, the
person is told so, and nothing is tried again. What a person says in so many words is done whatever a model
may do: `--tools-allow` and `--tools-deny` are about the model's tools.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.session import Question

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wyoming_voice.hass.assist import Assist

LOOK_WITHIN_S = 0.25
"""Longest look; every question that goes to the model waits for it first."""

PATIENCE_S = 3.0
"""Longer than that where there is no model: the first look in a language, which has its sentences loaded,
would be lost with nobody else to ask."""

MOST_CHARS = 200
"""A simple command is a short one; what is longer goes to the model unlooked at."""


class NotDone(Exception):
    """It was understood and yet nothing was done, so the model may be asked."""


class Understood(Protocol):
    """A question that needs no model."""

    @property
    def name(self) -> str:
        """Who understood it, or what: for the log, and never what was said."""

    async def act(self) -> str:
        """Do it, once, and say what came of it; raises NotDone, and nothing else.

        What failed after it may have been done is a sentence, too; never an empty one.
        """


class FastPath(Protocol):
    """Whoever understands simple commands."""

    async def look(self, question: Question) -> Understood | None:
        """Whether `question` is understood, changing nothing; never raises.

        Within `LOOK_WITHIN_S`, and whatever patience its maker has beside that.
        """

    def warm(self, question: Question) -> None:
        """Such a question, whose text nobody knows, is likely to come; returns at once."""

    async def close(self) -> None:
        """Let go of what is open."""


class OwnOrHouse:
    """What the client does itself, and what Home Assistant does: whoever understands first has it."""

    def __init__(self, own: FastPath, house: FastPath, patience_s: float = 0.0) -> None:
        self._within_s = LOOK_WITHIN_S + patience_s
        self._own = own
        self._house = house

    async def look(self, question: Question) -> Understood | None:
        """The client's own where there is a client; the clock that everyone has comes last."""
        paths = (self._own, self._house) if question.client else (self._house, self._own)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._within_s):
                for path in paths:
                    if understood := await path.look(question):
                        return understood
        return None

    def warm(self, question: Question) -> None:
        """Both."""
        self._own.warm(question)
        self._house.warm(question)

    async def close(self) -> None:
        """Both, though not what they ask."""
        await self._own.close()
        await self._house.close()


def fast_path(
    assist: "Assist | None", clock: "Callable[[], datetime]", patience_s: float = 0.0
) -> FastPath:
    """What `--fast-intents` stands for: with Home Assistant where it is named, `clock` in local time.

    `patience_s`: how much longer than `LOOK_WITHIN_S` a look may take. Raises ConfigError where the libraries
    are missing.
    """
    from wyoming_voice.handle.fast.house import HouseFast
    from wyoming_voice.handle.fast.satellite import SatelliteFast

    try:
        from wyoming_voice.handle.fast.sentences import Sentences
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library == "wyoming_voice":
            raise  # a bug of ours, which no extra mends
        raise ConfigError(
            f"--fast-intents needs {library!r}: pip install 'wyoming-voice[intents]'"
        ) from error
    own = SatelliteFast(Sentences, clock, patience_s)
    if assist is None:
        return own
    return OwnOrHouse(own, HouseFast(assist, patience_s), patience_s)
