"""One request to a server, timed from outside: speech to text, text to speech, a question to its answer.

Rule: each ends within its time, and what a server did wrong is told with its address.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from wyoming_voice.benchmark.playback import Playback
from wyoming_voice.benchmark.recording import CHUNK_MS, paced
from wyoming_voice.client import Speech, answer, transcript
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.core.timing import new_turn_id
from wyoming_voice.errors import DeadlineExceeded, UpstreamError, VoiceError, why
from wyoming_voice.wire import Connection, PeerGone, connect

TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Heard:
    """What a recogniser made of a recording, and how long after `audio-stop`."""

    text: str
    after_stop_s: float


@dataclass(frozen=True)
class Answered:
    """Seconds from a question to the first of its answer that holds text, and to its end."""

    first_s: float
    whole_s: float


async def transcribed(
    uri: str,
    chunks: list[bytes],
    *,
    at_once: bool,
    language: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Heard:
    """One utterance on a connection of its own, in chunks of CHUNK_MS; paced ones get their own time, too.

    Raises UpstreamError, DeadlineExceeded.
    """
    length_s = len(chunks) * CHUNK_MS / 1000
    start_s = time.monotonic() - (length_s if at_once else 0.0)
    async with _asking(uri, timeout_s + (0.0 if at_once else length_s)) as connection:
        with contextlib.suppress(PeerGone):  # why it has gone is in what it wrote
            await _say(connection, chunks, start_s, language)
        stopped_s = time.monotonic()
        text = await transcript(connection)
        return Heard(text.strip(), time.monotonic() - stopped_s)


async def _say(
    connection: Connection, chunks: list[bytes], start_s: float, language: str | None
) -> None:
    rate, width, channels = SPEECH.rate_hz, SPEECH.width_bytes, SPEECH.channels
    await connection.write(Transcribe(language=language).event())
    await connection.write(AudioStart(rate, width, channels).event())
    async for chunk in paced(chunks, CHUNK_MS, start_s):
        await connection.write(AudioChunk(rate, width, channels, chunk).event())
    await connection.write(AudioStop().event())


async def spoken(
    uri: str, text: str, *, in_pieces: bool = True, timeout_s: float = TIMEOUT_S
) -> Playback:
    """All the text is given at once, as a stream (`in_pieces`) to servers that know it.

    Raises UpstreamError, also when nothing of it can be heard, and DeadlineExceeded.
    """
    async with _asking(uri, timeout_s) as connection:
        playback = Playback()
        speech = Speech(connection, new_turn_id())
        with contextlib.suppress(PeerGone):
            if in_pieces:
                await speech.begin()
                await speech.add(text)
                await speech.end()
            else:
                await speech.whole(text)
        sounds = speech.sounds() if in_pieces else speech.whole_sounds()
        async with contextlib.aclosing(sounds):
            async for sound in sounds:
                playback.arrived(sound)
    if playback.first_audible_s is None:
        raise UpstreamError(f"{uri} made nothing audible of {text!r}")
    return playback


async def answered(uri: str, question: str, timeout_s: float = TIMEOUT_S) -> Answered:
    """One question on a connection of its own. Raises UpstreamError, DeadlineExceeded."""
    async with _asking(uri, timeout_s) as connection:
        begin_s, first_s = time.monotonic(), None
        pieces = answer(connection, question, {"turn_id": new_turn_id()})
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                if piece.strip() and first_s is None:
                    first_s = time.monotonic() - begin_s
        whole_s = time.monotonic() - begin_s
    if first_s is None:
        raise UpstreamError(f"{uri} answered {question!r} with nothing")
    return Answered(first_s, whole_s)


@contextlib.asynccontextmanager
async def _asking(uri: str, timeout_s: float) -> AsyncIterator[Connection]:
    """A connection on which all must be done in time."""
    try:
        async with asyncio.timeout(timeout_s), connect(uri, timeout_s=timeout_s) as connection:
            yield connection
    except TimeoutError as error:
        raise DeadlineExceeded(f"{uri} had not answered after {timeout_s:g} s") from error
    except OSError as error:
        raise UpstreamError(f"no server answers at {uri}: {why(error)}") from error
    except VoiceError as error:
        if uri in str(error):
            raise
        raise UpstreamError(f"{uri}: {error}") from error
