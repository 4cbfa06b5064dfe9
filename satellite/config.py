"""What a satellite can be told: flags, `WYOMING_VOICE_SATELLITE_*`, `[satellite]` in the TOML file."""

import os
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_settings import CliPositionalArg

from satellite.effects import Moment
from wyoming_voice.config import Settings
from wyoming_voice.errors import ConfigError
from wyoming_voice.settings import (
    CallSettings,
    Endpoint,
    ListenSettings,
    LongestSpeech,
    TraceSettings,
    Uri,
    VadSensitivity,
    VadThreshold,
)
from wyoming_voice.wire import parse_uri

Action = Literal[
    "run", "devices", "doctor", "status", "watch", "trigger", "stop", "mute", "unmute", "volume",
    "say", "timer",
]  # fmt: skip

_SYSTEM_CONTROL = Path("/run/wyoming-voice/satellite.sock")
"""Where the satellite listens that systemd runs for the whole machine."""


class HookSettings(Settings):
    """A command for each moment; the shell runs it."""

    on_ready: str = Field("", description="command for when the satellite works")
    on_wake: str = Field("", description="command for a wake word (its name)")
    on_listening: str = Field("", description="command for the begin of listening")
    on_speech_started: str = Field("", description="command for the first speech of a turn")
    on_speech_ended: str = Field("", description="command for the end of speech")
    on_transcript: str = Field("", description="command for what was said (the text)")
    on_processing: str = Field("", description="command for the wait for an answer")
    on_response: str = Field("", description="command for the answer (the text)")
    on_responding: str = Field("", description="command for when the answer begins to sound")
    on_played: str = Field("", description="command for when it was heard to its end")
    on_announcing: str = Field("", description="command for an announcement")
    on_idle: str = Field("", description="command for the end of all that")
    on_error: str = Field("", description="command for a turn that failed (why)")
    on_warning: str = Field("", description="command for what is odd, such as a silent microphone")
    on_muted: str = Field("", description="command for when the ear is closed")
    on_unmuted: str = Field("", description="command for when it is open again")
    on_duck: str = Field("", description="command that makes other sound softer")
    on_unduck: str = Field("", description="command that makes it as loud as before")
    on_connected: str = Field(
        "",
        description="command for when somebody who answers has come (home-assistant, or direct: servers "
        "of our own)",
    )
    on_disconnected: str = Field("", description="command for when they have gone (likewise)")
    on_microphone_ready: str = Field("", description="command for when sound comes in")
    on_microphone_lost: str = Field("", description="command for when none does (why)")
    on_timer_started: str = Field("", description="command for a timer (its name, or its id)")
    on_timer_updated: str = Field("", description="command for a timer that was changed")
    on_timer_cancelled: str = Field("", description="command for a timer that was cancelled")
    on_timer_finished: str = Field("", description="command for a timer that rings")
    on_timer_dismissed: str = Field("", description="command for one that was silenced")
    on_timer_missed: str = Field("", description="command for one that ran out while we were off")

    @property
    def hooks(self) -> dict[Moment, str]:
        """The commands that were given."""
        commands = {moment: getattr(self, field_of(moment)) for moment in Moment}
        return {moment: command for moment, command in commands.items() if command}


def field_of(moment: Moment) -> str:
    """The setting that holds a moment's command."""
    return f"on_{moment.replace('-', '_')}"


class SatelliteSettings(HookSettings, ListenSettings, CallSettings, TraceSettings):
    """Run the satellite, or talk to the one that runs: devices, doctor, status, trigger, stop, mute, …"""

    section: ClassVar[str] = "satellite"

    action: CliPositionalArg[Action] = Field(
        "run",
        description="run; devices, doctor; or to the one that runs: status, watch, trigger, stop, "
        "mute, unmute, volume PERCENT, say TEXT, timer SECONDS",
    )
    argument: CliPositionalArg[str] = Field("", description="what the action needs")

    uri: Uri = "tcp://127.0.0.1:10700"
    mode: Literal["auto", "ha", "standalone"] = Field(
        "auto",
        description="who answers: ha (Home Assistant), standalone (servers of our own), or auto (Home "
        "Assistant while it is connected)",
    )
    area: str = Field("", description="the room, for who answers")

    asr_uri: list[str] = Field([], description="ASR servers, best first (default: discovered)")
    handle_uri: list[str] = Field([], description="handle servers (likewise)")
    tts_uri: list[str] = Field([], description="TTS servers (likewise)")
    voice: str = Field("", description="voice of standalone answers (default: the TTS server's)")
    language: str = Field(
        "",
        description="language of standalone turns (default: the ASR server's), and of what "
        "the satellite says of its own accord (default: the one that was spoken last)",
    )

    gate: Literal["wake", "vad", "push-to-talk", "remote"] = Field(
        "wake",
        description="what begins a turn: wake (a wake word), vad (any speech), push-to-talk (a held "
        "button) or remote (a program)",
    )
    wake_word: list[str] = Field(
        ["okay_nabu"],
        description="wake words: NAME or model.json, then ;name=, ;phrase=, ;voice=, ;prompt=, ;threshold=",
    )
    stop_word: list[str] = Field([], description="wake words that silence an answer or a timer")
    wake_uri: str = Field(
        "", description="Wyoming wake server, tcp://HOST:PORT, in place of our own"
    )
    refractory_s: float = Field(2.0, ge=0, description="seconds in which a wake word counts once")

    vad_sensitivity: VadSensitivity = "default"
    endpoint: Endpoint = "dynamic"
    smart_turn: bool = Field(
        False, description="have a model hear that, too: `pip install --no-deps pipecat-ai`"
    )
    vad_threshold: VadThreshold = 0.5
    max_speech_s: LongestSpeech = 20
    no_speech_s: float = Field(5, gt=0, description="seconds to wait for speech after a wake word")
    follow_up: Literal["off", "question", "always"] = Field(
        "question",
        description="when to listen again after an answer, without a wake word: off (never), question "
        "(it was one) or always",
    )
    follow_up_s: float = Field(8, gt=0, description="seconds to wait for speech then")
    barge_in: Literal["off", "stop", "wake", "speech"] = Field(
        "wake",
        description="what may interrupt an answer, beside a button: off (nothing), stop (a stop word), "
        "wake (a wake word, too) or speech (any speech)",
    )
    answer_s: float = Field(
        30, gt=0, description="seconds without progress after which a turn fails"
    )

    mic: str = Field(
        "default", description="name or number of a device, wyoming://HOST:PORT, or file:PATH"
    )
    mic_command: str = Field("", description="program that writes raw audio, such as arecord")
    mic_command_rate: int = Field(16_000, ge=8_000, description="its samples a second")
    mic_command_width: int = Field(2, ge=1, le=4, description="its bytes a sample")
    mic_command_channels: int = Field(1, ge=1, le=8, description="its channels")
    mic_gain_db: float = Field(0, ge=-30, le=40, description="louder or softer, before all else")
    aec: Literal["auto", "inproc", "server", "hw", "off"] = Field(
        "auto",
        description="who takes our own voice out: inproc (this process), server (the sound server), hw "
        "(the hardware), off (nobody) or auto (this process, where it can)",
    )
    noise_suppression: int = Field(0, ge=0, le=4, description="0: off; 1 to 4: 6, 12, 18, 21 dB")
    auto_gain: bool = Field(False, description="bring quiet speakers up")

    snd: str = Field(
        "default", description="name or number of a device, wyoming://HOST:PORT, file:PATH, or none"
    )
    snd_command: str = Field("", description="program that reads raw audio, such as aplay")
    snd_command_rate: int = Field(22_050, ge=8_000, description="its samples a second")
    snd_command_width: int = Field(2, ge=1, le=4, description="its bytes a sample")
    snd_command_channels: int = Field(1, ge=1, le=8, description="its channels")
    volume: int = Field(100, ge=0, le=100, description="percent")
    no_tones: bool = Field(False, description="no feedback sounds")
    tone_listening: Path | None = Field(None, description="WAV file in place of that sound")
    tone_done: Path | None = Field(None, description="likewise")
    tone_error: Path | None = Field(None, description="likewise")
    no_thinking_sound: bool = Field(False, description="silence while an answer is being made")

    control: str = Field(
        "", description="unix socket for buttons and lights (default: in the runtime directory)"
    )
    no_control: bool = Field(False, description="no control socket")
    event_uri: str = Field("", description="Wyoming event service that is told what happens")
    metrics_uri: str = Field("", description="where Prometheus may ask: tcp://HOST:PORT")
    status_s: float = Field(
        300, ge=0, description="seconds between status lines in the log; 0: none"
    )
    state_dir: Path | None = Field(None, description="where timers are kept (default: the user's)")
    record_dir: Path | None = Field(None, description="keep what was heard there, raw and cleaned")
    record_minutes: float = Field(10, gt=0, description="how much of it")

    @field_validator("event_uri", "metrics_uri", "wake_uri")
    @classmethod
    def _readable_optional(cls, uri: str) -> str:
        return _readable(uri) if uri else uri

    @field_validator("asr_uri", "handle_uri", "tts_uri")
    @classmethod
    def _readable_all(cls, uris: list[str]) -> list[str]:
        return [_readable(uri) for uri in uris]

    @field_validator("tone_listening", "tone_done", "tone_error", "state_dir", "record_dir")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        """`~` reaches us as it is from the TOML file, the environment and systemd."""
        return path.expanduser() if path is not None else None

    @property
    def control_path(self) -> Path:
        """The control socket: as told, else under systemd's or the user's runtime directory."""
        if self.control:
            return Path(self.control.removeprefix("unix://")).expanduser()
        own = _own_directory("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "~/.cache") / "satellite.sock"
        talks_to_another = self.action != "run" and not own.exists()
        return _SYSTEM_CONTROL if talks_to_another and _SYSTEM_CONTROL.exists() else own

    @property
    def state_path(self) -> Path:
        """The directory of what survives a restart: as told, else systemd's or the user's."""
        if self.state_dir is not None:
            return self.state_dir
        return _own_directory("STATE_DIRECTORY", "XDG_STATE_HOME", "~/.local/state")


def _own_directory(systemd_variable: str, user_variable: str, fallback: str) -> Path:
    if given := os.environ.get(systemd_variable, ""):
        return Path(given.split(":")[0])
    return Path(os.environ.get(user_variable) or fallback).expanduser() / "wyoming-voice"


def _readable(uri: str) -> str:
    try:
        parse_uri(uri)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return uri
