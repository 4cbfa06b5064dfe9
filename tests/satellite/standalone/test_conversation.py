"""Which turns belong together, and what a question carries beside its words."""

from satellite.effects import BeginTurn
from satellite.events import Via, WakeWord
from satellite.standalone.conversation import Conversations

BUTLER = WakeWord("jarvis", "hey jarvis", voice="bm_george", prompt="You are a butler.")
PLAIN = WakeWord("nabu", "okay nabu")


def turn(word: WakeWord | None = None, **more: object) -> BeginTurn:
    return BeginTurn(1, Via.DIRECT, 0, word, **more)  # type: ignore[arg-type]


def test_a_conversation_goes_on_until_it_has_been_silent_for_long() -> None:
    conversations = Conversations(keep_s=300)
    first = conversations.of(turn(PLAIN), 0)
    assert conversations.of(turn(PLAIN), 299) is first
    assert conversations.of(turn(), 590) is first
    assert conversations.of(turn(), 891).id != first.id


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
