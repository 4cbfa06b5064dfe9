"""`wyoming-voice satellite`: runs one until told to end, shows devices, or talks to the one that runs."""

import asyncio
import logging
import os
import signal
from typing import TYPE_CHECKING

from satellite.config import SatelliteSettings
from wyoming_voice import tracing
from wyoming_voice.errors import ConfigError
from wyoming_voice.systemd import Notifier, watchdog_interval_s

if TYPE_CHECKING:
    from satellite.box import Box

__all__ = ["SatelliteSettings", "run"]

_log = logging.getLogger(__name__)


async def run(settings: SatelliteSettings) -> int:
    """Do what `action` says; the exit status. Raises ConfigError, UpstreamError."""
    if settings.argument and settings.action in ("run", "devices", "doctor"):
        raise ConfigError(f"{settings.action} takes no argument (got {settings.argument[:80]!r})")
    match settings.action:
        case "run":
            await _live(settings)
            tracing.stop()
            logging.shutdown()
            os._exit(0)  # a sound device that hangs would hold the interpreter's own end
        case "devices":
            from satellite.devices.show import show_devices

            return await show_devices()
        case "doctor":
            from satellite.doctor.examine import examine

            return await examine(settings)
        case _:
            from satellite.around.remote import command

            return await command(settings)


async def _live(settings: SatelliteSettings) -> None:
    from satellite.box import Box

    stop, notifier = _stop_on_signals(), Notifier()
    box = Box(settings)
    address = await box.listen()
    async with asyncio.TaskGroup() as tasks:
        lives = [
            tasks.create_task(box.run()),
            tasks.create_task(_heartbeat(box, notifier)),
            tasks.create_task(_status_lines(box, settings.status_s)),
        ]
        print(f"ready {address}".rstrip(), flush=True)  # noqa: T201  (a parent process reads it)
        notifier.ready()
        await stop.wait()
        notifier.stopping()
        for life in lives:
            life.cancel()


async def _heartbeat(box: "Box", notifier: Notifier) -> None:
    """Feed systemd's watchdog for as long as the ear is open, is closed on purpose, or is being opened.

    A satellite that is deaf and doesn't know it is started again.
    """
    interval_s = watchdog_interval_s()
    while interval_s is not None:
        if box.microphone.healthy:
            notifier.alive()
        await asyncio.sleep(interval_s / 2)  # so that one look at a bad moment costs nothing


async def _status_lines(box: "Box", every_s: float) -> None:
    while every_s:
        await asyncio.sleep(every_s)
        _log.info("%s", box.status_line())


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
