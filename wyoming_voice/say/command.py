"""`wyoming-voice say`: a text, a file or a directory of them in; audio and subtitles out.

Rule: what is heard is what the TTS server says, by the same way and with its settings from the same file and
environment; what is broken off leaves nothing half behind.
"""

import contextlib
import sys
from pathlib import Path

from rich.console import Console

from wyoming_voice.config import load
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import ConfigError, why
from wyoming_voice.progress import Showing
from wyoming_voice.say.lines import rejoined
from wyoming_voice.say.plan import Recital, planned
from wyoming_voice.say.settings import SaySettings
from wyoming_voice.say.writing import Writer
from wyoming_voice.tts import server
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.session import readable
from wyoming_voice.tts.settings import EngineSettings, TtsSettings
from wyoming_voice.tts.source import TextSource
from wyoming_voice.tts.speech import one_ahead
from wyoming_voice.whole_files import leave_standard_output, whole_files

__all__ = ["SaySettings", "run"]

_BLOCK_CHARS = 4096
"""A source takes its text from the front of a block, which costs as much as the block is long."""

_ENOUGH_CHARS = 200
"""So much of a text has to be spoken before its pace says how long the rest will take."""

_STEP_WITHIN_S = 3600.0
"""Nobody waits for an answer here, and a machine may be slow."""


async def run(settings: SaySettings) -> int:
    """Speak all texts; the exit status. Raises VoiceError with the remedy."""
    readings = planned(settings)
    program = server.build(_settings_of_the_server(settings))
    try:
        with Showing(Console(stderr=True), _ENOUGH_CHARS) as showing:
            texts = [_text(reading) for reading in readings]
            showing.begin("loading the voice", 1, 1)
            await program.load()
            showing.end()
            for number, (reading, text) in enumerate(zip(readings, texts, strict=True), start=1):
                showing.begin(_name(reading), number, len(readings))
                showing.tell(await _said(program, reading, text, showing, settings))
    except BrokenPipeError:
        leave_standard_output()
        return 1
    finally:
        await program.close()
    return 0


def _settings_of_the_server(settings: SaySettings) -> TtsSettings:
    """The server's, but for what was said of the engine here."""
    tts = load(TtsSettings, ["--config", str(settings.config)] if settings.config else [])
    shared = {*EngineSettings.model_fields} - {"config", "log_level"}
    said = {name: getattr(settings, name) for name in shared & settings.model_fields_set}
    return tts.model_copy(update={**said, "cache_mb": 0, "deadline_s": _STEP_WITHIN_S})


def _text(reading: Recital) -> str:
    """Raises ConfigError for what is no text."""
    match reading.text:
        case str(text):
            return readable(text)
        case Path() as path:
            name = str(path)
        case None:
            name = "standard input"
    try:
        content = sys.stdin.buffer.read() if reading.text is None else Path(name).read_bytes()
        return readable(rejoined(content.decode("utf-8-sig")))
    except OSError as error:
        raise ConfigError(f"{name} can't be read: {why(error)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{name} is not UTF-8 text (byte {error.start}); `iconv -f latin1 -t utf-8` converts it"
        ) from error


def _name(reading: Recital) -> str:
    return reading.text.name if isinstance(reading.text, Path) else "text"


async def _said(
    program: TtsProgram, reading: Recital, text: str, showing: Showing, settings: SaySettings
) -> str:
    """Speak one text into its files; what is told of it."""
    audio_bytes = chars = 0
    rate_hz = program.sample_rate_hz
    speech = program.speech(_source(text), TurnRecord("say"))
    with whole_files([reading.audio, *(path for _, path in reading.subtitles)]) as files:
        writer = Writer(reading, files, rate_hz, words=settings.words)
        async with contextlib.aclosing(one_ahead(speech.audio())) as pieces:
            async for piece in pieces:
                writer.push(piece.pcm, piece.words)
                audio_bytes += len(piece.pcm)
                chars += sum(len(word.text) for word in piece.words)
                showing.reached(chars, len(text))
        writer.finish()
    audio_s = audio_bytes / 2 / rate_hz
    made = ", ".join(map(str, reading.files)) or "standard output"
    return f"{_name(reading)}: {audio_s:.1f} s of speech in {showing.end():.1f} s -> {made}"


def _source(text: str) -> TextSource:
    source = TextSource()
    for at in range(0, len(text), _BLOCK_CHARS):
        source.put(text[at : at + _BLOCK_CHARS])
    source.close()
    return source
