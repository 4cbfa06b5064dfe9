"""The control socket, over real sockets: each request, bad clients, slow watchers, push to talk."""

import asyncio
import contextlib
import json
import shutil
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from satellite.around.control import LINE_BYTES, Control, ControlLimits, socket_mode
from satellite.effects import Moment, Tell
from satellite.parts import Status
from tests.satellite.waiting import PATIENCE_S, running, until
from wyoming_voice.errors import ConfigError, VoiceError


class FakeControls:
    """Writes down what it is asked to do."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def trigger(self) -> None:
        self.done.append("trigger")

    def press(self) -> None:
        self.done.append("press")

    def release(self) -> None:
        self.done.append("release")

    def stop(self) -> None:
        self.done.append("stop")

    def mute(self, on: bool) -> None:
        self.done.append(("mute", on))

    def say(self, text: str) -> None:
        self.done.append(("say", text))

    def set_volume(self, percent: int) -> None:
        self.done.append(("volume", percent))

    def add_timer(self, seconds: float, name: str) -> str:
        if seconds > 1e6:
            raise VoiceError("that is too long")
        self.done.append(("timer", seconds, name))
        return "t1"

    def cancel_timer(self, timer_id: str) -> bool:
        return timer_id == "t1"

    def status(self) -> Status:
        return {"state": "idle", "level_dbfs": float("-inf"), "muted": ()}


class Client:
    """One program that talks JSON lines, or whatever it is told to write."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: object) -> Any:
        self.writer.write(json.dumps(request).encode() + b"\n")
        return await self.read()

    async def read(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            line = await self.reader.readline()
        return json.loads(line) if line else None


@contextlib.asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_unix_connection(path, limit=1 << 20)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "satellite.sock"


@pytest.fixture
def controls() -> FakeControls:
    return FakeControls()


@pytest.fixture
async def control(path: Path, controls: FakeControls) -> AsyncIterator[Control]:
    control = Control(path, controls, ControlLimits(clients=3, events=4))
    await control.listen()
    async with running(control.run()):
        yield control


@pytest.mark.parametrize(
    ("request_", "answer", "done"),
    [
        ({"do": "trigger"}, {}, ["trigger"]),
        ({"do": "stop"}, {}, ["stop"]),
        ({"do": "mute"}, {}, [("mute", True)]),
        ({"do": "unmute"}, {}, [("mute", False)]),
        ({"do": "say", "text": "the door is öpen"}, {}, [("say", "the door is öpen")]),
        ({"do": "volume", "percent": 40}, {}, [("volume", 40)]),
        ({"do": "timer", "seconds": 1.5, "name": "egg"}, {"id": "t1"}, [("timer", 1.5, "egg")]),
        ({"do": "timer", "seconds": 60}, {"id": "t1"}, [("timer", 60, "")]),
        ({"do": "cancel-timer", "id": "t1"}, {}, []),
        ({"do": "watch"}, {}, []),
        (
            {"do": "status"},
            {"status": {"state": "idle", "level_dbfs": None, "muted": []}},
            [],
        ),
    ],
)
async def test_requests(
    path: Path,
    control: Control,
    controls: FakeControls,
    request_: object,
    answer: object,
    done: list[object],
) -> None:
    assert isinstance(answer, dict)
    async with connected(path) as client:
        assert await client.ask(request_) == {"ok": True, **answer}
    assert controls.done == done


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"do": "triger"}, "unknown request 'triger'; did you mean 'trigger'?"),
        ({"do": "zzz"}, "unknown request 'zzz'; known: trigger, press, release, stop, mute, "),
        ({"do": 5}, 'a request is a JSON object with "do"'),
        ([], 'a request is a JSON object with "do"'),
        ({"do": "say"}, "'say' needs \"text\", a text"),
        ({"do": "say", "text": "  "}, "'say' needs \"text\", a text"),
        ({"do": "volume", "percent": "loud"}, "'volume' needs \"percent\", a number"),
        ({"do": "volume", "percent": float("nan")}, "'volume' needs \"percent\", a number"),
        ({"do": "volume", "percent": 101}, "'percent' is 101; from 0 to 100"),
        ({"do": "timer"}, "'timer' needs \"seconds\", a number"),
        ({"do": "timer", "seconds": 1e9}, "that is too long"),
        ({"do": "timer", "seconds": 10**400}, "'timer' needs \"seconds\", a number"),
        ({"do": "cancel-timer", "id": "x"}, "no timer 'x'"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words_and_the_client_goes_on(
    path: Path, control: Control, request_: object, said: str
) -> None:
    async with connected(path) as client:
        answer = await client.ask(request_)
        assert answer["ok"] is False
        assert answer["error"].startswith(said)
        assert await client.ask({"do": "stop"}) == {"ok": True}


@pytest.mark.parametrize("line", [b"\n", b"hello\n", b"\xff\xfe\n", b"[" * 10_000 + b"\n"])
async def test_what_is_no_json_is_refused_with_an_example(
    path: Path, control: Control, line: bytes
) -> None:
    async with connected(path) as client:
        client.writer.write(line)
        assert '{"do": "trigger"}' in (await client.read())["error"]


class Unwilling(FakeControls):
    """Muted, and without a voice."""

    def __init__(self, by: str) -> None:
        super().__init__()
        self._by = by

    def status(self) -> Status:
        return {"muted": [self._by], "servers": {"missing": ["handle", "tts"]}}


@pytest.mark.parametrize(
    ("by", "request_", "said"),
    [
        ("software", {"do": "trigger"}, 'muted by software; unmute it first: {"do": "unmute"}'),
        (
            "home-assistant",
            {"do": "press"},
            "muted by home-assistant; unmute it first: in Home Ass",
        ),
        (
            "software",
            {"do": "say", "text": "hello"},
            "no tts server answers; start one, or name it",
        ),
    ],
)
async def test_what_can_not_be_done_at_present_is_refused_with_the_reason(
    path: Path, by: str, request_: object, said: str
) -> None:
    controls = Unwilling(by)
    control = Control(path, controls)
    await control.listen()
    async with running(control.run()), connected(path) as client:
        answer = await client.ask(request_)
    assert answer["ok"] is False
    assert answer["error"].startswith(said)
    assert controls.done == []


async def test_a_line_without_end_ends_that_client_alone(path: Path, control: Control) -> None:
    async with connected(path) as other, connected(path) as client:
        client.writer.write(b"x" * (3 * LINE_BYTES))
        assert f"a line of over {LINE_BYTES} bytes" in (await client.read())["error"]
        with contextlib.suppress(ConnectionError):
            assert await client.reader.read() == b""
        assert await other.ask({"do": "stop"}) == {"ok": True}


async def test_a_request_whose_sender_is_done_writing_is_answered(
    path: Path, control: Control, controls: FakeControls
) -> None:
    async with connected(path) as client:
        client.writer.write(b'{"do": "trigger"}\n{"do": "stop"}')  # as `printf`, without a line end
        client.writer.write_eof()
        assert [await client.read() for _ in range(3)] == [{"ok": True}, {"ok": True}, None]
    assert controls.done == ["trigger", "stop"]


async def test_watchers_are_told_of_everything_and_can_ask_meanwhile(
    path: Path, control: Control, controls: FakeControls
) -> None:
    async with connected(path) as client, connected(path) as other:
        assert await client.ask({"do": "watch"}) == {"ok": True}
        control.tell(Tell(Moment.WAKE, "okay nabu"))
        event = await client.read()
        assert (event["event"], event["text"]) == ("wake", "okay nabu")
        assert event["at"] > 1e9
        assert await client.ask({"do": "stop"}) == {"ok": True}
        assert await other.ask({"do": "stop"}) == {"ok": True}  # and not the event before
        assert control.status() == {"path": str(path), "clients": 2, "watching": 1}


async def test_a_watcher_that_does_not_read_loses_the_oldest_and_is_told_how_many(
    path: Path, control: Control
) -> None:
    async with connected(path) as client:
        await client.ask({"do": "watch"})
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sent = 0
        while not any(c._lost for c in control._clients.values()):  # until all buffers are full
            control.tell(Tell(Moment.TRANSCRIPT, f"{sent} {'x' * 60_000}"))
            sent += 1
            await asyncio.sleep(0)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        got: list[int] = []
        lost = 0
        while not got or got[-1] != sent - 1:
            event = await client.read()
            if event["event"] == "lost":
                lost += event["count"]
            else:
                got.append(int(event["text"].split()[0]))
    assert lost > 0
    assert lost + len(got) == sent
    assert got == sorted(got)
    assert got[-4:] == list(range(sent - 4, sent))


async def test_push_to_talk_ends_when_the_button_or_its_program_goes(
    path: Path, control: Control, controls: FakeControls
) -> None:
    async with connected(path) as client:
        await client.ask({"do": "press"})
        await client.ask({"do": "release"})
    await until(lambda: not control.status()["clients"])
    assert controls.done == ["press", "release"]
    async with connected(path) as client:
        await client.ask({"do": "press"})
    await until(lambda: len(controls.done) == 4)
    assert controls.done[2:] == ["press", "release"]


async def test_one_client_too_many_is_told_so(path: Path, control: Control) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            client = await stack.enter_async_context(connected(path))
            await client.ask({"do": "stop"})
        late = await stack.enter_async_context(connected(path))
        assert await late.read() == {"ok": False, "error": "3 clients are connected already"}
        assert await late.read() is None
    await until(lambda: not control.status()["clients"])
    async with connected(path) as client:
        assert await client.ask({"do": "stop"}) == {"ok": True}


async def test_the_socket_is_for_us_and_is_gone_at_the_end(
    path: Path, controls: FakeControls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    control = Control(path, controls)
    await control.listen()
    async with running(control.run()), connected(path) as client:
        await client.ask({"do": "press"})
        assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)
    assert mode_of(path) is None
    assert controls.done == ["press", "release"]


def test_under_systemd_the_group_may_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/wyoming-voice")
    assert socket_mode() == 0o660


def leave_behind(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


def mode_of(path: Path) -> int | None:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


async def test_a_socket_that_was_left_behind_is_replaced(
    path: Path, controls: FakeControls
) -> None:
    leave_behind(path)
    control = Control(path, controls)
    await control.listen()
    async with running(control.run()), connected(path) as client:
        assert await client.ask({"do": "stop"}) == {"ok": True}


async def test_two_satellites_do_not_share_a_socket(path: Path, control: Control) -> None:
    with pytest.raises(ConfigError, match=rf"a satellite runs already at {path}; .*--no-control"):
        await Control(path, FakeControls()).listen()
    assert mode_of(path) is not None


async def test_a_path_that_cannot_be_had(tmp_path: Path, controls: FakeControls) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "a.sock", tmp_path / ("long" * 40)):
        with pytest.raises(ConfigError, match="--control, or --no-control"):
            await Control(path, controls).listen()


@pytest.mark.skipif(shutil.which("socat") is None, reason="needs socat")
async def test_the_line_of_the_readme(path: Path, control: Control, controls: FakeControls) -> None:
    process = await asyncio.create_subprocess_shell(
        f'echo \'{{"do": "trigger"}}\' | socat - UNIX:{path}', stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert (out, controls.done) == (b'{"ok": true}\n', ["trigger"])
