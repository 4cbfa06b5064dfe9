"""One connection's events into utterances: which audio belongs to which transcript.

Rules: one transcript is owed for each utterance, and an utterance ends with `audio-stop`, unless the server
has ended it before: then what still comes of it is passed over, up to its `audio-stop`. A missing
`transcribe` or `audio-start` is tolerated; a `transcribe`, or an `audio-start` after some audio, begins the
utterance anew. What was asked for holds for one utterance. An `audio-stop` that ends nothing is owed an
empty transcript, but a second one in a row is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import BadEvent, TooLarge

_MOST_PHRASES = 1000
_LONGEST_PHRASE = 200
_MOST_IN_FORMAT = 2**32 - 1
"""The largest number that a WAV header can hold; JSON's can be too large to calculate with."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to have done with its utterance; `language` is a tag of any kind."""

    language: str | None = None
    model: str | None = None
    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    context: Mapping[str, Any] | None = None
    vad_sensitivity: str | None = None

    def flag(self, name: str) -> bool | None:
        """A yes or no in the context; None where there is neither."""
        value = self.context.get(name) if self.context is not None else None
        return value if isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Begun:
    """A transcript is owed from here on."""

    wish: Wish


@dataclass(frozen=True, slots=True)
class Restarted:
    """The utterance begins anew: forget what was heard of it."""

    wish: Wish


@dataclass(frozen=True, slots=True)
class Heard:
    """Some audio of the utterance; it may end anywhere, also inside a sample."""

    source: AudioFormat
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The utterance is over."""


Effect = Begun | Restarted | Heard | Ended


class Session:
    """The utterances of one connection, of at most `max_audio_s` seconds each."""

    def __init__(self, max_audio_s: float) -> None:
        self._max_audio_s = max_audio_s
        self._wish = Wish()
        self._source: AudioFormat | None = None
        self._open = False
        self._stop_counts = True
        self._passing_over = False
        self._heard_ms = 0.0

    def ended_early(self) -> None:
        """The server has ended the utterance that is open: the rest of it is owed nothing."""
        if self._open:
            self._close()
            self._passing_over = True

    def push(self, event: Event) -> list[Effect]:
        """What follows from one event; other events than ASR's mean nothing. Raises BadEvent, TooLarge."""
        match event.type:
            case "transcribe":
                return self._transcribe(event.data)
            case "audio-start":
                return self._start(event.data)
            case "audio-chunk":
                return self._chunk(event.data, event.payload or b"")
            case "audio-stop":
                return self._stop()
            case _:
                return []

    def _transcribe(self, data: Mapping[str, Any]) -> list[Effect]:
        self._wish = wish_in(data)
        self._source = None
        self._passing_over = False
        self._stop_counts = True
        return self._restarted() if self._open else []

    def _start(self, data: Mapping[str, Any]) -> list[Effect]:
        self._source = self._format_in(data)
        self._passing_over = False
        if not self._open:
            return [self._begun()]
        return self._restarted() if self._heard_ms else []

    def _chunk(self, data: Mapping[str, Any], pcm: bytes) -> list[Effect]:
        if self._passing_over:
            return []
        source = self._format_in(data)
        begun: list[Effect] = [] if self._open else [self._begun()]
        self._heard_ms += source.ms(len(pcm))
        if self._heard_ms > 1000 * self._max_audio_s:
            raise TooLarge(
                f"an utterance of more than {self._max_audio_s:g} s; send audio-stop sooner, or start "
                "the server with a larger --max-audio-s"
            )
        return [*begun, Heard(source, pcm)] if pcm else begun

    def _stop(self) -> list[Effect]:
        self._passing_over = False
        if not self._open and not self._stop_counts:
            return []
        begun: list[Effect] = [] if self._open else [self._begun()]
        self._close()
        return [*begun, Ended()]

    def _close(self) -> None:
        self._open = self._stop_counts = False
        self._wish = Wish()
        self._source = None

    def _begun(self) -> Begun:
        self._open = True
        self._heard_ms = 0.0
        return Begun(self._wish)

    def _restarted(self) -> list[Effect]:
        self._heard_ms = 0.0
        return [Restarted(self._wish)]

    def _format_in(self, data: Mapping[str, Any]) -> AudioFormat:
        """The format that an event names; what it leaves out is as it was before."""
        before = self._source
        return AudioFormat(
            _positive(data, "rate", before.rate_hz if before else None),
            _positive(data, "width", before.width_bytes if before else None),
            _positive(data, "channels", before.channels if before else None),
        )


def _positive(data: Mapping[str, Any], field: str, before: int | None) -> int:
    value = data.get(field)
    value = before if value is None else value
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_IN_FORMAT:
        raise BadEvent(f"audio needs a '{field}', a whole number above 0, not {_brief(value)}")
    return value


def wish_in(data: Mapping[str, Any]) -> Wish:
    """What a `transcribe` asks for; raises BadEvent with the name of the field that can't be read."""
    context = data.get("context")
    if context is not None and not isinstance(context, dict):
        raise BadEvent(f"'context' must be an object, not {_brief(context)}")
    return Wish(
        language=_text(data, "language"),
        model=_text(data, "name"),
        names=_phrases(data, "transcript_names"),
        terms=_phrases(data, "transcript_terms"),
        context=context,
        vad_sensitivity=_text(data, "vad_sensitivity"),
    )


def _text(data: Mapping[str, Any], field: str) -> str | None:
    value = data.get(field)
    if value is not None and not isinstance(value, str):
        raise BadEvent(f"'{field}' must be a string, not {_brief(value)}")
    return value or None


def _phrases(data: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """At most `_MOST_PHRASES`: more have no room in any model's prompt, and counting them takes time."""
    value = data.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(phrase, str) for phrase in value):
        raise BadEvent(f"'{field}' must be a list of strings, not {_brief(value)}")
    return tuple(phrase for phrase in value[:_MOST_PHRASES] if len(phrase) <= _LONGEST_PHRASE)


def _brief(value: object) -> str:
    return "nothing" if value is None else repr(value)[:40]
