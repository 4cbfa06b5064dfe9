from wyoming_voice.handle.history import (
    INTERRUPTED,
    History,
    HistoryLimits,
    Turn,
    about_tokens,
    prompt,
)

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
    history.add("a", Turn("huge", "x" * 10_000), 0.0)
    assert turns(history, "a") == ()


def test_the_prompt_only_grows_at_its_end_between_two_cuts() -> None:
    history = History(LIMITS)
    cuts, before = 0, prompt("system", (), "q0")[:-1]
    for number in range(40):
        messages = prompt("system", turns(history, "a"), f"q{number}")
        cuts += messages[: len(before)] != before
        before = messages
        history.add("a", Turn(f"q{number}", f"a{number}"), 0.0)
    assert cuts <= 40 // (LIMITS.turns // 2)


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


def test_what_was_not_heard_of_the_last_answer_is_cut_off() -> None:
    history = History(LIMITS)
    history.open("a", 0.0, "")
    history.add("a", Turn("q0", "It is noon."), 0.0)
    history.add("a", Turn("q1", "The sun is high."), 0.0)
    history.interrupt("a", "The sun ")
    assert turns(history, "a") == (
        Turn("q0", "It is noon."),
        Turn("q1", "The sun…", interrupted=True),
    )


def test_an_answer_that_was_heard_whole_stays_so() -> None:
    history = History(LIMITS)
    history.interrupt("a", "")
    history.open("a", 0.0, "")
    history.interrupt("a", "")
    history.add("a", Turn("q", "It is noon."), 0.0)
    history.interrupt("a", "It is noon. ")
    assert turns(history, "a") == (Turn("q", "It is noon."),)


def test_tokens_are_about_right_for_letters_and_ideographs() -> None:
    assert about_tokens("x" * 400) == 104
    assert about_tokens("世" * 100) == 79
    assert about_tokens("\ud800") > 0
