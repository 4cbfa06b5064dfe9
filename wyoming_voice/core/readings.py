"""What was written for what is said: each spoken piece's words in the spelling of the text.

"5 km/h" is said "five kilometers per hour", and who shows it while it is said wants "5 km/h". Rule: letters
and digits tell where a word is, for none of them is lost between what is read and the pieces that are
spoken, whatever is done to spaces and marks; so each written word with a sound belongs to a piece, once
and in order.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Part = tuple[str, str]
"""Characters of a text, and what is said for them."""


@dataclass(frozen=True, slots=True)
class Written:
    """One word or more as they are written, with the space or line end before them where there is one.

    `letters` is how many letters and digits are said for them; 0 for what has no sound, such as a dash.
    """

    text: str
    letters: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What is said, with its spaces and marks, and what is written for it.

    It is what the text has from its character number `begin` up to `end`, or a little before that where
    something was held back to be judged: never behind it.
    """

    spoken: str
    words: tuple[Written, ...]
    begin: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a piece a written word is said: the characters from `start` up to `end`.

    `ends` is False where the next piece says the rest of it.
    """

    text: str
    start: int
    end: int
    ends: bool = True


class Places:
    """Readings in, and for each piece that was cut out of them the places of its words.

    What has no sound goes with the word before it, or with the next one where that word has been said.
    """

    def __init__(self) -> None:
        self._words: deque[Written] = deque()
        self._silent = ""

    def add(self, words: Iterable[Written]) -> None:
        """Take what comes next."""
        for word in words:
            if word.letters:
                self._words.append(Written(self._silent + word.text, word.letters))
                self._silent = ""
            elif self._words:
                last = self._words.pop()
                self._words.append(Written(last.text + word.text, last.letters))
            else:
                self._silent += word.text

    def take(self, piece: str) -> tuple[Place, ...]:
        """The words of the next piece; `piece` is what is said in it."""
        at = [index for index, char in enumerate(piece) if char.isalnum()]
        places: list[Place] = []
        taken = 0
        while taken < len(at) and self._words:
            word = self._words.popleft()
            count = min(word.letters, len(at) - taken)
            left = word.letters - count
            places.append(Place(word.text, at[taken], at[taken + count - 1] + 1, not left))
            if left:
                self._words.appendleft(Written(word.text, left))
            taken += count
        return tuple(places)


class Reach:
    """How far into the text pieces go: readings in, and for each piece how many characters are said with it.

    What has no sound is said with the piece before it once something behind it is known; of a reading that
    was cut in two nothing is said before its end is.
    """

    def __init__(self) -> None:
        self._readings: deque[tuple[int, int, int]] = deque()
        self._chars = 0

    def add(self, reading: Reading) -> None:
        """Take what comes next."""
        self._readings.append((letters(reading.spoken), reading.begin, reading.end))

    def take(self, piece: str) -> int:
        """The characters of the text that have been said at the end of the next piece."""
        left = letters(piece)
        while self._readings and (left or not self._readings[0][0]):
            count, begin, end = self._readings.popleft()
            if count > left:
                self._readings.appendleft((count - left, begin, end))
                break
            left -= count
            self._chars = max(self._chars, end)
        if self._readings:
            self._chars = max(self._chars, self._readings[0][1])
        return self._chars


def letters(text: str) -> int:
    """How many letters and digits it has."""
    return sum(map(str.isalnum, text))


def written_words(gap: str, tokens: Sequence[str], parts: Sequence[Part]) -> tuple[Written, ...]:
    """The words of a phrase; `tokens` are they as written, `gap` is what stands before the first.

    `parts`, one after another, are a text with as many words, one space between two, and what is said for
    it. Words that were read as one, "5 km/h", are one.
    """
    counts = [0] * len(tokens)
    joined = [False] * len(tokens)
    token = 0
    for source, spoken in parts:
        first = token
        token += source.count(" ")
        if source == spoken:
            for offset, word in enumerate(source.split(" ")):
                counts[first + offset] += letters(word)
            continue
        # A space at either end of the part is no bridge to the word beyond it.
        start = first + (len(source) - len(source.lstrip(" ")))
        end = token - (len(source) - len(source.rstrip(" ")))
        counts[min(start, len(tokens) - 1)] += letters(spoken)
        joined[start + 1 : end + 1] = [True] * max(0, end - start)
    return _merged(gap, tokens, counts, joined)


def _merged(
    gap: str, tokens: Sequence[str], counts: Sequence[int], joined: Sequence[bool]
) -> tuple[Written, ...]:
    words: list[Written] = []
    for at, (token, count) in enumerate(zip(tokens, counts, strict=True)):
        if at and joined[at]:
            last = words.pop()
            words.append(Written(f"{last.text} {token}", last.letters + count))
        else:
            words.append(Written((" " if at else gap) + token, count))
    return tuple(words)
