"""What a Wyoming server says it is: `info`, and `describe`, which asks for it.

Our servers name in it what they do beyond the protocol (`extensions`); others' clients pass over that
key. Rules: whatever answers, the failure names the address that was asked; nothing beyond the protocol is
sent to who has not named it.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info

from wyoming_voice.errors import UpstreamError
from wyoming_voice.wire import Connection, connect

EXTENSIONS = "extensions"
"""The key of `info` under which our servers list their extensions, as strings."""


class Declined(UpstreamError):
    """A server that answers with an error instead of its description: in its words, and their code."""

    def __init__(self, uri: str, text: str, said: str) -> None:
        super().__init__(f"{uri} says: {text or 'an error'}")
        self.said = said


@dataclass
class Description(Info):
    """`info` with the names of what a server does beyond the protocol (`wyoming_voice.extensions`)."""

    extensions: frozenset[str] = frozenset()

    def event(self) -> Event:
        """As the protocol has it, with one more key where there are extensions."""
        event = super().event()
        if self.extensions:
            event.data[EXTENSIONS] = sorted(self.extensions)
        return event

    @classmethod
    def of(cls, event: Event) -> Self:
        """The description in an `info` event; raises what a malformed one makes Wyoming's parser raise.

        Of what that lets pass the languages of voices are looked at, which a voice is chosen by (TypeError).
        """
        names = event.data.get(EXTENSIONS)
        listed: Iterable[object] = names if isinstance(names, list) else ()
        extensions = frozenset(name for name in listed if isinstance(name, str))
        info = Info.from_event(event)
        voices = (voice for program in info.tts for voice in program.voices)
        if not all(isinstance(tag, str) for voice in voices for tag in voice.languages):
            raise TypeError("the languages of a voice are strings")
        return cls(**vars(info), extensions=extensions)


def listing(info: Info, *extensions: str) -> Event:
    """The `info` event of a server that knows these extensions beside its own."""
    event = info.event()
    event.data[EXTENSIONS] = sorted({*event.data.get(EXTENSIONS, ()), *extensions})
    return event


async def describe(uri: str, timeout_s: float = 2.0) -> tuple[Description, float]:
    """What the server at `uri` says of itself, and how long that took in ms, connecting included.

    Raises OSError (TimeoutError among them) when it can't be reached, UpstreamError when it answers
    with something else.
    """
    start_s = time.monotonic()
    async with connect(uri, timeout_s=timeout_s) as connection, asyncio.timeout(timeout_s):
        info = await describe_on(connection, uri)
        return info, (time.monotonic() - start_s) * 1000.0


async def describe_on(connection: Connection, uri: str) -> Description:
    """What the server at the other end of an open connection says of itself, before anything is asked of it.

    Raises OSError when it has gone, Declined when it answers with an error, UpstreamError when with
    something else.
    """
    await connection.write(Describe().event())
    async for event in connection:
        if Info.is_type(event.type):
            return _info_in(event, uri)
        if Error.is_type(event.type):
            text, code = (str(event.data.get(key) or "") for key in ("text", "code"))
            raise Declined(uri, text, code)
    raise UpstreamError(
        f"{uri} closed without describing itself; is it a Wyoming server?"
        " Behind a load balancer: are its servers up?"
    )


def _info_in(event: Event, uri: str) -> Description:
    try:
        return Description.of(event)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UpstreamError(f"{uri} describes itself in a way that can't be read") from error
