"""Small Wyoming servers on loopback that do as a test tells them, and fail where it says.

Speech of FakeTts can be read again: each character is a zero and then samples of its own number, for as
long as the character takes to speak.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop
from wyoming.info import HandleModel, HandleProgram, Info, TtsProgram, TtsVoice
from wyoming.ping import Pong
from wyoming.tts import SynthesizeStopped

from satellite.standalone.pace import TYPICAL_PACE, effort
from tests.fakes import ATTRIBUTION, INFO
from wyoming_voice.client import Sound
from wyoming_voice.describing import Description
from wyoming_voice.extensions import (
    ANSWER_WRITTEN,
    COMMIT,
    MARKS,
    SPECULATIVE_TRANSCRIPT,
    SPOKEN_CHARS,
    WARM_UP,
)
from wyoming_voice.wire import Address

RATE_HZ = 1500
NEVER = 1_000_000_000


class Left(Exception):
    """Either side hung up."""


@dataclass(eq=False)
class Caller:
    """One connection's client; `describe` and `ping` are answered for it, and a warm-up is no work."""

    server: "FakeServer"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    busy: bool = False

    async def read(self) -> Event:
        while (event := await async_read_event(self.reader)) is not None:
            await self.server.thawed.wait()
            self.server.seen.append(event)
            if event.type == WARM_UP:
                continue
            if event.type == "ping":
                await self.send(Pong(text=event.data.get("text")).event())
                await self.server.tell()
                continue
            if event.type != "describe":
                if not self.busy:
                    self.busy = True
                    self.server.asked += 1
                    await self.server.tell()
                return event
            await self.send(self.server.info.event())
        raise Left

    async def read_until(self, kind: str) -> Event:
        while (event := await self.read()).type != kind:
            pass
        return event

    async def send(self, *events: Event) -> None:
        for event in events:
            await self.server.thawed.wait()
            await async_write_event(event, self.writer)

    async def silence(self) -> None:
        while True:
            await self.read()


class FakeServer:
    """Works for each caller; `asked` counts the connections on which there was something to do."""

    kind = ""
    info = Info()

    def __init__(
        self,
        refusal: Error | None = None,
        *,
        silent: bool = False,
        extensions: Iterable[str] = (),
    ) -> None:
        self.info = Description(**vars(self.info), extensions=frozenset(extensions))
        self.seen: list[Event] = []
        self.uri = ""
        self.opened = self.asked = 0
        self.refusal = refusal
        self.silent = silent
        self.deaf = False
        self.thawed = asyncio.Event()  # nothing is read or said while it isn't
        self.thawed.set()
        self.callers: set[Caller] = set()
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def work(self, caller: Caller) -> None:
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[str]:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.uri = str(Address("127.0.0.1", self._server.sockets[0].getsockname()[1]))
        try:
            yield self.uri
        finally:
            self.kill()

    def stop_listening(self) -> None:
        assert self._server is not None
        self._server.close()

    def hang_up(self) -> None:
        for caller in self.callers:
            caller.writer.transport.abort()

    def kill(self) -> None:
        self.thawed.set()
        self.stop_listening()
        self.hang_up()

    async def until(self, opened: int = 0, asked: int = 0, open_: int | None = None) -> None:
        """Wait until so many connections have come, have been used, and are open."""
        async with self._changed, asyncio.timeout(10):
            await self._changed.wait_for(
                lambda: (
                    self.opened >= opened
                    and self.asked >= asked
                    and open_ in (None, len(self.callers))
                )
            )

    async def idle(self) -> None:
        """Wait until nobody who asked for something is there any more."""
        async with self._changed, asyncio.timeout(10):
            await self._changed.wait_for(lambda: not any(one.busy for one in self.callers))

    async def tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = Caller(self, reader, writer)
        self.callers.add(caller)
        self.opened += 1
        await self.tell()
        with contextlib.suppress(OSError, Left, asyncio.IncompleteReadError):
            if self.deaf:
                await reader.read()
            if self.silent:
                await caller.silence()
            if self.refusal is not None:
                await caller.read()
                await caller.send(self.refusal.event())
            else:
                await self.work(caller)
        writer.close()
        self.callers.discard(caller)
        await self.tell()


class FakeAsr(FakeServer):
    """Understands the same, whatever it hears; supposes what it is told; leaves after `leaves_at` bytes."""

    kind = "asr"
    info = Info(asr=INFO.asr)

    def __init__(
        self,
        text: str = "what time is it",
        *,
        leaves_at: int = NEVER,
        early: int = NEVER,
        language: str | None = None,
        **how: object,
    ) -> None:
        super().__init__(**how)  # type: ignore[arg-type]
        self.text = text
        self.language = language
        self.heard = b""
        self._leaves_at = leaves_at
        self._early = early

    async def suppose(self, text: str, language: str = "") -> None:
        """Say to who has spoken what was said, as far as one can tell."""
        await self.until(asked=1)
        for caller in [one for one in self.callers if one.busy]:
            supposed = {"text": text, "language": language, "audio_ms": 500}
            await caller.send(Event(SPECULATIVE_TRANSCRIPT, supposed))

    async def work(self, caller: Caller) -> None:
        while True:
            await caller.read_until("audio-start")
            self.heard = b""
            while (event := await caller.read()).type != "audio-stop":
                self.heard += event.payload or b""
                await self.tell()
                if len(self.heard) >= self._leaves_at:
                    raise Left
                if len(self.heard) >= self._early:
                    break
            if self._leaves_at < NEVER:
                raise Left
            await caller.send(Transcript(text=self.text, language=self.language).event())


class FakeHandle(FakeServer):
    """Answers with its deltas; leaves before number `leaves_at`.

    Speculation ends as `spoils` says, with an error or before a number of a delta; what waits for the
    commit is everything (`acts`) or the end, of which it tells before (`tells`).
    """

    kind = "handle"
    info = Info(
        handle=[
            HandleProgram(
                "fake", ATTRIBUTION, True, None, None,
                models=[HandleModel("fake", ATTRIBUTION, True, None, None, languages=["en"])],
                supports_handled_streaming=True,
            )
        ]
    )  # fmt: skip

    def __init__(
        self, *deltas: str, leaves_at: int = NEVER, whole: bool = False, **how: object
    ) -> None:
        super().__init__(**how)  # type: ignore[arg-type]
        self.deltas = deltas or ("It is ", "noon.")
        self.questions: list[Event] = []
        self.pauses_at = NEVER
        self.go_on = asyncio.Event()
        self.leaves_at = leaves_at
        self.commits = 0
        self.acts = False
        self.tells = True
        self.spoils: Error | int | None = None
        self._whole = whole

    @property
    def warmed(self) -> list[Event]:
        return [event for event in self.seen if event.type == WARM_UP]

    @property
    def contexts(self) -> list[dict[str, object]]:
        return [question.data["context"] for question in self.questions]

    async def work(self, caller: Caller) -> None:
        while True:
            self.questions.append(question := await caller.read_until("transcript"))
            uncertain = question.data["context"].get("speculative", False)
            if uncertain and isinstance(self.spoils, Error):
                await caller.send(self.spoils.event())
                raise Left
            if uncertain and self.acts:
                await self.committed(caller)
            await self._write(caller, self.spoils if uncertain else None)
            if uncertain and not self.acts:
                await caller.send(*[Event(ANSWER_WRITTEN)] * self.tells)
                await self.committed(caller)
            if self.leaves_at <= len(self.deltas):
                raise Left
            await caller.send(Handled(text="".join(self.deltas)).event(), HandledStop().event())

    async def _write(self, caller: Caller, until: object) -> None:
        await caller.send(*([] if self._whole else [HandledStart().event()]))
        for number, delta in enumerate(() if self._whole else self.deltas):
            if number in (until, self.leaves_at):
                raise Left
            if number == self.pauses_at:
                await self.go_on.wait()
            await caller.send(HandledChunk(text=delta).event())

    async def committed(self, caller: Caller) -> None:
        await caller.read_until(COMMIT)
        self.commits += 1


class FakeTts(FakeServer):
    """Speaks letter by letter at `pace`; leaves after `leaves_at` letters; knows no voice but its own.

    Each letter that it speaks has a mark, for who asks for marks.
    """

    kind = "tts"

    def __init__(
        self,
        *,
        streams: bool = True,
        leaves_at: int = NEVER,
        pace: float = TYPICAL_PACE,
        extensions: Iterable[str] = (),
        languages: Sequence[str] = (),
        **how: object,
    ) -> None:
        super().__init__(**how)  # type: ignore[arg-type]
        voices = [TtsVoice(tag, ATTRIBUTION, True, None, None, [tag]) for tag in languages]
        program = TtsProgram(
            "fake", ATTRIBUTION, True, None, None, voices, supports_synthesize_streaming=streams
        )
        self.info = Description(tts=[program], extensions=frozenset(extensions))
        self.given: list[str] = []
        self.voices: list[object] = []
        self._streams = streams
        self._marked = False
        self._said = 0
        self.leaves_at = leaves_at
        self._pace = pace

    async def work(self, caller: Caller) -> None:
        while True:
            event = await caller.read()
            self.voices.append((event.data.get("voice") or {}).get("name"))
            if self.voices[-1]:
                await caller.send(Error("unknown voice", "unknown-voice").event())
                raise Left
            self._marked = MARKS in event.data["context"]
            self._said = 0
            await caller.send(AudioStart(RATE_HZ, 2, 1).event())
            if event.type == "synthesize":
                await self.speak(caller, event.data["text"])
                await caller.send(AudioStop().event())
                if not self._streams:
                    raise Left  # one request a connection, as some servers have it
            else:
                await self._stream(caller)
                await caller.send(AudioStop().event(), SynthesizeStopped().event())

    async def _stream(self, caller: Caller) -> None:
        text = ""
        while (event := await caller.read()).type != "synthesize-stop":
            text += event.data["text"]
            whole = text.rfind(" ") + 1
            await self.speak(caller, text[:whole])
            text = text[whole:]
        await self.speak(caller, text)

    async def speak(self, caller: Caller, text: str) -> None:
        self.given.append(text)
        for char in text:
            if self.leaves_at == 0:
                raise Left
            self.leaves_at -= 1
            samples = round(effort(char) / self._pace * RATE_HZ)
            pcm = np.full(max(2, samples), ord(char), "<i2")
            pcm[0] = 0
            chunk = AudioChunk(RATE_HZ, 2, 1, pcm.tobytes()).event()
            self._said += 1
            if self._marked:
                chunk.data[SPOKEN_CHARS] = self._said
            await caller.send(chunk)


def read_aloud(sounds: Iterable[Sound]) -> str:
    """What was said in the speech of FakeTts."""
    samples = np.frombuffer(b"".join(sound.pcm for sound in sounds), "<i2")
    return "".join(chr(samples[at + 1]) for at in np.flatnonzero(samples == 0))
