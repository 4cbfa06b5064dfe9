"""Whether something that was heard was the name of something, and what the text is then.

PURE: a segment in, a segment out, the same for the same. A run of words becomes a name where the recogniser
was unsure of it and it sounds nearly like that name alone. A name is written as its house writes it, whatever
the borders between its words were heard to be; what stands before and behind it, and when it was said, stays.

Rules. Only what differs from a name has been heard wrongly: the rest of the run may be as sure as it likes.
What differs is never what the recogniser was sure of, never a part of another name, never nothing but
everyday words (`everyday`), and has neither an article nor a preposition at its edge. Nothing is removed from
the text or added to it, only replaced. Between two names that are about as near, none is chosen. A name of
three letters or fewer has to sound the same.

Measured by `python -m bench.names`: PocketSphinx and four voices of flite, 42 names and 40 sentences without
any, in two halves. On the half by which the limits were chosen, 11 % of the names were understood as they are
and 17 % with this; on the other half, which was written afterwards, 8 % and 24 %. Another name than the one
said was written in 0 and in 1 of 168 sentences, and a name where there is none in 0 and in 1 of 160.

The limits, by what they give on the first half: the first wrong name comes with a LIMIT of 0.4; the rest is
kept for houses with more names than that. Of 17 names that are near enough 10 are snapped at UNSURE 0.5 and
SURE 0.9, 8 at 0.4 and 0.8, 11 at 0.6 and 0.95, and none wrongly at any: the figures don't choose between
these. No recogniser but PocketSphinx was there to be measured.

For probabilities Whisper has to align its text, which takes base.en (int8, 11 words) 12 ms of 185 where it is
shown 6 s, by two threads, and 48 of 918 at 30 s, by one: that is asked for where a text is `near` a name, as
one command in ten or twenty is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from wyoming_voice.asr.engine import Segment, Snap, Word
from wyoming_voice.asr.names.everyday import EDGES, EVERYDAY
from wyoming_voice.asr.names.index import NameIndex
from wyoming_voice.asr.names.sounding import Sound, between, folded, sound
from wyoming_voice.asr.words import spread

UNSURE = 0.5
"""The least probable of the words that differ from the name is less probable than this."""

SURE = 0.9
"""And none of them is as probable as this. Whisper's are too high rather than too low: of its wrong tokens 10
to 20 % have more than 0.7 in noise (Huo, Zhang, Tang, arXiv 2509.07195)."""

LIMIT = 0.34
_LIMIT_BY_LETTERS = 0.25
"""How far a run may be from a name, by the sound of English, and by the letters of other languages."""

_FOR_EACH = 0.08
_FOR_EACH_LETTER = 0.04
"""A short sound has to be nearer: no farther than this for each of its consonants, or of its letters."""

_CORE_LIMIT = 0.5
"""How far what differs may be from what it becomes: "living room" makes no speaker of a sneaker."""

_TIE = 0.05
_SHORT_LETTERS = 3
_MOST_WORDS = 5

_RUNS_KEPT = 1024
"""A text is looked at once without probabilities, and once more with them."""

_PARTS = re.compile(r"(\s*[^\w\s]*)(.*?)((?:['’]s)?[^\w]*)", re.DOTALL)
_STOPS = re.compile(r"[.,;:!?…。，、！？)\]}\"”»]")
_ONE = re.compile(r"\s*\S+")
"""What a text is parted into where no words are told. An engine may part it elsewhere, and that must not
matter: the text is the same for who asks for words."""

_OPENS = re.compile(r"[(\[{\"“«¿¡]")
_ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class _Heard:
    """A word as it was written: what is before it, the word, what is behind it; and as it is compared."""

    before: str
    word: str
    behind: str
    bare: str


@dataclass(frozen=True, slots=True)
class _Found:
    """The words from `first` up to `end` may be the name of this number, which is so far away."""

    first: int
    end: int
    number: int
    distance: float
    probability: float

    def overlaps(self, other: "_Found") -> bool:
        return self.first < other.end and other.first < self.end

    def rivals(self, nearest: "_Found") -> bool:
        """Whether it is about as near as another that has some of its words, or is it."""
        return self.overlaps(nearest) and self.distance <= nearest.distance + _TIE


class _Sentence:
    """The words of a segment as they are compared, and which of them may be part of a name."""

    def __init__(self, words: Sequence[Word], language: str, names: "_Names") -> None:
        self.words = words
        self.language = language
        self.heard = [_heard(word.text) for word in words]
        self.bare = [one.bare for one in self.heard]
        everyday = EVERYDAY.get(language, frozenset())
        self.taken = names.taken(self.bare)
        self.odd = [
            not taken and word not in everyday and word not in names.parts
            for word, taken in zip(self.bare, self.taken, strict=True)
        ]
        self.edges = [word in EDGES and word not in names.parts for word in self.bare]
        self.parted = [True, *(word.text[:1].isspace() for word in words[1:]), True]
        self.whole = [_ONE.fullmatch(word.text) is not None for word in words]

    def runs(self) -> Iterator[tuple[int, int]]:
        """From where to where there are words in a row which nothing parts, and of which one is odd."""
        for first in range(len(self.heard)):
            if self.edges[first]:
                continue
            for end in range(first + 1, min(len(self.heard), first + _MOST_WORDS) + 1):
                last = self.heard[end - 1]
                if not (last.bare and self.whole[end - 1] and self.parted[end - 1]):
                    break
                if end - 1 > first and _OPENS.search(last.before):
                    break
                if any(self.odd[first:end]) and self.parted[end] and not self.edges[end - 1]:
                    yield first, end
                if _STOPS.search(last.behind):
                    break

    def meant(self, run: tuple[int, int], name: Sequence[str]) -> float | None:
        """How probable the words were that differ from the name, None where they can't have been it."""
        first, end = run
        begin, behind = _same(self.bare[first:end], name)
        first, end = first + begin, end - behind
        core, becomes = self.bare[first:end], name[begin : len(name) - behind]
        if not becomes or any(self.taken[first:end]):
            return None
        if core[0] in EDGES or core[-1] in EDGES or {*core} & {*becomes}:
            return None
        probabilities = [word.probability for word in self.words[first:end]]
        if min(probabilities) >= UNSURE or max(probabilities) >= SURE:
            return None
        if between(sound(core, self.language), sound(becomes, self.language)) > _CORE_LIMIT:
            return None
        return sum(probabilities) / len(probabilities)


class _Names:
    """Names by their words and by their sound."""

    def __init__(self, names: Iterable[str]) -> None:
        self.written = [" ".join(name.split()) for name in names]
        self.words = [tuple(filter(None, map(_bare, name.split()))) for name in self.written]
        self.parts = {word for words in self.words for word in words}
        self._exact = {*self.words}
        self._lengths = sorted({len(words) for words in self._exact if words})
        self._indexes: dict[str, NameIndex] = {}
        self.near = lru_cache(_RUNS_KEPT)(self._near)
        """The numbers of the names that sound nearly like some words, and how far they are."""

    def taken(self, bare: Sequence[str]) -> list[bool]:
        """Of each word, whether it is part of a name that was heard as it is."""
        taken = [False] * len(bare)
        for first in range(len(bare)):
            for length in self._lengths:
                end = first + length
                if end <= len(bare) and tuple(bare[first:end]) in self._exact:
                    taken[first:end] = [True] * length
        return taken

    def _near(self, run: tuple[str, ...], language: str) -> list[tuple[int, float]]:
        index = self._index(language)
        return [
            (number, distance)
            for number, distance in index.near(sound(run, language), _limit(language))
            if distance <= self._own_limit(number, index.sound(number), language)
        ]

    def holds(self, number: int, other: int) -> bool:
        """Whether the words of another name are among those of this one."""
        return f" {' '.join(self.words[other])} " in f" {' '.join(self.words[number])} "

    def _own_limit(self, number: int, own: Sound, language: str) -> float:
        if len("".join(map(folded, self.words[number]))) <= _SHORT_LETTERS:
            return 0.0
        each = _FOR_EACH if own.alike else _FOR_EACH_LETTER
        return min(_limit(language), each * len(own.key))

    def _index(self, language: str) -> NameIndex:
        kind = language if language == _ENGLISH else ""
        if kind not in self._indexes:
            self._indexes[kind] = NameIndex(self.words, kind)
        return self._indexes[kind]


class Snapper:
    """Names, and what may be one of them. May be used by several threads."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = _Names(names)

    def near(self, text: str, language: str) -> bool:
        """Whether something in a text may be a name, if the recogniser was unsure of it."""
        words = [Word(text, 0.0, 0.0, 0.0) for text in _ONE.findall(text)]
        return next(self._near(words, language), None) is not None

    def snapped(self, segment: Segment) -> Segment:
        """The segment with names where they were meant, and what was done in its evidence.

        It is left as it is where its words don't make up its text.
        """
        words, snaps = segment.words, segment.evidence.snaps
        if "".join(word.text for word in words) != segment.text:
            return segment
        for _ in segment.words:  # each snap leaves one fewer that is in no name
            if (found := self._best(words, segment.language)) is None:
                break
            heard = "".join(word.text for word in words[found.first : found.end]).strip()
            name = self._names.written[found.number]
            snaps += (Snap(heard, name, round(found.distance, 3), round(found.probability, 3)),)
            named = _named(words[found.first : found.end], name, found.probability)
            words = (*words[: found.first], *named, *words[found.end :])
        if words is segment.words:
            return segment
        text = "".join(word.text for word in words)
        return replace(
            segment, text=text, words=words, evidence=replace(segment.evidence, snaps=snaps)
        )

    def _best(self, words: Sequence[Word], language: str) -> _Found | None:
        """What is nearest to a name, where no other name is about as near."""
        found = sorted(self._near(words, language), key=lambda one: one.distance)
        while found:
            rivals = [one for one in found if one.rivals(found[0])]
            # Where a house has an Ecobee and an Ecobee fan, the longer was said if it is as near.
            best = max(rivals, key=lambda one: (len(self._names.words[one.number]), -one.distance))
            if all(self._names.holds(best.number, one.number) for one in rivals):
                return best
            found = [one for one in found if not any(one.overlaps(rival) for rival in rivals)]
        return None

    def _near(self, words: Sequence[Word], language: str) -> Iterator[_Found]:
        if not any(word.probability < UNSURE for word in words):
            return
        sentence = _Sentence(words, language, self._names)
        for first, end in sentence.runs():
            for number, distance in self._names.near(tuple(sentence.bare[first:end]), language):
                probability = sentence.meant((first, end), self._names.words[number])
                if probability is not None:
                    yield _Found(first, end, number, distance, probability)


@lru_cache(8)
def snapper(names: tuple[str, ...]) -> Snapper:
    """The snapper of these names, the same one for the same names; in a thread, since it takes a while."""
    return Snapper(names)


def _limit(language: str) -> float:
    return LIMIT if language == _ENGLISH else _LIMIT_BY_LETTERS


def _heard(text: str) -> _Heard:
    parts = _PARTS.fullmatch(text)
    assert parts is not None, "the parts may be empty"
    before, word, behind = parts.groups()
    return _Heard(before, word, behind, word.strip().casefold().replace("’", "'"))


def _bare(word: str) -> str:
    return _heard(word).bare


def _named(run: Sequence[Word], name: str, probability: float) -> Iterator[Word]:
    """The name in place of the words, over their time."""
    begins, ends = _heard(run[0].text), _heard(run[-1].text)
    if begins.word[:1].isupper() and name.islower():
        name = name[:1].upper() + name[1:]
    texts = _ONE.findall(f"{begins.before}{name}{ends.behind}")
    words = (Word(text, 0.0, 0.0, probability) for text in texts)
    yield from spread(words, run[0].start_s, run[-1].end_s)


def _same(said: Sequence[str], name: Sequence[str]) -> tuple[int, int]:
    """How many words are the same at the beginning, and how many at the end."""
    most = min(len(said), len(name))
    begin = next((at for at in range(most) if said[at] != name[at]), most)
    left = most - begin
    behind = next((at for at in range(left) if said[-1 - at] != name[-1 - at]), left)
    return begin, behind
