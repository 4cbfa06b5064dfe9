"""What a WebSocket client's messages mean, without a socket."""

from typing import Any

import pytest

from wyoming_voice.errors import TooLarge
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.tts.http.dialogue import Add, Cancel, Close, Dialogue, HangUp, Open

OPENED = Open("t", voice=None, language=None, speed=None, kind="pcm", words=False)


def meant(*messages: dict[str, Any], most: int = 20) -> list[object]:
    """The effects of messages, which all belong to turn t."""
    dialogue = Dialogue(most)
    return [effect for fields in messages for effect in dialogue.push({"turn_id": "t", **fields})]


def test_a_whole_text() -> None:
    wish = {"voice": "af_sky", "speed": 1, "format": "mp3", "words": True, "language": "en"}
    opened = Open("t", "af_sky", "en", 1.0, "mp3", words=True)
    assert meant({"text": "Hello.", **wish}) == [opened, Add("Hello."), Close()]


def test_a_text_in_parts_opens_with_the_first_and_ends_with_the_last() -> None:
    opened = OPENED
    assert meant({"delta": "Hel"}, {"delta": "lo", "voice": "passed over"}, {"end": True}) == [
        *(opened, Add("Hel"), Add("lo"), Close())
    ]
    assert meant({"delta": "Hello", "end": True}) == [opened, Add("Hello"), Close()]
    assert meant({"end": True}) == [opened, Close()]
    assert meant({"delta": ""}, {"end": True}) == [opened, Close()]


def test_after_a_cancel_the_next_part_opens_a_new_text() -> None:
    assert meant({"delta": "a"}, {"cancel": True}, {"delta": "b"}) == [
        *(OPENED, Add("a"), Cancel(), OPENED, Add("b"))
    ]


def test_a_text_that_is_too_long_is_passed_over_and_parts_end_it_all() -> None:
    with pytest.raises(TooLarge):
        meant({"text": "a" * 21})
    *_, last = meant({"delta": "a" * 20}, {"delta": "a"})
    assert isinstance(last, HangUp)
    assert len(meant({"delta": "a" * 20, "end": True}, {"delta": "a" * 20, "end": True})) == 6


@pytest.mark.parametrize(
    "fields", [{}, {"text": None}, {"end": False}, {"delta": 5}, {"cancel": 1}]
)
def test_what_means_nothing_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        meant(fields)
