"""What is said of one text, as the bytes of its audio and of its subtitles.

Rule: a line of the text begins a cue, so that headings, paragraphs and items of lists have their own.
"""

import os
import struct
from collections.abc import Sequence
from typing import BinaryIO

from wyoming_voice.core.captions import Captions, Cue
from wyoming_voice.core.words import TimedWord
from wyoming_voice.media.encoding import Encoder
from wyoming_voice.say.plan import Recital
from wyoming_voice.subtitle_files import SubtitleWriter

_WAV_HEADER_BYTES = 44
_LONGEST_WAV = 0xFFFFFFFF


class Writer:
    """One text's audio and captions into open files: the audio's, then one for each kind of subtitles."""

    def __init__(
        self, reading: Recital, files: Sequence[BinaryIO], rate_hz: int, *, words: bool
    ) -> None:
        self._audio, *others = files
        self._encoder = Encoder(reading.kind, rate_hz)
        self._wav = reading.kind == "wav" and reading.audio is not None
        self._captions = Captions()
        self._subtitles = [
            (SubtitleWriter(kind, words=words), file)
            for (kind, _), file in zip(reading.subtitles, others, strict=True)
        ]
        for writer, file in self._subtitles:
            file.write(writer.header().encode())

    def push(self, pcm: bytes, words: Sequence[TimedWord]) -> None:
        """What is said next; 16-bit mono PCM."""
        self._audio.write(self._encoder.push(pcm))
        for word in words:
            if word.text.startswith("\n"):
                self._captions.break_()
            self._show(self._captions.push(word))

    def finish(self) -> None:
        """The end of the text."""
        self._audio.write(self._encoder.finish())
        self._show(self._captions.finish())
        if self._wav:
            _tell_length(self._audio)

    def _show(self, cues: Sequence[Cue]) -> None:
        for writer, file in self._subtitles:
            for cue in cues:
                file.write(writer.cue(cue).encode())


def _tell_length(file: BinaryIO) -> None:
    """Write the sizes into a WAV header that was written without them; a longer file keeps none."""
    size = file.seek(0, os.SEEK_END)
    if size > _LONGEST_WAV:
        return
    file.seek(4)
    file.write(struct.pack("<I", size - 8))
    file.seek(_WAV_HEADER_BYTES - 4)
    file.write(struct.pack("<I", size - _WAV_HEADER_BYTES))
