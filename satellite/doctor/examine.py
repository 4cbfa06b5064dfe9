"""`wyoming-voice satellite doctor`: examines one satellite from microphone to servers, line by line.

Rule: it ends within 40 seconds whatever hangs, disturbs no satellite that runs, and every line is ok or says
what to do.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

from rich.console import Console

from satellite.build import wake_specs
from satellite.config import SatelliteSettings
from satellite.doctor import network as doctor_network
from satellite.doctor import running as doctor_running
from satellite.doctor.findings import Line, Verdict, bad, skipped
from satellite.doctor.parts import local_wake, package_lines, patient_of, settings_line
from satellite.doctor.sound import Prompt, examine_sound
from satellite.doctor.trial import Times
from satellite.standalone.servers import Watch
from wyoming_voice.discovery import watch
from wyoming_voice.errors import ConfigError

_LIMIT_S = 36.0
_WITH_HOME_ASSISTANT = (
    "they are for answers without Home Assistant, which needs none of them",
    "if it is to answer alone: --mode ha, and `!!` above for servers doesn't count",
)
_MARKS = {Verdict.OK: "green", Verdict.BAD: "bold red", Verdict.SKIPPED: "dim"}


@dataclass(frozen=True)
class Visit:
    """How it goes: whether somebody is asked to speak, how servers are looked for, how long it takes."""

    asked: bool = False
    watch: Watch | None = watch
    times: Times = field(default_factory=Times)
    limit_s: float = _LIMIT_S


async def examine(settings: SatelliteSettings) -> int:
    """Examine what `settings` describe; 0 when all is ok, else 1."""
    asked = sys.stdin.isatty() and sys.stdout.isatty()
    console = Console(highlight=False, markup=False, emoji=False)
    with _quiet_log(settings.log_level):
        return await report(settings, Visit(asked), console)


async def report(settings: SatelliteSettings, visit: Visit, console: Console) -> int:
    """Examine, and print each line as soon as it is known; the exit status."""
    verdicts: list[Verdict] = []
    prompt: Prompt = (
        (lambda text: console.print(f"    {text}", soft_wrap=True)) if visit.asked else _nobody
    )
    try:
        async with asyncio.timeout(visit.limit_s):
            async with contextlib.aclosing(_lines(settings, visit, prompt)) as lines:
                async for line in lines:
                    verdicts.append(line.verdict)
                    _show(console, line)
    except TimeoutError:
        verdicts.append(Verdict.BAD)
        hangs = f"something hangs: given up after {visit.limit_s:g} s"
        _show(console, bad("doctor", hangs, "look at what follows the last line, or run it again"))
    faults = verdicts.count(Verdict.BAD)
    console.print(f"{faults} of {len(verdicts)} need something done" if faults else "all is ok")
    return 1 if faults else 0


async def _lines(
    settings: SatelliteSettings, visit: Visit, prompt: Prompt
) -> AsyncGenerator[Line, None]:
    yield settings_line(settings)
    for line in await package_lines(settings):
        yield line
    status = None
    if settings.no_control:
        yield skipped("control socket", "not wanted (--no-control)")
    else:
        status, line = await doctor_network.running_satellite(settings.control_path)
        yield line
    examination = _well(settings, visit, prompt) if status is None else _busy(status)
    async with contextlib.aclosing(examination) as lines:
        async for line in lines:
            yield line


async def _well(
    settings: SatelliteSettings, visit: Visit, prompt: Prompt
) -> AsyncGenerator[Line, None]:
    """No satellite runs: its devices are free to be opened."""
    named = {"asr": settings.asr_uri, "handle": settings.handle_uri, "tts": settings.tts_uri}
    async with contextlib.AsyncExitStack() as stack:
        search = None
        if settings.mode != "ha":  # while sound is examined, servers are looked for
            search = await stack.enter_async_context(doctor_network.looking(named, visit.watch))
        async with contextlib.aclosing(_sound(settings, visit, prompt)) as sound:
            async for line in sound:
                yield line
        for line in await _wake_server(settings):
            yield line
        yield await doctor_network.address_line(settings.uri, settings.mode)
        if settings.mode != "standalone":
            yield skipped("home assistant", "known only to a satellite that runs")
        if search is None:
            yield skipped("servers", "Home Assistant answers (--mode ha)")
            return
        lines = await search.lines()
        for line in lines:
            yield line
        if settings.mode == "auto" and any(line.verdict is Verdict.BAD for line in lines):
            yield skipped("servers", *_WITH_HOME_ASSISTANT)


async def _busy(status: dict[str, object]) -> AsyncGenerator[Line, None]:
    """A satellite runs: it says itself how it is."""
    for line in doctor_running.sound_lines(status):
        yield line
    for line in doctor_running.wake_server_lines(status):
        yield line
    home_assistant = doctor_running.home_assistant_line(status)
    yield home_assistant
    servers = doctor_running.servers_of(status)
    models = await asyncio.gather(
        *(doctor_network.models_at(str(row["uri"]), str(row["kind"])) for row in servers)
    )
    for line in doctor_running.server_lines(
        status, models, needed=home_assistant.verdict is not Verdict.OK
    ):
        yield line


async def _sound(
    settings: SatelliteSettings, visit: Visit, prompt: Prompt
) -> AsyncGenerator[Line, None]:
    wake, line = local_wake(settings)
    try:
        patient = patient_of(settings, wake, asked=visit.asked, times=visit.times)
    except ConfigError as error:
        found, _, remedy = str(error).partition("; ")
        yield bad("devices", found, remedy or "mend the setting")
        return
    if line is not None:
        yield line
    async with contextlib.aclosing(examine_sound(patient, prompt)) as lines:
        async for line in lines:
            yield line


async def _wake_server(settings: SatelliteSettings) -> list[Line]:
    if not settings.wake_uri:
        return []
    try:
        names = [spec.word.name for spec in wake_specs(settings)]
    except ConfigError:  # told by the line on wake words
        return []
    return [await doctor_network.wake_server_line(settings.wake_uri, names)] if names else []


def _show(console: Console, line: Line) -> None:
    console.print(f"{line.verdict.value}", style=_MARKS[line.verdict], end="")
    console.print(f"  {line.part:15} {line.found}", soft_wrap=True)
    if line.remedy:
        console.print(f"{'':20}→ {line.remedy}", soft_wrap=True)


@contextlib.contextmanager
def _quiet_log(level: str) -> Iterator[None]:
    """What the parts would log, the lines say; whoever wants the log has asked for `debug`."""
    log = logging.getLogger("satellite")
    before = log.level
    if level != "debug":
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _nobody(text: str) -> None:
    """Nobody is there to be told what to do."""
