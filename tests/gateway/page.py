"""A page without a browser: it speaks into the gateway's WebSocket, and plays what comes, by the clock."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import websockets
from websockets.asyncio.client import ClientConnection

from tests.asr.speech import said
from wyoming_voice.audio import Audio, MonoResampler, to_pcm16
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.gateway.loudspeaker import RATE_HZ
from wyoming_voice.gateway.server import Gateway
from wyoming_voice.wire import Address

Message = dict[str, Any]
PATIENCE_S = 15.0
"""How long a machine that is busy may take for anything."""


@dataclass(eq=False)
class Page:
    """One open page. `told` holds the messages so far, `sound` the PCM of each playback."""

    socket: ClientConnection
    told: list[Message] = field(default_factory=list)
    sound: dict[int, bytes] = field(default_factory=dict)
    _playing: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _reading: asyncio.Task[None] | None = None

    async def say(self, **message: object) -> None:
        """Send a message."""
        await self.socket.send(json.dumps(message))

    async def start(self, **more: object) -> Message:
        """Begin to talk at 16 kHz; what the gateway says to that."""
        await self.say(type="start", **{"sample_rate": 16_000, **more})
        return await self.until("ready")

    async def send(self, audio: Audio, rate_hz: int = 16_000) -> None:
        """Say something of at most three seconds (16 kHz) in no time, as 16-bit samples."""
        await self.socket.send(to_pcm16(MonoResampler(SPEECH, rate_hz).push(to_pcm16(audio))))

    async def hold(self, audio: Audio, rate_hz: int = 16_000) -> None:
        """Hold the button and say it, all in one go: the order alone tells what belongs to the press."""
        await self.say(type="press")
        await self.send(audio, rate_hz)
        await self.say(type="release")

    async def speak(
        self, audio: Audio, rate_hz: int = 16_000, encoding: str = "f32le", slower: int = 1
    ) -> None:
        """Say something (16 kHz) at the speed of speech, through a microphone of this rate and format."""
        clock = asyncio.get_running_loop()
        start_s = clock.time()
        heard = MonoResampler(SPEECH, rate_hz).push(to_pcm16(audio))
        for at in range(0, len(heard), rate_hz // 25):
            piece = heard[at : at + rate_hz // 25]
            sent = to_pcm16(piece) if encoding == "s16le" else piece.astype("<f4").tobytes()
            await self.socket.send(sent)
            await asyncio.sleep(max(0.0, start_s + slower * at / rate_hz - clock.time()))

    @contextlib.asynccontextmanager
    async def listening(self, slower: int = 1) -> AsyncIterator[None]:
        """Meanwhile the microphone goes on, and hears nothing; its time may go so many times slower."""
        silence = np.zeros(160_000, np.float32)

        async def go_on() -> None:
            while True:
                await self.speak(silence, slower=slower)

        task = asyncio.create_task(go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, kind: str, after: int = 0, **fields: object) -> Message:
        """The first message of a type, and with these fields (None: without), told after so many."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                while True:
                    for message in self.told[after:]:
                        told = {name: message.get(name) for name in fields}
                        if message["type"] == kind and told == fields:
                            return message
                    if self._reading is not None and self._reading.done():
                        raise AssertionError(f"closed without {kind}: {self.kinds}")
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} {fields} came: {self.kinds}") from None

    async def sounded(self, playback: int, seconds: float) -> None:
        """Wait until so much of a playback has come."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            while len(self.sound.get(playback, b"")) < 2 * RATE_HZ * seconds:
                await self._news.wait()

    def all(self, kind: str) -> list[Message]:
        """The messages of a type so far."""
        return [message for message in self.told if message["type"] == kind]

    @property
    def kinds(self) -> list[str]:
        """What was told, in order, without what only shows how loud it is."""
        return [message["type"] for message in self.told if message["type"] != "frame"]

    async def closed(self) -> int:
        """Wait until the gateway hangs up; the code that it gives."""
        assert self._reading is not None
        await self._reading
        assert self.socket.close_code is not None
        return self.socket.close_code

    async def read(self) -> None:
        """Take what comes, until the end."""
        with contextlib.suppress(websockets.ConnectionClosed):
            async for frame in self.socket:
                await self._take(frame)
        async with self._news:
            self._news.notify_all()

    async def _take(self, frame: str | bytes) -> None:
        async with self._news:
            if isinstance(frame, bytes):
                self.sound[self._playing] += frame
            else:
                message = json.loads(frame)
                self.told.append(message)
                if message["type"] == "audio_begin":
                    self._playing = message["playback"]
                    self.sound[self._playing] = b""
            self._news.notify_all()


async def ask(page: Page, text: str) -> None:
    """Say it, and be silent until it was understood."""
    before = len(page.told)
    await page.speak(said(text))
    async with page.listening():
        await page.until("transcript", before, text=text)


async def ask_and_be_guessed(page: Page, text: str) -> None:
    """The same, with a silence that leaves a busy machine time to begin an answer on a guess."""
    await page.speak(words_of(text))
    async with page.listening(slower=5):
        await page.until("partial", text=text, stable=None)
    async with page.listening():
        await page.until("transcript", text=text)


def words_of(text: str) -> Audio:
    """What was said up to the last of its sound."""
    spoken = said(text)
    return np.trim_zeros(np.where(np.abs(spoken) < 0.01, 0, spoken), "b")


@dataclass
class Browser:
    """Opens pages of a gateway."""

    gateway: Gateway
    address: Address

    @property
    def url(self) -> str:
        """Where HTTP is spoken."""
        return f"http://{self.address.host}:{self.address.port}"

    @property
    def talk_uri(self) -> str:
        """Where pages talk."""
        return f"ws://{self.address.host}:{self.address.port}/ws/talk"

    @contextlib.asynccontextmanager
    async def silent_page(self) -> AsyncIterator[Page]:
        """A page that takes in little of what it is sent, and reads nothing."""
        with socket.socket() as narrow:
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            narrow.setblocking(False)
            here = (self.address.host, self.address.port)
            await asyncio.get_running_loop().sock_connect(narrow, here)
            async with websockets.connect(self.talk_uri, sock=narrow, max_queue=1) as talk:
                yield Page(talk)
                talk.transport.abort()

    @contextlib.asynccontextmanager
    async def page(self, **more: Any) -> AsyncIterator[Page]:
        """An open WebSocket."""
        async with websockets.connect(self.talk_uri, max_size=None, **more) as connection:
            page = Page(connection)
            page._reading = asyncio.create_task(page.read())
            try:
                yield page
            finally:
                await connection.close()
                await page._reading
