from dataclasses import replace

import pytest

from wyoming_voice.handle.history import (
    INTERRUPTED,
    History,
    HistoryLimits,
    Revision,
    Turn,
    about_tokens,
    prompt,
)
from wyoming_voice.handle.steps import Deed, Message
from wyoming_voice.handle.tools.toolbox import ToolResult

LIMITS = HistoryLimits(keep_s=300, turns=6, tokens=1000, conversations=3)


def talk(history: History, key: str, count: int, now_s: float = 0.0) -> None:
    for number in range(count):
        history.open(key, now_s, "then")
        history.add(key, Turn(f"q{number}", f"a{number}"), now_s)


def turns(history: History, key: str, now_s: float = 0.0) -> tuple[Turn, ...]:
    return history.open(key, now_s, "later")[1]


def test_a_conversation_is_kept_while_it_is_used_and_forgotten_after() -> None:
    history = History(LIMITS)
    talk(history, "a", 1)
    assert turns(history, "a", 300.0) == (Turn("q0", "a0"),)
    assert turns(history, "a", 600.0) == (Turn("q0", "a0"),)
    assert turns(history, "a", 900.1) == ()


def test_forgetting_finds_the_old_ones_behind_a_used_one() -> None:
    history = History(LIMITS)
    talk(history, "a", 1, 0.0)
    talk(history, "b", 1, 100.0)
    talk(history, "a", 1, 200.0)
    assert len(history) == 2
    assert turns(history, "c", 450.0) == ()
    assert turns(history, "b", 450.0) == ()
    assert len(turns(history, "a", 450.0)) == 2


def test_conversations_do_not_mix() -> None:
    history = History(LIMITS)
    talk(history, "a", 1)
    assert turns(history, "b") == ()


def test_the_least_recently_used_conversation_goes_first() -> None:
    history = History(LIMITS)
    for key in "abc":
        talk(history, key, 1)
    turns(history, "a")
    turns(history, "d")
    assert len(history) == 3
    assert len(turns(history, "a")) == 1
    assert turns(history, "b") == ()


def test_the_oldest_half_goes_at_once() -> None:
    history = History(LIMITS)
    talk(history, "a", 6)
    assert [turn.question for turn in turns(history, "a")] == ["q0", "q1", "q2", "q3", "q4", "q5"]
    history.add("a", Turn("q6", "a6"), 0.0)
    assert [turn.question for turn in turns(history, "a")] == ["q4", "q5", "q6"]


def test_tokens_are_bounded_too() -> None:
    history = History(LIMITS)
    history.open("a", 0.0, "then")
    long = "x" * 400
    for number in range(20):
        history.add("a", Turn(f"q{number}", long), 0.0)
        assert sum(turn.tokens for turn in turns(history, "a")) <= LIMITS.tokens
    for huge in (Turn("q", "世" * 10_000, deeds=(DEED,)), Turn("世" * 4000, "世" * 10_000)):
        history.add("a", huge, 0.0)
        (kept,) = turns(history, "a")
        assert kept.tokens <= LIMITS.tokens
        assert huge.question.startswith(kept.question)
        assert kept.answer.startswith("世世")
        assert kept.answer.endswith("世…")
        assert kept.deeds == huge.deeds


def test_the_beginning_of_a_conversation_is_told_the_same_each_time() -> None:
    history = History(LIMITS)
    assert history.open("a", 0.0, "09:15")[0] == "09:15"
    assert history.open("a", 60.0, "09:16")[0] == "09:15"


def test_an_answer_to_a_forgotten_conversation_is_dropped() -> None:
    history = History(LIMITS)
    history.add("a", Turn("q", "a"), 0.0)
    assert len(history) == 0


def test_an_interrupted_answer_says_so_to_the_model() -> None:
    messages = prompt("", [Turn("q", "It is", interrupted=True)], "again?")
    assert messages == [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "It is" + INTERRUPTED},
        {"role": "user", "content": "again?"},
    ]


NOON, SUN = Turn("q0", "It is noon.", turn_id="t0"), Turn("q1", "The sun is high.", turn_id="t1")
SUN_CUT = Turn("q1", "The sun…", interrupted=True, turn_id="t1")


@pytest.mark.parametrize(
    ("revision", "before", "after"),
    [
        (Revision(), [NOON, SUN], [NOON, SUN]),
        (Revision(heard="The sun "), [NOON, SUN], [NOON, SUN_CUT]),
        (Revision(heard="The sun is high. "), [NOON, SUN], [NOON, SUN]),
        (Revision(heard=""), [], []),
        (Revision(replaces="t1"), [NOON, SUN], [NOON]),
        (Revision(replaces="t0"), [NOON, SUN], [SUN]),
        (Revision(heard="It", replaces="t0"), [NOON, SUN], [SUN]),
        (Revision(replaces="t7"), [NOON, SUN], [NOON, SUN]),
        (Revision(replaces="t0"), [], []),
        (Revision(), [Turn("q", "a")], [Turn("q", "a")]),
        (Revision(heard="It", replaces="t1"), [NOON, SUN], [NOON]),
        (Revision(heard="The sun", replaces="t7"), [NOON, SUN], [NOON, SUN_CUT]),
    ],
)
def test_a_question_may_revise_the_turn_before_it(
    revision: Revision, before: list[Turn], after: list[Turn]
) -> None:
    history = History(LIMITS)
    history.open("a", 0.0, "")
    for turn in before:
        history.add("a", turn, 0.0)
    expected = ("", tuple(after))
    assert history.look("a", 0.0, "", revision) == expected
    assert turns(history, "a") == tuple(before)
    assert history.open("a", 0.0, "", revision) == expected
    assert turns(history, "a") == tuple(after)


STEPS: tuple[Message, ...] = (
    {"role": "assistant", "content": "Sure.", "tool_calls": [{"id": "a"}]},
    {"role": "tool", "tool_call_id": "a", "content": "done"},
)
DEED = Deed("on", "{}", ToolResult("done"))
ACTED = Turn("q1", "It is on.", turn_id="t1", steps=STEPS, deeds=(DEED,), told="Sure. It is on.")


@pytest.mark.parametrize(
    ("heard", "answer"),
    [("Sure. It is", "It is…"), ("Sure.", "…"), ("", "…"), ("Sure. It is on.", "It is on.")],
)
def test_of_what_was_said_around_the_steps_the_answer_alone_is_cut(heard: str, answer: str) -> None:
    (turn,) = Revision(heard=heard).of([ACTED])
    assert turn.answer == answer
    assert turn.interrupted is (answer != ACTED.answer)
    assert turn.messages[1:3] == STEPS


def test_a_turn_that_did_something_stays_when_it_is_replaced() -> None:
    (turn,) = Revision(replaces="t1").of([ACTED])
    assert turn.messages == (
        {"role": "user", "content": "q1"},
        *STEPS,
        {"role": "assistant", "content": "It is on." + INTERRUPTED},
    )
    looked_up = replace(ACTED, deeds=())
    assert Revision(replaces="t1").of([looked_up]) == []


def test_an_answer_of_which_nothing_was_sent_is_still_one() -> None:
    turn = Turn("q", "", interrupted=True, steps=STEPS, deeds=(DEED,))
    assert turn.messages[-1] == {"role": "assistant", "content": "[interrupted]"}


def test_a_conversation_that_is_not_known_can_be_revised() -> None:
    assert History(LIMITS).open("a", 0.0, "09:15", Revision(heard="", replaces="t")) == (
        "09:15",
        (),
    )


def test_a_look_shows_what_opening_would() -> None:
    history = History(LIMITS)
    talk(history, "a", 2)
    assert history.look("a", 300.0, "later") == ("then", turns(history, "a"))
    assert history.look("a", 300.1, "later") == ("later", ())
    assert history.look("b", 0.0, "later") == ("later", ())


def test_a_look_is_no_use() -> None:
    history = History(LIMITS)
    for key in "abc":
        talk(history, key, 1)
    history.look("a", 299.0, "later")
    history.look("d", 299.0, "later")
    assert len(history) == 3
    turns(history, "d", 299.0)
    assert [len(history.look(key, 299.0, "")[1]) for key in "abc"] == [0, 1, 1]
    history.look("b", 300.0, "later")
    assert history.look("b", 301.0, "later") == ("later", ())


def test_tokens_are_about_right_for_letters_and_ideographs() -> None:
    assert about_tokens("x" * 400) == 104
    assert about_tokens("世" * 100) == 79
    assert about_tokens("\ud800") > 0
