"""Cues as the text of an SRT or WebVTT file, a cue at a time: decides how text and times are written.

Rule: what was said can't break the file. In WebVTT `&`, `<` and `>` are written as entities (W3C WebVTT,
section 4.2.2). SRT has none, and players take away whatever stands in angle brackets or in braces: there
brackets that look alike stand in for them.

No library writes these files here: pysubs2 takes whole files only, drops what stands in braces, has no word
times and stops at 99 hours. The tests read them with it, and with another parser.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from wyoming_voice.core.captions import Cue
from wyoming_voice.core.phrasing import shown, width
from wyoming_voice.core.words import TimedWord

SubtitleKind = Literal["srt", "vtt"]

_SRT_BRACKETS = str.maketrans("<>{}", "‹›()")
_GROUP_WORDS = 3
_GROUP_PLACES = 20
"""What an SRT cue holds at most where words have cues of their own: few enough to follow."""


class SubtitleWriter:
    """Cues in, the text of a subtitle file out, as a stream: `header()`, then `cue(...)` for each."""

    def __init__(self, kind: SubtitleKind, *, words: bool = False) -> None:
        """`words`: each word's time as well: tags within a VTT cue, an SRT cue for every few words."""
        self._kind = kind
        self._words = words
        self._number = 0

    def header(self) -> str:
        """How the file begins; SRT: empty."""
        return "WEBVTT\n\n" if self._kind == "vtt" else ""

    def cue(self, cue: Cue) -> str:
        """One cue (SRT with `words`: several), with the empty line behind it."""
        if self._kind == "vtt":
            lines = _tagged(cue) if self._words else [_entities(line) for line in cue.lines]
            return _block("", cue.start_s, cue.end_s, lines, ".")
        shown_parts = _groups(cue) if self._words else [(cue.start_s, cue.end_s, cue.lines)]
        return "".join(self._srt(*part) for part in shown_parts)

    def _srt(self, start_s: float, end_s: float, lines: Iterable[str]) -> str:
        self._number += 1
        safe = [line.translate(_SRT_BRACKETS) for line in lines]
        return _block(f"{self._number}\n", start_s, end_s, safe, ",")


def text_of(cues: Iterable[Cue], kind: SubtitleKind, *, words: bool = False) -> str:
    """A whole file; `kind` is `srt` or `vtt`."""
    writer = SubtitleWriter(kind, words=words)
    return writer.header() + "".join(writer.cue(cue) for cue in cues)


def _block(number: str, start_s: float, end_s: float, lines: Iterable[str], mark: str) -> str:
    text = "\n".join(line for line in lines if line.strip())
    return f"{number}{_clock(start_s, mark)} --> {_clock(end_s, mark)}\n{text}\n\n"


def _clock(time_s: float, mark: str) -> str:
    """`00:00:01.000`; the hours take as many digits as they need."""
    seconds, ms = divmod(_ms(time_s), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{ms:03}"


def _ms(time_s: float) -> int:
    return max(round(time_s * 1000), 0)


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _tagged(cue: Cue) -> list[str]:
    """The lines, with the time before each word that begins within the cue, later than the one before it."""
    latest_ms, end_ms = _ms(cue.start_s), _ms(cue.end_s)
    lines: list[str] = []
    for line in _words_of(cue):
        text = ""
        for space, word, said in line:
            at_ms = _ms(said.start_s)
            tag = f"<{_clock(at_ms / 1000, '.')}>" if latest_ms < at_ms < end_ms else ""
            latest_ms = at_ms if tag else latest_ms
            text += f"{space}{tag}{_entities(word)}"
        lines.append(text)
    return lines


def _words_of(cue: Cue) -> Iterator[list[tuple[str, str, TimedWord]]]:
    """For each line its words: the space before it, the text, and when it is said."""
    left = list(reversed(cue.words))
    for line in cue.lines:
        found: list[tuple[str, str, TimedWord]] = []
        at = 0
        while left and at < len(line):
            text = shown(left[-1].text)
            begin = at + (line[at] == " ")
            if not line.startswith(text, begin):
                break
            found.append((line[at:begin], text, left.pop()))
            at = begin + len(text)
        yield found


def _groups(cue: Cue) -> list[tuple[float, float, list[str]]]:
    """Some words at a time, each group until the next begins."""
    begun: list[tuple[float, str]] = []
    for line in _words_of(cue):
        fresh = True
        for space, text, said in line:
            at_s = max(said.start_s, cue.start_s)
            if begun and not _begins_group(begun[-1], space + text, at_s, cue, fresh=fresh):
                begun[-1] = (begun[-1][0], begun[-1][1] + (space or (" " if fresh else "")) + text)
            else:
                begun.append((at_s if begun else cue.start_s, text))
            fresh = False
    ends = [start_s for start_s, _ in begun[1:]] + [cue.end_s]
    return [(start_s, end_s, [text]) for (start_s, text), end_s in zip(begun, ends, strict=True)]


def _begins_group(
    last: tuple[float, str], text: str, at_s: float, cue: Cue, *, fresh: bool
) -> bool:
    start_s, so_far = last
    if not _ms(start_s) < _ms(at_s) < _ms(cue.end_s):
        return False  # no time between them: they are shown together
    full = len(so_far.split()) >= _GROUP_WORDS and text.startswith(" ")
    return fresh or full or width(so_far + text) > _GROUP_PLACES
