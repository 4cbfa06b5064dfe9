"""What systemd hears of a satellite: a heartbeat for as long as the ear is well."""

import asyncio
from typing import cast

import pytest

from satellite.box import Box
from satellite.run import _heartbeat
from tests.satellite.waiting import running
from wyoming_voice.systemd import Notifier


class FakeEar:
    """Well or not at each look, as scripted, and unwell from then on."""

    def __init__(self, script: list[bool]) -> None:
        self.over = asyncio.Event()
        self._script = script

    @property
    def healthy(self) -> bool:
        if not self._script:
            self.over.set()
            return False
        return self._script.pop(0)


class FakeBox:
    def __init__(self, script: list[bool]) -> None:
        self.microphone = FakeEar(script)


class FakeNotifier(Notifier):
    def __init__(self) -> None:
        super().__init__({})
        self.beats = 0

    def alive(self) -> None:
        self.beats += 1


async def test_the_watchdog_is_fed_only_while_the_ear_is_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "4000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    box, notifier = FakeBox([True, False, True, False, False]), FakeNotifier()
    async with running(_heartbeat(cast(Box, box), notifier)):
        await box.microphone.over.wait()
    assert notifier.beats == 2
