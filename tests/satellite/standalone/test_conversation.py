"""Which turns belong together, and what a question carries beside its words."""

from dataclasses import dataclass

from satellite.effects import BeginTurn
from satellite.events import Via, WakeWord
from satellite.standalone.conversation import Conversations, Question

BUTLER = WakeWord("jarvis", "hey jarvis", voice="bm_george", prompt="You are a butler.")
PLAIN = WakeWord("nabu", "okay nabu")


@dataclass
class Spoken:
    text: str
    pace: float = 15.0


def turn(word: WakeWord | None = None, **more: object) -> BeginTurn:
    return BeginTurn(1, Via.DIRECT, 0, word, **more)  # type: ignore[arg-type]


def test_a_conversation_goes_on_until_it_has_been_silent_for_long() -> None:
    conversations = Conversations(keep_s=300)
    first = conversations.of(turn(PLAIN), 0)
    assert conversations.of(turn(PLAIN), 299) is first
    assert conversations.of(turn(), 590) is first
    assert conversations.of(turn(), 891).id != first.id


def test_a_conversation_from_elsewhere_goes_on_until_it_is_over() -> None:
    conversations = Conversations(keep_s=300, first_id="begun-elsewhere")
    assert conversations.of(turn(), 0).id == "begun-elsewhere"
    assert conversations.of(turn(), 301).id != "begun-elsewhere"


def test_another_prompt_begins_another_conversation() -> None:
    conversations = Conversations(keep_s=300)
    butler = conversations.of(turn(BUTLER), 0)
    assert butler.context(None)["system_prompt"] == "You are a butler."
    assert conversations.of(turn(follow_up=True), 1) is butler
    assert conversations.of(turn(heard_ms=100), 2) is butler
    assert butler.voice == "bm_george"
    plain = conversations.of(turn(PLAIN), 3)
    assert plain.id != butler.id
    assert "system_prompt" not in plain.context(None)
    assert plain.voice == ""


def test_without_an_answer_nothing_was_interrupted() -> None:
    conversation = Conversations(keep_s=300).of(turn(PLAIN), 0)
    assert "interrupted" not in conversation.context(500)


def asked(conversations: Conversations, epoch: int, **more: object) -> Question:
    began = BeginTurn(epoch, Via.DIRECT, 0, **more)  # type: ignore[arg-type]
    conversation = conversations.of(began, 0)
    question = conversations.question(began, f"t{epoch}", conversation)
    question.asked = True
    return question


KNOWS = {"replaces"}


def test_a_question_names_the_one_that_it_is_the_whole_of_to_who_can_forget_that() -> None:
    conversations = Conversations(keep_s=300)
    first, second = asked(conversations, 1), asked(conversations, 2, replaces=1)
    same = first.context(KNOWS)["conversation_id"]
    assert second.context(KNOWS) == {"conversation_id": same, "replaces": "t1", "turn_id": "t2"}
    assert second.context(set()) == {"conversation_id": same, "turn_id": "t2"}


def test_what_was_never_asked_is_not_named_but_what_that_one_was_the_whole_of() -> None:
    conversations = Conversations(keep_s=300)
    asked(conversations, 1)
    second = asked(conversations, 2, replaces=1)
    second.asked = False
    assert asked(conversations, 3, replaces=2).context(KNOWS)["replaces"] == "t1"
    first = asked(conversations, 4)
    first.asked = False
    assert "replaces" not in asked(conversations, 5, replaces=4).context(KNOWS)
    assert "replaces" not in asked(conversations, 6, replaces=99).context(KNOWS)


def test_a_question_that_replaces_another_tells_what_that_one_told() -> None:
    """What was heard of the answer to a question that is forgotten is of no interest."""
    conversations = Conversations(keep_s=300)
    asked(conversations, 1)
    conversation = conversations.of(turn(), 0)
    conversation.answered = Spoken("It is noon.")
    told = asked(conversations, 2, heard_ms=60_000)
    assert told.context(KNOWS)["heard"] == "It is noon."
    conversation.answered = Spoken("Rome lies in")
    whole = asked(conversations, 3, replaces=2, heard_ms=60_000)
    assert whole.context(KNOWS)["heard"] == "It is noon."
    assert "heard" not in whole.context(set()), "60 s are of the answer before"
    assert asked(conversations, 4, replaces=3).context(KNOWS)["heard"] == "It is noon."


def test_a_question_in_place_of_one_that_was_never_asked_tells_what_that_one_would_have() -> None:
    conversations = Conversations(keep_s=300)
    asked(conversations, 1)
    conversations.of(turn(), 0).answered = Spoken("It is noon.")
    asked(conversations, 2, heard_ms=60_000).asked = False
    told = asked(conversations, 3, replaces=2, heard_ms=60_000).context(KNOWS)
    assert (told["interrupted"], told["heard"]) == (True, "It is noon.")
    assert told["turn_id"] == "t3"
    assert "replaces" not in told


def test_a_turn_that_goes_on_stays_with_the_prompt_it_began_with() -> None:
    conversations = Conversations(keep_s=300)
    butler = conversations.of(turn(BUTLER), 0)
    assert conversations.of(turn(replaces=1), 1) is butler


def test_questions_of_long_ago_are_forgotten() -> None:
    conversations = Conversations(keep_s=300)
    for epoch in range(1, 6):
        asked(conversations, epoch)
    assert "replaces" not in asked(conversations, 6, replaces=1).context(KNOWS)
