"""PortAudio's calls that never return: what they hold up, and what they don't. The library is a fake."""

import asyncio
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from satellite.devices import portaudio, soundcard
from satellite.devices.catalogue import Kind
from satellite.devices.portaudio import PortAudio
from satellite.devices.soundcard import PortAudioSource
from satellite.devices.streams import Plan
from satellite.parts import DeviceError, DeviceHangs


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
        self.loudspeaker_works = False
        self.default = SimpleNamespace(device=(0, 0))
        self._initialized = True

    def RawInputStream(self, **wanted: object) -> Stream:  # noqa: N802  (its name)
        return Stream(self)

    def RawOutputStream(self, **wanted: object) -> Stream:  # noqa: N802  (its name)
        if self.loudspeaker_works:
            return Stream(self)
        raise OSError("Error opening RawOutputStream: Device unavailable")

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
LOUDSPEAKER = replace(PLAN, kind=Kind.LOUDSPEAKER)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    fake = Library()
    monkeypatch.setattr(portaudio, "_loaded", lambda: fake)
    monkeypatch.setattr(portaudio, "CALL_S", 0.2)
    monkeypatch.setattr(portaudio, "_pin", lambda thing: None)
    return fake


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ALSA lists; the last entry counts."""
    lists = ["0 [Mic]\n1 [Speaker]"]
    monkeypatch.setattr(portaudio, "cards", lambda: lists[-1])
    return lists


async def refused(sound: PortAudio, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(DeviceError, match="can't be opened: Device unavailable"):
            await sound.open(LOUDSPEAKER)


async def test_the_microphone_gives_way_once_when_a_loudspeaker_has_come_back_elsewhere(
    library: Library, cards: list[str]
) -> None:
    library.opening.set()
    library.starting.set()
    sound, ways = PortAudio(), list[str]()
    opened = await sound.open(replace(PLAN, give_way=lambda: ways.append("asked")))
    await refused(sound, 5)
    assert ways == []  # reading the list anew would show nothing new
    cards.append("0 [Mic]\n2 [Speaker]")
    await refused(sound)
    assert ways == []  # it has only just come
    await refused(sound, 4)
    assert ways == ["asked"]
    assert library.readings == 0
    await sound.close(opened)
    assert library.readings == 1
    await sound.open(replace(PLAN, give_way=lambda: ways.append("asked again")))
    await refused(sound, 3)
    assert ways == ["asked"]
    library.loudspeaker_works = True
    assert (await sound.open(LOUDSPEAKER)).device.name == "pulse"


async def test_a_microphone_that_gives_way_says_so_without_a_reason(
    library: Library, cards: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.opening.set()
    library.starting.set()
    sound, lost = PortAudio(), list[str]()
    monkeypatch.setattr(soundcard, "PORTAUDIO", sound)
    microphone = PortAudioSource("default")
    await microphone.open(lambda pcm: None, lost.append)
    cards.append("0 [Mic]")
    await refused(sound, 2)
    assert lost == [""]
    await microphone.close()
    assert library.readings == 1


async def test_without_portaudio_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DeviceError) as refusal:
        await PortAudio().devices()
    assert str(refusal.value) == (
        "the PortAudio library is not installed; on Debian: apt install libportaudio2"
    )


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
        with pytest.raises(DeviceHangs, match="has not answered"):
            await sound.open(PLAN)
    library.opening.set()
    await asyncio.to_thread(_joined)
    opened = await sound.open(PLAN)
    assert opened.device.name == "pulse"


def _joined() -> None:
    for thread in threading.enumerate():
        if thread.name == "portaudio":
            thread.join()
