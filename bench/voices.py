"""The engines that speak in the benchmarks, in this process, and the two plain ways of using them.

The plain ways are what other servers do: a whole sentence is made, then sent; or the whole text is. Here
they are loops over the same engine, without a server's cost, which favours them.
"""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import sentencex

from bench.servers import weights
from wyoming_voice.audio import to_pcm16
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.tts.engine import Engine, Utterance
from wyoming_voice.tts.kokoro import Precision

KOKORO = "kokoro"
ESPEAK = "espeak"

NO_CACHE = ("--cache-mb", "0")
"""For our server: the benchmarks say the same again and again, which no home does."""

PRECISION: Precision = "float32"
"""For our server and for the plain ways: in bfloat16 the work would not be the same."""

Way = Callable[[Engine, str, str], Iterator[Sound]]


async def arguments_of(engine: str, threads: int, precision: str = PRECISION) -> list[str]:
    """What our TTS server is started with; full-size Kokoro gets random weights, made when needed."""
    if engine == ESPEAK:
        return ["--engine", ESPEAK]
    model = await weights("kokoro", KOKORO)
    flags = ["--engine", KOKORO, "--model", str(model), "--device", "cpu"]
    return [*flags, "--cpu-threads", str(threads), "--precision", precision]


def loaded(engine: str, model: Path, threads: int) -> tuple[Engine, str]:
    """An engine ready to speak, and the name of its voice."""
    if engine == ESPEAK:
        from wyoming_voice.tts.espeak import EspeakEngine

        embedded = EspeakEngine()
        embedded.load()
        return embedded, "en-us"
    from wyoming_voice.tts.kokoro import KokoroEngine
    from wyoming_voice.tts.weights import kokoro_files

    files = functools.partial(kokoro_files, str(model))
    kokoro = KokoroEngine(files, "af_heart", device="cpu", cpu_threads=threads, precision=PRECISION)
    kokoro.load()
    return kokoro, "af_heart"


def sentence_by_sentence(engine: Engine, voice: str, text: str) -> Iterator[Sound]:
    """Each sentence when all of it is made, as wyoming-piper does."""
    for sentence in sentencex.segment("en", text):
        if sentence.strip():
            yield _made(engine, voice, sentence.strip())


def all_at_once(engine: Engine, voice: str, text: str) -> Iterator[Sound]:
    """The whole text when all of it is made."""
    yield _made(engine, voice, text)


def _made(engine: Engine, voice: str, text: str) -> Sound:
    samples = np.concatenate([made.samples for made in engine.synthesize(Utterance(text, voice))])
    return Sound(to_pcm16(samples), AudioFormat(engine.sample_rate_hz, 2, 1))
