"""From settings to parts: which microphone, loudspeaker, wake words and policies were asked for."""

import platform

from wyoming.info import Info

from satellite.config import SatelliteSettings
from satellite.devices.choose import choose_sink, choose_source
from satellite.effects import Tone
from satellite.events import WakeWord
from satellite.hearing.ears import EarSettings
from satellite.hearing.finality import Finality
from satellite.hearing.wake import WakeSpec, parse_wake_words
from satellite.home_assistant.info import satellite_info
from satellite.parts import Sink, Source, Tools
from satellite.speaking.speaker import SpeakerSettings
from satellite.standalone.direct import DirectSettings
from satellite.standalone.means import Means
from satellite.standalone.patience import Patience
from satellite.turn import TurnSettings
from wyoming_voice.core.endpointing import endpoint_settings
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.smart_turn import SmartTurn


def source_of(settings: SatelliteSettings) -> Source:
    """The microphone. Raises ConfigError."""
    command_format = AudioFormat(
        settings.mic_command_rate, settings.mic_command_width, settings.mic_command_channels
    )
    return choose_source(settings.mic, settings.mic_command, command_format)


def sink_of(settings: SatelliteSettings) -> Sink:
    """The loudspeaker. Raises ConfigError."""
    command_format = AudioFormat(
        settings.snd_command_rate, settings.snd_command_width, settings.snd_command_channels
    )
    return choose_sink(settings.snd, settings.snd_command, command_format)


def speaker_settings(settings: SatelliteSettings) -> SpeakerSettings:
    """How loud, and which sounds."""
    return SpeakerSettings(
        volume=settings.volume / 100,
        no_tones=settings.no_tones,
        no_thinking=settings.no_thinking_sound,
        tones={
            Tone.LISTENING: settings.tone_listening,
            Tone.DONE: settings.tone_done,
            Tone.ERROR: settings.tone_error,
        },
        language=settings.language,
    )


def wake_specs(settings: SatelliteSettings) -> list[WakeSpec]:
    """The words that are listened for; wake words only where they are the gate. Raises ConfigError."""
    wakes = settings.wake_word if settings.gate == "wake" else []
    return parse_wake_words(wakes, settings.stop_word)


def ear_settings(settings: SatelliteSettings) -> EarSettings:
    """When speech starts and ends."""
    endpointing = endpoint_settings(
        settings.vad_sensitivity,
        settings.vad_threshold,
        settings.max_speech_s,
        dynamic=settings.endpoint == "dynamic",
    )
    return EarSettings(endpointing)


def finality_of(settings: SatelliteSettings) -> Finality | None:
    """What judges pauses by their sound, where that is asked for. Raises ConfigError."""
    if not settings.smart_turn or settings.endpoint == "fixed":
        return None
    return Finality(SmartTurn())


def turn_settings(settings: SatelliteSettings, *, echo_cancelled: bool) -> TurnSettings:
    """The policies of a turn."""
    return TurnSettings(
        gate=settings.gate,
        barge_in=settings.barge_in,
        follow_up=settings.follow_up,
        mode=settings.mode,
        echo_cancelled=echo_cancelled,
        no_speech_ms=round(settings.no_speech_s * 1000),
        follow_up_ms=round(settings.follow_up_s * 1000),
        max_speech_ms=round(settings.max_speech_s * 1000),
        answer_ms=round(settings.answer_s * 1000),
        language=settings.language,
    )


def direct_settings(settings: SatelliteSettings, tools: Tools | None = None) -> DirectSettings:
    """How the satellite's own servers are talked to, and what is offered to them."""
    return DirectSettings(
        voice=settings.voice,
        language=settings.language,
        patience=Patience.within(settings.answer_s),
        means=Means(tools, settings.area),
    )


def info_of(settings: SatelliteSettings, words: list[WakeWord]) -> Info:
    """What Home Assistant is told of this satellite."""
    return satellite_info(
        settings.announced_name,
        description=f"wyoming-voice on {platform.node()}",
        area=settings.area,
        wake_words=words,
    )
