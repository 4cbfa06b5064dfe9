"""`wyoming-voice satellite devices`: the microphones and loudspeakers that there are, to choose from."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from satellite.devices.catalogue import Device, Kind
from satellite.devices.portaudio import list_devices
from satellite.parts import DeviceError

_NONE = (
    "no sound device; plug one in, start the sound server (`systemctl --user start pipewire-pulse`), "
    "or on a bare ALSA system join its group: sudo usermod -aG audio $USER"
)


async def show_devices() -> int:
    """Print all devices; 1 when there is none, or PortAudio is missing."""
    console = Console(highlight=False, markup=False, emoji=False)
    try:
        devices = await list_devices()
    except DeviceError as error:
        console.print(str(error), soft_wrap=True)
        return 1
    return show(console, devices)


def show(console: Console, devices: Sequence[Device]) -> int:
    """Print these; the exit status: 1 where either kind is missing."""
    if not devices:
        console.print(_NONE, soft_wrap=True)
        return 1
    status = 0
    for kind, flag in ((Kind.MICROPHONE, "--mic"), (Kind.LOUDSPEAKER, "--snd")):
        usable = [device for device in devices if device.channels(kind) > 0]
        if usable:
            console.print(_table(kind, flag, usable))
        else:
            console.print(f"no {kind}")
            status = 1
    return status


def _table(kind: Kind, flag: str, devices: Sequence[Device]) -> Table:
    table = Table(title=f"{kind}s ({flag} NUMBER or NAME)", title_justify="left", box=None)
    table.add_column("", justify="right")
    table.add_column("name", overflow="fold")
    table.add_column("channels", justify="right")
    table.add_column("rate", justify="right")
    table.add_column("")
    for device in devices:
        table.add_row(*_row(kind, device))
    return table


def _row(kind: Kind, device: Device) -> tuple[str, ...]:
    default = "default" if device.is_default(kind) else ""
    rate = f"{device.rate_hz} Hz"
    return str(device.number), device.name, str(device.channels(kind)), rate, default
