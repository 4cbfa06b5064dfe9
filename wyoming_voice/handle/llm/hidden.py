"""Takes blocks that are not meant to be heard out of a text that arrives in pieces.

Rule: any cut of the text into pieces gives the same result, and nothing is held back but what could be
the beginning of a mark.
"""

import re

_CLOSED_BY = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    # Calls that the server should have taken out of the text (Hermes, Qwen; llama.cpp without --jinja).
    "<tool_call>": "</tool_call>",
    "<tool_calls>": "</tool_calls>",
    "<function_call>": "</function_call>",
    "<function=": "</function>",
    "[tool_calls]": "[/tool_calls]",
    "<tool_response>": "</tool_response>",
    # llama-swap's banner, where something between us has moved it from the thoughts into the text.
    "━━━━━\nllama-swap loading model:": "\n━━━━━\n",
}
_CLOSERS = tuple(closer for closer in _CLOSED_BY.values() if closer.startswith("<"))
_MARKS = (*_CLOSED_BY, *_CLOSERS)
# ASCII: as `_lowered` has it. No mark begins another one, so their order doesn't matter.
_ANY_MARK = re.compile("|".join(map(re.escape, _MARKS)), re.IGNORECASE | re.ASCII)


class HiddenBlocks:
    """The audible part of one text.

    A block that is never closed hides the rest. A closing tag without its opening one, as models send
    whose chat template holds the opening tag, is dropped alone: what stood before it has been said.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._closer = ""

    def push(self, text: str) -> str:
        """The audible text that is certain with this piece."""
        text, audible, at = self._rest + text, "", 0
        lowered = _lowered(text)
        while True:
            if self._closer:
                end = lowered.find(self._closer, at)
                if end < 0:
                    break
                at, self._closer = end + len(self._closer), ""
            found = _ANY_MARK.search(text, at)
            if found is None:
                break
            audible += text[at : found.start()]
            at = found.end()
            self._closer = _CLOSED_BY.get(_lowered(found[0]), "")
        rest = text[at:]
        held = _held_chars(rest, (self._closer,) if self._closer else _MARKS)
        self._rest = rest[len(rest) - held :]
        return audible if self._closer else audible + rest[: len(rest) - held]

    def finish(self) -> str:
        """What was held back and is no mark after all."""
        rest, self._rest = self._rest, ""
        return "" if self._closer else rest


class Trimmed:
    """A text in pieces without the white space around it, which a voice can't say."""

    def __init__(self) -> None:
        self._space = ""
        self._begins = True

    def push(self, text: str) -> str:
        """The next piece; white space comes with the word after it."""
        text = text.lstrip() if self._begins else text
        words = text.rstrip()
        if not words:
            self._space += text
            return ""
        self._begins = False
        piece, self._space = self._space + words, text[len(words) :]
        return piece

    def apart(self, sentence: str) -> str:
        """A sentence of our own between the pieces: one space before it and one after."""
        spoken_before = bool(self._space) or not self._begins
        self._space, self._begins = " ", True
        return f" {sentence}" if spoken_before else sentence


def _held_chars(text: str, marks: tuple[str, ...]) -> int:
    """How many characters at the end of `text` may be the beginning of a mark."""
    longest = max(map(len, marks)) - 1
    tail = _lowered(text[-longest:])
    for start in range(len(tail)):
        if any(mark.startswith(tail[start:]) for mark in marks):
            return len(tail) - start
    return 0


def _lowered(text: str) -> str:
    """ASCII letters in lower case; `str.lower` may change the length, and with it every position."""
    return text.translate(_LOWER)


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
