"""Partial text: only what two hypotheses agree on, never taken back, never said twice."""

import random

from wyoming_voice.core.stability import Stability


def committed(*hypotheses: str) -> list[str]:
    stability = Stability()
    return [stability.push(hypothesis) for hypothesis in hypotheses]


def test_a_word_needs_two_votes() -> None:
    assert committed("Turn", "Turn on", "Turn on the lamp", "Turn on the light.") == [
        "",
        "Turn",
        " on",
        " the",
    ]


def test_the_end_of_a_sentence_is_no_word_of_its_own() -> None:
    assert committed("Turn on.", "Turn on the light.") == ["", "Turn"]


def test_what_was_committed_is_not_taken_back() -> None:
    stability = Stability()
    for hypothesis in ("a b", "a b", "x y z", "x y z"):
        stability.push(hypothesis)
    assert stability.finish("x y z") == ""


def test_the_final_text_brings_the_rest() -> None:
    stability = Stability()
    said = [stability.push("Turn on"), stability.push("Turn on the")]
    assert "".join([*said, stability.finish("Turn on the light.")]) == "Turn on the light."


def test_scripts_without_spaces_count_by_characters() -> None:
    assert committed("打开", "打开厨房", "打开厨房的灯") == ["", "打开", "厨房"]


def test_random_hypotheses_are_never_restated() -> None:
    walk = random.Random(1)
    for _ in range(200):
        stability, shown = Stability(), ""
        for _ in range(20):
            words = " ".join(walk.choices(["a", "b"], k=walk.randrange(6)))
            shown += stability.push(words)
        final = " ".join(walk.choices(["a", "b"], k=6))
        rest = stability.finish(final)
        assert not rest or shown + rest == final


def test_the_text_so_far_begins_with_what_is_committed() -> None:
    stability = Stability()
    for hypothesis in ("turn on the", "turn on a light", "burn on the light now"):
        stability.push(hypothesis)
        assert stability.text.startswith(stability.committed)
    assert stability.committed == "turn on"
    assert stability.text == "turn on the light now"
