"""Hooks: what a command is told, that nothing waits for it, and how one that hangs ends."""

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from satellite.around.command import TEXT_BYTES, plain, run_command
from satellite.around.hooks import Hooks
from satellite.config import HookSettings, field_of
from satellite.effects import Moment, Tell
from tests.satellite.waiting import running, until


def hooks_for(commands: Mapping[Moment, str], limit_s: float = 30.0, at_once: int = 4) -> Hooks:
    return Hooks(commands, limit_s=limit_s, at_once=at_once)


class Pipe:
    """A named pipe that is held open at both ends, so that neither side ever waits for the other to come."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._got = b""

    async def lines(self, count: int = 1) -> str:
        """The next lines that a hook writes."""
        await until(lambda: self._read().count(b"\n") >= count)
        got, self._got = self._got.decode(), b""
        return got

    def write(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def close(self) -> None:
        os.close(self._fd)

    def _read(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            self._got += os.read(self._fd, 65_536)
        return self._got


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Pipe]:
    pipe = Pipe(tmp_path / "fifo")
    yield pipe
    pipe.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Pipe]:
    """What hooks wait at: each takes one line."""
    pipe = Pipe(tmp_path / "gate")
    yield pipe
    pipe.close()


def test_every_moment_has_a_setting_and_none_is_left_over() -> None:
    fields = {name for name in HookSettings.model_fields if name.startswith("on_")}
    assert fields == {field_of(moment) for moment in Moment}
    settings = HookSettings(on_wake="a", on_timer_finished="b")
    assert settings.hooks == {Moment.WAKE: "a", Moment.TIMER_FINISHED: "b"}


async def test_a_command_is_told_the_event_and_the_text(fifo: Pipe) -> None:
    command = f'{{ echo "$WYOMING_VOICE_EVENT|$WYOMING_VOICE_TEXT"; cat; echo; }} > {fifo.path}'
    hooks = hooks_for({Moment.TRANSCRIPT: command})
    async with running(hooks.run()):
        hooks.tell(Tell(Moment.WAKE, "nobody listens"))
        hooks.tell(Tell(Moment.TRANSCRIPT, "switch on the “light” $HOME `id`"))
        told = await fifo.lines(2)
    said = "switch on the “light” $HOME `id`"
    assert told == f"transcript|{said}\n{said}\n"


async def test_at_most_so_many_run_at_a_time(gate: Pipe) -> None:
    hooks = hooks_for({Moment.WAKE: f"read line < {gate.path}"}, at_once=2)
    async with running(hooks.run()):
        for _ in range(3):
            hooks.tell(Tell(Moment.WAKE))
        await until(lambda: hooks.status()["running"] == 2)
        assert hooks.status()["waiting"] == 1
        gate.write("go\ngo\ngo\n")
        await until(lambda: hooks.status()["ran"] == 3)
    assert (hooks.status()["failed"], hooks.status()["dropped"]) == (0, 0)


async def test_a_command_that_hangs_is_killed_with_all_that_it_started(
    fifo: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    command = f"sleep 1000 & echo $! > {fifo.path}; wait"
    hooks = hooks_for({Moment.WAKE: command}, limit_s=0.3)
    async with running(hooks.run()):
        hooks.tell(Tell(Moment.WAKE))
        child = int(await fifo.lines())
        await until(lambda: hooks.status()["failed"])
    await until(lambda: not alive(child))
    assert "was killed: it had not ended after 0.3 s" in caplog.text


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_command_that_runs_at_the_end_is_killed(fifo: Pipe) -> None:
    hooks = hooks_for({Moment.WAKE: f"echo $$ > {fifo.path}; exec sleep 1000"})
    async with running(hooks.run()):
        hooks.tell(Tell(Moment.WAKE))
        child = int(await fifo.lines())
        assert alive(child)
    assert not alive(child)


async def test_a_failure_is_warned_of_once_for_each_command(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "satellite.around.hooks")
    hooks = hooks_for({Moment.WAKE: "echo no lamp here; exit 3", Moment.IDLE: "exit 4"})
    async with running(hooks.run()):
        for moment in (Moment.WAKE, Moment.WAKE, Moment.IDLE):
            hooks.tell(Tell(moment))
        await until(lambda: hooks.status()["failed"] == 3)
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert sorted(warned) == [
        "hook 'echo no lamp here; exit 3' ended with status 3: no lamp here",
        "hook 'exit 4' ended with status 4",
    ]


async def test_what_is_too_much_is_dropped_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    hooks = hooks_for({Moment.WAKE: "true"})
    for _ in range(70):
        hooks.tell(Tell(Moment.WAKE))  # nothing runs them
    assert hooks.status()["dropped"] == 6
    assert caplog.text.count("64 others wait already") == 1


async def test_output_without_end_is_read_and_not_kept() -> None:
    ended = await run_command("yes | head -c 3000000", "", {}, 30)
    assert ended.status == 0
    assert len(ended.output) < 5000


async def test_a_program_that_stays_and_has_closed_its_output_is_left_alone(
    fifo: Pipe, gate: Pipe
) -> None:
    stays = f"read line < {gate.path}; echo $line > {fifo.path}"
    ended = await run_command(f"sh -c '{stays}' > /dev/null 2>&1 &", "", {}, 30)
    assert ended.status == 0
    gate.write("still here\n")
    assert await fifo.lines() == "still here\n"


async def test_one_that_stays_with_its_output_open_is_not_over(fifo: Pipe) -> None:
    ended = await run_command(f"sleep 1000 & echo $! > {fifo.path}", "", {}, 0.3)
    assert ended.status is None
    child = int(await fifo.lines())
    await until(lambda: not alive(child))  # the kernel takes a moment


async def test_no_descriptors_are_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for command in ("true", "exit 1", "echo"):
        await run_command(command, "text", {}, 30)
    await run_command("sleep 1000", "", {}, 0.05)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208


def test_a_text_becomes_what_an_environment_variable_can_hold() -> None:
    assert plain("a\0b \ud83d") == "ab ?"
    assert len(plain("ü" * 8000).encode()) == TEXT_BYTES
