"""English numbers in words: each function reads what one pattern of `speakable_en` found.

Decides how a number with its neighbours sounds. Numbers are spelled by num2words, without its
commas and "and", at which speech could be cut. A function takes the match and uses the groups that
its pattern names.
"""

import re
from functools import lru_cache

from num2words import num2words

from wyoming_voice.core.speakable_tables import (
    CURRENCIES,
    FRACTIONS,
    MONTHS,
    SCALES,
    SHORT_MONTHS,
    UNITS,
)

Match = re.Match[str]
_LONGEST_NUMBER = 15
_YEAR_WORDS = frozenset(("in", "since", "until", "by", "from", "before", "after", "year", "during"))
_DIALLED = frozenset(("call", "dial", "calling", "dialing"))
_MONTHS = frozenset((*MONTHS, *SHORT_MONTHS, *(f"{short}." for short in SHORT_MONTHS)))
_SPOKEN_FRACTIONS = {("24", "7"): "twenty-four seven", ("9", "11"): "nine eleven"}
_DENOMINATORS = {"2": ("half", "halves"), "4": ("quarter", "quarters")}


@lru_cache(maxsize=512)
def spell(number: str, to: str = "cardinal") -> str:
    """Spell a number; a very long one and one with leading zeros digit by digit."""
    digits = number.replace(",", "")
    if len(digits) > _LONGEST_NUMBER or (len(digits) > 1 and digits[0] == "0" and digits.isdigit()):
        return _digits(digits)
    whole, _, decimals = digits.partition(".")
    spelled = num2words(int(whole or "0"), to=to)
    spelled = spelled.replace(",", "").replace(" and ", " ")
    return f"{spelled} point {_digits(decimals)}" if decimals else spelled


def _digits(text: str) -> str:
    return " ".join(
        "point" if char == "." else spell(char) for char in text if char.isdigit() or char == "."
    )


def _year(digits: str) -> str:
    return spell(digits, "year")


def _is_one(number: str) -> bool:
    return number in ("1", "-1", "1.0")


def _sign(found: Match, group: str) -> str:
    return "minus " if found[group] else ""


def _is_year(digits: str) -> bool:
    """Tell whether a number without a comma can be a year, 1001 to 2099."""
    return len(digits) == 4 and digits.isdigit() and "1000" < digits < "2100"


def _counted(number: str, unit: tuple[str, str]) -> str:
    return f"{spell(number)} {unit[number != '1']}"


def _per(found: Match, group: str) -> str:
    return " per " if found[group] else ""


def address(found: Match) -> str:
    """Read a.b@c.com: "a dot b at c dot com"."""
    spoken = found["address"].replace("@", " at ").replace(".", " dot ")
    return spoken.replace("_", " underscore ").replace("+", " plus ")


def host(found: Match) -> str:
    """Read README.md, 10.0.0.1:80: "README dot md", numbers digit by digit."""
    name, _, port = found["host"].partition(":")
    spoken = " dot ".join(_digits(part) if part.isdigit() else part for part in name.split("."))
    return f"{spoken} port {_digits(port)}" if port else spoken


def version(found: Match) -> str:
    """Read 2.0.1: "two point zero point one"."""
    parts = found["version"].split(".")
    return ("version " if found["v"] else "") + " point ".join(map(spell, parts))


def phone(found: Match) -> str:
    """Read a telephone number, digit by digit."""
    plus = "plus " if found["phone"].startswith("+") else ""
    return plus + _digits(found["phone"].replace(".", ""))


def money(found: Match) -> str:
    """Read $5.50: "five dollars fifty"."""
    scale = (found["money_scale"] or "").strip()
    number, sign = found["money_before"], found["money_sign"]
    if upper := found["money_to"]:
        words = f"{spell(number)} to {_amount_of_money(upper, sign, scale)}"
    else:
        words = _sign(found, "money_minus") + _amount_of_money(number, sign, scale)
    return words + _per(found, "money_per")


def money_after(found: Match) -> str:
    """Read 5 € and 5 EUR: "five euros"."""
    return _amount_of_money(found["money_after"], found["money_code"], "")


def _amount_of_money(number: str, sign: str, scale: str) -> str:
    one, many, hundredth, hundredths = CURRENCIES[sign]
    if scale:
        return f"{spell(number)} {SCALES[scale]} {many}"
    whole, _, part = number.partition(".")
    if len(part) != 2:
        return f"{spell(number)} {one if _is_one(number) else many}"
    cents = spell(str(int(part)))
    if whole == "0":
        return f"{cents} {hundredth if part == '01' else hundredths}"
    large = f"{spell(whole)} {one if whole == '1' else many}"
    if part[0] == "0" and part != "00":
        return f"{large} {cents} {hundredth if part == '01' else hundredths}"
    return large if part == "00" else f"{large} {cents}"


def date(found: Match) -> str:
    """Read 2026-11-21: "November twenty-first twenty twenty-six"."""
    year, month, day = found["year"], int(found["month"]), int(found["day"])
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return _digits(found[0])
    return f"{MONTHS[month - 1]} {spell(str(day), 'ordinal')} {_year(year)}"


def us_date(found: Match) -> str:
    """Read 11/21/2026, month first unless it cannot be."""
    month, day, year = found["us_date"].split("/")
    if int(month) > 12:
        month, day = day, month
    if not 1 <= int(month) <= 12 or not 1 <= int(day) <= 31:
        return _digits(found[0])
    return f"{MONTHS[int(month) - 1]} {spell(str(int(day)), 'ordinal')} {_year(year)}"


def clock(found: Match) -> str:
    """Read 14:30 and 7:05 p.m.: "fourteen thirty", "seven oh five PM"."""
    hour, minute, seconds = int(found["hour"]), found["minute"], found["seconds"]
    half = found["half"]
    words = [spell(str(hour))]
    if minute != "00":
        words.append(f"oh {spell(minute[1])}" if minute[0] == "0" else spell(minute))
    elif not half and not seconds:
        words.append("hundred" if hour > 12 or not hour else "o'clock")
    if seconds:
        words.append(f"and {spell(str(int(seconds)))} seconds")
    return " ".join(words) + _half_day(half, found["half_stop"])


def hour(found: Match) -> str:
    """Read 5 p.m.: "five PM"."""
    return spell(found["hour_only"]) + _half_day(found["hour_half"], found["hour_stop"])


def _half_day(half: str | None, stop: str | None) -> str:
    """Return " AM" or " PM" in capitals, which both phonemizers spell, and a full stop if due."""
    return f" {half[0].upper()}M{stop or ''}" if half else ""


def number_range(found: Match) -> str:
    """Read 10-20 km: "ten to twenty kilometers"."""
    low, high = found["low"], found["high"]
    years = _is_year(low) and _is_year(high)
    words = f"{_year(low)} to {_year(high)}" if years else f"{spell(low)} to {spell(high)}"
    unit = found["range_unit"]
    return f"{words} {UNITS[unit][1]}{_per(found, 'range_per')}" if unit else words


def fraction(found: Match) -> str:
    """Read 3/4: "three quarters"; what is no proper fraction: "over"."""
    top, bottom, unit = found["top"], found["bottom"], found["fraction_unit"]
    whole = f"{spell(found['mixed'])} and " if found["mixed"] else ""
    if spoken := _SPOKEN_FRACTIONS.get((top, bottom)):
        return spoken
    if bottom in ("10", "100") and not whole and not unit:
        return f"{spell(top)} out of {spell(bottom)}"
    if int(top) >= int(bottom) or int(bottom) > 20:
        return f"{whole}{spell(top)} over {spell(bottom)}"
    ordinal = spell(bottom, "ordinal")
    one, many = _DENOMINATORS.get(bottom, (ordinal, f"{ordinal}s"))
    behind = f" {UNITS[unit][whole != '']}{_per(found, 'fraction_per')}" if unit else ""
    return f"{whole}{spell(top)} {one if top == '1' else many}{behind}"


def vulgar(found: Match) -> str:
    """Read 2½: "two and one half"."""
    whole, unit = found["vulgar_whole"], found["vulgar_unit"]
    behind = f" {UNITS[unit][whole is not None]}{_per(found, 'vulgar_per')}" if unit else ""
    return (f"{spell(whole)} and " if whole else "") + FRACTIONS[found["vulgar"]] + behind


def duration(found: Match) -> str:
    """Read 1h30m: "one hour thirty minutes"."""
    hours, minutes = found["hours"], str(int(found["minutes"]))
    return f"{_counted(hours, UNITS['h'])} {_counted(minutes, UNITS['min'])}"


def feet_and_inches(found: Match) -> str:
    """Read 5'11": "five feet eleven inches"."""
    inches = _counted(found["inches"], ("inch", "inches"))
    return f"{_counted(found['feet'], UNITS['ft'])} {inches}"


def feet_by_feet(found: Match) -> str:
    """Read 10' x 12': "ten by twelve feet"."""
    return f"{spell(found['wide'])} by {spell(found['long'])} feet"


def ordinal(found: Match) -> str:
    """Read 21st: "twenty-first"."""
    return spell(found["ordinal_digits"], "ordinal")


def decade(found: Match) -> str:
    """Read the 1990s: "nineteen nineties"."""
    digits = found["century"] or found["decade"] or found["the_decade"]
    spoken = _year(digits) if len(digits) == 4 else spell(digits)
    return f"{spoken[:-1]}ies" if spoken.endswith("y") else f"{spoken}s"


def quantity(found: Match) -> str:
    """Read 5 km/h: "five kilometers per hour"."""
    number = found["amount"]
    one, many = UNITS[found["unit"]]
    words = f"{_sign(found, 'amount_minus')}{spell(number)}"
    return f"{words} {one if _is_one(number) else many}{_per(found, 'per')}"


def number(found: Match) -> str:
    """Read any other number, a year or day where its neighbours say so."""
    digits = found["number_digits"]
    before = found.string[max(0, found.start() - 24) : found.start()]
    after = found.string[found.end() : found.end() + 12].split()
    if after and after[0].strip(",") in _MONTHS and digits.isdigit() and len(digits) < 3:
        return f"{spell(digits, 'ordinal')} of"
    spoken = _in_context(digits, before.replace(",", "").split())
    # "B12" and "4K" are read as a letter and a number.
    left = " " if before[-1:].isalpha() else ""
    right = found.string[found.end() : found.end() + 1].isalpha()
    return f"{left}{_sign(found, 'minus')}{spoken}{' ' if right else ''}"


def _in_context(digits: str, before: list[str]) -> str:
    last = before[-1] if before else ""
    if last in _MONTHS and digits.isdigit() and 1 <= int(digits[:3]) <= 31 and len(digits) < 3:
        return spell(digits, "ordinal")
    if last.lower() in _DIALLED and len(digits) == 3:
        return _digits(digits)
    dated = last in _MONTHS or (len(before) > 1 and before[-2] in _MONTHS)
    dated = dated or last.lower() in _YEAR_WORDS
    # LLMs write thousands with a comma: what has none up to 1999 is a year or is read like one.
    if _is_year(digits) and (dated or "1100" <= digits < "2000"):
        return _year(digits)
    return spell(digits)


def ratio(found: Match) -> str:
    """Read 16:9: "sixteen to nine"."""
    left, _, right = found["ratio"].partition(":")
    return f"{spell(left)} to {spell(right)}"
