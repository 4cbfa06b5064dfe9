"""An engine's process that is killed in the middle of requests: none is lost, and no process is left."""

import os
import signal

import pytest

from tests.chaos.census import children
from tests.chaos.places import End, request
from tests.chaos.soak_crowds import process
from tests.satellite.waiting import until
from wyoming_voice.wire import parse_uri


@pytest.mark.parametrize("kind", ["asr", "tts"])
async def test_requests_go_on_with_the_next_engine(kind: str) -> None:
    async with process(kind, "--isolate") as server:
        address = parse_uri(server.uri)
        killed: set[int] = set()
        for number in range(3):
            assert await request(kind, address, number, 30) is End.RESULT
            (engine,) = children(server.pid)
            os.kill(engine, signal.SIGKILL)
            killed.add(engine)
        assert await request(kind, address, 3, 30) is End.RESULT
        await until(lambda: not killed & set(children(server.pid)))
        assert len(children(server.pid)) == 1
