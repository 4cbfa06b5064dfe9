"""Clients by the thousand: they may call at once, cost no more than they must, and are counted beforehand."""

import contextlib
import resource
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from wyoming.event import Event
from wyoming.info import Describe, Info

from tests.fakes import FakeProgram, on_loopback
from tests.wire_client import client_of
from wyoming_voice.errors import ConfigError
from wyoming_voice.open_files import OWN, room_for
from wyoming_voice.service import Service, serving
from wyoming_voice.wire import Address

CALLERS = 200
"""More than the 100 that asyncio lets wait by itself."""


def most_that_may_wait() -> int:
    file = Path("/proc/sys/net/core/somaxconn")
    return int(file.read_text(encoding="ascii")) if file.exists() else 0


waits = pytest.mark.skipif(most_that_may_wait() < CALLERS, reason="this system lets fewer wait")


@contextlib.contextmanager
def calling(address: Address, count: int) -> Iterator[list[int]]:
    """So many who call while nobody lets them in; the files of those whom the system has connected."""
    with contextlib.ExitStack() as stack:
        poll = select.poll()
        for _ in range(count):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex((address.host, address.port))
            poll.register(sock, select.POLLOUT)
        yield [file for file, _ in poll.poll(0)]


@waits
async def test_more_may_call_at_once_than_are_let_in_in_one_go() -> None:
    async with serving(FakeProgram(), on_loopback()) as address:
        with calling(
            address, CALLERS
        ) as connected:  # on this machine that is done at once, or in a second
            assert len(connected) == CALLERS


@waits
async def test_so_they_may_at_a_socket_that_was_passed() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=CALLERS) as sock:
        service = Service(FakeProgram(), on_loopback(), [sock])
        address = await service.listen()
        with calling(address, CALLERS) as connected:
            assert len(connected) == CALLERS
        await service.stop()


@dataclass
class Told(Info):
    """Counts how often it is made into an event."""

    events: list[Event] = field(default_factory=list)

    def event(self) -> Event:
        self.events.append(super().event())
        return self.events[-1]


async def test_a_description_is_made_once_for_all_clients() -> None:
    program = FakeProgram()
    program.info = told = Told()
    async with serving(program, on_loopback()) as address:
        for _ in range(3):
            async with client_of(address) as client:
                assert (answer := await client.ask(Describe().event())) is not None
                assert answer.type == "info"
    assert len(told.events) == 1


async def test_what_loading_has_told_is_described_to_those_who_are_there_already() -> None:
    program = FakeProgram()
    async with serving(program, on_loopback()) as address, client_of(address) as client:
        before = await client.ask(Describe().event())
        program.info = Info()
        after = await client.ask(Describe().event())
        assert before is not None
        assert after is not None
        assert before.data["asr"]
        assert not after.data["asr"]


@pytest.fixture
def limit() -> Iterator[int]:
    """Fewer open files than this process may have; its own number again afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
    yield few
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_as_many_files_may_be_open_as_clients_need(limit: int) -> None:
    room_for(limit - OWN)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == limit
    room_for(limit)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == limit + OWN


@pytest.mark.parametrize("clients", [2**40, 2**70])
async def test_more_clients_than_files_are_refused_before_anybody_comes(
    limit: int, clients: int
) -> None:
    service = Service(FakeProgram(), on_loopback(max_connections=clients))
    with pytest.raises(ConfigError, match=r"^--max-connections \d+ needs \d+ open files, .* lower"):
        await service.listen()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == limit
