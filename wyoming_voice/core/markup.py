"""Markdown and HTML in, plain text out, a character at a time.

Decides which characters of a language model's answer are marks and which are words: emphasis, code,
links, images, lists, headings, quotes, rules, tables, tags, entities, emoji, control characters.
The rule it keeps: one state, one character, a next state; so any split of the text into deltas
gives the same output. An emphasis mark needs no partner, for an asterisk is never worth hearing.
What must be seen whole before it can be judged (a tag, a link's target) is held for at most
`HOLD_CHARS` characters and then let go as text; what is skipped is never held.

Constructs are those of CommonMark 0.31 and GitHub's tables, without indented code, which a spoken
answer cannot tell from a list's second paragraph.
"""

import html
import re
from collections.abc import Callable
from enum import Enum

from wyoming_voice.core.unspoken import FencedCode, is_unspoken

HOLD_CHARS = 300
_Take = Callable[[str], None]  # one character
_LEAD = re.compile(r"#{1,6}|[-+*•◦‣]|[0-9]{1,3}[.)]?|`{1,3}|~{1,3}|\[[ xX]?\]?|[-*_=]{1,3}|\|")
_RULE = re.compile(r"[-*_=]{3}")
_FENCE = re.compile(r"`{3}|~{3}")
_MARKER = re.compile(r"[-+*•◦‣]|\[[ xX]\]|#{1,6}")
_NUMBERED = re.compile(r"[0-9]{1,3}[.)]")
_CITATION = re.compile(r"\[(?:\^.*|[0-9]{1,3})")
_BREAKING_TAG = re.compile(r"</?(?:br|p|div|li|ul|ol|tr|h[1-6])\b", re.IGNORECASE)
_ADDRESS = re.compile(r"<(?:https?://|mailto:)?([^\s<>]+[.@:][^\s<>]+)>")
_RAW = str.maketrans("", "", "*`[]<>")


class _Line(Enum):
    TEXT = "text"
    STATEMENT = "heading or list item: ends in a full stop"
    TABLE = "cells with commas between"


class Markup:
    """Pass plain text on to `emit`, marks that are only said to `add`; `code_block` is said for code."""

    def __init__(self, emit: _Take, add: _Take, code_block: str) -> None:
        self._emit, self._add, self._code_block = emit, add, code_block
        self._code = FencedCode("```")
        self._count = 0  # of what the state counts: marks of a run, quotes of a link's title
        self._depth = 0  # of brackets in a link's target
        self._begin_line()

    def push(self, char: str) -> bool:
        """Take one character; whether it is held back with others, or skipped with them."""
        if char != "\r":
            self._state("\n" if char in "\n\u2028\u2029" else char)
        return bool(self._hold)

    def finish(self) -> None:
        """Take the end of the text as the end of its last line, and start afresh."""
        self._state("\n")
        self._begin_line()

    def _begin_line(self) -> None:
        self._state: Callable[[str], None] = self._line_start
        self._line, self._hold = _Line.TEXT, ""
        self._last = self._last_solid = ""  # what went out last in this line; white space aside
        self._open_brackets, self._cell_border = 0, False

    def _out(self, text: str) -> None:
        for char in text:
            if char.isspace():
                self._emit(" ")
                self._last = " "
            elif not is_unspoken(char, self._last):
                if self._cell_border and self._last_solid:
                    self._add(",")
                    self._emit(" ")
                self._cell_border = False
                self._emit(char)
                self._last = self._last_solid = char

    def _replay(self, text: str) -> None:
        """Read held characters again as inline text; `text` is a few characters long."""
        self._state, self._hold = self._text, ""
        for char in text:
            self._state(char)

    def _let_go(self, held: str, char: str) -> None:
        """Pass `held` on as it is, which keeps the time linear, and go on with `char`."""
        self._replay("")
        self._out(held)
        self._text(char)

    def _drop_line(self) -> None:
        self._emit("\n")
        self._begin_line()

    def _end_line(self) -> None:
        solid = self._last_solid
        if self._line is not _Line.TEXT and (solid.isalnum() or solid in tuple(")\"'”’%°")):
            self._add(".")
        self._drop_line()

    def _line_start(self, char: str) -> None:
        held = self._hold
        if char == "\n":
            self._end_lead(held)
        elif not held and (char.isspace() or char == ">"):
            return
        elif char in " \t" and self._take_marker(held):
            self._hold = ""
        elif _FENCE.fullmatch(held):
            self._state = self._fence_info
            self._fence_info(char)
        elif _RULE.fullmatch(held) and len(set(held)) == 1:
            self._state = self._rule
            self._rule(char)
        elif held == "|":
            self._line, self._state, self._hold = _Line.TABLE, self._table_rule, "|"
            self._table_rule(char)
        elif _LEAD.fullmatch(held + char):
            self._hold = held + char
        else:
            self._replay(held + char)

    def _end_lead(self, held: str) -> None:
        """End a line that holds nothing but what could have been a marker."""
        if _FENCE.fullmatch(held):
            self._open_fence(held)
        else:
            self._out(held if held[:1].isdigit() else "")
            self._end_line()

    def _take_marker(self, held: str) -> bool:
        """Tell whether `held` and a space open a list item or heading; say a list's number."""
        if _NUMBERED.fullmatch(held):
            self._out(held[:-1] + ": ")
        elif not _MARKER.fullmatch(held):
            return False
        self._line = _Line.STATEMENT
        return True

    def _rule(self, char: str) -> None:
        if char == "\n":
            self._drop_line()
        elif char not in "-*_= ":
            self._replay(char)

    def _table_rule(self, char: str) -> None:
        """Skip a row of dashes; a row that begins like one but holds text is read."""
        if char == "\n":
            self._drop_line()
        elif char in "-: |" and len(self._hold) < HOLD_CHARS:
            self._hold += char
        else:
            self._replay(self._hold + char)

    def _fence_info(self, char: str) -> None:
        held = self._hold
        info = held.lstrip(held[0])
        if char == "\n":
            self._open_fence(held)
        elif (info and char == held[0] == "`") or len(held) >= HOLD_CHARS:
            self._replay(info + char)
        else:
            self._hold += char

    def _open_fence(self, held: str) -> None:
        for char in f"{self._code_block}\n":
            self._emit(char)
        self._code, self._state = FencedCode(held), self._fenced

    def _fenced(self, char: str) -> None:
        if self._code.closes(char):
            self._begin_line()

    def _text(self, char: str) -> None:
        match char:
            case "\n":
                self._end_line()
            case "*" | "_" | "~" | "`":
                self._hold, self._count, self._state = char, 1, self._run
            case "!":
                self._state = self._bang
            case "[":
                self._hold, self._state = char, self._bracket
            case "]":
                self._state = self._after_bracket
            case "<":
                self._hold, self._state = char, self._tag
            case "&":
                self._hold, self._state = char, self._entity
            case "\\":
                self._state = self._escape
            case "|" if self._line is _Line.TABLE:
                self._cell_border = True
            case _:
                self._out(char)

    def _run(self, char: str) -> None:
        """Drop a run of marks unless it is a sign: 2 * 3, 2**3, snake_case, ~5."""
        mark, before = self._hold, self._last
        if char == mark:
            self._count += 1
            return
        if mark == "*":
            spaced = self._count == 1 and before in ("", " ") and char.isspace()
            sign = spaced or (self._count < 3 and before.isdigit() and char.isdigit())
        elif mark == "_":
            sign = before.isalnum() and char.isalnum()
        else:
            sign = mark == "~" and self._count == 1
        self._replay("")
        if sign:
            self._out(mark * min(self._count, 2))
        self._text(char)

    def _bang(self, char: str) -> None:
        self._state = self._text
        self._out("" if char == "[" else "!")
        self._text(char)

    def _bracket(self, char: str) -> None:
        """Drop a citation, "Paris[1]" and "Paris. [1]"; any other bracket opens a link or nothing."""
        held = self._hold
        if char in "0123456789^" and len(held) < 6:
            self._hold += char
            return
        self._open_brackets += 1
        behind = self._last not in ("", " ") or self._last_solid in tuple('.!?)"”')
        if char == "]" and (behind or "^" in held) and _CITATION.fullmatch(held):
            self._replay("]")
            return
        if self._last.isalnum():
            self._out(" ")
        self._replay(held[1:] + char)

    def _after_bracket(self, char: str) -> None:
        linked = self._open_brackets > 0
        self._open_brackets, self._state = max(0, self._open_brackets - 1), self._text
        if linked and char in "([":
            self._hold, self._depth, self._count, self._state = char, 1, 0, self._target
            return
        if char.isalnum():
            self._out(" ")
        self._text(char)

    def _target(self, char: str) -> None:
        """Skip a link's target; what turns out to be no target is let go unless it was too long."""
        opener, closer = "()" if self._hold[0] == "(" else "[]"
        self._depth += (char == opener) - (char == closer)
        if self._depth == 0:
            self._replay("")
            return
        # A title follows a space; any other word there means that this is plain text.
        title = self._count > 0
        if char in "\"'" and self._hold[-1] == " ":
            self._count = 1
        elif char == "\n" or (self._hold[-1] == " " and not title and not char.isspace()):
            held = self._hold if len(self._hold) < HOLD_CHARS else ""
            self._let_go(" " * bool(held) + held.translate(_RAW), char)
            return
        if len(self._hold) < HOLD_CHARS or char.isspace():
            self._hold = self._hold[:HOLD_CHARS] + (" " if char.isspace() else char)

    def _tag(self, char: str) -> None:
        held = self._hold
        if char == ">" and len(held) > 1:
            self._replay("")
            self._close_tag(held + char)
        elif len(held) == 1 and not (char.isalpha() or char in "/!?"):
            self._let_go(held, char)
        elif char in "\n<" or len(held) >= HOLD_CHARS:
            self._let_go(held.translate(_RAW), char)
        else:
            self._hold += char

    def _close_tag(self, tag: str) -> None:
        if _BREAKING_TAG.match(tag) and self._line is _Line.TABLE:
            self._cell_border = True
        elif _BREAKING_TAG.match(tag):
            self._end_line()
        elif _ADDRESS.fullmatch(tag):
            self._out(tag[1:-1].removeprefix("mailto:"))

    def _entity(self, char: str) -> None:
        held = self._hold
        if char == ";":
            self._replay("")
            self._out(html.unescape(held + char))
        elif ((char.isascii() and char.isalnum()) or char == "#") and len(held) < 12:
            self._hold += char
        else:
            self._let_go(held, char)

    def _escape(self, char: str) -> None:
        self._state = self._text
        if char.isascii() and char.isprintable() and not char.isalnum() and char != " ":
            self._out(char)
            return
        self._out("\\")
        self._text(char)
