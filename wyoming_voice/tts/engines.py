"""Which voice the settings ask for, in this process or in one of its own."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from wyoming.info import Attribution

from wyoming_voice.errors import ConfigError, PeerError
from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.tts.cache import CachingEngine
from wyoming_voice.tts.engine import Engine
from wyoming_voice.tts.isolated import IsolatedVoice
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import BlendingCatalogue, Catalogue

_KOKORO = Attribution(name="hexgrad", url="https://huggingface.co/hexgrad/Kokoro-82M")
_ESPEAK = Attribution(name="espeak-ng", url="https://github.com/espeak-ng/espeak-ng")


@dataclass(frozen=True)
class Cast:
    """Who speaks, not loaded; `cache` stands in front of the engine where its speech is worth keeping."""

    engine: Engine
    catalogue: Catalogue
    made_by: Attribution
    cache: CachingEngine | None = None


def cast(settings: TtsSettings) -> Cast:
    """The engine that the settings name and its voices; raises ConfigError for a bad voice."""
    try:
        return _espeak(settings) if settings.engine == "espeak" else _kokoro(settings)
    except PeerError as error:
        raise ConfigError(f"--voice: {error}") from error


def version(engine: str) -> str | None:
    """The engine's own version, None where it isn't installed; only espeak-ng's library is loaded for it."""
    if engine == "espeak":
        from wyoming_voice.tts import espeak

        return espeak.version()
    try:
        return metadata.version(engine)
    except metadata.PackageNotFoundError:
        return None


def _kokoro(settings: TtsSettings) -> Cast:
    from wyoming_voice.tts.kokoro import KokoroEngine
    from wyoming_voice.tts.weights import kokoro_files, kokoro_voices

    voices = kokoro_voices(settings.model, settings.model_dir)
    names = [voice.name for voice in voices]
    default = settings.voice or ("af_heart" if "af_heart" in names else names[0])
    catalogue = BlendingCatalogue(voices, default)
    make = functools.partial(
        KokoroEngine,
        functools.partial(kokoro_files, settings.model, settings.model_dir),
        default,
        device=settings.device,
        cpu_threads=settings.cpu_threads,
        precision=settings.precision,
    )
    engine = _placed(make, KokoroEngine.sample_rate_hz, default, settings)
    cache = CachingEngine(engine, settings.cache_mb << 20) if settings.cache_mb else None
    return Cast(engine, catalogue, _KOKORO, cache)


def _espeak(settings: TtsSettings) -> Cast:
    from wyoming_voice.tts.espeak import ESPEAK_VOICES, EspeakEngine

    default = settings.voice or "en-us"
    catalogue = Catalogue(ESPEAK_VOICES, default)
    engine = _placed(EspeakEngine, EspeakEngine.sample_rate_hz, default, settings)
    return Cast(engine, catalogue, _ESPEAK)


def _placed(make: Callable[[], Engine], rate_hz: int, voice: str, settings: TtsSettings) -> Engine:
    """What `make` makes, where the settings want it; `voice` is the default one."""
    if not settings.isolated:
        return make()
    deadline_s = settings.deadline_s
    bounds = Bounds(deadline_s, deadline_s, settings.stuck_s, settings.unload_after_s)
    return IsolatedVoice(settings.engine, make, rate_hz, voice, bounds)
