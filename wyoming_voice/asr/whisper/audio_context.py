"""How much audio the encoder is shown: 30 s as Whisper was trained, or less where the speech is shorter.

Shown less, it works in a fraction of the time, and its weights mostly bear that where silence follows the
speech, but not always: `doubts` decides what is decoded again at 30 s.
"""

FULL_S = 30.0
AUTO_S = 6.0
STEPS_S = (AUTO_S, 8.0, 10.0, 15.0, FULL_S)
"""Few lengths, so that requests of different lengths can be worked on together."""

MARGIN_S = 2.56
"""128 positions of the encoder, of 20 ms each, behind the speech. Published: tiny.en at the exact length has
a word error rate of 226 % where the full window has 4.7 %; with this margin or more it recovers."""


def shortest_context_s(told: str) -> float:
    """`full`, `auto` or seconds as the shortest context allowed, in seconds. Raises ValueError."""
    known = {"full": FULL_S, "auto": AUTO_S}
    if told.lower() in known:
        return known[told.lower()]
    try:
        seconds = float(told)
    except ValueError:
        seconds = 0.0
    if not AUTO_S <= seconds <= FULL_S:
        raise ValueError(
            f"{told!r} is no audio context: full, auto, or seconds from {AUTO_S:g} to {FULL_S:g}"
        )
    return seconds


def context_s(duration_s: float, shortest_s: float) -> float:
    """The first step, of at least `shortest_s`, that holds the audio and its margin."""
    needed_s = max(shortest_s, duration_s + MARGIN_S)
    return next((step_s for step_s in STEPS_S if step_s >= needed_s), FULL_S)


def loops_when_short(model: str) -> bool:
    """Whether a model, by its name, is known to repeat itself at short contexts in spite of the margin."""
    return "turbo" in model.lower()
