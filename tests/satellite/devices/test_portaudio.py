"""PortAudio's calls that never return: what they hold up, and what they don't. The library is a fake."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from satellite.devices import portaudio
from satellite.devices.catalogue import Kind
from satellite.devices.portaudio import Plan, PortAudio
from satellite.parts import DeviceError


class Stream:
    """Hangs in its making or in its start, as long as the library is told to."""

    def __init__(self, library: "Library") -> None:
        self._library = library
        self.latency = 0.04
        library.opening.wait()

    def start(self) -> None:
        self._library.starting.wait()

    def abort(self) -> None:
        self._library.ended.append(self)

    def close(self) -> None:
        pass


class Library:
    """What of sounddevice is used."""

    PortAudioError = OSError

    def __init__(self) -> None:
        self.opening, self.starting = threading.Event(), threading.Event()
        self.ended: list[Stream] = []
        self.readings = 0
        self.default = SimpleNamespace(device=(0, 0))
        self._initialized = True

    def RawInputStream(self, **wanted: object) -> Stream:  # noqa: N802  (its name)
        return Stream(self)

    def query_devices(self) -> list[dict[str, Any]]:
        names = ("max_input_channels", "max_output_channels", "default_samplerate")
        return [{"name": "pulse", **dict.fromkeys(names, 1)}]

    def _terminate(self) -> None:
        self.readings += 1

    def _initialize(self) -> None:
        pass


PLAN = Plan(
    kind=Kind.MICROPHONE,
    device="default",
    formats=lambda device: [(16_000, 1)],
    block_ms=20,
    callback=lambda given: lambda *heard: None,
    finished=lambda: None,
)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    fake = Library()
    monkeypatch.setattr(portaudio, "_loaded", lambda: fake)
    monkeypatch.setattr(portaudio, "CALL_S", 0.2)
    monkeypatch.setattr(portaudio, "_pin", lambda thing: None)
    return fake


async def test_a_start_that_never_returns_holds_nobody_up(library: Library) -> None:
    library.opening.set()
    sound = PortAudio()
    with pytest.raises(DeviceError, match="has not answered"):
        await sound.open(PLAN)
    hanging, library.starting = library.starting, threading.Event()
    library.starting.set()
    opened = await sound.open(PLAN)
    assert library.readings == 0  # it would close the stream that hangs
    await sound.close(opened)
    assert library.ended == [opened.stream]
    hanging.set()  # as a sound server does that was stopped and goes on: nobody wants the stream any more
    await asyncio.to_thread(_joined)
    await sound.devices()
    assert len(library.ended) == 2


async def test_whatever_else_hangs_is_waited_for(library: Library) -> None:
    library.starting.set()
    sound = PortAudio()
    for _ in range(2):
        with pytest.raises(DeviceError, match="has not answered"):
            await sound.open(PLAN)
    library.opening.set()
    await asyncio.to_thread(_joined)
    opened = await sound.open(PLAN)
    assert opened.device.name == "pulse"


def _joined() -> None:
    for thread in threading.enumerate():
        if thread.name == "portaudio":
            thread.join()
