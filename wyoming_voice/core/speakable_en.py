"""English: numbers, units, times, dates, money, signs and abbreviations read out as words.

Decides how one phrase sounds, so that every engine reads it the same. The rule it keeps: one pass
over the phrase with one table of patterns, tried in order at each place; what one rule wrote is
never read by another. No pattern repeats a repetition, so none can blow up.
"""

import re
from collections.abc import Callable, Iterable

from wyoming_voice.core import numbers_en as say
from wyoming_voice.core.speakable_tables import ABBREVIATIONS, CURRENCIES, FRACTIONS, SIGNS, UNITS

Match = re.Match[str]
_BARE = frozenset(("Dr", "Mr", "Mrs", "etc", "vs"))
_LAST_WORDS = frozenset(("Jr", "Sr", "a.k.a", "etc"))
_GAP_BEFORE_STOP = re.compile(r" (?=[.,!?;:](?: |$))")
_WAITING = re.compile(r"[0-9]\S*[^\s.!?:;,]$|[0-9]\)?$")
_WAITING_ABBREVIATION = re.compile(r"[(\"']*(?:[aApP]\.?[mM]\.|etc\.)$|[(\"']*(?:Nos?\.|no\.|№)$")


def waits(word: str) -> bool:
    """Tell whether how `word` is read depends on the word after it."""
    if word in SIGNS or word in CURRENCIES or word in ("-", "–", "−"):
        return True
    return bool(_WAITING.search(word) or _WAITING_ABBREVIATION.search(word))


def read(context: str, phrase: str) -> str:
    """Return `phrase` in words; `context` is what stood before it, as it was written."""
    start = len(context) + 1
    text = f"{context} {phrase}"
    parts = []
    for found in _PATTERN.finditer(text, start):
        parts += [text[start : found.start()], _RULES[found.lastgroup or ""](found)]
        start = found.end()
    parts.append(text[start:])
    words = " ".join("".join(parts).replace("_", " ").split())
    return _GAP_BEFORE_STOP.sub("", words)


def _abbreviation(found: Match) -> str:
    short = found["short"]
    if not found["short_stop"] and short not in _BARE:
        return found[0]
    ends = found["short_stop"] and short in _LAST_WORDS and _closes(found)
    return ABBREVIATIONS[short] + ("." if ends else "")


def _closes(found: Match) -> bool:
    after = found.string[found.end() :].lstrip(" )\"'”")
    return not after or after[0].isupper()


def _signs(found: Match) -> str:
    return f" {SIGNS[found[0]]} "


def _tongue(found: Match) -> str:
    """Read the name of a programming language."""
    return found["tongue"].replace("#", " sharp").replace("+", " plus")


def _any(forms: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))


def _stop(name: str) -> str:
    """Return a pattern for the stop of "p.m.", whose group is set where it also ends a sentence."""
    return rf"(?:(?P<{name}>\.(?=\s+[A-Z\"'“(]|[\"'”)]*$))|\.)?"


_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
_HALF = r"\.?[mM](?![A-Za-z0-9])"
_UNIT = _any(UNITS)
_SCALE = r"(?:[kKMBTm]|mn|bn)\b|\s(?:thousand|million|billion|trillion)\b"
_TABLE: tuple[tuple[str, Callable[[Match], str]], ...] = (
    (r"(?<![\w.+-])(?P<address>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)", say.address),
    (
        r"(?<![\w.-])(?P<host>(?:(?:[\w-]+\.)+[a-z][\w-]+|localhost(?=:)|(?:[0-9]{1,3}\.){3}"
        r"[0-9]{1,3}(?![\w.]))(?::[0-9]{2,5})?)",
        say.host,
    ),
    (
        rf"(?:(?<![\w)])(?P<money_minus>[-−]))?(?P<money_sign>US\$|[$€£¥₹])\s?"
        rf"(?P<money_before>{_NUMBER})(?:[-–](?P<money_to>{_NUMBER}))?(?P<money_scale>{_SCALE})?",
        say.money,
    ),
    (
        rf"(?<![\w.])(?P<money_after>{_NUMBER})\s?(?:(?P<money_code>[$€£¥₹]|[A-Z]{{3}}(?<="
        rf"{')|(?<='.join(code for code in CURRENCIES if len(code) == 3 and code.isalpha())}))"
        r")(?![\w$])",
        say.money_after,
    ),
    (r"(?<![\w-])(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?![\w-])", say.date),
    (r"(?<![\w/])(?P<us_date>[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})(?![\w/])", say.us_date),
    (
        r"(?<![\w:.])(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])"
        r"(?::(?P<seconds>[0-5][0-9]))?(?![0-9:])"
        rf"(?:\s?(?P<half>[aApP]){_HALF}{_stop('half_stop')})?",
        say.clock,
    ),
    (r"(?<![\w:.])(?P<ratio>[0-9]{1,6}:[0-9]{1,6})(?![\w:])", say.ratio),
    (
        rf"(?<![\w:.])(?P<hour_only>1[0-2]|0?[1-9])\s?(?P<hour_half>[aApP]){_HALF}"
        rf"{_stop('hour_stop')}",
        say.hour,
    ),
    (r"(?<![\w.])(?P<v>[vV])?(?P<version>[0-9]+(?:\.[0-9]+){2,})(?!\w)", say.version),
    (
        r"(?<![\w.])(?P<phone>\+[0-9][0-9 ()-]{5,22}[0-9]|\(?[0-9]{3}\)?[ .-][0-9]{3}[.-][0-9]{4}"
        r"|[0-9]{3}-[0-9]{4})(?![\w-])",
        say.phone,
    ),
    (
        rf"(?<![\w.-])(?P<low>{_NUMBER})(?:\s?[–—]\s?|-)(?P<high>{_NUMBER})"
        rf"(?:\s?(?P<range_unit>{_UNIT})(?!\w))?(?![\w-])",
        say.number_range,
    ),
    (
        r"(?<![\w./])(?:(?P<mixed>[0-9]{1,3})\s)?(?P<top>[0-9]{1,3})/(?P<bottom>[0-9]{1,3})(?![\w/])"
        rf"(?:\s?(?P<fraction_unit>{_UNIT})(?!\w))?",
        say.fraction,
    ),
    (rf"(?P<vulgar_whole>[0-9]{{1,9}})?\s?(?P<vulgar>{_any(FRACTIONS)})", say.vulgar),
    (r"(?<![\w.,])(?P<ordinal_digits>[0-9]{1,9})(?:st|nd|rd|th)(?!\w)", say.ordinal),
    (
        r"(?<![\w.,])(?:(?P<century>[12][0-9]{2}0)|['’](?P<decade>[1-9]0)|"
        r"(?<=the )(?P<the_decade>[1-9]0))['’]?s(?!\w)",
        say.decade,
    ),
    (
        rf"(?:(?<![\w)])(?P<amount_minus>[-−])|(?<![\w.]))(?P<amount>{_NUMBER})\s?"
        rf"(?P<unit>{_UNIT})(?![\w/^])",
        say.quantity,
    ),
    (r"(?:#|№\s?|(?<!\w)[Nn]os?\.\s)(?=[0-9])", lambda _found: "number "),
    (r"(?<!\w)(?P<tongue>[CF]#|C\+\+)(?!\w)", _tongue),
    (r"#+", lambda _found: ""),
    (r"(?<=[0-9])(?:\*\*|\^)(?=[0-9])", lambda _found: " to the power of "),
    (r"(?<=[0-9])\s[-−]\s(?=[0-9])", lambda _found: " minus "),
    (r"(?<=\s)[-–](?=\s|$)", lambda _found: "—"),
    (
        rf"(?:(?<![\w)])(?P<minus>[-−])(?=[0-9.]))?(?P<number_digits>{_NUMBER}|(?<![\w.])\.[0-9]+)",
        say.number,
    ),
    (rf"(?<![\w.])(?P<short>{_any(ABBREVIATIONS)})(?!\w)(?P<short_stop>\.)?", _abbreviation),
    (r"(?<=\s)[<>+*](?=\s|$|[0-9])|(?<=[0-9])[+*](?![A-Za-z*])|(?<=\w)\+(?=[0-9])", _signs),
    (r"(?<=[0-9])x(?!\w)", lambda _found: "times"),
    (r"[₀-₉]", lambda found: f" {say.spell(str(ord(found[0]) - ord('₀')))}"),
    (r"(?<!\w)π(?!\w)|~(?=[0-9])", _signs),
    (rf"[{''.join(map(re.escape, SIGNS.keys() - set('<>+*~π')))}]", _signs),
    (r"(?<=[A-Za-z])/(?=[A-Za-z])|[\\|~^]", lambda _found: " "),
)
_PATTERN = re.compile("|".join(f"(?P<rule_{at}>{row[0]})" for at, row in enumerate(_TABLE)))
_RULES = {f"rule_{at}": row[1] for at, row in enumerate(_TABLE)}
