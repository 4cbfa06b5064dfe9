"""Where HTTP clients' texts are spoken: the studio that Wyoming's clients have, and what a door needs beside.

Rule: the same text is the same samples through every door; only its packing differs.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from wyoming_voice.audio import MonoResampler, to_pcm16
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.media.encoding import Encoder
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.source import TextSource
from wyoming_voice.tts.speech import Speech, Spoken, one_ahead
from wyoming_voice.tts.studio import Studio
from wyoming_voice.tts.voices import Catalogue, Voice


@dataclass(frozen=True)
class Booth:
    """One server's studio, voices and limits; `engine` is its name."""

    engine: str
    studio: Studio
    catalogue: Catalogue
    settings: TtsSettings

    @property
    def sound(self) -> AudioFormat:
        """What the studio makes."""
        return AudioFormat(self.studio.engine.sample_rate_hz, width_bytes=2, channels=1)

    @property
    def chunk_bytes(self) -> int:
        """The most of it that is packed and sent at a time."""
        return self.sound.size_bytes(self.settings.chunk_ms)

    def spoken(
        self, source: TextSource, voice: Voice, speed: float | None, record: TurnRecord
    ) -> AsyncGenerator[Spoken, None]:
        """The speech, a piece at a time, the next one made ahead; raises what `Speech.audio` raises."""
        return one_ahead(Speech(self.studio, voice, source, record, speed).audio())

    def packed(
        self, spoken: AsyncGenerator[Spoken, None], packing: "Packing"
    ) -> AsyncGenerator[bytes, None]:
        """The speech as the bytes of a file, as far as they are there."""
        return _packed(spoken, packing, self.chunk_bytes)


class Packing(Protocol):
    """16-bit mono PCM in, the bytes of some format out."""

    @property
    def media_type(self) -> str:
        """What the bytes are."""

    @property
    def rate_hz(self) -> int:
        """The rate of what they hold."""

    def push(self, pcm: bytes) -> bytes:
        """What can be sent by now."""

    def finish(self) -> bytes:
        """The rest."""


def packing(kind: str, rate_hz: int) -> Packing:
    """The packing of a kind of `media.encoding`, at the rate of what is put in."""
    return RawPcm(rate_hz, rate_hz) if kind == "pcm" else Encoder(kind, rate_hz)


class RawPcm:
    """Samples without a header, at `target_hz`; little-endian, which `audio/L16` would not be."""

    def __init__(self, rate_hz: int, target_hz: int) -> None:
        self.rate_hz = target_hz
        self.media_type = f"audio/pcm;rate={target_hz};channels=1"
        self._resampler: MonoResampler | None = None
        if rate_hz != target_hz:
            source = AudioFormat(rate_hz, width_bytes=2, channels=1)
            self._resampler = MonoResampler(source, target_hz)

    def push(self, pcm: bytes) -> bytes:
        """The samples that can be told by now."""
        return to_pcm16(self._resampler.push(pcm)) if self._resampler else pcm

    def finish(self) -> bytes:
        """What was held back."""
        return to_pcm16(self._resampler.finish()) if self._resampler else b""


def whole(text: str) -> TextSource:
    """A text that is there to its end."""
    source = TextSource()
    source.put(text)
    source.close()
    return source


async def _packed(
    spoken: AsyncGenerator[Spoken, None], packing: Packing, chunk_bytes: int
) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(spoken) as pieces:
        async for piece in pieces:
            for at in range(0, len(piece.pcm), chunk_bytes):
                if data := packing.push(piece.pcm[at : at + chunk_bytes]):
                    yield data
                await asyncio.sleep(0)  # who reads fast never makes us wait: let others run
    if rest := packing.finish():
        yield rest
