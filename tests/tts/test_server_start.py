"""The TTS server before anybody asks: what it says of itself, what stops it, what it makes ahead."""

import asyncio
import re

import pytest

from tests.tts.fakes import MADE_BY, Beeper
from wyoming_voice.engine_versions import installed
from wyoming_voice.errors import ConfigError
from wyoming_voice.tts import espeak
from wyoming_voice.tts.cache import CachingEngine, openers
from wyoming_voice.tts.server import TtsProgram, build
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue


def test_info_is_there_before_the_engine() -> None:
    settings = TtsSettings(uri="tcp://127.0.0.1:0", engine="espeak", voice="de")
    (program,) = build(settings).info.tts
    assert program.name == "espeak-ng"
    assert program.version == espeak.version()
    assert program.installed
    assert program.supports_synthesize_streaming
    assert program.attribution.url
    assert program.voices[0].name == "de"
    assert program.voices[0].languages == ["de-DE"]
    assert {"en-US", "en-GB", "fr-FR"} <= {voice.languages[0] for voice in program.voices}


def test_kokoros_info_lists_all_voices_with_the_default_first() -> None:
    pytest.importorskip("huggingface_hub")
    (program,) = build(TtsSettings(voice="bf_emma")).info.tts
    assert program.name == "kokoro"
    assert len(program.voices) == 54
    assert program.voices[0].name == "bf_emma"
    assert build(TtsSettings()).info.tts[0].voices[0].name == "af_heart"


@pytest.mark.parametrize("engine", ["kokoro", "espeak"])
def test_a_default_voice_that_is_unknown_stops_the_start(engine: str) -> None:
    settings = TtsSettings.model_validate({"engine": engine, "voice": "af_hart"})
    with pytest.raises(ConfigError, match=r"--voice: unknown voice 'af_hart'"):
        build(settings)


def test_espeaks_version_is_the_librarys_own() -> None:
    told = espeak.version()
    assert told is not None
    assert re.match(r"1\.\d+", told)
    assert told != installed()["espeakng-loader"]


async def test_openers_are_made_when_nobody_wants_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wyoming_voice.tts.server._IDLE_S", 0.0)
    engine = Beeper()
    cache = CachingEngine(engine, 1 << 20)
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    settings = TtsSettings(uri="tcp://127.0.0.1:0")
    wanted = openers("af_heart", "en-US", 1.0)
    program = TtsProgram(settings, engine, catalogue, MADE_BY, cache)
    await program.load()
    assert engine.texts == []
    async with asyncio.timeout(10):
        while not all(map(cache.holds, wanted)):  # noqa: ASYNC110
            await asyncio.sleep(0)
    await program.close()
    assert engine.spoken[2:] == wanted
