"""Every failure that a client or an operator is told about, and how the system's own are put.

VoiceError                       text for a person, `code` for a program
├── PeerError                    the client's fault: told to it, then that connection ends
│   ├── BadEvent                 bad-event: not an event, or one that makes no sense here
│   ├── BadAudio                 bad-audio: a format that can't be converted
│   ├── TooLarge                 too-large: over a limit, refused before it is read
│   ├── UnknownChoice            unknown-voice, unknown-model, unknown-language
│   ├── Busy                     busy: the queue or the house is full
│   ├── Forbidden                forbidden: an address that is not served here
│   └── TooSlow                  too-slow: the client doesn't read, or says nothing for too long
├── DeadlineExceeded             timeout: our own limit on a request
├── EngineError                  engine-failed: the model raised, or could not be loaded
├── UpstreamError                upstream-failed: the language model or another server
└── ConfigError                  settings that can't be used; the process ends with status 2
"""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self


class VoiceError(Exception):
    """A failure with a text for people and a `code` for programs."""

    code = "error"


class PeerError(VoiceError):
    """What the other side of one connection did wrong."""

    code = "bad-request"
    param: str | None = None
    """The field of a request that is refused, where it is one."""

    def about(self, param: str) -> Self:
        """The same, of a field of a request."""
        self.param = param
        return self


class BadEvent(PeerError):
    """Bytes that are no event, or an event that makes no sense here."""

    code = "bad-event"


class BadAudio(PeerError):
    """An audio format that can't be converted."""

    code = "bad-audio"


class TooLarge(PeerError):
    """More than a limit allows."""

    code = "too-large"


class Busy(PeerError):
    """No room for one more; asking again later helps."""

    code = "busy"


class Forbidden(PeerError):
    """A client whose address is not among those that are served."""

    code = "forbidden"


class TooSlow(PeerError):
    """A client that neither reads nor writes in time."""

    code = "too-slow"


class UnknownChoice(PeerError):
    """A name that is not on the list; says the nearest one, or where none is near what there is."""

    def __init__(self, kind: str, value: str, known: Iterable[str], meant: str = "") -> None:
        """`kind` is what was named ("voice", "model", "language"); it becomes the code.

        `meant`: the choice that `value` says in other words, where there is one.
        """
        choices = sorted(known)
        near = [meant] if meant else get_close_matches(value, choices, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"known: {_listed(choices)}"
        super().__init__(f"unknown {kind} {_shortened(value)!r}; {remedy}")
        self.code = f"unknown-{kind}"
        self.param = kind
        self.meant = meant


class DeadlineExceeded(VoiceError):
    """A request that took longer than our own limit."""

    code = "timeout"


class EngineError(VoiceError):
    """A model that raised, or could not be loaded."""

    code = "engine-failed"


class UpstreamError(VoiceError):
    """Another server that we depend on failed."""

    code = "upstream-failed"


class ConfigError(VoiceError):
    """Settings that can't be used; one line for each mistake."""

    code = "bad-settings"


def why(error: OSError) -> str:
    """What the system says, without the address or the path, which stand in the exception's text."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__


def _listed(choices: list[str], most: int = 12) -> str:
    shown = ", ".join(choices[:most]) or "none"
    return f"{shown} and {len(choices) - most} more" if len(choices) > most else shown


def _shortened(value: str, most: int = 80) -> str:
    return value if len(value) <= most else f"{value[:most]}…"
