"""Lines that were broken to fit a page are one; others are kept."""

import pytest

from wyoming_voice.say.lines import rejoined

PROSE = """It was a bright cold day in April, and the clocks
were striking thirteen. Winston Smith, his chin
nuzzled into his breast in an effort to escape.

The hallway smelt of boiled cabbage and old rag
mats."""


def test_a_paragraph_is_one_line() -> None:
    first, second = PROSE.split("\n\n")
    assert rejoined(PROSE).splitlines() == [first.replace("\n", " "), "", second.replace("\n", " ")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "One line.",
        "milk\nbread\ntwo pounds of potatoes",
        "# A heading of some length, as they are\nand text behind it that is as long as it",
        "Tyger Tyger, burning bright,\nIn the forests of the night;\nWhat immortal hand or eye,\n"
        "Could frame thy fearful symmetry?",
        "- the first item, which takes a whole line\n- the second one, which is about as long",
        "Dear all,\n\nsee you.\n\n\nAnn",
        f"A line that nobody has broken, {'very ' * 20}long.\nA short one.",
    ],
)
def test_other_lines_are_kept(text: str) -> None:
    assert rejoined(text).rstrip("\n") == text


def test_items_of_several_lines_are_one_each() -> None:
    text = "- the first item, which takes more than one\n  line\n- the second one"
    assert (
        rejoined(text) == "- the first item, which takes more than one   line\n- the second one\n"
    )
