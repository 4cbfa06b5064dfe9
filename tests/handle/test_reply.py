from wyoming.event import Event

from wyoming_voice.handle.llm.deltas import Calls, Delta, Text, Thinking, Waiting
from wyoming_voice.handle.llm.failures import Failure
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.reply import MAX_ANSWER_CHARS, Notice, Reply

CONTEXT = {"conversation_id": "c"}


def drive(*deltas: Delta | Notice, failure: Failure | None = None) -> list[Event]:
    reply = Reply(CONTEXT)
    events = [event for delta in deltas for event in reply.push(delta)]
    return events + (reply.fail(failure) if failure else reply.finish())


def shape(events: list[Event]) -> list[str]:
    """`handled-chunk:It is` and so on; checks that the chunks make up `handled`."""
    chunks = "".join(event.data["text"] for event in events if event.type == "handled-chunk")
    for event in events:
        if event.type == "handled":
            assert event.data["text"] == chunks == chunks.strip()
    return [f"{event.type}:{(event.data or {}).get('text', '')}" for event in events]


def test_an_answer_is_told_as_it_comes_and_then_whole() -> None:
    assert shape(drive(Thinking(), Text("\n\nIt is"), Text(" noon. "), Text("\n"))) == [
        "handled-start:",
        "handled-chunk:It is",
        "handled-chunk: noon.",
        "handled:It is noon.",
        "handled-stop:",
    ]


def test_the_first_and_the_last_event_carry_the_context() -> None:
    events = drive(Text("Noon."))
    assert [event.data.get("context") for event in events if event.data] == [CONTEXT, None, CONTEXT]


def test_a_failure_before_the_first_word_is_not_handled() -> None:
    events = drive(Waiting(), Text("  "), failure=Failure.BUSY)
    assert shape(events) == [f"not-handled:{in_words(Failure.BUSY, 'en')}"]
    assert events[0].data["context"] == CONTEXT


def test_a_failure_after_the_first_word_is_apologised_for() -> None:
    assert shape(drive(Text("It is "), failure=Failure.BROKE_OFF)) == [
        "handled-start:",
        "handled-chunk:It is",
        f"handled-chunk: {in_words(Own.BROKE_OFF_THERE, 'en')}",
        f"handled:It is {in_words(Own.BROKE_OFF_THERE, 'en')}",
        "handled-stop:",
    ]


def test_an_empty_answer_is_not_handled() -> None:
    assert shape(drive(Thinking(), Text(" \n"))) == [f"not-handled:{in_words(Failure.EMPTY, 'en')}"]


def test_a_notice_is_part_of_the_answer() -> None:
    assert shape(drive(Waiting(), Notice("One moment."), Text("Noon.")))[-2:] == [
        "handled:One moment. Noon.",
        "handled-stop:",
    ]


def test_a_failure_after_a_notice_says_what_it_was() -> None:
    events = drive(Notice("One moment."), failure=Failure.TOO_SLOW)
    assert shape(events)[-2] == f"handled:One moment. {in_words(Failure.TOO_SLOW, 'en')}"
    assert (
        shape(drive(Notice("One moment.")))[-2]
        == f"handled:One moment. {in_words(Failure.EMPTY, 'en')}"
    )


def test_the_models_own_words_are_kept_apart_from_ours() -> None:
    reply = Reply(CONTEXT)
    for delta in (Notice("One moment."), Text(" It"), Text(" is")):
        reply.push(delta)
    assert reply.model_text == "It is"


def test_an_endless_answer_is_full_at_some_point() -> None:
    reply = Reply(CONTEXT)
    assert not reply.full
    for _ in range(MAX_ANSWER_CHARS // 100):
        reply.push(Text("x" * 100))
    assert reply.full


def test_what_went_wrong_with_a_tool_is_said_after_what_was_said_before() -> None:
    events = drive(Text("Let me see."), failure=Failure.NOT_DONE)
    assert shape(events)[-2] == f"handled:Let me see. {in_words(Failure.NOT_DONE, 'en')}"


def test_what_is_said_after_the_calls_is_a_sentence_of_its_own() -> None:
    events = drive(Text("Let me see."), Calls(()), Text("It is on."))
    assert shape(events)[-2] == "handled:Let me see. It is on."
    assert shape(drive(Calls(()), Text("It is on.")))[1] == "handled-chunk:It is on."


def test_an_answer_may_end_with_a_sentence_of_ours() -> None:
    reply = Reply(CONTEXT)
    assert shape(reply.close(Own.DONE))[-2] == "handled:Done."
    assert reply.told == "Done."
