"""What has no sound: emoji, control and formatting characters, decoration, the code in a fence.

The rule it keeps: a letter, digit or mark of any script is kept, with the two joiners that shape
words in Arabic and Indic scripts.
"""

import unicodedata
from functools import lru_cache

# Unicode 16 blocks of pictographs and their tags; keycap and variation marks are category Mn/Me.
_PICTURES = (
    (0x2190, 0x21FF, "→←"),  # arrows, but for the two that stand for a pause
    (0x2300, 0x23FF, ""),
    (0x2460, 0x24FF, ""),
    (0x2500, 0x27BF, ""),
    (0x2900, 0x297F, ""),
    (0x2B00, 0x2BFF, ""),
    (0x1F000, 0x1FBFF, ""),
    (0xE0000, 0xE01EF, ""),
)
_MARKS = frozenset("\ufe0e\ufe0f\u20e3\u3030\u303d\u3297\u3299©®™\u00ad\ufffd\ufffc")
_JOINERS = frozenset("\u200c\u200d")
_SILENT_CATEGORIES = frozenset(("Cc", "Cf", "Cn", "Co", "Cs"))


@lru_cache(maxsize=2048)
def is_unspoken(char: str, before: str) -> bool:
    """Tell whether to drop `char`; `before` is the character before it, or empty.

    White space is the caller's to judge.
    """
    if char < "\x7f":
        return char < " "
    if char in _JOINERS:
        return not (before.isalpha() and before > "\u0590")
    if char in _MARKS or unicodedata.category(char) in _SILENT_CATEGORIES:
        return True
    code = ord(char)
    return any(low <= code <= high and char not in kept for low, high, kept in _PICTURES)


class FencedCode:
    """Code that is dropped until its fence closes; begin with the opening line, "```python"."""

    def __init__(self, opening: str) -> None:
        self._mark = opening[0]
        self._needed = len(opening) - len(opening.lstrip(self._mark))
        self._marks = 0  # how many of them begin this line, -1 once it has anything else

    def closes(self, char: str) -> bool:
        """Take a character of the code, or of the closing fence; True at that one's line end."""
        if char == "\n":
            closed = self._marks >= self._needed
            self._marks = 0
            return closed
        if char == self._mark and self._marks >= 0:
            self._marks += 1
        elif not char.isspace():
            self._marks = -1
        return False
