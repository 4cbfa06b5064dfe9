"""What a question has had done: by one server, by the next one, and by the question that goes on with it."""

import json
from collections.abc import Mapping

from satellite.effects import BeginTurn
from satellite.events import Via
from satellite.standalone.conversation import Conversations, Question
from satellite.standalone.means import Deeds, Means
from wyoming_voice.errands import Do, Done
from wyoming_voice.extensions import CLIENT_TOOLS, REPLACES

KNOWING = frozenset({CLIENT_TOOLS, REPLACES})


class Hands:
    """Counts what it does; does nothing while it is `busy`."""

    specs = ({"name": "start"}, {"name": "status", "reads": True})

    def __init__(self) -> None:
        self.done: list[str] = []
        self.busy = False

    def do(self, name: str, arguments: Mapping[str, object]) -> Done:
        if self.busy:
            return Done("refused", error=True)
        self.done.append(json.dumps([name, arguments]))
        return Done(f"{name} {len(self.done)}")


def deeds() -> tuple[Hands, Deeds]:
    hands = Hands()
    return hands, Deeds(Means(hands))


def attempt(of: Deeds) -> Do:
    do = of.attempt(KNOWING)
    assert do is not None
    return do


def test_what_is_asked_for_is_done_each_time() -> None:
    hands, question = deeds()
    do = attempt(question)
    assert [do("start", {"minutes": 5}).text for _ in "12"] == ["start 1", "start 2"]
    assert len(hands.done) == 2


def test_the_next_server_gets_what_came_of_it_and_has_only_the_rest_done() -> None:
    hands, question = deeds()
    attempt(question)("start", {"minutes": 5})
    again = attempt(question)
    assert again("start", {"minutes": 5}).text == "start 1"
    assert again("start", {"minutes": 6}).text == "start 2"
    assert again("start", {"minutes": 5}).text == "start 3"  # it wants two of them
    assert len(hands.done) == 3
    third = attempt(question)
    assert [third("start", {"minutes": 5}).text for _ in "12"] == ["start 1", "start 3"]


def test_a_call_may_be_written_in_more_than_one_way() -> None:
    hands, question = deeds()
    attempt(question)("start", {"minutes": 5, "name": "tea"})
    for same in (
        {"name": "tea", "minutes": 5.0, "hours": 0},
        {"minutes": "5", "seconds": None, "name": "tea", "more": ""},
    ):
        assert attempt(question)("start", same).text == "start 1"
    attempt(question)("start", {"minutes": 5, "name": "eggs"})
    attempt(question)("start", {"minutes": [5], "name": "tea"})
    assert len(hands.done) == 3


def test_what_was_refused_is_tried_again_and_what_reads_is_read_again() -> None:
    hands, question = deeds()
    do, hands.busy = attempt(question), True
    assert do("start", {}).error
    hands.busy = False
    assert attempt(question)("start", {}).text == "start 1"
    hands.done.clear()
    assert [do("status", {}).text, attempt(question)("status", {}).text] == ["status 1", "status 2"]


def test_others_are_offered_nothing() -> None:
    _, question = deeds()
    assert question.attempt(frozenset()) is None
    assert Deeds(Means()).attempt(KNOWING) is None
    assert Means(Hands(), "Kitchen").context(frozenset({REPLACES})) == {}
    assert Means(Hands()).context(KNOWING) == {"tools": list(Hands.specs)}
    assert Means(area="Kitchen").context(KNOWING) == {"area": "Kitchen"}


def asked(conversations: Conversations, epoch: int, replaces: int | None = None) -> Question:
    turn = BeginTurn(epoch, Via.DIRECT, from_ms=0, replaces=replaces)
    return conversations.question(turn, f"t{epoch}", conversations.of(turn, 0.0))


def test_a_question_that_goes_on_with_another_knows_what_that_one_has_had_done() -> None:
    hands = Hands()
    conversations = Conversations(60, means=Means(hands, "Kitchen"))
    first = asked(conversations, 1)
    first.asked = True
    attempt(first.deeds)("start", {"minutes": 5})
    whole = asked(conversations, 2, replaces=1)
    assert whole.context(KNOWING)["replaces"] == "t1"
    assert whole.context(KNOWING)["area"] == "Kitchen"
    assert attempt(whole.deeds)("start", {"minutes": 5}).text == "start 1"
    another = asked(conversations, 3)
    assert attempt(another.deeds)("start", {"minutes": 5}).text == "start 2"
