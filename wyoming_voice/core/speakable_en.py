"""English: numbers, units, times, dates, money, signs and abbreviations read out as words.

Decides how one phrase sounds, so that every engine reads it the same. The rule it keeps: one pass
over the phrase with one table of patterns, tried in order at each place; what one rule wrote is
never read by another. No pattern repeats a repetition, so none can blow up.
"""

import re
from collections.abc import Callable, Iterable

from wyoming_voice.core import numbers_en as say
from wyoming_voice.core.readings import Part
from wyoming_voice.core.speakable_tables import (
    ABBREVIATIONS,
    CURRENCIES,
    FRACTIONS,
    SCALES,
    SHORT_DAYS,
    SHORT_MONTHS,
    SIGNS,
    UNITS,
)

Match = re.Match[str]
_BARE = frozenset(("Dr", "Mr", "Mrs", "etc", "vs", "w/", "w/o"))
_LAST_WORDS = frozenset(("Jr", "Sr", "a.k.a", "etc"))
_GAP_BEFORE_STOP = re.compile(r" (?=[.,!?;:](?: |$))")
_WAITING = re.compile(r"[0-9]\S*[^\s.!?:;,]$|[0-9]\)?$")
_WAITING_ABBREVIATION = re.compile(r"[(\"']*(?:[aApP]\.?[mM]\.|etc\.)$|[(\"']*(?:Nos?\.|no\.|№)$")
_WAITING_UNIT = re.compile(
    r"[(0-9.,/½¼¾–-]*(?:tbsp|tsp|lbs?|oz|min|sec|hrs?|ft|[kcm]?m|k?g|m[lL]|[lL])\.$"
)
_WAITING_DATE = re.compile(
    rf"[(\"']*(?:(?:{'|'.join(SHORT_MONTHS)})\.?|(?:{'|'.join(SHORT_DAYS)})\.)$"
)


def waits(word: str) -> bool:
    """Tell whether how `word` is read depends on the word after it."""
    if word in SIGNS or word in CURRENCIES or word in ("-", "–", "−", "/", "x"):
        return True
    return any(
        waiting.search(word)
        for waiting in (_WAITING, _WAITING_ABBREVIATION, _WAITING_UNIT, _WAITING_DATE)
    )


def read(context: str, phrase: str) -> tuple[str, list[Part]]:
    """Return `phrase` in words, and what they stand for part by part.

    `context` is what stood before it, as it was written.
    """
    start = len(context) + 1
    text = f"{context} {phrase}"
    parts: list[Part] = []
    for found in _PATTERN.finditer(text, start):
        before = text[start : found.start()]
        parts += [(before, before), (found[0], _RULES[found.lastgroup or ""](found))]
        start = found.end()
    parts.append((text[start:], text[start:]))
    words = " ".join("".join(said for _, said in parts).replace("_", " ").split())
    return _GAP_BEFORE_STOP.sub("", words), parts


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


def _power(found: Match) -> str:
    return " squared" if found["power"] == "2" else " cubed"


def _subscript(found: Match) -> str:
    digits = "".join(str(ord(digit) - ord("₀")) for digit in found[0])
    letter_follows = found.string[found.end() : found.end() + 1].isalpha()
    return f" {say.spell(digits)}{' ' if letter_follows else ''}"


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
# A stop inside a sentence, "2 tbsp. butter"; and what a unit or a price is for, "$5/month".
_AFTER_UNIT = r"(?:\.(?=\s+[a-z(]|[),;:]))?(?:(?P<{0}>/)(?=[a-z]{{3,}}))?"
_SCALE = r"(?:[kKMBTm]|mn|bn|tn)\b|\s(?:thousand|million|billion|trillion)\b"
_TABLE: tuple[tuple[str, Callable[[Match], str]], ...] = (
    (r"(?<![\w.+-])(?P<address>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)", say.address),
    (
        r"(?<![\w.-])(?P<host>(?:(?:[\w-]+\.)+[a-z][\w-]+|localhost(?=:)|(?:[0-9]{1,3}\.){3}"
        r"[0-9]{1,3}(?![\w.]))(?::[0-9]{2,5})?)",
        say.host,
    ),
    (
        rf"(?:(?<![\w)])(?P<money_minus>[-−]))?(?P<money_sign>US\$|[$€£¥₹])\s?"
        rf"(?P<money_before>{_NUMBER})(?:[-–](?P<money_to>{_NUMBER}))?(?P<money_scale>{_SCALE})?"
        rf"{_AFTER_UNIT.format('money_per')}",
        say.money,
    ),
    (
        rf"(?<![\w.])(?P<money_after>{_NUMBER})\s?(?P<money_code>{_any(CURRENCIES)})(?![\w$])",
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
    (
        r"(?<![\w.])(?:(?P<v>[vV])(?=[0-9]))?"
        r"(?P<version>[0-9]+(?:\.[0-9]+)(?(v)(?:\.[0-9]+)*|(?:\.[0-9]+)+))(?!\w)",
        say.version,
    ),
    (
        r"(?<![\w.])(?P<phone>\+[0-9][0-9 ()-]{5,22}[0-9]|(?:1[ .-])?\(?[0-9]{3}\)?[ .-][0-9]{3}[.-][0-9]{4}"
        r"|[0-9]{3}-[0-9]{4})(?![\w-])",
        say.phone,
    ),
    (
        rf"(?<![\w.-])(?P<low>{_NUMBER})(?:\s?[–—]\s?|-)(?P<high>{_NUMBER})"
        rf"(?:\s?(?P<range_unit>{_UNIT})(?!\w){_AFTER_UNIT.format('range_per')})?(?![\w-])",
        say.number_range,
    ),
    (
        r"(?<![\w./])(?:(?P<mixed>[0-9]{1,3})\s)?(?P<top>[0-9]{1,3})/(?P<bottom>[0-9]{1,3})(?![\w/])"
        rf"(?:\s?(?P<fraction_unit>{_UNIT})(?!\w){_AFTER_UNIT.format('fraction_per')})?",
        say.fraction,
    ),
    (
        rf"(?P<vulgar_whole>[0-9]{{1,9}})?\s?(?P<vulgar>{_any(FRACTIONS)})"
        rf"(?:\s?(?P<vulgar_unit>{_UNIT})(?!\w){_AFTER_UNIT.format('vulgar_per')})?",
        say.vulgar,
    ),
    (r"(?<![\w.])(?P<hours>[0-9]{1,2})h\s?(?P<minutes>[0-9]{1,2})m(?:in)?(?!\w)", say.duration),
    (
        r"(?<![\w.])(?P<feet>[0-9]{1,2})['’′]\s?(?P<inches>[0-9]{1,2})(?:[\"”″]|['’′]{2})",
        say.feet_and_inches,
    ),
    (
        r"(?<![\w.])(?P<wide>[0-9]{1,3})['’′]\s?[x×]\s?(?P<long>[0-9]{1,3})['’′]",
        say.feet_by_feet,
    ),
    (r"(?<=[0-9])x(?=[0-9])", lambda _found: " by "),
    (r"(?<![\w.,])(?P<ordinal_digits>[0-9]{1,9})(?:st|nd|rd|th)(?!\w)", say.ordinal),
    (
        r"(?<![\w.,])(?:(?P<century>[12][0-9]{2}0)|['’](?P<decade>[1-9]0)|"
        r"(?<=the )(?P<the_decade>[1-9]0))['’]?s(?!\w)",
        say.decade,
    ),
    (
        rf"(?:(?<![\w)])(?P<amount_minus>[-−])|(?<![\w.]))(?P<amount>{_NUMBER})\s?"
        rf"(?P<unit>{_UNIT})(?![\w^]|/(?![0-9]|[a-z]{{3}})){_AFTER_UNIT.format('per')}",
        say.quantity,
    ),
    (rf"(?<=\bper )(?P<per_unit>{_UNIT})(?!\w)", lambda found: UNITS[found["per_unit"]][0]),
    (
        rf"(?<![\w.])(?P<scaled>{_NUMBER})(?P<scale>M|bn|tn|(?<=\.[0-9])B)(?!\w)",
        lambda found: f"{say.spell(found['scaled'])} {SCALES[found['scale']]}",
    ),
    (
        rf"(?<!\w)(?P<short_month>{_any(SHORT_MONTHS)})(?=\.|\s[0-9]){_stop('month_stop')}(?!\w)",
        lambda found: SHORT_MONTHS[found["short_month"]] + (found["month_stop"] or ""),
    ),
    (
        rf"(?<!\w)(?P<short_day>{_any(SHORT_DAYS)}){_stop('day_stop')}(?!\w)",
        lambda found: SHORT_DAYS[found["short_day"]] + (found["day_stop"] or ""),
    ),
    (r"(?:#|№\s?|(?<!\w)[Nn]os?\.\s)(?=[0-9])", lambda _found: "number "),
    (r"(?<!\w)(?P<tongue>[CF]#|C\+\+)(?!\w)", _tongue),
    (r"#+", lambda _found: ""),
    (r"(?<=[0-9A-Za-z)])(?:\*\*|\^)(?P<power>[23])(?![0-9])", _power),
    (r"(?<=[0-9A-Za-z)])(?:\*\*|\^)(?=[0-9])", lambda _found: " to the power of "),
    (r"(?<=[0-9])\s/\s(?=[0-9])", lambda _found: " divided by "),
    (r"(?<=[A-Za-z°℃℉%])/(?=[0-9])", lambda _found: ", "),
    (r"(?<=[0-9])\s[-−]\s(?=[0-9])", lambda _found: " minus "),
    (r"(?<=\s)[-–](?=\s|$)", lambda _found: "—"),
    (
        rf"(?:(?<![\w)])(?P<minus>[-−])(?=[0-9.]))?(?P<number_digits>{_NUMBER}|(?<![\w.])\.[0-9]+)",
        say.number,
    ),
    (rf"(?<![\w.])(?P<short>{_any(ABBREVIATIONS)})(?!\w)(?P<short_stop>\.)?", _abbreviation),
    (r"(?<=\s)[<>+*](?=\s|$|[0-9])|(?<=[0-9])[+*](?![A-Za-z*])|(?<=\w)\+(?=[0-9])", _signs),
    (r"(?<=[0-9])x(?!\w|\s?[-+=−*/^)²³])", lambda _found: " times"),
    (r"[₀-₉]+", _subscript),
    (r"(?<!\w)π(?!\w)|~(?=[0-9])", _signs),
    (rf"[{''.join(map(re.escape, SIGNS.keys() - set('<>+*~π')))}]", _signs),
    (r"(?<=[A-Za-z])/(?=[A-Za-z])|[\\|~^]", lambda _found: " "),
)
_PATTERN = re.compile("|".join(f"(?P<rule_{at}>{row[0]})" for at, row in enumerate(_TABLE)))
_RULES = {f"rule_{at}": row[1] for at, row in enumerate(_TABLE)}
