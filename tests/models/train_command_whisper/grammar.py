"""Every sentence that the command model knows, and how it is written.

Spoken form is lower case without punctuation; `written` gives what the model says: a capital, a
final mark, as Whisper writes.
"""

from itertools import product

ROOMS = ("kitchen", "bedroom", "bathroom", "office", "garage", "living room")
THINGS = ("light", "lamp", "fan", "heater")
DIMMABLE = ("light", "lamp", "fan")
OPENINGS = ("door", "window")
NUMBERS = ("one", "two", "three", "four", "five", "ten", "twenty", "thirty", "fifty")
PHRASES = (
    "stop",
    "cancel",
    "yes",
    "no",
    "stop the timer",
    "cancel the timer",
    "stop the music",
    "play some music",
    "what time is it",
    "what is the weather",
    "what is the weather today",
    "what is the weather tomorrow",
    "good morning",
    "good night",
    "thank you",
)
_QUESTION_WORD = "what"


def sentences() -> list[str]:
    """All sentences in their spoken form, sorted."""
    return sorted({*PHRASES, *_switching(), *_opening(), *_percentages(), *_timers()})


def everyday_sentences() -> list[str]:
    """Without the 162 percentages, which would otherwise be half of all that is drawn."""
    return sorted({*PHRASES, *_switching(), *_opening(), *_timers()})


def written(sentence: str) -> str:
    """`what time is it` -> `What time is it?`"""
    mark = "?" if sentence.startswith(_QUESTION_WORD) else "."
    return sentence[0].upper() + sentence[1:] + mark


def _switching() -> list[str]:
    places = [f"the {room} {thing}" for room, thing in product(ROOMS, THINGS)]
    places += [f"the {thing}" for thing in THINGS]
    places += ["all the lights"]
    return [f"turn {state} {place}" for state, place in product(("on", "off"), places)]


def _opening() -> list[str]:
    return [f"{v} the {r} {o}" for v, r, o in product(("open", "close"), ROOMS, OPENINGS)]


def _percentages() -> list[str]:
    parts = product(ROOMS, DIMMABLE, NUMBERS)
    return [f"set the {room} {thing} to {number} percent" for room, thing, number in parts]


def _timers() -> list[str]:
    def plural(number: str) -> str:
        return "" if number == "one" else "s"

    parts = product(NUMBERS, ("minute", "second"))
    return [f"set a timer for {number} {unit}{plural(number)}" for number, unit in parts]
