"""Lines of a text file that were broken to fit a page, joined again; each of the others stands for itself.

Rule: a line end was made for the page where the next word had no room left; the page is as wide as the
longest line. Lists, headings and verses keep theirs, for their lines end before the page does.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

_PAGES_CHARS = range(40, 101)
"""How wide a page is: who writes longer lines has not broken them, and shorter ones are no prose."""

_BLOCK = re.compile(r"\s*(?:[-*+>|#]|`{3}|~{3}|\d+[.)]\s)")
"""A line of Markdown that begins something of its own."""


def rejoined(text: str) -> str:
    """The text, with a space for each line end that was made for the page."""
    lines = text.splitlines()
    page_chars = max(map(len, lines), default=0)
    return "".join(_with_ends(lines, page_chars)) if page_chars in _PAGES_CHARS else text


def _with_ends(lines: list[str], page_chars: int) -> Iterator[str]:
    for line, following in pairwise([*lines, ""]):
        word = following.strip().split(" ")[0]
        full = word and line.strip() and len(line.rstrip()) + 1 + len(word) > page_chars
        broken = full and not _BLOCK.match(following) and not line.startswith("#")
        yield f"{line.rstrip()} " if broken else f"{line}\n"
