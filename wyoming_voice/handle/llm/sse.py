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
        self._rest = ""
        self._whole_body = False
        self._begun = False

    def push(self, raw: bytes) -> list[str]:
        """The documents that are complete with these bytes; ValueError for an endless line."""
        self._rest += self._decoder.decode(raw)
        self._begin()
        if self._whole_body:
            return self._bounded([])
        *lines, self._rest = _LINE_ENDS.split(self._rest)
        return self._bounded(_documents(lines))

    def finish(self) -> list[str]:
        """What the end of the body completes."""
        rest, self._rest = self._rest + self._decoder.decode(b"", True), ""
        if self._whole_body:
            return [rest]
        return _documents(_LINE_ENDS.split(rest))

    def _begin(self) -> None:
        if self._begun:
            return
        self._rest = self._rest.lstrip()
        self._begun = bool(self._rest)
        self._whole_body = self._rest.startswith("{")

    def _bounded(self, documents: list[str]) -> list[str]:
        if len(self._rest) > MAX_LINE_CHARS:
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
