"""The commands that talk to a running satellite: what they send, show, and say when it can't be had."""

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from satellite.around.control import Control
from satellite.around.remote import _for_people, command, request_for
from satellite.config import SatelliteSettings
from satellite.effects import Moment, Tell
from satellite.parts import Status
from satellite.run import run
from tests.satellite.around.test_control import FakeControls
from tests.satellite.waiting import running, until
from wyoming_voice.errors import ConfigError, UpstreamError

TIMER = {
    "id": "t1", "name": "egg", "state": "running", "remaining_s": 61, "total_s": 300.0, "own": True,
}  # fmt: skip


class Satellite(FakeControls):
    """Knows more of itself."""

    def status(self) -> Status:
        return {
            "state": "idle",
            "muted": [],
            "gate": "wake",
            "wake_words": ["okay nabu", "hey jarvis"],
            "area": "kitchen",
            "microphone": {"open": True, "muted": True, "level_dbfs": -52.25, "trouble": ""},
            "loudspeaker": {"volume": 0.4},
            "timers": {"timers": [TIMER]},
            "servers": {
                "servers": [
                    {"kind": "asr", "uri": "tcp://a:1", "answers": True, "round_trip_ms": 2.5},
                    {"kind": "tts", "uri": "tcp://b:1", "answers": False, "error": "refused"},
                ]
            },
        }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "satellite.sock"


@contextlib.asynccontextmanager
async def satellite(path: Path) -> AsyncIterator[tuple[Control, Satellite]]:
    controls = Satellite()
    control = Control(path, controls)
    await control.listen()
    async with running(control.run()):
        yield control, controls


def told(path: Path, action: str, argument: str = "") -> SatelliteSettings:
    return SatelliteSettings.model_validate(
        {"action": action, "argument": argument, "control": str(path)}
    )


@pytest.mark.parametrize(
    ("action", "argument", "done"),
    [
        ("trigger", "", "trigger"),
        ("stop", "", "stop"),
        ("mute", "", ("mute", True)),
        ("unmute", "", ("mute", False)),
        ("volume", "40", ("volume", 40)),
        ("volume", "40%", ("volume", 40)),
        ("say", "the door is open", ("say", "the door is open")),
        ("timer", "300", ("timer", 300.0, "")),
    ],
)
async def test_what_is_done(path: Path, action: str, argument: str, done: object) -> None:
    async with satellite(path) as (_, controls):
        assert await command(told(path, action, argument)) == 0
        assert controls.done == [done]


@pytest.mark.parametrize(
    ("action", "argument", "said"),
    [
        ("volume", "", "volume needs a percentage: volume 40"),
        ("volume", "loud", "'loud' is no number; write volume 40 (percent)"),
        ("volume", "140", "volume '140': write 0 to 100, such as volume 40"),
        ("timer", "", "timer needs a number of seconds: timer 300"),
        ("timer", "soon", "'soon' is no number; write timer 300 (seconds)"),
        ("timer", "inf", "'inf' is no number; write timer 300 (seconds)"),
        ("timer", "-5", "timer '-5': write seconds, such as timer 300"),
        ("say", " ", 'say needs a text: say "the door is open"'),
        ("mute", "now", "mute takes no argument (got 'now')"),
    ],
)
def test_an_argument_that_makes_no_sense_is_told_with_one_that_does(
    action: str, argument: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        request_for(action, argument)
    assert str(caught.value) == said


async def test_what_the_satellite_refuses_is_told(path: Path) -> None:
    async with satellite(path):
        with pytest.raises(UpstreamError, match="that is too long"):
            await command(told(path, "timer", "10000000"))


async def test_status_can_be_read_by_a_person(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with satellite(path):
        assert await command(told(path, "status")) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "state idle",
        "muted none",
        "gate wake",
        "wake words okay nabu, hey jarvis",
        "area kitchen",
        "microphone",
        "open yes",
        "level (dbfs) -52.25",
        "trouble -",
        "loudspeaker",
        "volume 40%",
        "timers",
        "timers egg running 61 s of 300 s (id t1)",
        "servers",
        "servers asr tcp://a:1 2.5 ms",
        "tts tcp://b:1 refused",
    ]


def test_who_has_muted_it_is_said_with_what_to_do() -> None:
    shown = _for_people({"muted": ["home-assistant"], "home assistant": {"muted": True}})
    assert shown == {
        "muted": ["home-assistant", "unmute it in Home Assistant"],
        "home assistant": {},
    }


@pytest.mark.parametrize("action", ["run", "devices", "doctor"])
async def test_an_argument_that_would_be_passed_over_is_refused(path: Path, action: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{action} takes no argument \(got 'usb'\)$"):
        await run(told(path, action, "usb"))


async def test_a_timer_is_told_with_the_id_that_cancels_it(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with satellite(path):
        await command(told(path, "timer", "90"))
    assert capsys.readouterr().out == "timer t1 runs for 90 s\n"


def more(pieces: list[str], piece: str) -> list[str]:
    pieces.append(piece)
    return pieces


async def test_watch_prints_what_happens_until_the_satellite_ends(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with satellite(path) as (control, _):
        watch = asyncio.create_task(command(told(path, "watch")))
        await until(lambda: control.status()["watching"])
        control.tell(Tell(Moment.WAKE, "okay_nabu"))
        control.tell(Tell(Moment.IDLE))
        printed: list[str] = []
        await until(lambda: "idle" in "".join(more(printed, capsys.readouterr().out)))
    with pytest.raises(UpstreamError, match="the satellite has ended"):
        await watch
    lines = "".join(printed).splitlines()
    assert [line[8:] for line in lines] == ["  wake              okay_nabu", "  idle"]


async def test_no_satellite_runs(path: Path) -> None:
    with pytest.raises(UpstreamError) as caught:
        await command(told(path, "status"))
    assert f"no satellite listens on {path}; start one" in str(caught.value)
    assert "--control PATH" in str(caught.value)


async def test_the_satellite_ends_before_it_has_read_the_request(path: Path) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        socket = writer.get_extra_info("socket")
        await until(lambda: select.select([socket], [], [], 0)[0])
        writer.transport.abort()  # with the request unread: the client's connection is reset

    server = await asyncio.start_unix_server(leave, path)
    async with server:
        with pytest.raises(UpstreamError, match="the satellite has ended"):
            await command(told(path, "trigger"))


@pytest.mark.parametrize("line", [b"hello\n", b"[]\n", b"\n", b""])
async def test_something_else_listens_there(path: Path, line: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(line)
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    async with server:
        with pytest.raises(UpstreamError, match=r"no satellite: it writes no JSON|has ended"):
            await command(told(path, "trigger"))
