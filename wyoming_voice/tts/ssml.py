"""Takes the words out of SSML: tags go, entities become characters. Chunks may break anywhere.

Rule: only what can open a tag in XML does (`<` before a letter, `/`, `!` or `?`); a bare `<` stays text.
"""

import html
import re

_PAUSING = re.compile(r"</?(?:break|p|s)\b", re.IGNORECASE)
_LONGEST_ENTITY = 12
_MARK = re.compile(r"[<&]")


class SsmlStripper:
    """SSML in, plain text out."""

    def __init__(self) -> None:
        self._held = ""
        self._in_tag = False

    def push(self, text: str) -> str:
        """The words that this chunk completes."""
        rest, words = self._held + text, []
        self._held = ""
        while rest:
            if self._in_tag:
                rest = self._after_tag(rest)
                continue
            mark = _MARK.search(rest)
            if mark is None:
                words.append(rest)
                break
            words.append(rest[: mark.start()])
            rest = rest[mark.start() :]
            word, taken = self._at_mark(rest)
            if not taken:
                self._held = rest
                break
            words.append(word)
            rest = rest[taken:]
        return "".join(words)

    def finish(self) -> str:
        """What was held back because it might have become a tag or an entity."""
        held, self._held, self._in_tag = self._held, "", False
        return held

    def _after_tag(self, rest: str) -> str:
        _, closed, rest = rest.partition(">")
        self._in_tag = not closed
        return rest

    def _at_mark(self, rest: str) -> tuple[str, int]:
        """What `rest`, which opens with < or &, says, and how many characters say it; 0: wait."""
        if rest[0] == "&":
            return _entity(rest)
        if len(rest) == 1:
            return "", 0
        if not (rest[1].isalpha() or rest[1] in "/!?"):
            return rest[0], 1
        if ">" not in rest and len(rest) < len("</break "):
            return "", 0
        self._in_tag = True
        return (" " if _PAUSING.match(rest) else ""), 1


def _entity(rest: str) -> tuple[str, int]:
    end = rest.find(";", 0, _LONGEST_ENTITY)
    if end > 0:
        return html.unescape(rest[: end + 1]), end + 1
    return ("&", 1) if len(rest) >= _LONGEST_ENTITY else ("", 0)
