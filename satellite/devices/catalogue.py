"""Which device is meant: PortAudio's list, and a number, a name or a part of one. Pure.

Rule: a choice that fits several devices, or none, is refused with their names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from satellite.parts import DeviceError


class Kind(StrEnum):
    """Which way sound goes."""

    MICROPHONE = "microphone"
    LOUDSPEAKER = "loudspeaker"


@dataclass(frozen=True)
class Device:
    """A device as PortAudio lists it; `inputs` and `outputs` are the most channels it has."""

    number: int
    name: str
    inputs: int
    outputs: int
    rate_hz: int
    default_input: bool = False
    default_output: bool = False

    def channels(self, kind: Kind) -> int:
        """The most channels that way; 0 when it is no such device."""
        return self.inputs if kind is Kind.MICROPHONE else self.outputs

    def is_default(self, kind: Kind) -> bool:
        """Whether it is taken when nothing is chosen."""
        return self.default_input if kind is Kind.MICROPHONE else self.default_output


def pick(wanted: str, devices: Sequence[Device], kind: Kind) -> Device:
    """The device that `wanted` means: `default`, a number, its name or a part that only it has.

    Raises DeviceError with what there is.
    """
    usable = [device for device in devices if device.channels(kind) > 0]
    if not usable:
        raise DeviceError(f"no {kind} is connected, or the sound server does not run")
    if wanted == "default":
        return next((device for device in usable if device.is_default(kind)), usable[0])
    if wanted.isdecimal():
        found = [device for device in usable if device.number == int(wanted)]
    else:
        found = _named(wanted, usable)
    if not found:
        raise DeviceError(f"no {kind} {wanted!r}; {_remedy(wanted, usable)}")
    if len(found) > 1:
        raise DeviceError(f"{wanted!r} fits several: {_listed(found)}; say more of its name")
    return found[0]


def _named(wanted: str, devices: Sequence[Device]) -> list[Device]:
    # The same name twice is one device seen through two systems: the first is PortAudio's own choice.
    exact = [device for device in devices if device.name.casefold() == wanted.casefold()]
    parts = [device for device in devices if wanted.casefold() in device.name.casefold()]
    return exact[:1] or parts


def _remedy(wanted: str, devices: Sequence[Device]) -> str:
    near = get_close_matches(wanted, [device.name for device in devices], n=1)
    return f"did you mean {near[0]!r}?" if near else f"there is: {_listed(devices)}"


def _listed(devices: Sequence[Device]) -> str:
    return ", ".join(f"{device.number} {device.name!r}" for device in devices)
