"""PURE: what a client's TTS events mean, in order, and which of them make no sense.

`synthesize` asks for speech at once. Between `synthesize-start` and `synthesize-stop` text comes in
chunks, and the plain `synthesize` that repeats it for old servers is passed over. `synthesize-stop`
without a start is a stream without text: whoever sends it waits for `synthesize-stopped` and gets it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wyoming_voice.errors import BadEvent, TooLarge
from wyoming_voice.extensions import MARKS

_FORMATS = ("text", "ssml")


@dataclass(frozen=True, slots=True)
class Wish:
    """The voice that a client asked for, None where it doesn't mind, and whether it wants to know how far
    its text has been said (`extensions.SPOKEN_MARKS`)."""

    name: str | None = None
    language: str | None = None
    marks: bool = False


@dataclass(frozen=True, slots=True)
class SpeakText:
    """Speak this text, all of it known."""

    text: str
    wish: Wish
    ssml: bool = False


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Get ready for text that comes in chunks."""

    wish: Wish
    ssml: bool = False


@dataclass(frozen=True, slots=True)
class StreamText:
    """More text of the open stream."""

    text: str


@dataclass(frozen=True, slots=True)
class CloseStream:
    """The open stream's text is complete."""


Effect = SpeakText | OpenStream | StreamText | CloseStream


class Session:
    """One connection's TTS events in, effects out; at most `max_text_chars` characters a request."""

    def __init__(self, max_text_chars: int) -> None:
        self._max_text_chars = max_text_chars
        self._streaming = False
        self._chars = 0

    def push(self, kind: str, data: Mapping[str, object]) -> list[Effect]:
        """Take one event; other kinds of events mean nothing.

        Raises BadEvent for one out of order or with a field of the wrong type, and TooLarge.
        """
        match kind:
            case "synthesize":
                return [] if self._streaming else [self._speak(data)]
            case "synthesize-start":
                return [self._open(data)]
            case "synthesize-chunk":
                return self._more(data)
            case "synthesize-stop":
                return self._close()
        return []

    def _speak(self, data: Mapping[str, object]) -> SpeakText:
        text, wish = _text(data, "synthesize"), _wish(data, "synthesize")
        self._check_size(len(text))
        return SpeakText(text, wish, _is_ssml(data, "synthesize"))

    def _open(self, data: Mapping[str, object]) -> OpenStream:
        if self._streaming:
            raise BadEvent("'synthesize-start' inside an open stream; send 'synthesize-stop' first")
        opened = OpenStream(_wish(data, "synthesize-start"), _is_ssml(data, "synthesize-start"))
        self._streaming, self._chars = True, 0
        return opened

    def _more(self, data: Mapping[str, object]) -> list[Effect]:
        if not self._streaming:
            raise BadEvent(
                "'synthesize-chunk' without an open stream; send 'synthesize-start' first"
            )
        text = _text(data, "synthesize-chunk")
        self._chars += len(text)
        self._check_size(self._chars)
        return [StreamText(text)] if text else []

    def _close(self) -> list[Effect]:
        if not self._streaming:
            return [OpenStream(Wish()), CloseStream()]
        self._streaming = False
        return [CloseStream()]

    def _check_size(self, chars: int) -> None:
        if chars > self._max_text_chars:
            raise too_long(chars, self._max_text_chars)


def readable(text: str) -> str:
    """The text without what no voice can read: lone surrogates, NUL."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", " ")


def too_long(chars: int, most_chars: int) -> TooLarge:
    """What a client is told about a text of so many characters."""
    return TooLarge(
        f"a text of {chars} characters or more; at most {most_chars} are spoken (--max-text-chars)"
    )


def _text(data: Mapping[str, object], kind: str) -> str:
    text = data.get("text")
    if not isinstance(text, str):
        raise BadEvent(f"'{kind}' needs 'text', a string")
    return readable(text)


def _wish(data: Mapping[str, object], kind: str) -> Wish:
    voice, context = data.get("voice"), data.get("context")
    marks = isinstance(context, Mapping) and context.get(MARKS) is True
    marks = marks and not _is_ssml(data, kind)
    if voice is None:
        return Wish(marks=marks)
    if not isinstance(voice, Mapping):
        raise BadEvent(f"'voice' of '{kind}' must be an object, such as {{\"name\": \"af_heart\"}}")
    return Wish(_optional(voice, "name", kind), _optional(voice, "language", kind), marks)


def _optional(voice: Mapping[str, object], field: str, kind: str) -> str | None:
    value = voice.get(field)
    if value is not None and not isinstance(value, str):
        raise BadEvent(f"'voice.{field}' of '{kind}' must be a string")
    return value


def _is_ssml(data: Mapping[str, object], kind: str) -> bool:
    value = data.get("text_format")
    if value is not None and value not in _FORMATS:
        raise BadEvent(
            f"'text_format' of '{kind}' is {str(value)[:40]!r}; send one of {', '.join(_FORMATS)}"
        )
    return value == "ssml"
