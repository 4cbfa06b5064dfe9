"""Takes blocks that are not meant to be heard out of a text that arrives in pieces.

Rule: any cut of the text into pieces gives the same result, and nothing is held back but what could be
the beginning of a mark.
"""

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
        self._rest += text
        audible = ""
        while True:
            if self._closer and not self._leave():
                return audible
            start, mark = _first_mark(self._rest)
            if not mark:
                break
            audible += self._rest[:start]
            self._rest = self._rest[start + len(mark) :]
            self._closer = _CLOSED_BY.get(mark, "")
        held = _held_chars(self._rest, _MARKS)
        audible += self._rest[: len(self._rest) - held]
        self._rest = self._rest[len(self._rest) - held :]
        return audible

    def finish(self) -> str:
        """What was held back and is no mark after all."""
        rest, self._rest = self._rest, ""
        return "" if self._closer else rest

    def _leave(self) -> bool:
        """Drop the block's text, and say whether its end is there."""
        before, closer, after = _partition(self._rest, self._closer)
        if closer:
            self._closer = ""
            self._rest = after
            return True
        self._rest = before[len(before) - _held_chars(before, (self._closer,)) :]
        return False


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


def _first_mark(text: str) -> tuple[int, str]:
    lowered = _lowered(text)
    found = [(start, mark) for mark in _MARKS if (start := lowered.find(mark)) >= 0]
    return min(found, default=(0, ""))


def _partition(text: str, mark: str) -> tuple[str, str, str]:
    start = _lowered(text).find(mark)
    if start < 0:
        return text, "", ""
    return text[:start], mark, text[start + len(mark) :]


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
