"""A scripted Home Assistant 2026.11: what its Wyoming integration does to a satellite, without the rest.

Copied are its habits that matter: the ping, the patience, one task for a run, reply audio as fast as it
goes, and that the end of a cancelled run has it drop the audio of the run that took its place.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detection

from tests.wire_client import PATIENCE_S, WireClient, client_of
from wyoming_voice.wire import Address

RATE_HZ = 22_050
CHUNK_BYTES = 2_048


@dataclass
class Script:
    """How every run goes; what is None never happens."""

    transcript: str | None = "turn on the light"
    reply: str | None = "Turned on the light."
    reply_pcm: bytes = bytes(RATE_HZ * 2)
    error: str = ""  # a code, in place of the transcript
    hears_bytes: int | None = None  # enough: ends the speech by itself
    streams: bool = False  # audio begins before its text is complete
    thinks: asyncio.Event | None = None  # set to let it answer


@dataclass
class Run:
    """One run that the satellite has asked for."""

    wake_word: str
    start_stage: str
    heard: bytearray = field(default_factory=bytearray)
    ended_by_satellite: bool = False


class ScriptedHomeAssistant:
    """The main connection."""

    def __init__(self, client: WireClient, script: Script) -> None:
        self.script = script
        self.runs: list[Run] = []
        self.received: list[Event] = []
        self.counts: Counter[str] = Counter()
        self.pings = 0
        self.info: Info | None = None
        self.lost = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self._client = client
        self._news = asyncio.Condition()
        self._running = False
        self._task: asyncio.Task[None] | None = None
        self._audio: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._wake_word = ""

    async def send(self, *events: Event) -> None:
        await self._client.send(*events)

    async def announce(self, pcm: bytes = bytes(RATE_HZ)) -> None:
        """Cancel the run, speak, and wait until that was played."""
        if self._task is not None:
            self._task.cancel()
        before = self.counts["played"]
        await self._speak(pcm)
        await self.until(lambda: self.counts["played"] > before)

    async def pause(self) -> None:
        """Mute: no more pings, and the connection stays."""
        await self.send(PauseSatellite().event())

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait for what the satellite sends."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(met)

    async def hang_up(self) -> None:
        await self._client.hang_up()

    async def live(self) -> None:
        """Read and act until the connection has ended."""
        while True:
            await self.reads.wait()
            event = await self._client.read(timeout_s=3600)
            if event is None:
                break
            self._take(event)
            await self._notify()
        self.lost.set()
        await self._notify()

    async def ping(self, every_s: float, patience_s: float) -> None:
        """As Home Assistant: the next ping after the last pong, and no more after one that never came."""
        while not self.lost.is_set():
            await asyncio.sleep(every_s)
            self.pings += 1
            await self.send(Ping().event())
            try:
                async with asyncio.timeout(patience_s), self._news:
                    await self._news.wait_for(lambda: self.counts["pong"] >= self.pings)
            except TimeoutError:
                await self.hang_up()
                return

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _take(self, event: Event) -> None:
        self.received.append(event)
        self.counts[event.type] += 1
        match event.type:
            case "info":
                self.info = Info.from_event(event)
            case "detection":
                self._wake_word = Detection.from_event(event).name or ""
            case "run-pipeline":
                self._begin(RunPipeline.from_event(event))
            case "audio-chunk" if self._running:
                self._audio.put_nowait(AudioChunk.from_event(event).audio)
            case "audio-stop" if self._running:
                self._audio.put_nowait(None)

    def _begin(self, asked: RunPipeline) -> None:
        assert asked.start_stage in (PipelineStage.ASR, PipelineStage.TTS)  # others: it hangs up
        self.runs.append(Run(self._wake_word, asked.start_stage.value))
        self._wake_word, self._audio, self._running = "", asyncio.Queue(), True
        self._task = asyncio.create_task(self._go(self.runs[-1], self._task))

    async def _go(self, run: Run, before: asyncio.Task[None] | None) -> None:
        if before is not None and not before.done():
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
            self._running = (
                False  # the end of the old run: audio of this one is dropped from here on
            )
        if run.start_stage == PipelineStage.TTS:
            await self.send(Error(text="tts_input is required", code="validation-error").event())
        else:
            await self._answer(run, self.script)
        self._running = False

    async def _answer(self, run: Run, script: Script) -> None:
        await self.send(Transcribe(language="en").event())
        await self._listen(run, script)
        if script.error:
            await self.send(Error(text="no", code=script.error).event())
            return
        if script.transcript is None:
            return
        await self.send(Transcript(text=script.transcript).event())
        if script.thinks is not None:
            await script.thinks.wait()
        if script.reply is None:
            return
        synthesize = Synthesize(text=script.reply).event()
        if not script.streams:
            await self.send(synthesize)
        await self._speak(script.reply_pcm, synthesize if script.streams else None)

    async def _listen(self, run: Run, script: Script) -> None:
        while (pcm := await self._audio.get()) is not None:
            run.heard += pcm
            if script.hears_bytes is not None and len(run.heard) >= script.hears_bytes:
                await self.send(VoiceStarted(timestamp=0).event(), VoiceStopped().event())
                return
        run.ended_by_satellite = True

    async def _speak(self, pcm: bytes, amid: Event | None = None) -> None:
        await self.send(AudioStart(RATE_HZ, 2, 1, timestamp=0).event())
        for at in range(0, len(pcm), CHUNK_BYTES):
            await self.send(AudioChunk(RATE_HZ, 2, 1, pcm[at : at + CHUNK_BYTES]).event())
            if amid is not None and at == 0:
                await self.send(amid)
        await self.send(AudioStop(timestamp=0).event())


@contextlib.asynccontextmanager
async def home_assistant(
    address: Address | str,
    script: Script | None = None,
    *,
    ping_every_s: float = 2.0,
    patience_s: float = 5.0,
) -> AsyncIterator[ScriptedHomeAssistant]:
    """Connect as Home Assistant does, and live until the block ends."""
    async with client_of(address) as client:
        scripted = ScriptedHomeAssistant(client, script or Script())
        await scripted.send(RunSatellite().event(), Describe().event())
        tasks = [asyncio.create_task(scripted.live())]
        if ping_every_s:
            tasks.append(asyncio.create_task(scripted.ping(ping_every_s, patience_s)))
        try:
            yield scripted
        finally:
            scripted.end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def described(address: Address | str) -> Info:
    """What Home Assistant's side connection learns; it asks every 30 s."""
    async with client_of(address) as client:
        event = await client.ask(Describe().event())
    assert event is not None
    return Info.from_event(event)
