"""Hostile input takes time in proportion to its length: by steps of Python where they tell, and where the
work is done in C by inputs so long that what is quadratic would not come to an end within a test's time.
"""

import pytest

from tests.fuzz.growth import growth
from tests.fuzz.registry import TARGETS
from wyoming_voice.core.captions import Captions
from wyoming_voice.core.words import TimedWord
from wyoming_voice.handle.llm.calls import StreamedCalls
from wyoming_voice.handle.llm.hidden import HiddenBlocks
from wyoming_voice.handle.llm.sse import SseReader

_LINEAR = 4.0
"""An input that is four times as long takes so many times the steps; quadratic would be 16."""

HOSTILE = {
    "sentences": ("a", "Dr. ", ". ", "“", "1. ", "，"),
    "speakable": ("*", "[a](", "1 ", "<a", "| ", "http://", "```\n"),
    "pieces": ("a. ", "*", "1,", "&a"),
    "ssml": ("<", "&", "<a>", "&amp;"),
    "hidden-blocks": ("<", "<think>", "</think>", "[tool_calls]"),
    "disarming": ("<", "[A"),
    "complete-or-not": ("one ", "'"),
    "committed": ("a ", "a\n"),
    "sse": ("a", "\n", "data: x\n"),
    "answer-stream": ('data: {"choices":[{"delta":{"content":"<"}}]}\n', "data: {}\n"),
    "wire-reader": ('{"type":"a"}\n',),
}


@pytest.mark.parametrize(
    ("name", "unit"), [(name, unit) for name, units in HOSTILE.items() for unit in units]
)
def test_four_times_the_input_takes_four_times_the_steps(name: str, unit: str) -> None:
    grown = growth(TARGETS[name].run, b"\0\0\0\0", unit.encode(), 600)
    assert grown < 1.6 * _LINEAR


def test_a_long_line_may_come_in_many_pieces() -> None:
    reader = SseReader()
    assert not any(reader.push(b"abc") for _ in range(300_000))
    assert reader.push(b"\ndata: x\n") == ["x"]


def test_a_text_may_be_full_of_marks() -> None:
    assert HiddenBlocks().push("</think>" * 100_000 + "a") == "a"


def test_words_without_any_width_may_be_many() -> None:
    captions = Captions()
    said = [TimedWord("\u200d", 1.0, 1.0)] * 700
    cues = [cue for word in said for cue in captions.push(word)] + captions.finish()
    assert sum(len(cue.words) for cue in cues) == len(said)


def test_calls_may_be_many_and_their_arguments_long() -> None:
    calls = StreamedCalls()
    for number in range(20_000):
        function = {"name": "f", "arguments": "[["}
        calls.push({"tool_calls": [{"index": number, "id": str(number), "function": function}]})
        calls.push({"tool_calls": [{"index": 0, "id": str(number), "function": function}]})
    found = calls.finish()
    assert len(found) == 128
    assert len(found[0].arguments) < 70_000
