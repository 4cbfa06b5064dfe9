"""Commands and answers over one connection, without a wire."""

import asyncio
import json
from typing import Any

import pytest

from wyoming_voice.hass.errors import HassError, Trouble
from wyoming_voice.hass.exchange import Exchange
from wyoming_voice.hass.messages import Greeting, Happened, Refusal, Result, read


class Wire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(self, text: str) -> None:
        self.sent.append(json.loads(text))


async def test_what_comes_late_or_for_nobody_is_left() -> None:
    exchange = Exchange(Wire().send)
    with pytest.raises(HassError) as raised:
        await exchange.command("get_config", {}, 0.001)
    assert raised.value.trouble is Trouble.LATE
    for message in (Result(1, {}), Refusal(1, "unknown_error", ""), Happened(7, {})):
        exchange.heard(message)


async def test_nothing_is_kept_of_what_has_ended() -> None:
    wire = Wire()
    exchange = Exchange(wire.send)
    empty = [value for value in vars(exchange).values() if value in ({}, set())]
    assert len(empty) == 3
    for fate in (lambda id: Result(id, {}), lambda id: Refusal(id, "not_found", ""), None):
        asking = asyncio.create_task(exchange.glimpse("subscribe_entities", {}, 5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if fate is not None:
            exchange.heard(fate(wire.sent[-1]["id"]))
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        assert not any(empty)


async def test_the_end_of_a_connection_ends_a_glimpse() -> None:
    exchange = Exchange(Wire().send)
    asking = asyncio.create_task(exchange.glimpse("subscribe_entities", {}, 5))
    await asyncio.sleep(0)
    exchange.heard(Result(1, None))
    await asyncio.sleep(0)
    exchange.end(HassError(Trouble.AWAY, "hung up"))
    with pytest.raises(HassError) as raised:
        await asking
    assert (raised.value.trouble, raised.value.untouched) == (Trouble.AWAY, False)


@pytest.mark.parametrize(
    "text", ["", "{", "5", "[[]]", '{"type": "event"}', '{"id": "x"}', "[" * 99999]
)
def test_what_is_no_message_is_left_out(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("code", [None, 5, [], "a\nforged line of the log", "\ud800", ""])
def test_what_can_t_stand_in_a_log_is_no_code(code: object) -> None:
    refused = {"id": 1, "type": "result", "success": False, "error": {"code": code, "message": []}}
    assert read(json.dumps(refused)) == [Refusal(1, "unknown_error", "")]
    assert read(json.dumps({"type": "auth_ok", "ha_version": code})) == [Greeting("auth_ok", "")]


def test_a_frame_may_hold_several_messages() -> None:
    text = '[{"type":"result","id":1,"success":true},5,{"type":"result","id":2,"success":false}]'
    assert read(text) == [Result(1, None), Refusal(2, "unknown_error", "")]
