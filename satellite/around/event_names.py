"""What happens, in the words of the Wyoming event service, as wyoming-satellite 1.0.0 forwards them. Pure.

A turn there: `run-pipeline`, `detection`, `streaming-started`, `voice-started`, `voice-stopped`,
`transcript`, `streaming-stopped`, `synthesize`, `audio-start`, `audio-stop`, `played`. Rule: whatever way a
turn ends, `streaming-started` is followed by one `streaming-stopped`, and `audio-start` by `audio-stop` with
`played` right behind it: lights are put out by these.
"""

from wyoming.asr import Transcript
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import (
    PauseSatellite,
    RunSatellite,
    SatelliteConnected,
    SatelliteDisconnected,
    StreamingStarted,
    StreamingStopped,
)
from wyoming.snd import Played
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detection

from satellite.effects import Moment, Tell
from satellite.events import Via

_RUN = RunPipeline(start_stage=PipelineStage.ASR, end_stage=PipelineStage.TTS)

_SPEECH = AudioStart(rate=22_050, width=2, channels=1)
"""The event needs a format, and nobody who is told needs it: the one that Home Assistant sends."""


class EventNames:
    """Takes moments in their order and gives Wyoming events; remembers what must yet be ended."""

    def __init__(self) -> None:
        self._announced = False  # `run-pipeline` was sent for the turn to come
        self._streaming = False
        self._sounding = False

    def push(self, told: Tell) -> list[Event]:
        """What the event service is told of a moment, in order."""
        match told.moment:
            case Moment.WAKE:
                self._announced = True
                return [*self._rest(), _RUN.event(), Detection(name=told.text).event()]
            case Moment.LISTENING:
                return self._listening()
            case Moment.SPEECH_STARTED:
                return [VoiceStarted().event()]
            case Moment.SPEECH_ENDED:
                return [VoiceStopped().event()]
            case Moment.TRANSCRIPT:
                return [Transcript(text=told.text).event(), *self._streaming_stopped()]
            case Moment.RESPONSE:
                return [Synthesize(text=told.text).event()]
            case Moment.RESPONDING | Moment.ANNOUNCING:
                return self._responding()
            case Moment.PLAYED:
                return self._silent()
            case Moment.IDLE:
                self._announced = False
                return self._rest()
            case Moment.ERROR:
                return [*self._streaming_stopped(), Error(text=told.text).event()]
            case _:
                return _of_the_satellite(told)

    def _listening(self) -> list[Event]:
        announced, self._announced = self._announced, False
        before = [] if announced else [*self._rest(), _RUN.event()]
        self._streaming = True
        return [*before, StreamingStarted().event()]

    def _responding(self) -> list[Event]:
        if self._sounding:
            return []
        stopped = self._streaming_stopped()
        self._sounding = True
        return [*stopped, _SPEECH.event()]

    def _rest(self) -> list[Event]:
        return [*self._streaming_stopped(), *self._silent()]

    def _streaming_stopped(self) -> list[Event]:
        was, self._streaming = self._streaming, False
        return [StreamingStopped().event()] if was else []

    def _silent(self) -> list[Event]:
        was, self._sounding = self._sounding, False
        return [AudioStop().event(), Played().event()] if was else []


def _of_the_satellite(told: Tell) -> list[Event]:
    """Timers are not among them: their own events say more."""
    match told.moment:
        case Moment.CONNECTED if told.text == Via.HOME_ASSISTANT:
            return [SatelliteConnected().event(), RunSatellite().event()]
        case Moment.DISCONNECTED if told.text == Via.HOME_ASSISTANT:
            return [SatelliteDisconnected().event()]
        case Moment.READY | Moment.UNMUTED:
            return [RunSatellite().event()]
        case Moment.MUTED:
            return [PauseSatellite().event()]
    return []
