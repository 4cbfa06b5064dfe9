"""What a server says of itself beyond the protocol, and who can read it."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.info import Describe, HandleProgram, Info, TtsProgram, TtsVoice

from tests.fakes import ATTRIBUTION, FakeProgram, on_loopback
from tests.wire_client import client_of
from wyoming_voice.describing import Declined, Description, describe
from wyoming_voice.discovery import Found, _described
from wyoming_voice.errors import UpstreamError
from wyoming_voice.extensions import PONGS, STATUS
from wyoming_voice.service import Service, serving

HANDLE = [HandleProgram("fake", ATTRIBUTION, True, None, None, models=[])]


def speaking(languages: object) -> dict[str, Any]:
    """A TTS program with one voice, as it stands in an `info` event."""
    voice: Any = TtsVoice("v", ATTRIBUTION, True, None, None, ["de"])
    program = TtsProgram("fake", ATTRIBUTION, True, None, None, [voice]).to_dict()
    program["voices"][0]["languages"] = languages
    return program


def test_extensions_go_there_and_back() -> None:
    described = Description(handle=HANDLE, extensions=frozenset({"warm-up", "replaces"}))
    event = described.event()
    assert event.data["extensions"] == ["replaces", "warm-up"]
    json.dumps(event.data)
    assert Description.of(event) == described


def test_a_client_that_knows_no_extensions_reads_the_rest() -> None:
    event = Description(handle=HANDLE, extensions=frozenset({"warm-up"})).event()
    assert Info.from_event(event) == Info(handle=HANDLE)


def test_without_extensions_it_is_what_the_protocol_has() -> None:
    plain = Info(handle=HANDLE).event()
    assert Description(handle=HANDLE).event() == plain
    assert Description.of(plain).extensions == frozenset()


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (None, set()),
        ("warm-up", set()),
        ({"warm-up": True}, set()),
        (["warm-up", 7, None, ["x"]], {"warm-up"}),
    ],
)
def test_what_others_may_have_under_that_name_is_passed_over(names: Any, read: set[str]) -> None:
    event = Info(handle=HANDLE).event()
    event.data["extensions"] = names
    assert Description.of(event).extensions == read


async def test_they_are_told_to_who_asks() -> None:
    program = FakeProgram()
    program.info = Description(asr=program.info.asr, extensions=frozenset({"own-endpoint"}))
    async with serving(program, on_loopback()) as address:
        described, _ = await describe(str(address))
    all_ = frozenset({"own-endpoint", STATUS, PONGS})  # what every server knows is added
    assert described == Description(asr=program.info.asr, extensions=all_)


class Written(dict[str, Any]):
    """An event's data that counts how often it is written down."""

    times = 0

    def items(self) -> Any:
        self.times += 1
        return super().items()


@dataclass
class Large(Info):
    """One that shows what is done with it."""

    def __post_init__(self) -> None:
        self.data = Written(super().event().data)

    def event(self) -> Event:
        return Event("info", self.data)


async def test_it_is_written_down_once_for_all_who_ask() -> None:
    program = FakeProgram()
    program.info = info = Large(handle=HANDLE)
    async with serving(program, on_loopback()) as address:
        for _ in range(2):
            async with client_of(address) as client:
                first, second = [await client.ask(Describe().event()) for _ in range(2)]
                assert first == second
                assert first is not None
                assert Info.from_event(first) == Info(handle=HANDLE)
    assert info.data.times == 1


async def test_what_loading_has_told_is_told_to_who_was_there_before() -> None:
    program = FakeProgram()
    program.may_load.clear()
    service = Service(program, on_loopback())
    async with client_of(await service.listen()) as client:
        before = await client.ask(Describe().event())
        assert before is not None
        assert Info.from_event(before).handle == []
        program.info = Info(handle=HANDLE)
        program.may_load.set()
        await service.load()
        after = await client.ask(Describe().event())
        assert after is not None
        assert Info.from_event(after) == Info(handle=HANDLE)
    await service.stop()


@pytest.mark.parametrize(
    "data", [{"handle": 7}, *({"tts": [speaking(tags)]} for tags in (None, [7], ["de", None]))]
)
def test_an_info_that_makes_no_sense_is_not_read(data: dict[str, Any]) -> None:
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        Description.of(Event("info", data))


async def test_who_declines_is_told_apart_by_the_code_and_found_all_the_same() -> None:
    settings = on_loopback(max_connections=1)
    async with serving(FakeProgram(), settings) as address, client_of(address) as first:
        await first.ask(Event("echo"))
        with pytest.raises(Declined, match="says: 1 clients are connected already") as declined:
            await describe(str(address))
        found = await _described(Found("attic", str(address), {}))
    assert declined.value.said == "busy"
    assert found.declined is not None
    assert (found.declined.said, found.round_trip_ms) == ("busy", None)


async def test_who_hangs_up_may_stand_behind_a_balancer() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UpstreamError, match="Behind a load balancer: are its servers up"):
            await describe(f"tcp://127.0.0.1:{port}")
