"""What Home Assistant's own agent understands, does and says."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.hass.asking import asking
from tests.hass.fake import SILENT, FakeHass, Refuse, Sentence
from wyoming_voice.hass.assist import Assist, Said
from wyoming_voice.hass.errors import HassError

DEBUG = "conversation/agent/homeassistant/debug"
PROCESS = "conversation/process"


@asynccontextmanager
async def assisting(fake: FakeHass) -> AsyncIterator[Assist]:
    async with asking(fake.url) as hass:
        yield Assist(hass)


async def test_it_understands_without_acting() -> None:
    async with FakeHass() as fake, assisting(fake) as assist:
        fake.sentences["turn on the lamp"] = Sentence("Turned on the light")
        assert await assist.understands("turn on the lamp", "en", "abc", timeout_s=5)
        assert not await assist.understands("tell me a joke", "", "", timeout_s=5)
        assert fake.asked == [
            {
                "id": 1,
                "type": DEBUG,
                "sentences": ["turn on the lamp"],
                "language": "en",
                "device_id": "abc",
            },
            {"id": 2, "type": DEBUG, "sentences": ["tell me a joke"]},
        ]


@pytest.mark.parametrize(
    "answer",
    [
        {"results": [{"match": False}]},
        {"results": [{}]},
        {"results": []},
        {"results": 5},
        [],
        None,
        Refuse("unknown_command"),
        Refuse("unknown_error"),
    ],
)
async def test_anything_but_a_match_isnt_understood(answer: object) -> None:
    async with FakeHass() as fake, assisting(fake) as assist:
        fake.answers[DEBUG] = answer
        assert not await assist.understands("turn on the lamp", "en", "", timeout_s=5)


async def test_who_doesnt_answer_in_time_or_is_away_doesnt_understand() -> None:
    async with FakeHass() as fake, assisting(fake) as assist:
        fake.answers[DEBUG] = SILENT
        assert not await assist.understands("turn on the lamp", "en", "", timeout_s=0.01)
        await fake.stop()
        assert not await assist.understands("turn on the lamp", "en", "")


async def test_it_acts_once_and_says_what_home_assistant_says() -> None:
    async with FakeHass() as fake, assisting(fake) as assist:
        fake.sentences["turn on the lamp"] = Sentence("Turned on\n the light")
        said = await assist.process("turn on the lamp", "de", "abc", "assist_satellite.a")
        assert said == Said("Turned on the light", done=True)
        assert fake.asked == [
            {
                "id": 1,
                "type": PROCESS,
                "text": "turn on the lamp",
                "agent_id": "conversation.home_assistant",
                "language": "de",
                "device_id": "abc",
                "satellite_id": "assist_satellite.a",
            }
        ]


@pytest.mark.parametrize(
    ("response_type", "code", "done", "untouched"),
    [
        ("action_done", "", True, False),
        ("query_answer", "", True, False),
        ("partial_action_done", "", True, False),
        ("error", "no_intent_match", False, True),
        ("error", "no_valid_targets", False, True),
        ("error", "failed_to_handle", False, False),
        ("error", "unknown", False, False),
    ],
)
async def test_it_is_said_whether_anything_was_done(
    response_type: str, code: str, done: bool, untouched: bool
) -> None:
    async with FakeHass() as fake, assisting(fake) as assist:
        fake.sentences["do it"] = Sentence("So it is", response_type, code)
        said = await assist.process("do it", "", "", "")
        assert (said.text, said.done, said.error, said.untouched) == (
            "So it is",
            done,
            code,
            untouched,
        )


@pytest.mark.parametrize("answer", [None, [], {}, {"response": 5}, {"response": {"speech": 5}}])
async def test_of_an_answer_that_cant_be_read_nobody_knows_what_was_done(answer: object) -> None:
    async with FakeHass() as fake, assisting(fake) as assist:
        fake.answers[PROCESS] = answer
        said = await assist.process("do it", "", "", "")
        assert said == Said("", done=False, error="unknown")
        assert not said.untouched


async def test_an_answer_without_speech_is_an_answer() -> None:
    async with FakeHass() as fake, assisting(fake) as assist:
        fake.answers[PROCESS] = {"response": {"response_type": "action_done", "speech": {}}}
        assert await assist.process("never mind", "", "", "") == Said("", done=True)


async def test_what_people_say_is_in_no_log_line_above_debug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with FakeHass() as fake, assisting(fake) as assist:
        fake.answers[DEBUG] = Refuse("invalid_format", "expected str for 'open the safe'")
        assert not await assist.understands("open the safe", "en", "", timeout_s=5)
        fake.answers[PROCESS] = Refuse("unknown_error", "no 'open the safe'")
        with pytest.raises(HassError) as raised:
            await assist.process("open the safe", "en", "", "")
        assert "safe" not in caplog.text + str(raised.value)
