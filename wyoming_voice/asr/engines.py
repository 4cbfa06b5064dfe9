"""Which recognisers the settings ask for, in this process or each in its own."""

import logging

from wyoming_voice.asr import isolated
from wyoming_voice.asr.engine import Engine
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.asr.whisper.audio_context import shortest_context_s
from wyoming_voice.asr.whisper.choosing import WhisperSettings
from wyoming_voice.isolation.bounds import Bounds

_log = logging.getLogger(__name__)

_WHISPER_ONLY = (
    *("model", "model_dir", "device", "compute_type", "beam_size", "cpu_threads", "workers"),
    *("batch", "audio_context", "initial_prompt", "name_prompt"),
)


def engines(settings: AsrSettings) -> list[Engine]:
    """The engines, not loaded; imports the module of its own engine only. Raises ConfigError."""
    if settings.engine == "pocketsphinx":
        return [_pocketsphinx(settings)]
    loading = WhisperSettings(
        settings.model_dir,
        settings.device,
        settings.compute_type,
        settings.cpu_threads,
        settings.workers,
        settings.batch,
        shortest_context_s(settings.audio_context),
    )
    if settings.isolated:
        return [isolated.whisper(model, loading, _bounds(settings)) for model in settings.model]
    from wyoming_voice.asr.whisper.whisper import Whisper

    return [Whisper(model, loading) for model in settings.model]


def _pocketsphinx(settings: AsrSettings) -> Engine:
    if idle := [name for name in _WHISPER_ONLY if name in settings.model_fields_set]:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in idle)
        _log.warning("without effect on the engine pocketsphinx: %s", flags)
    if settings.isolated:
        return isolated.pocketsphinx(_bounds(settings))
    from wyoming_voice.asr.pocketsphinx import Pocketsphinx

    return Pocketsphinx()


def _bounds(settings: AsrSettings) -> Bounds:
    deadline_s = settings.deadline_s
    return Bounds(deadline_s, deadline_s, settings.stuck_s, settings.unload_after_s)
