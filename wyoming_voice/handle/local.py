"""A few answers without any language model, in English: the time, the date, an echo, what this can do.

Rule: it answers what it surely understood, from the words alone (a recogniser may send neither capitals nor
punctuation), and says plainly, in the speaker's language, that no language model is configured for everything
else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Question

ABILITIES = (
    "Without a language model I can tell the time and the date, and repeat what you say. "
    "For everything else, please configure a language model."
)


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """What is said; `failure` names for the log why that is no answer."""

    text: str
    failure: str = ""


def answer(question: Question, now: datetime) -> LocalAnswer:
    """The answer to `question` at the local time `now`."""
    echo = _ECHO.match(question.text.strip())
    if echo and (words := echo["words"].strip(" ,.:;\"'")):
        return LocalAnswer(_sentence(words))
    core = _ASIDES.sub("", _plain(question.text))
    for pattern, say in _RULES:
        if pattern.fullmatch(core):
            return LocalAnswer(say(now))
    return LocalAnswer(in_words(Own.NO_MODEL_CONFIGURED, question.answered_in), "no-model")


def _plain(text: str) -> str:
    """Lower case, letters and spaces only: "What's the time?" becomes "whats the time"."""
    return " ".join(re.sub(r"[^\w\s]", "", text.lower().replace("-", " ")).split())


def _time(now: datetime) -> str:
    """In the twelve-hour form that English speakers say."""
    hour = now.hour % 12 or 12
    half = "AM" if now.hour < 12 else "PM"
    return f"It is {hour}:{now.minute:02} {half}."


def _date(now: datetime) -> str:
    return f"It is {_DAYS[now.weekday()]}, {_MONTHS[now.month - 1]} {now.day}, {now.year}."


def _day(now: datetime) -> str:
    return f"It is {_DAYS[now.weekday()]}."


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + ("" if words[-1] in "!?" else ".")


# Not strftime: its names follow the process's locale, and these answers are English.
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip

_ECHO = re.compile(r"(please\s+)?(repeat after me|say after me)\b(?P<words>.*)", re.I | re.S)


def _always(text: str) -> Callable[[datetime], str]:
    return lambda now: text


# What people say around a question. Only these: "what time is it in Tokyo" is another question.
_ASIDES = re.compile(
    r"^((hey|ok|okay|please|(can|could|would) you|do you know) )+|( (please|now|right now|today))+$"
)

_RULES: tuple[tuple[re.Pattern[str], Callable[[datetime], str]], ...] = (
    (re.compile(r"what time (is it|it is)|what(s| is)? the (current )?time( is it)?"), _time),
    (re.compile(r"((tell|give) me )?(what time it is|(the )?(current )?time)"), _time),
    (re.compile(r"what(s| is)? (the |todays )?(current )?date( is it)?|what date is it"), _date),
    (re.compile(r"((tell|give) me )?(the |todays )?date|what(s| is)? today"), _date),
    (re.compile(r"(what|which) day( of the week)? (is it|it is|is)|what day"), _day),
    (re.compile(r"what (can|do) you do|what are you able to do|help( me)?"), _always(ABILITIES)),
    (re.compile(r"(hello|hi|hey|good (morning|afternoon|evening))( there)?"), _always("Hello.")),
    (re.compile(r"(thank you|thanks)( (very|so) much| a lot)?"), _always("You're welcome.")),
    (re.compile(r"good ?bye|bye( bye)?|good night"), _always("Goodbye.")),
)
