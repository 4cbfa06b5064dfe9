"""Chunks of a streamed chat completion in, what the speaker should hear of it out.

The chunks are those of OpenAI's API (https://platform.openai.com/docs/api-reference/chat-streaming) as
llama-swap, llama.cpp, vLLM and Ollama send them. Rule: only the answer is spoken. Thoughts are not,
whether they come in a field of their own or between tags in the text, nor are calls of tools, and neither is
the banner with which llama-swap passes the time while a model loads. An answer that was cut by a limit asks
for nothing: half a call may be quite another one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wyoming_voice.handle.llm.calls import StreamedCalls
from wyoming_voice.handle.llm.hidden import HiddenBlocks
from wyoming_voice.handle.tools.toolbox import ToolCall

DONE = "[DONE]"
_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")


@dataclass(frozen=True, slots=True)
class Text:
    """The next piece of the answer, as the model cut it."""

    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The model is not there yet: it loads, or others are being served."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model is at work on something that is not spoken."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What the model wants to have done, all of it; comes once, before the end."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Acting:
    """What the model wants is being done; `changes`: something by us that had better not be done twice."""

    changes: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete; `reason` is `stop`, `length` (cut by a limit), or another of the server's."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The server reported an error in the middle of the stream.

    `kind` is its type or code, fit for a log; `message` may repeat what was asked.
    """

    kind: str
    message: str


Delta = Text | Waiting | Thinking | Calls | Acting | Finished | Failed

_CUT = ("length", "content_filter")


class Deltas:
    """One answer; a document at a time, in order."""

    def __init__(self) -> None:
        self.begun = False
        """Whether anything so far was a part of an answer, be it without words."""
        self._content = HiddenBlocks()
        self._banner = _Banner()
        self._calls = StreamedCalls()
        self._finished = False

    def push(self, document: str) -> list[Delta]:
        """What one document of the stream means; one that makes no sense means nothing."""
        if document == DONE:
            return self._end("stop")
        chunk = _parsed(document)
        if (failed := _failure(chunk)) is not None:
            return [failed]
        self.begun = self.begun or "choices" in chunk
        choice = _first(chunk.get("choices"))
        body = _object(choice.get("delta")) or _object(choice.get("message"))
        found = [*self._reasoning(body), *self._text(_words(body.get("content")))]
        if self._calls.push(body):
            found.append(Thinking())
        reason = choice.get("finish_reason")
        return found + (self._end(reason) if isinstance(reason, str) and reason else [])

    def finish(self) -> list[Delta]:
        """What was held back when the body ended, with or without an end that was announced."""
        return _text_of(self._content.finish())

    def _end(self, reason: str) -> list[Delta]:
        if self._finished:
            return []
        self._finished = True
        calls = self._calls.finish() if reason not in _CUT else ()
        return [*self.finish(), *([Calls(calls)] if calls else []), Finished(reason)]

    def _reasoning(self, body: Mapping[str, Any]) -> list[Delta]:
        thoughts = "".join(_words(body.get(name)) for name in _REASONING_FIELDS)
        sign = self._banner.push(thoughts) if thoughts else None
        return [sign] if sign else []

    def _text(self, words: str) -> list[Delta]:
        if not words:
            return []
        return _text_of(self._content.push(words)) or [Thinking()]


class _Banner:
    """Tells llama-swap's banner from a model's own thoughts.

    With `sendLoadingState` llama-swap streams, as `reasoning_content` and a few characters at a time,
    a rule of `━`, `llama-swap loading model: NAME`, remarks and dots, `Done! (7.26s)` and another rule;
    then the model's own chunks follow on the same stream (internal/router/loading.go in
    https://github.com/mostlygeek/llama-swap).
    """

    _TITLE = "llama-swap loading model"
    _END = "Done! ("
    _KEPT_CHARS = 80

    def __init__(self) -> None:
        self._seen = ""
        self._loading = False
        self._over = False

    def push(self, thoughts: str) -> Waiting | Thinking | None:
        """None while nobody can tell, and for blanks, which are no sign of life."""
        if self._over:
            return Thinking() if thoughts.strip() else None
        self._seen += thoughts
        if self._loading:
            return self._until_the_end()
        title = self._seen.lstrip("━ \r\n")
        if title.startswith(self._TITLE):
            self._loading = True
            return self._until_the_end()
        self._over = not self._TITLE.startswith(title)
        return Thinking() if self._over else None

    def _until_the_end(self) -> Waiting:
        _, _, after = self._seen.rpartition(self._END)
        self._over = "━\n" in after and after != self._seen
        self._seen = self._seen[-self._KEPT_CHARS :]
        return Waiting()


def _parsed(document: str) -> Mapping[str, Any]:
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return _object(value)


def _failure(chunk: Mapping[str, Any]) -> Failed | None:
    """An error object, also one without the envelope `{"error": ...}` (llama.cpp's `error:` field)."""
    error = chunk.get("error")
    if not error and not ("message" in chunk and "choices" not in chunk):
        return None
    detail = _object(error) if error else chunk
    kind = detail.get("type") or detail.get("code") or "unnamed"
    return Failed(kind=str(kind)[:40], message=str(detail.get("message") or error)[:500])


def _words(content: object) -> str:
    """The text of `content`: a string, null, or a list of parts of which some are text."""
    match content:
        case str():
            return content
        case list():
            return "".join(_words(part.get("text")) for part in map(_object, content))
        case _:
            return ""


def _text_of(words: str) -> list[Delta]:
    return [Text(words)] if words else []


def _first(choices: object) -> Mapping[str, Any]:
    return _object(choices[0]) if isinstance(choices, list) and choices else {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
