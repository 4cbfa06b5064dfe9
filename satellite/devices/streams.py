"""PortAudio's devices and streams as they are wanted, and as they come of what a device can do.

Works on the library that it is given, in whatever thread it is called. Rule: a format that a device refuses
is followed by the next one, and the last refusal is told in PortAudio's own words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from satellite.devices.catalogue import Device, Kind, pick
from satellite.parts import DeviceError

LATENCY = "high"
"""PortAudio's word for what holds under load: 40 ms on PulseAudio, where "low" is 20 ms."""

_CARDS = Path("/proc/asound/cards")

Format = tuple[int, int]
"""Samples a second, and channels."""


def _stay() -> None:
    """What has no place to give way from."""


@dataclass(frozen=True)
class Plan:
    """A stream as it is wanted.

    `formats` names what to ask a device for, best first. `callback` is called in PortAudio's thread with the
    buffer, its frames, PortAudio's times and its status flags; `finished` when the stream has ended.
    `give_way` is called on the event loop when the stream had better be closed and opened anew, so that the
    list of devices can be read between.
    """

    kind: Kind
    device: str
    formats: Callable[[Device], Sequence[Format]]
    block_ms: int
    callback: Callable[[Format], Callable[[Any, int, Any, Any], None]]
    finished: Callable[[], None]
    give_way: Callable[[], None] = _stay


@dataclass(frozen=True)
class Opened:
    """A running stream: of which device, in which format, and with how much delay."""

    device: Device
    format: Format
    latency_ms: float
    stream: Any


def listed(library: Any) -> list[Device]:
    """Everything that PortAudio lists."""
    default_input, default_output = library.default.device
    return [
        Device(
            number=number,
            name=str(entry["name"]),
            inputs=int(entry["max_input_channels"]),
            outputs=int(entry["max_output_channels"]),
            rate_hz=int(entry["default_samplerate"]),
            default_input=number == default_input,
            default_output=number == default_output,
        )
        for number, entry in enumerate(library.query_devices())
    ]


def cards() -> str:
    """ALSA's own list of sound cards, which is new whenever one comes or goes; `""` where there is none."""
    try:
        return _CARDS.read_text(errors="replace")
    except OSError:
        return ""


def started(library: Any, plan: Plan, start: Callable[[Any], None]) -> Opened:
    """The stream that was planned, made and given to `start`; raises DeviceError."""
    device, refusal = pick(plan.device, listed(library), plan.kind), ""
    for wanted in dict.fromkeys(plan.formats(device)):
        try:
            stream = _stream(library, device, plan, wanted)
        except library.PortAudioError as error:
            refusal = _reason(error)
            continue
        try:
            start(stream)
        except library.PortAudioError as error:
            stream.close()
            refusal = _reason(error)
            continue
        return Opened(device, wanted, 1000 * stream.latency, stream)
    raise DeviceError(
        f"the {plan.kind} {device.name!r} can't be opened: {refusal}; "
        "does another program hold it, or has its sound server ended?"
    )


def _stream(library: Any, device: Device, plan: Plan, wanted: Format) -> Any:
    rate_hz, channels = wanted
    microphone = plan.kind is Kind.MICROPHONE
    make = library.RawInputStream if microphone else library.RawOutputStream
    return make(
        samplerate=rate_hz,
        channels=channels,
        blocksize=rate_hz * plan.block_ms // 1000,
        device=device.number,
        dtype="int16" if microphone else "float32",
        latency=LATENCY,
        callback=plan.callback(wanted),
        finished_callback=plan.finished,
    )


def _reason(error: Exception) -> str:
    """PortAudio's own words, without what sounddevice says of itself before them."""
    text = str(error.args[0]) if error.args else ""
    return text.rpartition(": ")[2] or "no reason given"
