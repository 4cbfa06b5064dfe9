"""The scripted people keep to their script: pauses where and as long as it says, the same each time."""

import numpy as np
import pytest

from tests.people import (
    PEOPLE,
    SCRIPTS,
    TRAILING_MS,
    Person,
    Script,
    Spoken,
    Why,
    pause_lengths_ms,
    say,
    turns,
)
from wyoming_voice.core.pcm import SPEECH

STILL = Person("still", "en-us", 1.0, -120)
TWO_PAUSES = Script("Set the | living room light to | ten percent.", Why.HESITATION)


def loudest(spoken: Spoken, from_ms: float, until_ms: float) -> float:
    first, last = (round(ms * SPEECH.rate_hz / 1000) for ms in (from_ms, until_ms))
    return float(np.abs(spoken.samples[first:last]).max())


def test_pauses_are_where_the_script_has_them() -> None:
    spoken = say(STILL, TWO_PAUSES, [400, 900])
    assert [round(end - begin) for begin, end in spoken.pauses] == [400, 900]
    for begin_ms, end_ms in spoken.pauses:
        assert loudest(spoken, begin_ms + 1, end_ms - 1) < 1e-4
        assert loudest(spoken, begin_ms - 40, begin_ms) > 1e-3
        assert loudest(spoken, end_ms, end_ms + 40) > 1e-3


def test_the_end_is_where_the_last_sound_ends() -> None:
    spoken = say(STILL, TWO_PAUSES, [400, 900])
    assert loudest(spoken, spoken.ends_ms - 40, spoken.ends_ms) > 1e-3
    assert loudest(spoken, spoken.ends_ms + 1, spoken.ends_ms + TRAILING_MS) < 1e-4
    assert spoken.text == "Set the living room light to ten percent."


def test_a_longer_pause_changes_nothing_else() -> None:
    short, long = (say(STILL, TWO_PAUSES, [ms, 300]) for ms in (200, 700))
    assert long.ends_ms - short.ends_ms == pytest.approx(500, abs=0.2)


def test_a_room_is_noisy() -> None:
    noisy = say(Person("loud", "en-us", 1.0, -40), TWO_PAUSES, [400, 400])
    begin_ms, end_ms = noisy.pauses[0]
    assert 10 ** (-40 / 20) < loudest(noisy, begin_ms + 1, end_ms - 1) < 6 * 10 ** (-40 / 20)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_everybody_can_say_everything(person: Person) -> None:
    for script in SCRIPTS:
        pauses_ms = [500.0] * script.text.count("|")
        assert len(say(person, script, pauses_ms).pauses) == len(pauses_ms)


def test_lengths_are_spread_as_in_hesitant_conversation() -> None:
    lengths_ms = pause_lengths_ms(1000)
    assert sum(ms > 600 for ms in lengths_ms) == pytest.approx(220, abs=5)
    assert sum(ms > 300 for ms in lengths_ms) == pytest.approx(560, abs=5)
    assert lengths_ms != sorted(lengths_ms)
    assert lengths_ms == pause_lengths_ms(1000)


def test_the_same_each_time() -> None:
    some = PEOPLE[:1]
    for one, again in zip(turns(some, rounds=1), turns(some, rounds=1), strict=True):
        assert one.pauses == again.pauses
        assert np.array_equal(one.samples, again.samples)
