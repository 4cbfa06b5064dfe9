"""Servers that are killed in the middle of a conversation: no utterance is lost, and none answered twice."""

import pytest

from tests.chaos.conversation import Plan, Story, told
from tests.chaos.engines import Fate
from tests.chaos.soak_speech import speech


def well(story: Story) -> Story:
    """Nothing that must never be."""
    assert story.count(lambda turn: turn.lost) == 0, story.turns
    assert story.count(lambda turn: turn.twice) == 0, story.turns
    assert [number for number, times in story.acts.items() if times > 1] == []
    assert all(turn.understood in ([], [turn.number]) for turn in story.turns), story.turns
    return story


async def test_with_two_servers_of_each_kind_every_utterance_is_answered() -> None:
    plan = Plan(
        housed=True,
        each=2,
        at={"asked": 25},
        dies={"asr": (Fate.DIES_HALFWAY, 3), "tts": (Fate.DIES_HALFWAY, 3)},
        pause_s=0.05,
    )
    story = well(await told(plan, 8))
    assert story.kills.total() >= 3
    assert story.count(lambda turn: turn.answered) == len(story.turns), story.turns


async def test_a_voice_that_dies_at_its_last_sound_leaves_an_answer_that_is_heard_once() -> None:
    """Each time, as soon as that sound has surely been sent, and before the end of the speech is."""
    plan = Plan(housed=True, each=2, dies={"tts": (Fate.DIES_LAST, 1)}, pause_s=0.05)
    story = well(await told(plan, 3))
    assert story.kills.total() >= 2
    assert story.count(lambda turn: turn.answered) == len(story.turns), story.turns


@pytest.mark.parametrize("point", ["acting", "acted"])
async def test_what_was_done_before_its_server_died_is_not_done_again(point: str) -> None:
    story = well(await told(Plan(housed=True, each=2, at={point: 100}, pause_s=0.05), 4))
    assert list(story.acts) == [3]
    assert [bool(turn.troubles) for turn in story.turns] == [False, False, True, False]


async def test_with_one_server_of_each_kind_its_return_is_waited_for() -> None:
    plan = Plan(
        housed=True, each=1, dies={"asr": (Fate.DIES_FIRST, 2)}, at={"asked": 40}, pause_s=0.4
    )
    story = well(await told(plan, 3))
    assert story.kills.total() >= 2
    assert story.count(lambda turn: turn.answered) == len(story.turns), story.turns


async def test_after_a_process_that_was_killed_outright_nothing_is_lost() -> None:
    story = well(await told(Plan(each=1, dies={"tts": (Fate.DIES_HALFWAY, 2)}, pause_s=0.1), 2))
    assert story.turns[0].answered


async def test_what_was_really_said_is_understood_although_servers_are_killed() -> None:
    facts, failures = await speech(turns=3, every_s=1.0)
    assert failures == []
    assert facts["answered"] == facts["turns"]
