"""What gets into the prompt when there is room for little."""

from wyoming_voice.asr.bias import packed
from wyoming_voice.asr.engine import DecodeOptions


def words(text: str) -> int:
    return len(text.split())


def test_nothing_to_say() -> None:
    assert packed(DecodeOptions(), words) == ""


def test_the_most_important_stands_last() -> None:
    options = DecodeOptions(
        names=("Anna", "Bo"), hotwords=("Zigbee",), terms=("scene",), initial_prompt="At home."
    )
    assert packed(options, words) == "At home. scene, Zigbee, Bo, Anna."


def test_names_get_room_first() -> None:
    options = DecodeOptions(names=("Anna", "Bo"), terms=("scene",), initial_prompt="At home.")
    assert packed(options, words, budget_tokens=2) == "Bo, Anna."
    assert packed(options, words, budget_tokens=3) == "scene, Bo, Anna."
    assert packed(options, words, budget_tokens=4) == "At scene, Bo, Anna."


def test_a_name_goes_in_whole_or_not_at_all() -> None:
    options = DecodeOptions(names=("Anna", "the big living room", "Bo"))
    assert packed(options, words, budget_tokens=3) == "Bo, Anna."


def test_a_name_is_said_once_and_tidily() -> None:
    options = DecodeOptions(names=("Anna", " Anna ", ""), terms=("Anna", "living \n room"))
    assert packed(options, words) == "living room, Anna."
