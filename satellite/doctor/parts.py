"""What the doctor says without listening: whether settings and packages fit; and what is to be examined.

Rule: a setting that can't work is a line, never the end of the examination.
"""

import importlib.util

from satellite.build import sink_of, source_of, speaker_settings, wake_specs
from satellite.config import SatelliteSettings
from satellite.devices.portaudio import list_devices
from satellite.devices.soundcard import PortAudioSink, PortAudioSource
from satellite.doctor.findings import Line, bad, ok, skipped
from satellite.doctor.trial import Patient, Times
from satellite.hearing.echo import Cleaner, PassThrough, choose_cleaner
from satellite.hearing.wake import LocalWake
from satellite.parts import DeviceError
from wyoming_voice.errors import ConfigError

_PIP = "pip install 'wyoming-voice[satellite]'"


def settings_line(settings: SatelliteSettings) -> Line:
    """What was asked for, and whether it makes sense together."""
    part = "settings"
    found = f"mode {settings.mode}, gate {settings.gate}, barge-in {settings.barge_in}, aec {settings.aec}"
    if settings.gate == "wake" and not settings.wake_word:
        return bad(part, f"{found}, but no wake word", "name one: --wake-word okay_nabu")
    if settings.barge_in == "stop" and not settings.stop_word:
        return bad(part, f"{found}, but no stop word", "name one: --stop-word MODEL.json")
    if settings.barge_in == "speech" and settings.aec == "off":
        return bad(part, f"{found}: it would interrupt itself", "--aec auto, or --barge-in wake")
    return ok(part, found)


async def package_lines(settings: SatelliteSettings) -> list[Line]:
    """What is not installed and would be needed; one line when nothing is missing."""
    lines = [
        bad("packages", f"{package} is not installed: {purpose}", _PIP)
        for package, purpose in _needed(settings).items()
        if importlib.util.find_spec(package) is None
    ]
    if _uses_a_card(settings):
        try:
            await list_devices()
        except DeviceError as error:
            found, _, remedy = str(error).partition("; ")
            lines.append(bad("packages", found, remedy or _PIP))
    return lines or [ok("packages", "nothing is missing")]


def local_wake(settings: SatelliteSettings) -> tuple[LocalWake | None, Line | None]:
    """The wake words that are listened for here; the line that says why there are none."""
    part = "wake words"
    try:
        specs = wake_specs(settings)
    except ConfigError as error:
        return None, _refused(part, error)
    if settings.wake_uri and specs:
        return None, None  # the wake server's line says it
    if not specs:
        return None, skipped(part, f"not listened for (--gate {settings.gate})")
    if importlib.util.find_spec("pymicro_wakeword") is None:
        return None, bad(part, "can't be heard without pymicro-wakeword", f"{_PIP}, or --wake-uri")
    try:
        return LocalWake(specs, settings.refractory_s), None
    except ConfigError as error:
        return None, _refused(part, error)


def patient_of(
    settings: SatelliteSettings, wake: LocalWake | None, *, asked: bool, times: Times
) -> Patient:
    """The devices, and how they are listened to. Raises ConfigError."""
    phrases = tuple(spec.word.phrase for spec in wake_specs(settings)) if wake else ()
    return Patient(
        source=source_of(settings),
        sink=sink_of(settings),
        cleaner=_cleaner(settings),
        wake=wake,
        phrases=phrases,
        speaker=speaker_settings(settings),
        gain_db=settings.mic_gain_db,
        threshold=settings.vad_threshold,
        silent=_silent(settings),
        asked=asked,
        times=times,
    )


def _silent(settings: SatelliteSettings) -> str:
    if settings.snd == "none" and not settings.snd_command:
        return "there is none (--snd none)"
    return "" if settings.volume else "the volume is 0"


def _cleaner(settings: SatelliteSettings) -> Cleaner:
    if importlib.util.find_spec("pywebrtc_audio") is None:  # the line on packages says it
        return PassThrough("nothing cancels it", echo_free=False)
    return choose_cleaner(settings.aec, settings.noise_suppression, settings.auto_gain)


def _needed(settings: SatelliteSettings) -> dict[str, str]:
    needed = {}
    if not settings.wake_uri and (settings.gate == "wake" or settings.stop_word):
        needed["pymicro_wakeword"] = "no wake words"
    if settings.aec in ("auto", "inproc") or settings.noise_suppression or settings.auto_gain:
        needed["pywebrtc_audio"] = "no echo cancelling, noise suppression, automatic gain"
    return needed


def _uses_a_card(settings: SatelliteSettings) -> bool:
    try:
        devices = source_of(settings), sink_of(settings)
    except ConfigError:  # the line on devices says it
        return False
    return isinstance(devices[0], PortAudioSource) or isinstance(devices[1], PortAudioSink)


def _refused(part: str, error: ConfigError) -> Line:
    found, _, remedy = str(error).partition("; ")
    return bad(part, found, remedy or "mend the setting")
