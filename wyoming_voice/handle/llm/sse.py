"""Bytes of a streamed HTTP answer in, the JSON documents in it out.

Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) as language model
servers write them: one document in one `data:` line. Rule: whatever can be understood is, since the
servers differ: no blank line between events or at the end, `data:` with or without a space, CRLF,
comments as keep-alive, an `error:` field (older llama.cpp), a bare JSON line in the middle (llama-swap
before its in-stream errors, https://github.com/mostlygeek/llama-swap/issues/1029), or one document
instead of a stream (a server that ignores `"stream": true`). `httpx_sse` takes none of the last three,
insists on the content type, and drops an event that has no blank line after it.
"""

import codecs
import re

MAX_LINE_CHARS = 1_048_576
"""No delta is near this long; a line that is longer holds no answer."""

_LINE_ENDS = re.compile(r"[\r\n]+")
_FIELDS = ("data", "error")


class SseReader:
    """The documents of one response body, as text; `[DONE]` is passed on like the others."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._rest: list[str] = []  # a line that hasn't ended, or the whole body
        self._chars = 0
        self._whole_body = False
        self._begun = False

    def push(self, raw: bytes) -> list[str]:
        """The documents that are complete with these bytes; ValueError for an endless line."""
        text = self._begun_with(self._decoder.decode(raw))
        if self._whole_body:
            return self._bounded(text, [])
        # Only what has come is looked through: a long line may come in many pieces.
        first, *others = _LINE_ENDS.split(text)
        if not others:
            return self._bounded(first, [])
        lines = ["".join((*self._rest, first)), *others]
        self._rest, self._chars = [], 0
        return self._bounded(lines.pop(), _documents(lines))

    def finish(self) -> list[str]:
        """What the end of the body completes."""
        rest = "".join((*self._rest, self._decoder.decode(b"", True)))
        self._rest, self._chars = [], 0
        if self._whole_body:
            return [rest]
        return _documents(_LINE_ENDS.split(rest))

    def _begun_with(self, text: str) -> str:
        if self._begun:
            return text
        text = text.lstrip()
        self._begun = bool(text)
        self._whole_body = text.startswith("{")
        return text

    def _bounded(self, rest: str, documents: list[str]) -> list[str]:
        """The documents, once `rest` is kept."""
        if rest:
            self._rest.append(rest)
            self._chars += len(rest)
        if self._chars > MAX_LINE_CHARS:
            raise ValueError(f"a line of over {MAX_LINE_CHARS} characters")
        return documents


def _documents(lines: list[str]) -> list[str]:
    return [document for line in lines if (document := _document(line))]


def _document(line: str) -> str:
    """The document in one line, or "" for a comment, another field, or nothing."""
    if line.startswith("{"):
        return line
    field, _, value = line.partition(":")
    return value.strip() if field in _FIELDS else ""
