"""One conversation with one page: the satellite's turn machine, its ears and its talk with the servers.

Rule: no decision about the conversation is made here, or anywhere else in the gateway.
"""

import asyncio

from satellite.around.turn_metrics import Follower, TurnMetrics
from satellite.dialog.state import Listening
from satellite.events import Event, MicrophoneReady, Pressed, Released, Stopped, Via
from satellite.hearing.ears import Ears, EarSettings
from satellite.loop import Loop
from satellite.parts import HeardFrame
from satellite.standalone.conversation import new_conversation_id
from satellite.standalone.direct import Direct, DirectSettings
from satellite.standalone.patience import Patience
from satellite.turn import TurnSettings
from wyoming_voice.core.endpointing import endpoint_settings
from wyoming_voice.gateway.loudspeaker import BrowserSpeaker
from wyoming_voice.gateway.messages import (
    Alive,
    Heard,
    Message,
    Press,
    Release,
    Start,
    Stop,
)
from wyoming_voice.gateway.microphone import BrowserMicrophone
from wyoming_voice.gateway.outbox import Outbox
from wyoming_voice.gateway.services import Services
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.gateway.telling import Teller
from wyoming_voice.http.errors import BadRequest


class Talk:
    """A conversation that `start` has asked for; what comes of it goes to `outbox`."""

    def __init__(
        self,
        start: Start,
        settings: GatewaySettings,
        services: Services,
        outbox: Outbox,
        turns: TurnMetrics,
    ) -> None:
        self.conversation_id = start.conversation or new_conversation_id()
        self._services = services
        ears = _ear_settings(settings)
        self._teller = Teller(outbox, ears.endpointing.end_probability)
        self._speaker = BrowserSpeaker(self._post, outbox)
        wishes = _direct_settings(start, settings, self.conversation_id)
        self._direct = Direct(self._post, services.roster, self._speaker.room, wishes)
        self.microphone = BrowserMicrophone(
            start.sample_rate, start.format, self._hear, self._silence_decides
        )
        self._loop = Loop(
            _turn_settings(start, settings),
            Ears(ears),
            self._speaker,
            {Via.DIRECT: self._direct},
            lambda _timer_id: None,
        )
        self._follower = Follower(turns, ears.endpointing.end_probability)
        self._loop.watchers += [self._teller.watch, self._follower.watch]
        self._loop.listeners += [self._teller.moment, self._follower.tell]

    async def run(self) -> None:
        """Live until cancelled, then hang up on everybody."""
        self._services.listen(self._post)
        self._loop.post(MicrophoneReady())
        try:
            async with asyncio.TaskGroup() as parts:
                for part in (self._direct, self._speaker, self.microphone):
                    parts.create_task(part.run())
        finally:
            self._services.leave(self._post)
            self._loop.close()

    def take(self, message: Message) -> None:
        """Do what the page says; raises BadRequest."""
        match message:
            case Start():
                raise BadRequest("a conversation has begun already; open another WebSocket", "type")
            case Press():
                self.microphone.after(lambda: self._post(Pressed(self._loop.ear_ms)))
            case Release():
                self.microphone.after(lambda: self._post(Released()))
            case Stop():
                self._post(Stopped())
            case Heard(playback=playback, ms=ms):
                self._speaker.heard(playback, ms)
            case Alive():
                return

    def _post(self, event: Event) -> None:
        self._loop.post(event)

    def _silence_decides(self) -> bool:
        """Whether somebody has spoken, and silence is what ends it; of a held button its release is."""
        dialog = self._loop.state.dialog
        return isinstance(dialog, Listening) and not dialog.held

    def _hear(self, frame: HeardFrame) -> None:
        self._teller.frame(frame)
        self._follower.frame(frame)
        self._loop.hear(frame)


def _turn_settings(start: Start, settings: GatewaySettings) -> TurnSettings:
    """Any speech begins a turn and interrupts an answer, or else the button alone does."""
    talks = start.mode == "talk"
    return TurnSettings(
        gate="vad" if talks else "push-to-talk",
        barge_in="speech" if talks else "off",
        follow_up="off",
        mode="standalone",
        echo_cancelled=True,
        max_speech_ms=round(settings.max_speech_s * 1000),
        answer_ms=round(settings.answer_s * 1000),
        language=start.language or settings.language,
    )


def _ear_settings(settings: GatewaySettings) -> EarSettings:
    endpointing = endpoint_settings(
        settings.vad_sensitivity,
        settings.vad_threshold,
        settings.max_speech_s,
        dynamic=settings.endpoint == "dynamic",
    )
    return EarSettings(endpointing)


def _direct_settings(
    start: Start, settings: GatewaySettings, conversation_id: str
) -> DirectSettings:
    return DirectSettings(
        voice=start.voice or settings.voice,
        language=start.language or settings.language,
        patience=Patience.within(settings.answer_s),
        conversation_id=conversation_id,
    )
