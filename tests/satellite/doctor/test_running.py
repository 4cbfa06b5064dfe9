"""A satellite that runs: it is asked, and not disturbed."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from satellite.around.control import Control
from satellite.parts import Status
from tests.satellite.around.test_control import FakeControls
from tests.satellite.doctor.stage import printed, told
from tests.satellite.standalone.wyoming_servers import FakeAsr
from tests.satellite.waiting import running

pytestmark = pytest.mark.timeout(30)


class Satellite(FakeControls):
    """One that runs, and says of itself what a test wants."""

    def __init__(self, **status: object) -> None:
        super().__init__()
        self._status = status

    def status(self) -> Status:
        return {
            "state": "idle",
            "muted": [],
            "turns": 3,
            **MICROPHONE,
            **LOUDSPEAKER,
            **self._status,
        }


MICROPHONE: Status = {
    "microphone": {
        "device": "pulse (usb)", "ready": True, "reason": "", "fresh": True, "muted": False,
        "silent": False, "level_dbfs": -61.0, "dropped_blocks": 0,
    }
}  # fmt: skip
LOUDSPEAKER: Status = {
    "loudspeaker": {"device": "pulse", "open": True, "latency_ms": 70, "trouble": ""}
}


@contextlib.asynccontextmanager
async def satellite(path: Path, **status: object) -> AsyncIterator[None]:
    control = Control(path, Satellite(**status))
    await control.listen()
    async with running(control.run()):
        yield


async def test_a_satellite_that_runs_is_asked_and_not_disturbed(tmp_path: Path) -> None:
    async with FakeAsr().listening() as uri, satellite(
        tmp_path / "s.sock",
        servers={
            "ready": False,
            "missing": ["handle", "tts"],
            "servers": [{"kind": "asr", "uri": uri, "answers": True, "round_trip_ms": 2.5, "error": ""}],
        },
        **{"home assistant": {"listening": "tcp://127.0.0.1:10700", "connected": False, "peer": ""}},
    ):  # fmt: skip
        status, text = await printed(told(tmp_path, mode="auto"))
    assert status == 1
    assert "ok  microphone      pulse (usb), -61.0 dBFS" in text
    assert "end it to measure" in text
    assert f"ok  asr             {uri}, 2.5 ms, model small" in text
    assert "!!  handle          no server found" in text
    assert "--  home assistant  not connected" in text


async def test_with_home_assistant_connected_nothing_is_missing(tmp_path: Path) -> None:
    async with satellite(
        tmp_path / "s.sock",
        servers={"ready": False, "missing": ["asr", "handle", "tts"], "servers": []},
        **{"home assistant": {"listening": "", "connected": True, "peer": "10.0.0.2:41000"}},
    ):
        status, text = await printed(told(tmp_path, mode="auto"))
    assert "ok  home assistant  connected from 10.0.0.2:41000" in text
    assert "!!" not in text
    assert status == 0


@pytest.mark.parametrize(("connected", "verdict"), [(True, "ok"), (False, "!!")])
async def test_its_wake_server_may_be_gone(tmp_path: Path, connected: bool, verdict: str) -> None:
    server = {"uri": "tcp://10.0.0.3:10400", "connected": connected, "detections": 4}
    async with satellite(tmp_path / "s.sock", **{"wake server": server}):
        _, text = await printed(told(tmp_path))
    assert f"{verdict}  wake server     tcp://10.0.0.3:10400" in text


@pytest.mark.parametrize(
    ("microphone", "says"),
    [
        ({"ready": False, "reason": "unplugged"}, "unplugged"),
        ({"silent": True}, "only silence"),
        ({"fresh": False}, "no sound for a second"),
    ],
)
async def test_a_running_satellite_may_be_deaf(
    tmp_path: Path, microphone: dict[str, object], says: str
) -> None:
    known = MICROPHONE["microphone"]
    assert isinstance(known, dict)
    async with satellite(tmp_path / "s.sock", microphone={**known, **microphone}):
        status, text = await printed(told(tmp_path))
    assert status == 1
    assert says in next(line for line in text.splitlines() if "microphone" in line)


async def test_who_has_muted_it_must_unmute_it(tmp_path: Path) -> None:
    async with satellite(tmp_path / "s.sock", muted=["home-assistant"]):
        _, text = await printed(told(tmp_path))
    assert "muted by home-assistant" in text
    assert "→ unmute it in Home Assistant" in text
