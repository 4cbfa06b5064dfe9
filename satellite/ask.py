"""`wyoming-voice ask`: one turn against running servers, from a WAV file or a text, told as it happens."""

import asyncio
import contextlib
import time
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from pydantic_settings import CliPositionalArg
from rich.console import Console

from satellite.hearing.ears import EarSettings
from satellite.link import Servers, Turn
from satellite.standalone.servers import LOCAL
from satellite.story import Story
from wyoming_voice import logs, tracing
from wyoming_voice.audio import to_pcm16
from wyoming_voice.client import Sound
from wyoming_voice.core.endpointing import SILENCES, EndpointSettings
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.describing import describe
from wyoming_voice.discovery import Found, discover
from wyoming_voice.errors import ConfigError, DeadlineExceeded, UpstreamError, VoiceError, why
from wyoming_voice.settings import CallSettings, TraceSettings
from wyoming_voice.vad import FRAME_MS, FRAME_SAMPLES
from wyoming_voice.wav import read_speech

FRAME_BYTES = FRAME_SAMPLES * SPEECH.frame_bytes


class AskSettings(CallSettings, TraceSettings):
    """Take one turn against running servers: ask in speech or text, and get the answer."""

    section: ClassVar[str] = "ask"

    file: CliPositionalArg[Path | None] = Field(None, description="WAV file with the question")
    text: str = Field("", description="the question as text; ASR is left out")
    asr_uri: str = Field(
        "", description="ASR server (default: this machine's, else a discovered one)"
    )
    handle_uri: str = Field("", description="handle server (likewise)")
    tts_uri: str = Field("", description="TTS server (likewise)")
    voice: str = Field("", description="voice of the answer (default: the TTS server's)")
    language: str = Field("", description="language of the question (default: the ASR server's)")
    output: Path | None = Field(None, description="WAV file for the spoken answer")
    fast: bool = Field(False, description="send the file at once instead of at the speed of speech")
    min_silence_ms: int = Field(800, ge=100, description="silence that ends the question")
    endpoint: Literal["fixed", "dynamic"] = Field(
        "dynamic",
        description="whether what was said makes that shorter or longer, where it is known",
    )
    timeout_s: float = Field(60, gt=0, description="seconds for the whole turn")


async def run(settings: AskSettings) -> int:
    """One turn; the exit status. Raises ConfigError, UpstreamError, DeadlineExceeded."""
    if bool(settings.file) == bool(settings.text):
        raise ConfigError("name a WAV file or give --text, one of the two")
    if settings.file is not None:
        read_frames(settings.file)  # what can't be read is told before anybody is asked
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    sounds = await ask(settings, await find_servers(settings), console)
    if settings.output is not None:
        seconds = write_wav(settings.output, sounds)
        console.print(f"\nanswer written to {settings.output} ({seconds:.1f} s)")
    return 0


async def ask(settings: AskSettings, servers: Servers, console: Console) -> list[Sound]:
    """The spoken answer; what happens is printed as it happens, and a waterfall at the end.

    Raises ConfigError, UpstreamError, DeadlineExceeded.
    """
    try:
        async with asyncio.timeout(settings.timeout_s):
            return await _ask(settings, servers, console)
    except TimeoutError as error:
        raise DeadlineExceeded(f"the turn took over {settings.timeout_s:g} s") from error


async def _ask(settings: AskSettings, servers: Servers, console: Console) -> list[Sound]:
    story = Story(console)
    turn = Turn(servers, story.tell, settings.voice or None, settings.language or None)
    with _traced(turn.record):
        return await _take(turn, settings, story)


@contextlib.contextmanager
def _traced(record: TurnRecord) -> Iterator[None]:
    """Within it a turn is taken; what becomes of it is told to a collector, where there is one."""
    start_s, outcome = time.monotonic(), "cancelled"
    try:
        with logs.turn(record.turn_id):
            yield
        outcome = "ok"
    except VoiceError as error:
        outcome = error.code
        raise
    finally:
        record.spent("total", start_s, time.monotonic())
        tracing.told(record, outcome)


async def _take(turn: Turn, settings: AskSettings, story: Story) -> list[Sound]:
    text = settings.text
    if settings.file is not None:
        endpointing = endpointing_of(settings)
        silence_ms = endpointing.open_silence_ms or endpointing.min_silence_ms
        frames = with_silence(read_frames(settings.file), silence_ms)
        story.begin()
        played = _played(frames, paced=not settings.fast)
        text = await turn.hear(played, EarSettings(endpointing))
        if not story.speech_found:
            raise UpstreamError(f"no speech was found in {settings.file}")
        if not text:
            raise UpstreamError(f"the asr server understood nothing in {settings.file}")
    else:
        story.begin()
    sounds = await turn.respond(text)
    story.end()
    if not story.audible:
        raise UpstreamError("the tts server sent no audible speech")
    return sounds


def endpointing_of(settings: AskSettings) -> EndpointSettings:
    """The silence that ends the question; with `dynamic`, what was said makes it longer or shorter."""
    plain_ms, usual = settings.min_silence_ms, SILENCES["default"]
    if settings.endpoint == "fixed":
        return EndpointSettings(FRAME_MS, min_silence_ms=plain_ms)
    return EndpointSettings(
        FRAME_MS,
        min_silence_ms=plain_ms,
        complete_silence_ms=usual.complete_ms,
        open_silence_ms=max(plain_ms, usual.open_ms),
    )


def read_frames(path: Path) -> list[bytes]:
    """A WAV file as frames of 512 samples, 16 kHz, 16-bit mono; ConfigError when it can't be read."""
    samples = read_speech(path)
    whole = len(samples) + -len(samples) % FRAME_SAMPLES
    padded = to_pcm16(np.pad(samples, (0, whole - len(samples))))
    return [padded[at : at + FRAME_BYTES] for at in range(0, len(padded), FRAME_BYTES)]


def with_silence(frames: list[bytes], silence_ms: int) -> list[bytes]:
    """A file ends; a microphone goes on, and hears the silence that ends the question."""
    return frames + [bytes(FRAME_BYTES)] * (silence_ms // FRAME_MS + 1)


def write_wav(path: Path, sounds: list[Sound]) -> float:
    """Write speech of one format; its length in seconds. Raises ConfigError when the file can't be had."""
    audio = sounds[0].format
    pcm = b"".join(sound.pcm for sound in sounds)
    try:
        with path.open("wb") as output, wave.open(output, "wb") as file:
            file.setnchannels(audio.channels)
            file.setsampwidth(audio.width_bytes)
            file.setframerate(audio.rate_hz)
            file.writeframes(pcm)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from error
    return audio.ms(len(pcm)) / 1000


async def find_servers(settings: AskSettings) -> Servers:
    """The servers that were named; for the others this machine's, else the fastest on the network.

    Raises UpstreamError for a kind that nobody serves, and for a named server of another kind.
    """
    named = {"asr": settings.asr_uri, "handle": settings.handle_uri, "tts": settings.tts_uri}
    if settings.text:
        named["asr"] = named["asr"] or LOCAL["asr"]  # never connected to
    for kind, uri in named.items():
        if uri and not (settings.text and kind == "asr"):
            await _check(kind, uri)
    uris = {kind: uri or await _local(kind) for kind, uri in named.items()}
    if not all(uris.values()):
        found = await discover()
        uris = {kind: uri or _fastest(kind, found) for kind, uri in uris.items()}
    lacking = [kind for kind, uri in uris.items() if not uri]
    if lacking:
        flags = ", ".join(f"--{kind}-uri" for kind in lacking)
        raise UpstreamError(
            f"no {' and no '.join(lacking)} server was found on this machine or the network; "
            f"start one (`wyoming-voice up`) or name it ({flags})"
        )
    return Servers(**uris)


async def _check(kind: str, uri: str) -> None:
    try:
        info, _ = await describe(uri)
    except OSError as error:
        raise UpstreamError(f"no {kind} server answers at {uri}: {why(error)}") from error
    if not getattr(info, kind):
        kinds = [other for other in (*LOCAL, "wake", "intent") if getattr(info, other)]
        raise UpstreamError(
            f"{uri} is no {kind} server, but {', '.join(kinds) or 'something else'}"
        )


async def _local(kind: str) -> str:
    try:
        await _check(kind, LOCAL[kind])
    except VoiceError:
        return ""
    return LOCAL[kind]


def _fastest(kind: str, found: list[Found]) -> str:
    able = [server for server in found if kind in server.kinds]
    return min(able, key=lambda server: server.round_trip_ms or 0.0).uri if able else ""


async def _played(frames: list[bytes], *, paced: bool) -> AsyncIterator[bytes]:
    """Frames at the speed at which a microphone would give them, or at once."""
    start_s = time.monotonic()
    for number, frame in enumerate(frames, start=1):
        if paced:
            await asyncio.sleep(max(0.0, start_s + number * FRAME_MS / 1000 - time.monotonic()))
        yield frame
