"""`wyoming-voice calibrate asr`: which audio context is safe on this machine, with these weights.

Rule: what is measured is what the server does: its settings, from the same file and environment, its voice
detector, its gate, its second tries. Only the audio context differs from run to run.
"""

import functools
import os
import statistics
import time
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field
from pydantic_settings import CliPositionalArg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from wyoming_voice.asr import server
from wyoming_voice.asr.recognition import Take, recognised
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.asr.session import Wish
from wyoming_voice.asr.whisper.audio_context import STEPS_S
from wyoming_voice.audio import to_pcm16
from wyoming_voice.calibrate.choice import FULL, TOLERANCE, Measured, safest, tells_anything
from wyoming_voice.calibrate.configuration import write_value
from wyoming_voice.calibrate.corpus import Sample, recorded, sentences, spoken
from wyoming_voice.calibrate.words import word_error_rate
from wyoming_voice.config import CONFIG_VARIABLE, load
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.cores import usable_cores
from wyoming_voice.errors import ConfigError
from wyoming_voice.settings import CallSettings, Uri

CONTEXTS = (*(f"{step_s:g}" for step_s in STEPS_S[:-1]), FULL)
"""As `--audio-context` takes them, shortest first."""

_THREADS = 4

_DECODE_WITHIN_S = 600.0
"""Nobody waits for an answer here, and a recording may be long."""


class CalibrateSettings(CallSettings):
    """Measure which audio context is safe with the ASR server's weights, and write it to --config."""

    section: ClassVar[str] = "calibrate"

    kind: CliPositionalArg[Literal["asr"]] = Field("asr", description="asr")
    language: str = Field("en", description="language of the speech")
    corpus: Path | None = Field(
        None, description="directory of recordings, NAME.wav with NAME.txt (default: spoken by TTS)"
    )
    sentences: Path | None = Field(
        None,
        description="file with a sentence a line for the TTS server (default: 24 English ones)",
    )
    tts_uri: Uri = Field("tcp://127.0.0.1:10200", description="TTS server that speaks them")
    voices: int = Field(4, ge=1, description="of how many of its voices")
    tolerance: float = Field(
        TOLERANCE, ge=0, lt=1, description="word error rate that a shorter context may add"
    )
    dry_run: bool = Field(False, description="write nothing")


async def run(settings: CalibrateSettings) -> int:
    """Measure, show, choose, write; the exit status. Raises VoiceError with the remedy."""
    console = Console(soft_wrap=True, highlight=False)
    asr = _settings_of_the_server(settings)
    samples = await _samples(settings, console)
    console.print(f"{asr.model[0]}: {len(samples)} utterances, {settings.language}")
    measured = await _measured(asr, samples, settings.language, console)
    choice = safest(measured, settings.tolerance)
    console.print(_table(measured, choice))
    if not tells_anything(measured):
        console.print(
            "the model mishears most of this speech anyway, which tells nothing: see --corpus"
        )
    _keep(settings, choice.context, console)
    return 0


def _settings_of_the_server(settings: CalibrateSettings) -> AsrSettings:
    asr = load(AsrSettings, ["--config", str(settings.config)] if settings.config else [])
    if asr.engine != "whisper":
        raise ConfigError(f"--engine {asr.engine} has no audio context; only whisper has")
    # What is measured must not depend on a house.
    return asr.model_copy(update={"hass_url": "", "hass_token_file": None})


async def _samples(settings: CalibrateSettings, console: Console) -> list[Sample]:
    if settings.corpus is not None:
        return recorded(settings.corpus)
    if settings.sentences is None and not settings.language.lower().startswith("en"):
        raise ConfigError(
            f"our own sentences are English; for {settings.language!r} give --sentences FILE, or --corpus DIR"
        )
    texts = sentences(settings.sentences)
    console.print(f"{settings.tts_uri} speaks {len(texts)} sentences", markup=False)
    heard = spoken(settings.tts_uri, texts, settings.language.lower(), settings.voices)
    return [sample async for sample in heard]


async def _measured(
    asr: AsrSettings, samples: list[Sample], language: str, console: Console
) -> list[Measured]:
    """One for each context, shortest first; measured from the full one on, by which the others are judged."""
    found: dict[str, Measured] = {}
    full_texts: list[str] = []
    # Measured at each load they might differ from one context to the next, and the times with them.
    alike = {"workers": 1, "cpu_threads": asr.cpu_threads or min(_THREADS, usable_cores())}
    for context in reversed(CONTEXTS):
        program = server.build(asr.model_copy(update={**alike, "audio_context": context}))
        assert isinstance(program, AsrProgram)
        await program.load()
        progress = track(samples, f"context {context}", console=console, transient=True)
        heard = [await _in_time(program, one, language) for one in progress]
        await program.close()
        texts = [text for text, _, _ in heard]
        full_texts = full_texts or texts
        found[context] = Measured(
            context,
            word_error_rate([sample.text for sample in samples], texts, language),
            sum(a != b for a, b in zip(texts, full_texts, strict=True)) / len(samples),
            statistics.median(spent_s for _, spent_s, _ in heard),
            sum(again for _, _, again in heard),
        )
    return [found[context] for context in CONTEXTS]


async def _in_time(program: AsrProgram, sample: Sample, language: str) -> tuple[str, float, bool]:
    hearing = functools.partial(_heard, program, sample, language)
    return await program.worker.call(hearing, deadline_s=_DECODE_WITHIN_S)


def _heard(program: AsrProgram, sample: Sample, language: str) -> tuple[str, float, bool]:
    """The text, how long it took in seconds, and whether a second try was needed."""
    take = Take(program.choice(Wish(language=language)), program.gate, None)
    take.recording.hear(SPEECH, to_pcm16(sample.audio))
    record = TurnRecord("calibrate")
    for _ in take.catch_up():
        pass
    start_s = time.monotonic()
    results = [result for result in recognised(take, record) if result is not None]
    spent_s = time.monotonic() - start_s
    kept = [take.memo[piece] for piece in take.pieces()]
    again = any(segment.evidence.again for decoded in kept for segment in decoded.segments)
    return results[-1].text, spent_s, again


def _table(measured: list[Measured], choice: Measured) -> Table:
    table = Table(
        "audio context", "word errors", "texts changed", "median", "tried again", box=None
    )
    for one in measured:
        table.add_row(
            f"{one.context}{' (chosen)' if one is choice else ''}",
            f"{one.word_error_rate:.1%}",
            f"{one.changed:.1%}",
            f"{1000 * one.median_s:.0f} ms",
            str(one.again),
        )
    return table


def _keep(settings: CalibrateSettings, context: str, console: Console) -> None:
    line = f'audio_context = "{context}"'
    named = settings.config or os.environ.get(CONFIG_VARIABLE)
    if settings.dry_run or not named:
        hint = "" if settings.dry_run else "; --config FILE has it written there"
        console.print(f"[asr] {line}{hint}", markup=False)
        return
    path = Path(named).expanduser()
    write_value(path, "asr", "audio_context", context)
    console.print(f"{path}: [asr] {line}; restart the ASR server", markup=False)
