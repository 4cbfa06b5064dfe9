"""All parts together, with a file for a microphone and no loudspeaker: who is there, who hears of what."""

import asyncio
import wave
from pathlib import Path

import pytest

from satellite.box import Box
from satellite.config import SatelliteSettings
from satellite.effects import Moment, Tell
from tests.satellite.waiting import running, until

ALWAYS = {"hearing", "microphone", "loudspeaker", "timers"}


def box_in(directory: Path, **given: object) -> Box:
    with wave.open(str(directory / "silence.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(640))
    quiet = {
        "mic": f"file:{directory / 'silence.wav'}",
        "snd": "none",
        "uri": "tcp://127.0.0.1:0",
        "no_zeroconf": True,
        "control": str(directory / "control.sock"),
        "state_dir": directory,
        "mode": "ha",
        "gate": "vad",
        "aec": "off",
    }
    return Box(SatelliteSettings.model_validate(quiet | given))


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({}, {"home assistant", "control"}),
        ({"no_control": True}, {"home assistant"}),
        ({"mode": "standalone"}, {"servers", "standalone", "control"}),
        ({"mode": "auto"}, {"home assistant", "servers", "standalone", "control"}),
        ({"on_wake": "true"}, {"home assistant", "control", "hooks"}),
        ({"event_uri": "tcp://127.0.0.1:1"}, {"home assistant", "control", "event service"}),
        ({"metrics_uri": "tcp://127.0.0.1:0"}, {"home assistant", "control", "metrics"}),
        (
            {"gate": "wake", "wake_uri": "tcp://127.0.0.1:1"},
            {"home assistant", "control", "wake server"},
        ),
    ],
)
async def test_what_was_asked_for_is_there(
    tmp_path: Path, given: dict[str, object], parts: set[str]
) -> None:
    status = box_in(tmp_path, **given).status()
    assert {name for name, part in status.items() if isinstance(part, dict)} == ALWAYS | parts


async def test_muted_the_microphone_and_the_wake_server_hear_nothing(tmp_path: Path) -> None:
    box = box_in(tmp_path, gate="wake", wake_uri="tcp://127.0.0.1:1")
    assert box._wake_server is not None
    for on in (True, False):
        box.buttons.mute(on)
        await asyncio.sleep(0)  # what was posted is handled
        assert box.microphone.muted is on
        assert box._wake_server.muted is on


async def test_an_oddity_is_a_warning_for_all_who_listen(tmp_path: Path) -> None:
    box, told = box_in(tmp_path), list[Tell]()
    box.loop.listeners.append(told.append)
    await asyncio.to_thread(box._warn_soon, "the disk is full")
    await until(lambda: told)
    assert told == [Tell(Moment.WARNING, "the disk is full")]


async def test_what_is_heard_is_kept_where_it_was_asked_for(tmp_path: Path) -> None:
    box = box_in(tmp_path, record_dir=tmp_path / "heard")

    def kinds() -> set[str]:
        return {path.stem.rpartition("-")[2] for path in tmp_path.glob("heard/*.wav")}

    await box.listen()
    async with running(box.run()):
        await until(lambda: kinds() == {"raw", "clean"})
