"""Kokoro-82M speaks: text to phonemes, a style for their number, audio from the network.

KPipeline is passed by: its constructor lets misaki install spaCy's model by pip in the running process,
and it cuts off what is longer than the model's context. Its parts (misaki's G2P, KModel, the voice
tables) are used as it uses them. Rule: nothing is fetched but through `weights`, and no phoneme is
dropped for length.
"""

import importlib.util
import logging
import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from wyoming_voice.core.word_times import Mark
from wyoming_voice.cores import usable_cores
from wyoming_voice.errors import EngineError
from wyoming_voice.tts.engine import Samples, Sound, Utterance, Whole, never
from wyoming_voice.tts.g2p import MOST_PHONEMES, Phonemes, split_phonemes
from wyoming_voice.tts.phonemes import G2p, g2p_for
from wyoming_voice.tts.tuning import (
    enough_threads,
    has_bfloat16,
    shortest_s,
    spectral_difference_db,
    thread_counts,
    worth_rounding,
)
from wyoming_voice.tts.voices import parse_blend
from wyoming_voice.tts.weights import KokoroFiles

if TYPE_CHECKING:
    from wyoming_voice.tts.network import Network, Table, Take

_log = logging.getLogger(__name__)

Precision = Literal["auto", "float32", "bfloat16"]

EXPECTED_PHONEMES = 60
"""A style table's row is the length of what is said, and short rows sound hurried or cut off. While the
end of a sentence isn't known, it is taken to have this many symbols: twelve words, a common length of a
spoken sentence, of five symbols each."""

_LONGER_THAN_ITS_START = 1.5
"""What a sentence without a known end is taken to have of the symbols known so far."""

_MOST_BLENDS = 32
_REHEARSAL = "ðɪs ɪz hˌW fˈæst ˈI kæn spˈik."
_REHEARSALS_WITHIN_S = 1.5
"""For the threads altogether; then it is all cores, which is seldom wrong."""

_REHEARSAL_WITHIN_S = 4.0
"""For one of a precision: 1.8 s of speech, on a machine where the other servers start as well. More
patience than with the threads, since bfloat16 gains much more."""

_CPUINFO = Path("/proc/cpuinfo")


class KokoroEngine:
    """An `Engine` for one thread at a time; `device` is auto, cpu or cuda."""

    sample_rate_hz = 24_000

    def __init__(
        self,
        locate: Callable[[], KokoroFiles],
        default_voice: str,
        *,
        device: str = "auto",
        cpu_threads: int = 0,
        precision: Precision = "float32",
    ) -> None:
        """`locate` is asked at `load`, and may download; `cpu_threads` 0 and `precision` auto: measured."""
        self._locate = locate
        self._default_voice = default_voice
        self._device = device
        self._cpu_threads = cpu_threads
        self._precision = precision
        self._files: KokoroFiles | None = None
        self._network: Network | None = None
        self._g2p: dict[str, G2p] = {}
        self._tables: dict[str, Table] = {}
        self._blends: OrderedDict[str, Table] = OrderedDict()

    def load(self) -> None:
        """Load the model and the default voice, and set them up for this machine; raises EngineError."""
        _check_packages()
        self._files = self._locate()
        config, weights = self._files.config(), self._files.checkpoint()
        from wyoming_voice.tts.network import Network

        self._network = Network(config, weights, self._device)
        _log.info("kokoro loaded from %s on %s", weights, self._network.device)
        self.style(self._default_voice)
        if self._network.device == "cpu":
            self._tune(self._network)

    @property
    def settled(self) -> dict[str, int | str]:
        """Once loaded: the arguments with which another one need not measure anything."""
        return {"cpu_threads": self._cpu_threads, "precision": self._precision}

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        """Audio at 24 kHz, an item for each 510 phonemes; see `Engine`."""
        network = self._network
        assert network is not None, "synthesize before load"
        style, letter = self.style(utterance.voice), utterance.voice[0]
        phonemes = self.phonemes(utterance.text, letter)
        for first, last in split_phonemes(phonemes.symbols):
            part = phonemes.symbols[first:last]
            if not any(symbol.isalpha() and symbol in network.vocabulary for symbol in part):
                continue
            row = self._row(part, utterance.part_of, letter)
            take = network.speak(part, style[row], utterance.speed, stopped)
            if take is None:
                return
            yield Sound(take.samples, _marks(phonemes, first, take))

    def phonemes(self, text: str, letter: str) -> Phonemes:
        """What is said for `text` in the language of a voice's first letter; raises EngineError."""
        if letter not in self._g2p:
            self._g2p[letter] = g2p_for(letter)
        return self._g2p[letter](text)

    @property
    def cached_styles(self) -> int:
        """How many tables of voices and blends are kept, besides those that were loaded."""
        return len(self._blends)

    def style(self, voice: str) -> "Table":
        """The style table of a voice or a blend, shape (510, 1, 256)."""
        if voice in self._blends:
            self._blends.move_to_end(voice)
            return self._blends[voice]
        known = [part.partition("(")[0].strip() for part in voice.split("+")]
        first, *others = parse_blend(voice, known).parts
        table = self._table(first[0]) * first[1]
        for name, weight in others:
            table = table + self._table(name) * weight
        self._blends[voice] = table
        if len(self._blends) > _MOST_BLENDS:
            self._blends.popitem(last=False)
        return table

    def _row(self, phonemes: str, whole: Whole | None, letter: str) -> int:
        if whole is None:
            return style_row(len(phonemes))
        symbols = len(self.phonemes(whole.text, letter).symbols)
        return style_row(symbols if whole.ended else expected_phonemes(symbols))

    def _table(self, name: str) -> "Table":
        if name not in self._tables:
            from wyoming_voice.tts.network import loaded_table

            assert self._files is not None, "synthesize before load"
            self._tables[name] = loaded_table(self._files.voice(name))
        return self._tables[name]

    def _tune(self, network: "Network") -> None:
        """Choose the threads and the precision where that is ours to do, and say by which figures."""
        style = self.style(self._default_voice)[style_row(len(_REHEARSAL))]
        cores = usable_cores()
        if self._cpu_threads or cores == 1:
            network.use_threads(self._cpu_threads or 1)
        else:
            self._cpu_threads = _tune_threads(network, style, cores)
        if self._precision == "bfloat16":
            network.use_bfloat16()
        elif self._precision == "auto":
            self._precision = _tune_precision(network, style)


def _marks(phonemes: Phonemes, first: int, take: "Take") -> tuple[Mark, ...]:
    """When the tokens are said whose symbols, from `first` on, are in this take.

    A token that two takes share has a share of its characters in either.
    """
    edges = take.edges
    after = first + len(edges) - 1
    marks = []
    for token in phonemes.tokens:
        begin, end = max(token.first, first), min(token.last, after)
        if begin >= end:
            continue
        chars = (token.end - token.start) / (token.last - token.first)
        start = token.start + round((begin - token.first) * chars)
        stop = token.start + round((end - token.first) * chars)
        marks.append(Mark(start, stop, int(edges[begin - first]), int(edges[end - first])))
    return tuple(marks)


def _tune_threads(network: "Network", style: "Table", cores: int) -> int:
    def rehearsed_s(threads: int, within_s: float) -> float:
        network.use_threads(threads)
        samples, took_s = network.rehearse(_REHEARSAL, style, within_s)
        return math.inf if samples is None else took_s

    rehearsed_s(cores, _REHEARSALS_WITHIN_S)  # pays for what is set up at the first time
    times_s = shortest_s(thread_counts(cores), rehearsed_s, _REHEARSALS_WITHIN_S)
    threads = enough_threads(times_s)
    network.use_threads(threads)
    figures = ", ".join(f"{count}: {_seconds(took_s)}" for count, took_s in times_s.items())
    _log.info("kokoro computes with %d threads (%s)", threads, figures)
    return threads


def _tune_precision(network: "Network", style: "Table") -> Precision:
    if not has_bfloat16(_text(_CPUINFO)):
        _log.info("kokoro computes in float32; this processor has no bfloat16")
        return "float32"
    exact, exact_s = _rehearsed(network, style)
    if not math.isfinite(exact_s):
        _log.info("kokoro computes in float32; this machine is too busy to try bfloat16")
        return "float32"
    network.use_bfloat16()
    rounded, rounded_s = _rehearsed(network, style)
    difference_db = spectral_difference_db(exact, rounded)
    worth = worth_rounding(exact_s, rounded_s, difference_db)
    if not worth:
        network.use_float32()
    _log.info(
        "kokoro computes in %s (float32: %s; bfloat16: %s, %.2f dB off)",
        "bfloat16" if worth else "float32",
        _seconds(exact_s),
        _seconds(rounded_s),
        difference_db,
    )
    return "bfloat16" if worth else "float32"


def _rehearsed(network: "Network", style: "Table") -> tuple[Samples, float]:
    """The audio and the shorter time of two; nothing, and infinity, where they took too long."""
    best: tuple[Samples, float] = (np.zeros(0, np.float32), math.inf)
    for _ in range(2):
        within_s = min(best[1], _REHEARSAL_WITHIN_S)
        samples, took_s = network.rehearse(_REHEARSAL, style, within_s)
        if samples is None:
            return best
        best = min(best, (samples, took_s), key=lambda one: one[1])
    return best


def _seconds(took_s: float) -> str:
    return f"{took_s:.2f} s" if math.isfinite(took_s) else "too long"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # only Linux has it
        return ""


def style_row(phonemes: int) -> int:
    """The row of a style table for a sentence of that many phonemes."""
    return min(max(phonemes, 1), MOST_PHONEMES) - 1


def expected_phonemes(known: int) -> int:
    """How many phonemes a sentence will have of which `known` have come and the end has not."""
    return max(EXPECTED_PHONEMES, round(known * _LONGER_THAN_ITS_START))


def _check_packages() -> None:
    """Raises EngineError in plain words where Kokoro can't be imported."""
    if importlib.util.find_spec("kokoro") is not None:
        return
    if sys.version_info >= (3, 13):
        raise EngineError(
            "Kokoro's package stops at Python 3.12, and this is Python"
            f" {sys.version_info[0]}.{sys.version_info[1]}; run the TTS server with Python 3.11"
            " or 3.12, or speak with --engine espeak"
        )
    raise EngineError("Kokoro is not installed; pip install 'wyoming-voice[tts]'")
