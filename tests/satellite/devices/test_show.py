"""The list of devices that people choose from."""

import io

import pytest
from rich.console import Console

from satellite.devices import show as shown
from satellite.devices.catalogue import Device
from satellite.devices.show import show, show_devices
from satellite.parts import DeviceError

USB = Device(2, "USB microphone", inputs=1, outputs=0, rate_hz=16_000, default_input=True)
HDMI = Device(5, "HDMI [front]", inputs=0, outputs=8, rate_hz=48_000)
PULSE = Device(7, "pulse", inputs=32, outputs=32, rate_hz=44_100, default_output=True)


def printed(*devices: Device) -> tuple[int, list[str]]:
    out = io.StringIO()
    console = Console(file=out, width=100, highlight=False, markup=False)
    status = show(console, devices)
    return status, [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_each_kind_has_its_table() -> None:
    status, lines = printed(USB, HDMI, PULSE)
    assert status == 0
    loudspeakers = next(at for at, line in enumerate(lines) if line.startswith("loudspeakers"))
    assert lines[:loudspeakers] == [
        "microphones (--mic NUMBER or NAME)",
        "name channels rate",
        "2 USB microphone 1 16000 Hz default",
        "7 pulse 32 44100 Hz",
    ]
    assert lines[loudspeakers + 2 :] == ["5 HDMI [front] 8 48000 Hz", "7 pulse 32 44100 Hz default"]


def test_a_kind_that_is_missing_is_said_to_be_and_is_no_success() -> None:
    status, lines = printed(HDMI)
    assert status == 1
    assert lines[0] == "no microphone"
    assert any(line.startswith("5 HDMI") for line in lines)


def test_no_device_at_all_comes_with_what_to_do() -> None:
    status, lines = printed()
    assert status == 1
    assert "start the sound server" in " ".join(lines)


async def test_without_portaudio_the_command_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def nothing() -> list[Device]:
        raise DeviceError("PortAudio library not found; on Debian: apt install libportaudio2")

    monkeypatch.setattr(shown, "list_devices", nothing)
    assert await show_devices() == 1
    assert "apt install libportaudio2" in capsys.readouterr().out
