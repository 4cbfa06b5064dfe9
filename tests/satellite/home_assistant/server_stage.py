"""Home Assistant's server over real sockets, with what it posts and with those who connect to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from wyoming.event import Event as WireEvent

from satellite import effects
from satellite import events as e
from satellite.home_assistant.info import satellite_info
from satellite.home_assistant.server import HomeAssistant
from tests.home_assistant import Script, ScriptedHomeAssistant, home_assistant
from tests.wire_client import PATIENCE_S
from wyoming_voice.settings import ListenSettings
from wyoming_voice.wire import Address

NABU = e.WakeWord("okay_nabu", "okay nabu")
STOP = e.WakeWord("stop", "stop", stops=True)
JARVIS = e.WakeWord("hey_jarvis", "hey jarvis")
INFO = satellite_info(
    "kitchen", description="tests", area="Kitchen", wake_words=[NABU, JARVIS, STOP]
)
FRAME = bytes(range(256)) * 4
READY = e.ViaChanged(e.Via.HOME_ASSISTANT, ready=True)
GONE = e.ViaChanged(e.Via.HOME_ASSISTANT, ready=False)


def settings(**given: object) -> ListenSettings:
    return ListenSettings.model_validate({"uri": "tcp://127.0.0.1:0", "no_zeroconf": True, **given})


class Satellite:
    """The server, and what it has posted."""

    def __init__(self, **given: object) -> None:
        self.events: list[e.Event] = []
        self.timers: list[WireEvent] = []
        self.backend = HomeAssistant(self._post, INFO, settings(**given), self._on_timer)
        self.address = Address()
        self.task: asyncio.Task[None]
        self._news = asyncio.Event()

    def _post(self, event: e.Event) -> None:
        self.events.append(event)
        self._news.set()

    def _on_timer(self, event: WireEvent) -> None:
        self.timers.append(event)
        self._news.set()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not met():
                self._news.clear()
                await self._news.wait()

    async def told(self, event: e.Event, times: int = 1) -> None:
        await self.until(lambda: self.events.count(event) >= times)

    async def told_of(self, kind: type[e.Event]) -> e.Event:
        await self.until(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))

    def begin(self, epoch: int, word: e.WakeWord | None = None, *, frames: int = 1) -> None:
        self.backend.begin(effects.BeginTurn(epoch, e.Via.HOME_ASSISTANT, 0, word))
        for _ in range(frames):
            self.backend.feed(epoch, FRAME)

    def say_all(self, epoch: int, word: e.WakeWord | None = None) -> None:
        self.begin(epoch, word)
        self.backend.end_audio(epoch)

    @property
    def reply(self) -> bytes:
        return b"".join(x.sound.pcm for x in self.events if isinstance(x, e.ReplyAudio))


@contextlib.asynccontextmanager
async def running(**given: object) -> AsyncIterator[Satellite]:
    satellite = Satellite(**given)
    satellite.address = await satellite.backend.listen()
    satellite.task = asyncio.create_task(satellite.backend.run())
    await asyncio.sleep(0)  # it has begun, and will end properly
    try:
        yield satellite
    finally:
        satellite.task.cancel()
        await asyncio.gather(satellite.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def connected(
    script: Script | None = None, **given: object
) -> AsyncIterator[tuple[Satellite, ScriptedHomeAssistant]]:
    async with running(**given) as satellite, home_assistant(satellite.address, script) as ha:
        await satellite.told(READY)
        yield satellite, ha
