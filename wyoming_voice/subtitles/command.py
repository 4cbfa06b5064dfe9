"""`wyoming-voice subtitles`: media in, subtitle files out.

Rules: what is heard is what the ASR server would hear, with its settings, from the same file and environment;
a file that can't be read, or ends too soon, is told, and the others go on; what is broken off leaves
nothing half behind.
"""

import contextlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from wyoming_voice.asr import server
from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.engine import Task
from wyoming_voice.asr.files import Job, Passage, transcribed
from wyoming_voice.asr.languages import checked_task
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.asr.session import Wish
from wyoming_voice.asr.settings import EngineSettings
from wyoming_voice.config import load
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import BadAudio, VoiceError
from wyoming_voice.media.decoding import Media
from wyoming_voice.media.wholeness import check_whole
from wyoming_voice.progress import Showing, clock
from wyoming_voice.subtitles.cues import Subtitles
from wyoming_voice.subtitles.plan import Film, Wanted, planned
from wyoming_voice.subtitles.settings import SubtitleSettings
from wyoming_voice.whole_files import leave_standard_output, whole_files

__all__ = ["SubtitleSettings", "run"]

_STEP_WITHIN_S = 3600.0
"""Nobody waits for an answer here, and a machine may be slow."""

_ENOUGH_S = 30.0
"""So much of a file has to be heard before its pace says how long the rest will take."""

_FULL = 5 / 7
"""Of what the recogniser hears at once, a window is that much before it ends in a pause: nobody waits for
its end, and a Whisper takes as long for half of it."""

_SURE_MS = 45_000
_SURE_WINDOWS = 3
"""So much speech in one language, or so many windows of any, tell that of a file; its first words may not."""


async def run(settings: SubtitleSettings) -> int:
    """Write the subtitles of all files; 1 where some could not be read. Raises VoiceError with the remedy."""
    films = planned(Wanted(settings.paths, settings.output, settings.format, settings.overwrite))
    asr = _settings_of_the_server(settings)
    program = server.build(asr)
    assert isinstance(program, AsrProgram)
    _chosen(program, settings)  # what can be told before the weights are fetched
    try:
        with Showing(Console(stderr=True), _ENOUGH_S) as showing:
            showing.begin("loading the model", 1, 1)
            await program.load()
            showing.end()
            choice = _chosen(program, settings)
            if (
                choice.engine.at_once > 1
            ):  # a server keeps one of them for who may come; here nobody does
                program.worker.threads = choice.engine.at_once + 1
            house = _House(settings, program, choice, showing)
            done = [
                await _done(house, film, number, len(films))
                for number, film in enumerate(films, start=1)
            ]
    except BrokenPipeError:
        leave_standard_output()
        return 1
    finally:
        await program.close()
    return 0 if all(done) else 1


def _settings_of_the_server(settings: SubtitleSettings) -> AsrSettings:
    """The server's, but for what was said of the recogniser here."""
    asr = load(AsrSettings, ["--config", str(settings.config)] if settings.config else [])
    shared = {*EngineSettings.model_fields} - {"config", "log_level"}
    said = {name: getattr(settings, name) for name in shared & settings.model_fields_set}
    nowhere = {"hass_url": "", "hass_token_file": None}  # films name other things than the house
    return asr.model_copy(update=said | nowhere)


def _chosen(program: AsrProgram, settings: SubtitleSettings) -> Choice:
    choice = program.choice(Wish(language=program.settings.language))
    checked_task(_task(settings), choice.engine.name, choice.engine.languages)
    return choice


def _task(settings: SubtitleSettings) -> Task:
    return "translate" if settings.translate else "transcribe"


@dataclass(frozen=True)
class _House:
    """What all files share."""

    settings: SubtitleSettings
    program: AsrProgram
    choice: Choice
    showing: Showing

    def job(self, language: str | None) -> Job:
        options = replace(self.choice.options, language=language)
        return Job(
            replace(self.choice, options=options),
            replace(self.program.gate, soft_s=_FULL * self.choice.engine.longest_s),
            self.program.worker,
            _STEP_WITHIN_S,
            TurnRecord("subtitles"),
            words=True,
            task=_task(self.settings),
        )


async def _done(house: _House, film: Film, number: int, of: int) -> bool:
    """Whether the subtitles of one file were written; why not has been told."""
    house.showing.begin(film.medium.name, number, of)
    try:
        line = await _subtitled(house, film)
    except VoiceError as error:
        house.showing.end()
        house.showing.tell(f"{film.medium}: {error}")
        return False
    house.showing.tell(line)
    return True


async def _subtitled(house: _House, film: Film) -> str:
    """Write the subtitles of one file; what is told of it."""
    settings, showing = house.settings, house.showing
    told = house.choice.options.language
    declared_s = await house.program.worker.call(
        lambda: _declared_s(film.medium), deadline_s=_STEP_WITHIN_S
    )
    language = told or await _language(house, film)
    subtitles = Subtitles(settings.captions, film.kind, words=settings.words)
    passage: Passage | None = None
    with whole_files([film.output]) as (file,):
        file.write(subtitles.header().encode())
        async with contextlib.aclosing(transcribed(film.medium, house.job(language))) as passages:
            async for passage in passages:
                file.write(subtitles.push(passage.segments).encode())
                _show(showing, passage)
        file.write(subtitles.finish().encode())
    assert passage is not None, "a file has a last passage"
    try:
        check_whole(declared_s, passage.heard_s)
    except BadAudio as error:  # what is there has its subtitles all the same
        showing.tell(f"{film.medium}: {error}")
    found = "" if told else " (found)"
    speed = passage.heard_s / max(showing.end(), 1e-3)
    return (
        f"{film.medium}: {clock(passage.heard_s)}, language {language or 'unknown'}{found}, "
        f"{subtitles.cues} cues, {speed:.1f} times real time -> {film.output or 'standard output'}"
    )


def _declared_s(medium: Path) -> float | None:
    """In a thread: how long the file says that it is; raises BadAudio."""
    with Media(medium) as media:
        return media.declared_s


def _show(showing: Showing, passage: Passage) -> None:
    showing.reached(passage.heard_s, passage.total_s)
    position, speed = clock(passage.heard_s), showing.pace.speed
    if passage.total_s:
        position = f"{position} of {clock(passage.total_s)}"
    showing.note(f"{position}, {speed:.1f} times real time" if speed else position)


async def _language(house: _House, film: Film) -> str | None:
    """The one that most of the first speech is in; None where nobody speaks.

    Decided once for a whole file: a window of it that sounds like another language is no reason to change.
    """
    heard_ms: Counter[str] = Counter()
    windows = 0
    async with contextlib.aclosing(transcribed(film.medium, house.job(None))) as passages:
        async for passage in passages:
            for segment in passage.segments:
                heard_ms[segment.language] += round(1000 * (segment.end_s - segment.start_s))
            windows += bool(passage.segments)
            if windows >= _SURE_WINDOWS or max(heard_ms.values(), default=0) >= _SURE_MS:
                break
    return max(heard_ms, key=heard_ms.__getitem__, default=None)
