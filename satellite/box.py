"""All parts of one satellite, joined: who posts to whom, and how they live and end.

Rule: the parts know each other by the protocols of `parts` alone; nothing but this file names them all.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from wyoming.event import Event as WyomingEvent

from satellite.around.account import Account
from satellite.around.control import Control
from satellite.around.event_service import EventService
from satellite.around.hooks import Hooks
from satellite.around.timers import Timers
from satellite.around.tools import OwnTools
from satellite.build import (
    direct_settings,
    ear_settings,
    finality_of,
    info_of,
    sink_of,
    source_of,
    speaker_settings,
    turn_settings,
    wake_specs,
)
from satellite.buttons import Buttons
from satellite.config import SatelliteSettings
from satellite.effects import Moment, Tell
from satellite.events import Event, Trouble, Via
from satellite.hearing.chain import Hearing
from satellite.hearing.ears import Ears
from satellite.hearing.echo import FarEnd, choose_cleaner
from satellite.hearing.mic import Microphone
from satellite.hearing.recording import Recording
from satellite.hearing.wake import LocalWake
from satellite.hearing.wake_remote import RemoteWake
from satellite.home_assistant.server import HomeAssistant
from satellite.loop import Loop
from satellite.parts import Backend, HeardFrame, Status
from satellite.speaking.speaker import Speaker
from satellite.standalone.direct import Direct
from satellite.standalone.servers import Roster
from wyoming_voice.gate import Gate

if TYPE_CHECKING:
    from satellite.around.turn_metrics import Follower

_log = logging.getLogger(__name__)

_REMEDIES: dict[str, str] = {
    Trouble.NO_ASR: "no ASR server can be reached; start one, or name it (--asr-uri)",
    Trouble.NO_HANDLE: "no handle server can be reached; start one, or name it (--handle-uri)",
    Trouble.NO_TTS: "no TTS server can be reached; start one, or name it (--tts-uri)",
    Trouble.NO_HOME_ASSISTANT: "Home Assistant is not connected; add the satellite there, or --mode auto",
    Trouble.TIMEOUT: "nothing came for as long as --answer-s",
    Trouble.FAILED: "what was asked for an answer has failed; its own line says how",
}


_ATTENTION = {
    Moment.LISTENING: True,
    **dict.fromkeys((Moment.PROCESSING, Moment.ANNOUNCING, Moment.ERROR, Moment.IDLE), False),
}
"""Whether somebody is listened to after a moment."""


@runtime_checkable
class HasAddress(Protocol):
    """A part with an address of its own."""

    async def listen(self) -> object:
        """Take it."""


class Part(Protocol):
    """What lives for as long as the satellite does, and can say how it is."""

    async def run(self) -> None:
        """Live until cancelled."""

    def status(self) -> Status:
        """How it is."""


P = TypeVar("P", bound=Part)


class Box:
    """One satellite. Raises ConfigError for settings that can't work."""

    def __init__(self, settings: SatelliteSettings) -> None:
        self._settings = settings
        self._event_loop = asyncio.get_running_loop()
        self._parts: dict[str, Part] = {}
        self._far_end = FarEnd()
        self._recording: Recording | None = None
        self._follower: Follower | None = None  # of turns, for Prometheus
        self._events = EventService(settings.event_uri) if settings.event_uri else None
        specs = wake_specs(settings)
        self._words = [spec.word for spec in specs]
        self._home_assistant: HomeAssistant | None = None
        self._wake_server = self._add_wake_server()
        local = LocalWake(specs, settings.refractory_s) if specs and not settings.wake_uri else None
        cleaner = choose_cleaner(settings.aec, settings.noise_suppression, settings.auto_gain)
        self._hearing = Hearing(self._far_end, cleaner, local, gain_db=settings.mic_gain_db)
        self._hearing.finality = self._finality = finality_of(settings)
        self.microphone = self._add_microphone()
        self.speaker = self._add_speaker()
        self._timers = self._add_timers()
        self._account = Account(self._health, self._connections, lambda: self.loop.busy)
        self.loop = Loop(
            turn_settings(settings, echo_cancelled=cleaner.echo_free),
            Ears(ear_settings(settings)),
            self.speaker,
            self._add_backends(),
            self._timers.dismiss,
        )
        self.buttons = Buttons(self.loop, self.speaker, self._timers, self._status_and_account)
        self._add_listeners()

    def status(self) -> Status:
        """All that is known, for a person and for programs."""
        parts = {name: part.status() for name, part in self._parts.items()}
        if self._recording is not None:
            parts["recording"] = self._recording.status()
        words = [word.phrase for word in self._words if not word.stops]
        asked = {"gate": self._settings.gate, "wake_words": words, "area": self._settings.area}
        return {**self.loop.status(), **asked, "hearing": self._hearing.status(), **parts}

    def _status_and_account(self) -> Status:
        return {**self.status(), "account": self._account.report()}

    def _health(self) -> str:
        if self.loop.state.name == "booting":
            return "loading"
        hears = self.loop.state.muted or self.microphone.status()["fresh"]
        return "well" if hears else "stuck"

    def _connections(self) -> int:
        return self._home_assistant.connections if self._home_assistant else 0

    def status_line(self) -> str:
        """The same in a line for the log."""
        loop, microphone = self.loop.status(), self.microphone.status()
        ear = "muted" if loop["muted"] else "open" if microphone["fresh"] else "deaf"
        facts = {"ear": ear, "microphone": microphone["device"], "level": microphone["level_dbfs"]}
        return " ".join(f"{name}={value or 'none'}" for name, value in (loop | facts).items())

    async def listen(self) -> str:
        """Take the addresses that were asked for; Home Assistant's, `""` where it is not to come.

        Raises ConfigError when one can't be had.
        """
        for part in self._parts.values():
            if isinstance(part, HasAddress):
                await part.listen()
        return str(self._home_assistant.status()["listening"]) if self._home_assistant else ""

    async def run(self) -> None:
        """Live until cancelled; `listen` comes first."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in self._parts.values():
                    tasks.create_task(part.run())
        finally:
            if self._recording is not None:  # the microphone's thread, which adds to it, has ended
                self._recording.close()

    def _add(self, name: str, part: P) -> P:
        self._parts[name] = part
        return part

    def _add_microphone(self) -> Microphone:
        settings, hearing = self._settings, self._hearing
        if settings.record_dir is not None:
            self._recording = Recording(
                settings.record_dir, settings.record_minutes, self._warn_soon
            )
            hearing.record = self._recording.add
        microphone = Microphone(source_of(settings), hearing, self._post, self._hear, self._warn)
        return self._add("microphone", microphone)

    def _add_speaker(self) -> Speaker:
        sink, settings = sink_of(self._settings), speaker_settings(self._settings)
        speaker = Speaker(self._post, sink, settings, self._far_end.write, self._warn)
        return self._add("loudspeaker", speaker)

    def _add_timers(self) -> Timers:
        path = self._settings.state_path / "timers.json"
        relay = self._events.forward if self._events else _to_nobody
        return self._add("timers", Timers(path, self._post, self._tell, relay=relay))

    def _add_wake_server(self) -> RemoteWake | None:
        uri = self._settings.wake_uri
        if not (uri and self._words):
            return None
        server = RemoteWake(uri, self._words, self._post, self._settings.refractory_s)
        return self._add("wake server", server)

    def _add_backends(self) -> dict[Via, Backend]:
        settings, backends = self._settings, dict[Via, Backend]()
        if settings.mode != "standalone":
            info = info_of(settings, self._words)
            self._home_assistant = HomeAssistant(
                self._post, info, settings, self._timers.handle, self._account.report
            )
            backends[Via.HOME_ASSISTANT] = self._add("home assistant", self._home_assistant)
        if settings.mode != "ha":
            named = {
                "asr": settings.asr_uri,
                "handle": settings.handle_uri,
                "tts": settings.tts_uri,
            }
            roster = self._add("servers", Roster(self._post, named, alone=self._is_alone))
            tools = OwnTools(self._timers, self.speaker)
            wishes = direct_settings(settings, tools)
            direct = Direct(self._post, roster, self.speaker.room, wishes)
            backends[Via.DIRECT] = self._add("standalone", direct)
        return backends

    def _add_listeners(self) -> None:
        settings, listeners = self._settings, self.loop.listeners
        listeners += [self._follow_mute, _log_trouble, self._account.tell]
        if self._finality is not None:
            listeners.append(self._follow_turn)
        if settings.hooks:
            listeners.append(self._add("hooks", Hooks(settings.hooks)).tell)
        if self._events:
            listeners.append(self._add("event service", self._events).tell)
        if not settings.no_control:
            control = Control(settings.control_path, self.buttons)
            listeners.append(self._add("control", control).tell)
        if settings.metrics_uri:
            from satellite.around.metrics import Metrics  # 3 MB that few need
            from satellite.around.turn_metrics import Follower

            gate = Gate(settings.allow, settings.interface)
            metrics = self._add("metrics", Metrics(settings.metrics_uri, self.status, gate))
            voiced = ear_settings(settings).endpointing.end_probability
            self._follower = follower = Follower(metrics.turns, voiced)
            listeners += [metrics.tell, follower.tell]
            self.loop.watchers.append(follower.watch)

    def _is_alone(self) -> bool:
        """Whether no Home Assistant is there to answer."""
        return self._home_assistant is None or not self._home_assistant.status()["connected"]

    def _post(self, event: Event) -> None:
        self.loop.post(event)

    def _tell(self, told: Tell) -> None:
        self.loop.tell(told)

    def _warn(self, sentence: str) -> None:
        self.loop.tell(Tell(Moment.WARNING, sentence))

    def _warn_soon(self, sentence: str) -> None:
        """The same, from the microphone's thread."""
        self._event_loop.call_soon_threadsafe(self._warn, sentence)

    def _hear(self, frame: HeardFrame) -> None:
        if self._follower is not None:
            self._follower.frame(frame)
        self.loop.hear(frame)
        if self._wake_server is not None:
            self._wake_server.feed(frame)

    def _follow_mute(self, told: Tell) -> None:
        if told.moment not in (Moment.MUTED, Moment.UNMUTED):
            return
        self.microphone.muted = muted = told.moment is Moment.MUTED
        self.loop.forget()
        if self._wake_server is not None:
            self._wake_server.muted = muted

    def _follow_turn(self, told: Tell) -> None:
        """Have pauses judged while the ear is open."""
        if self._finality is not None and told.moment in _ATTENTION:
            self._finality.attentive = _ATTENTION[told.moment]


def _log_trouble(told: Tell) -> None:
    """Have the log say why nobody answers: whoever reads it has perhaps not heard it said."""
    if told.moment is Moment.ERROR:
        _log.warning("no answer: %s", _REMEDIES.get(told.text, told.text))


def _to_nobody(_: WyomingEvent) -> None:
    """Where there is no event service."""
