"""Text of a language model in, words to be read aloud out; deltas may break anywhere.

Decides what is judged together: `markup` takes the marks away, and here the plain text is gathered
into words, words that need their neighbour ("5 km/h", "7:05 pm") into phrases, and each phrase is
handed to its language's rules; and what was written goes out beside what is said for it, without the
marks, and without the stops that stand for one. The rule it keeps: text is let go as soon as nothing
that follows can change how it is read, which is one word behind the input, and at the latest after
300 characters. Memory is bounded and time linear whatever the text.

English has full rules; every other language gets language-neutral cleaning only (markup, emoji,
addresses), for its engine knows its own numbers best.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from wyoming_voice.core import speakable_en
from wyoming_voice.core.markup import HOLD_CHARS, Markup
from wyoming_voice.core.readings import Part, Reading, Written, letters, written_words

_STOPS = ".,!?;:…。，！？；：、"
_PAUSES = str.maketrans("→←•", ",,,")
_ONLY_STOPS = re.compile(rf"[{_STOPS})\]]+")
_REPEATED = re.compile(
    r"[!?]{2,}|\.{4,}|…{2,}|,{2,}|;{2,}|:{2,}|-{2,}|([。，、！？])\1+|([—–=#~])\2+"
)
_URL = re.compile(r"(?:https?://|www\.)(?:www\.)?([^\s/?#]*)\S*", re.IGNORECASE)
_URL_TAIL = re.compile(r"[.,!?;:…。，！？)\]\"'”’»]+$")
_URL_START = re.compile(r"[(\[\"'“‘«]*(?:https?://|www\.)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Rules:
    """A language: which word waits for the next, how a phrase is read after its context."""

    code_block: str
    waits: Callable[[str], bool]
    read: Callable[[str, str], tuple[str, list[Part]]]


class Speakable:
    """Turn streamed text into speakable text; `language` is a BCP-47 tag.

    What `add` and `finish` return, joined, does not depend on how the text was split. Sentence
    punctuation and line ends are kept, so that a `SentenceSplitter` can take the output.
    """

    def __init__(self, language: str) -> None:
        english = language.replace("_", "-").split("-")[0].lower() == "en"
        self._rules = _ENGLISH if english else _NEUTRAL
        self._markup = Markup(self._take, self._add, self._rules.code_block)
        self._ready: list[Reading] = []
        self._reset()

    def add(self, delta: str) -> list[Reading]:
        """Take the next characters and return what can be read aloud by now."""
        for char in delta:
            self._locate()
            self.chars += 1
            self._held = self._markup.push(char)
        return self._drain()

    def end_line(self) -> list[Reading]:
        """Take a line's end that is not in the text."""
        self._locate()
        self._held = self._markup.push("\n")
        return self._drain()

    def finish(self) -> list[Reading]:
        """Return what is left and start afresh."""
        self._locate()
        self._markup.finish()
        self._end_word()
        self._end_phrase()
        readings = self._drain()
        self._reset()
        return readings

    def _reset(self) -> None:
        self.chars = 0  # that have come
        self._held = False
        self._place = 0  # where what is being read begins
        self._word_begin = self._word_end = 0
        self._begin = self._end = 0  # of the phrase
        self._word = ""
        self._phrase = ""
        self._tokens: list[str] = []  # the words of the phrase as they were written
        self._added = 0  # marks at the end of the word that were not written
        self._context = ""  # the last word or two that were read, as they were written
        self._gap = ""  # white space that stands before the next word
        self._last = ""  # the last character that went out
        self._skipping = False  # inside an address whose beginning has been read

    def _locate(self) -> None:
        """What was held back is read from where it began."""
        if not self._held:
            self._place = self.chars

    def _drain(self) -> list[Reading]:
        readings, self._ready = self._ready, []
        return readings

    def _take(self, char: str) -> None:
        """Take one character of plain text."""
        if char in " \n":
            self._skipping = False
            self._end_word()
            if char == "\n" or len(self._phrase) > HOLD_CHARS:
                self._end_phrase()
            self._gap = "\n" if char == "\n" or self._gap == "\n" else char
            return
        if self._skipping:
            return
        if self._word and (_is_wide(char) or _is_wide(self._word[-1])) and not _joins(char):
            self._end_word()
            self._end_phrase()
        if not self._word:
            self._word_begin = self._place
        self._word_end = self._place if self._place + 1 < self.chars else self.chars
        self._word += char
        if len(self._word) >= HOLD_CHARS:
            self._skipping = _URL_START.match(self._word) is not None
            self._end_word()
            self._end_phrase()

    def _add(self, mark: str) -> None:
        """Take a mark that is said, and was not written."""
        self._take(mark)
        self._added += self._word.endswith(mark)

    def _end_word(self) -> None:
        word, self._word = unicodedata.normalize("NFC", self._word), ""
        added, self._added = self._added, 0
        if not word:
            return
        if not self._tokens:
            self._begin = self._word_begin
        self._end = self._word_end
        self._tokens.append(word[: len(word) - added])
        self._phrase += (" " if self._phrase else "") + word
        if not self._rules.waits(word):
            self._end_phrase()

    def _end_phrase(self) -> None:
        phrase, self._phrase = self._phrase, ""
        tokens, self._tokens = self._tokens, []
        if not phrase:
            return
        words = _REPEATED.sub(_once, phrase.translate(_PAUSES))
        if _ONLY_STOPS.fullmatch(words):
            self._attach(words, " ".join(tokens))
            return
        spoken, parts = self._rules.read(self._context, words)
        self._context = f"{self._context} {words}"[-40:]
        written = self._written(tokens, parts)
        if not spoken:
            self._hand_out("", written)
            return
        rewritten = not spoken.startswith(phrase[0])
        gap = self._gap if self._last else ""
        if not gap and self._last.isalnum() and rewritten and not _is_wide(self._last):
            gap = " "
        self._send(gap + spoken, written)

    def _written(self, tokens: list[str], parts: list[Part]) -> tuple[Written, ...]:
        gap = self._gap if self._last else ""
        if len(tokens) == 1:
            return (Written(gap + tokens[0], sum(letters(said) for _, said in parts)),)
        return written_words(gap, tokens, parts)

    def _attach(self, stops: str, written: str) -> None:
        """Put punctuation behind the word before it, once: what stood between has no sound."""
        # No language has a space before these: something without a sound stood there, an emoji say.
        spaced = self._gap and self._last and stops[0] not in ".,…"
        words = (Written((" " if spaced else "") + written, 0),) if written else ()
        if not self._last or self._gap == "\n" or (self._last in _STOPS and stops[0] in _STOPS):
            self._hand_out("", words)
            return
        self._send(stops, words)

    def _send(self, text: str, words: tuple[Written, ...]) -> None:
        self._hand_out(text, words)
        self._last = text[-1]
        self._gap = ""

    def _hand_out(self, spoken: str, words: tuple[Written, ...]) -> None:
        self._ready.append(Reading(spoken, words, self._begin, self._end))


def _once(repeated: re.Match[str]) -> str:
    text = repeated[0]
    match text[0]:
        case "!" | "?":
            return "?" if "?" in text else "!"
        case ".":
            return "..."
        case "-":
            return "—"
        case _:
            return text[0]


def _is_wide(char: str) -> bool:
    """Tell whether `char` belongs to a script without spaces, where each character is a word."""
    return (
        "\u2e80" <= char <= "\ua4cf" or "\uf900" <= char <= "\uffef" or "\u0e00" <= char <= "\u0eff"
    )


def _joins(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


def _read_neutral(_context: str, phrase: str) -> tuple[str, list[Part]]:
    spoken = _URL.sub(_host, phrase).replace("_", " ").strip()
    return spoken, [(phrase, spoken)]


def _host(url: re.Match[str]) -> str:
    """Return the host alone, with the sentence's punctuation that stood behind the address."""
    tail = _URL_TAIL.search(url[0])
    stops = tail[0].replace(")", "", url[0].count("(")) if tail else ""
    return _URL_TAIL.sub("", url[1].rpartition("@")[2]) + stops


def _read_english(context: str, phrase: str) -> tuple[str, list[Part]]:
    return speakable_en.read(context, _URL.sub(_host, phrase))


def _never(_word: str) -> bool:
    return False


_NEUTRAL = _Rules("", _never, _read_neutral)
_ENGLISH = _Rules("Code block.", speakable_en.waits, _read_english)
