"""The servers behind the gateway, found once for all who talk: how each is, and who is told of it.

Rule: whoever listens hears at once how it stands, and then of each change.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel

from satellite.events import Event, Via, ViaChanged
from satellite.parts import Post
from satellite.standalone.hosts import Known
from satellite.standalone.lines import KINDS
from satellite.standalone.servers import Pulse, Roster

_log = logging.getLogger(__name__)


class ServiceRow(BaseModel):
    """One server that there is, or a kind that is missing."""

    kind: str
    name: str
    uri: str
    state: str
    latency_ms: float | None
    version: str
    error: str


class VoiceRow(BaseModel):
    """A voice to speak with."""

    name: str
    language: str
    description: str
    server: str


class Services:
    """All servers of the three kinds; `named` holds URIs by kind, best first, the others are discovered."""

    def __init__(self, named: Mapping[str, Sequence[str]]) -> None:
        # A page shows at once what is missing, and takes it back at once.
        pulse = Pulse(return_s=0)
        self.roster = Roster(self._changed, named, pulse=pulse, alone=lambda: False)
        self._standing = ViaChanged(Via.DIRECT, False, ())
        self._known = False
        self._listeners: set[Post] = set()

    @property
    def missing(self) -> tuple[str, ...]:
        """The kinds of which no server answers."""
        return tuple(kind for kind in KINDS if not any(self._answering(kind)))

    def listen(self, post: Post) -> None:
        """Have whoever this is told; once now, if anything is known."""
        self._listeners.add(post)
        if self._known:
            post(self._standing)

    def leave(self, post: Post) -> None:
        """Nobody listens there any more."""
        self._listeners.discard(post)

    def rows(self) -> list[ServiceRow]:
        """Every server with how it is, and each kind that has none."""
        rows = []
        for kind in KINDS:
            known = self.roster.ranked(kind)
            rows += [_row(server) for server in known] if known else [_nobody(kind)]
        return rows

    def voices(self) -> list[VoiceRow]:
        """The voices of all TTS servers that answer, the best server's first."""
        return [voice for server in self._answering("tts") for voice in _voices(server)]

    async def run(self) -> None:
        """Look after the servers until cancelled."""
        await self.roster.run()

    def _answering(self, kind: str) -> Iterator[Known]:
        return (server for server in self.roster.ranked(kind) if server.host.answers)

    def _changed(self, event: Event) -> None:
        if not isinstance(event, ViaChanged):
            return
        if event.ready:
            _log.info("all services are there")
        else:
            _log.warning("no server answers for: %s", ", ".join(event.missing))
        self._standing, self._known = event, True
        for post in tuple(self._listeners):
            post(event)


def _row(server: Known) -> ServiceRow:
    host = server.host
    programs = getattr(server.info, server.kind) if server.info is not None else []
    return ServiceRow(
        kind=server.kind,
        name=programs[0].name if programs else host.name,
        uri=server.uri,
        state="up" if host.answers else "away",
        latency_ms=round(host.round_trip_ms, 1) if host.answers else None,
        version=(programs[0].version or "") if programs else "",
        error=server.error if host.answers else host.error,
    )


def _nobody(kind: str) -> ServiceRow:
    return ServiceRow(
        kind=kind, name="", uri="", state="away", latency_ms=None, version="", error=lacks(kind)
    )


def lacks(kind: str) -> str:
    """What to do about a kind of server that isn't there."""
    return f"no {kind} server answers; start one, or name it (--{kind}-uri)"


def _voices(server: Known) -> Iterator[VoiceRow]:
    for program in server.info.tts if server.info is not None else []:
        for voice in program.voices:
            yield VoiceRow(
                name=voice.name,
                language=next(iter(voice.languages), ""),
                description=voice.description or "",
                server=server.uri,
            )
