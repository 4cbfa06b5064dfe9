from datetime import datetime

import pytest

from wyoming_voice.handle.local import ABILITIES, LocalAnswer, answer
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Question

NOW = datetime(2026, 3, 1, 15, 5)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("what time is it", "It is 3:05 PM."),
        ("What's the time?", "It is 3:05 PM."),
        ("please tell me the time", "It is 3:05 PM."),
        ("can you tell me what time it is right now, please?", "It is 3:05 PM."),
        ("what is the date today", "It is Sunday, March 1, 2026."),
        ("What's today's date?", "It is Sunday, March 1, 2026."),
        ("what day is it", "It is Sunday."),
        ("what day of the week is it today", "It is Sunday."),
        ("What can you do?", ABILITIES),
        ("what do you do", ABILITIES),
        ("repeat after me the lamp is on", "The lamp is on."),
        ("Repeat after me: what time is it?", "What time is it?"),
        ("hello", "Hello."),
        ("Thank you very much!", "You're welcome."),
        ("good night", "Goodbye."),
    ],
)
def test_what_needs_no_model_is_answered(question: str, text: str) -> None:
    reply = answer(Question(question, "c"), NOW)
    assert (reply.text, reply.failure) == (text, "")


@pytest.mark.parametrize(
    "question",
    [
        "why is the sky blue",
        "what time is it in Tokyo",
        "what is the date of the next full moon",
        "hello can you explain black holes",
        "repeat after me",
        "thanks for all the fish",
        "which update broke it",
        "",
    ],
)
def test_everything_else_is_said_to_need_one(question: str) -> None:
    reply = answer(Question(question, "c"), NOW)
    assert reply == LocalAnswer(in_words(Own.NO_MODEL_CONFIGURED, "en"), "no-model")


@pytest.mark.parametrize(
    ("hour", "minute", "text"),
    [(0, 0, "12:00 AM"), (12, 30, "12:30 PM"), (11, 59, "11:59 AM"), (23, 1, "11:01 PM")],
)
def test_the_clock_has_twelve_hours(hour: int, minute: int, text: str) -> None:
    now = NOW.replace(hour=hour, minute=minute)
    assert answer(Question("what time is it", "c"), now).text == f"It is {text}."


def test_who_asks_in_another_language_is_told_so_in_it() -> None:
    asked = Question("warum ist der Himmel blau", "c", "de-AT")
    assert answer(asked, NOW).text == in_words(Own.NO_MODEL_CONFIGURED, "de")
