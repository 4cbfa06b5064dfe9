"""`wyoming-voice bench`: how fast running servers are, ours or others', as their clients see it.

Rule: a kind of server that nobody answers for is said and left out; one that fails while it is measured
ends its own part alone, and the command ends with status 1.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator
from rich.console import Console

from wyoming_voice.benchmark.recording import Recording, between_silences, read_recordings
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.benchmark.rounds import (
    Contender,
    Pace,
    asr_round,
    describe_round,
    handle_round,
    paces,
    rounds_of,
    tts_round,
    utterances,
)
from wyoming_voice.benchmark.texts import QUESTION, SENTENCE, TEXTS
from wyoming_voice.describing import Description, describe
from wyoming_voice.errors import UpstreamError, VoiceError, why
from wyoming_voice.settings import CallSettings
from wyoming_voice.wav import read_speech

_FIND_WITHIN_S = 3.0


class BenchSettings(CallSettings):
    """Measure running servers, with several clients at a time."""

    section: ClassVar[str] = "bench"

    asr_uri: str = Field("tcp://127.0.0.1:10300", description="ASR server to measure")
    tts_uri: str = Field("tcp://127.0.0.1:10200", description="TTS server to measure")
    handle_uri: str = Field("tcp://127.0.0.1:10500", description="handle server to measure")
    sessions: list[int] = Field([1, 4, 8, 16], description="clients at a time, with commas")
    runs: int = Field(8, ge=1, description="requests at each number of sessions, at least")
    audio: Path | None = Field(
        None, description="directory with WAV files to transcribe (default: one that comes along)"
    )
    language: str = Field("", description="of the audio (default: the server's)")
    text: str = Field("", description="text to speak (default: three of different lengths)")
    question: str = Field(QUESTION, description="question to the handle server")
    timeout_s: float = Field(120, gt=0, description="seconds that one request may take")
    output: Path | None = Field(None, description="JSON file for all values")

    @field_validator("sessions")
    @classmethod
    def _some_sessions(cls, sessions: list[int]) -> list[int]:
        if not sessions or min(sessions) < 1 or max(sessions) > 1000:
            raise ValueError("from 1 to 1000 each, such as 1,4,8,16")
        return sessions


Part = Callable[[Report, BenchSettings, Contender], Awaitable[None]]


async def run(settings: BenchSettings) -> int:
    """Measure what answers; the exit status. Raises ConfigError, and UpstreamError when nobody answers."""
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    recordings = said_in(settings)  # what can't be read is told before anybody is asked
    facts: dict[str, object] = {"runs": settings.runs, "sessions": settings.sessions}
    report = Report("running servers", facts)
    found, failed = 0, 0
    for kind, uri in _uris(settings).items():
        try:
            server = await _found(kind, uri, settings)
        except UpstreamError as error:
            console.print(f"{kind}: left out: {error}")
            continue
        found += 1
        report.facts[kind] = uri
        console.print(f"{kind}: measuring {uri}")
        try:
            await _measured(kind, report, settings, server, recordings)
        except VoiceError as error:
            failed += 1
            console.print(f"{kind}: ended early: {error}")
    if not found:
        raise UpstreamError(
            "no server answers; start some (`wyoming-voice up`), or name them: "
            "--asr-uri, --tts-uri, --handle-uri"
        )
    report.publish(settings.output)
    return 1 if failed else 0


def said_in(settings: BenchSettings) -> list[Recording]:
    """What is said to the recogniser. Raises ConfigError."""
    if settings.audio is not None:
        return read_recordings(settings.audio)
    with as_file(files("wyoming_voice") / "data" / "question.wav") as path:
        return [between_silences("question", read_speech(path))]


def _uris(settings: BenchSettings) -> dict[str, str]:
    return {"asr": settings.asr_uri, "tts": settings.tts_uri, "handle": settings.handle_uri}


async def _found(kind: str, uri: str, settings: BenchSettings) -> Contender:
    """The server at an address, ready to be asked. Raises UpstreamError."""
    try:
        info, _ = await describe(uri, timeout_s=_FIND_WITHIN_S)
    except OSError as error:
        raise UpstreamError(f"no server answers at {uri}: {why(error)}") from error
    if not getattr(info, kind):
        raise UpstreamError(f"{uri} is no {kind} server")
    return Contender(
        OURS,
        uri,
        language=settings.language or None,
        in_pieces=_speaks_in_pieces(info),
        timeout_s=settings.timeout_s,
    )


def _speaks_in_pieces(info: Description) -> bool:
    return any(program.supports_synthesize_streaming for program in info.tts)


async def _measured(
    kind: str,
    report: Report,
    settings: BenchSettings,
    server: Contender,
    recordings: list[Recording],
) -> None:
    match kind:
        case "asr":
            await _asr(report, settings, server, recordings)
        case "tts":
            await _tts(report, settings, server)
        case _:
            await _handle(report, settings, server)


async def _asr(
    report: Report, settings: BenchSettings, server: Contender, recordings: list[Recording]
) -> None:
    """The first request is told apart: what it finds cold, the others find warm."""
    first = Report("")
    await asr_round(first, server, utterances(recordings, 1, 0), Pace.BURST)
    for row in first.rows.values():
        if row.about["measure"] == "after stop":
            name = "first burst: after stop"
            report.row(name, "ms", {"measure": "first request"}).add(OURS, *row.values[OURS])
    for sessions in settings.sessions:
        for pace in paces(sessions):
            for number in range(rounds_of(settings.runs, sessions)):
                said = utterances(recordings, sessions, number)
                await asr_round(report, server, said, pace, number)
    most = max(settings.sessions)
    for number in range(rounds_of(settings.runs, most)):
        await describe_round(report, server, utterances(recordings, most, number))


async def _tts(report: Report, settings: BenchSettings, server: Contender) -> None:
    """All texts by one client; the shortest by more than one."""
    texts = {"your text": settings.text} if settings.text else TEXTS
    short = "your text" if settings.text else SENTENCE
    (cold,) = await tts_round(Report(""), server, short, texts[short], 1)
    assert cold.first_audible_s is not None
    row = report.row("first text: first audible sample", "ms", {"measure": "first request"})
    row.add(OURS, 1000 * cold.first_audible_s)
    for sessions in settings.sessions:
        for name in texts if sessions == 1 else (short,):
            for _ in range(rounds_of(settings.runs, sessions)):
                await tts_round(report, server, name, texts[name], sessions)


async def _handle(report: Report, settings: BenchSettings, server: Contender) -> None:
    for sessions in settings.sessions:
        for _ in range(rounds_of(settings.runs, sessions)):
            await handle_round(report, server, settings.question, sessions)
