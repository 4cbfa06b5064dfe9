"""From what `--mic`, `--snd` and their commands say to a Source and a Sink.

Rule: what can never work is refused here with ConfigError; what may be plugged in later is not.
"""

from pathlib import Path

from satellite.devices.command import CommandSink, CommandSource
from satellite.devices.files import FileSink, FileSource, NoSink
from satellite.devices.soundcard import PortAudioSink, PortAudioSource
from satellite.devices.wyoming import WyomingSink, WyomingSource
from satellite.parts import Sink, Source
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import ConfigError
from wyoming_voice.wire import parse_uri


def choose_source(mic: str, command: str, command_format: AudioFormat) -> Source:
    """The microphone: `command` where there is one, else what `mic` names."""
    if command:
        return CommandSource(command, command_format)
    if address := _after("wyoming://", mic):
        return WyomingSource(_checked(address))
    if path := _after("file:", mic):
        return FileSource(Path(path).expanduser())
    return PortAudioSource(_device(mic, "--mic"))


def choose_sink(snd: str, command: str, command_format: AudioFormat) -> Sink:
    """The loudspeaker: `command` where there is one, else what `snd` names."""
    if command:
        return CommandSink(command, command_format)
    if snd == "none":
        return NoSink()
    if address := _after("wyoming://", snd):
        return WyomingSink(_checked(address))
    if path := _after("file:", snd):
        return FileSink(Path(path).expanduser())
    return PortAudioSink(_device(snd, "--snd"))


def _after(prefix: str, text: str) -> str:
    return text.removeprefix(prefix) if text.startswith(prefix) else ""


def _checked(address: str) -> str:
    try:
        parse_uri(f"tcp://{address}")
    except ConfigError as error:
        raise ConfigError(
            f"bad address 'wyoming://{address}'; write wyoming://HOST:PORT"
        ) from error
    return address


def _device(text: str, flag: str) -> str:
    if not text.strip() or "://" in text or text == "file:":
        raise ConfigError(
            f"{flag} {text!r} names no device; write a name or number from "
            "'wyoming-voice satellite devices', wyoming://HOST:PORT or file:PATH"
        )
    return text.strip()
