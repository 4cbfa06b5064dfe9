"""The microphone and the loudspeaker of this machine, by way of PortAudio.

Rule: a stream that has ended by itself is told of once, on the event loop; after `close` nothing is delivered
or asked for any more, whatever the device still does.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from satellite.devices.catalogue import Device, Kind
from satellite.devices.convert import BLOCK_MS, SpeechConverter
from satellite.devices.portaudio import PORTAUDIO
from satellite.devices.routing import actual_device
from satellite.devices.streams import Format, Opened, Plan
from satellite.devices.tasks import end
from satellite.parts import Audio
from wyoming_voice.core.pcm import SPEECH, AudioFormat

ROUTE_S = 30.0
"""How often the sound server is asked where our microphone is: it moves streams without a word."""
SINK_RATE_HZ = 48_000
SINK_BLOCK_MS = 10

Callback = Callable[[Any, int, Any, Any], None]


class PortAudioSource:
    """A microphone: 16 kHz mono where the device can, otherwise converted from what it can."""

    def __init__(self, wanted: str) -> None:
        self.overflows = 0
        self._wanted = wanted
        self._device_name = wanted
        self._actual_name = ""
        self._life: _Life | None = None
        self._opened: Opened | None = None
        self._following: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The device, and the sound server's source behind it where that is known."""
        if not self._actual_name:
            return self._device_name
        return f"{self._device_name} ({self._actual_name})"

    async def open(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Open the device and begin; raises DeviceError."""
        self._life = life = _Life(Kind.MICROPHONE, self._wanted, lost)
        plan = Plan(
            kind=Kind.MICROPHONE,
            device=self._wanted,
            formats=_input_formats,
            block_ms=BLOCK_MS,
            callback=lambda given: self._callback(given, life, deliver),
            finished=life.finished,
            give_way=life.give_way,
        )
        self._opened = await PORTAUDIO.open(plan)
        self._device_name = self._opened.device.name
        await self._find()
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Close it; a device that can't be closed is left behind."""
        if self._life is not None:
            self._life.over = True
        await end(self._following)
        opened, self._opened = self._opened, None
        if opened is not None:
            await PORTAUDIO.close(opened)

    def _callback(self, given: Format, life: "_Life", deliver: Callable[[bytes], None]) -> Callback:
        rate_hz, channels = given
        captured = AudioFormat(rate_hz, 2, channels)
        converter = None if captured == SPEECH else SpeechConverter(captured)

        def heard(data: Any, frames: int, times: Any, status: Any) -> None:
            if life.over:
                return
            self.overflows += bool(status.input_overflow)
            pcm = bytes(data)
            if speech := converter.push(pcm) if converter else pcm:
                deliver(speech)

        return heard

    async def _find(self) -> None:
        self._actual_name = await actual_device(Kind.MICROPHONE) or self._actual_name

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(ROUTE_S)
            await self._find()


class PortAudioSink:
    """A loudspeaker: 48 kHz or what the device can, the same on all channels.

    `rate_hz` is right once it is open.
    """

    def __init__(self, wanted: str) -> None:
        self.rate_hz = SINK_RATE_HZ
        self.latency_ms = 0.0
        self._wanted = wanted
        self._device_name = wanted
        self._life: _Life | None = None
        self._opened: Opened | None = None

    @property
    def name(self) -> str:
        """The device."""
        return self._device_name

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        """Open the device and begin; `fill` is called in PortAudio's thread. Raises DeviceError."""
        self._life = life = _Life(Kind.LOUDSPEAKER, self._wanted, lost)
        plan = Plan(
            kind=Kind.LOUDSPEAKER,
            device=self._wanted,
            formats=_output_formats,
            block_ms=SINK_BLOCK_MS,
            callback=lambda given: self._callback(given, life, fill),
            finished=life.finished,
        )
        self._opened = await PORTAUDIO.open(plan)
        self._device_name = self._opened.device.name
        self.latency_ms = self.latency_ms or self._opened.latency_ms

    async def close(self) -> None:
        """Close it at once, with what has not been heard yet; a device that can't be is left behind."""
        if self._life is not None:
            self._life.over = True
        opened, self._opened = self._opened, None
        if opened is not None:
            await PORTAUDIO.close(opened)

    def _callback(self, given: Format, life: "_Life", fill: Callable[[int], Audio]) -> Callback:
        self.rate_hz, channels = given  # before the first call of `fill`

        def asked(data: Any, frames: int, times: Any, status: Any) -> None:
            if life.over:
                data[:] = bytes(len(data))
                return
            ahead_ms = 1000 * (times.outputBufferDacTime - times.currentTime)
            if ahead_ms > 0:  # some systems give no times
                self.latency_ms = ahead_ms
            mono = np.asarray(fill(frames), np.float32)
            data[:] = np.repeat(mono, channels).tobytes()

        return asked


class _Life:
    """Tells of the end of a stream, once, unless it was wanted."""

    def __init__(self, kind: Kind, device: str, lost: Callable[[str], None]) -> None:
        self.over = False
        self._reason = f"the {kind} {device!r} is gone, or its sound server has ended"
        self._lost = lost
        self._loop = asyncio.get_running_loop()

    def finished(self) -> None:
        """The stream has ended; called in PortAudio's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._tell)

    def give_way(self) -> None:
        """End it without a reason, so that it is opened again at once; called on the event loop."""
        if not self.over:
            self.over = True
            self._lost("")

    def _tell(self) -> None:
        if not self.over:
            self.over = True
            PORTAUDIO.distrust_list()
            self._lost(self._reason)


def _input_formats(device: Device) -> Sequence[Format]:
    most = min(device.inputs, 8)
    return [
        (SPEECH.rate_hz, 1),
        (device.rate_hz, 1),
        (device.rate_hz, min(most, 2)),
        (device.rate_hz, most),
    ]


def _output_formats(device: Device) -> Sequence[Format]:
    two = min(device.outputs, 2)
    rates = (SINK_RATE_HZ, device.rate_hz)
    return [(rate, channels) for rate in rates for channels in (two, 1, device.outputs)]
