"""PURE: how many threads, and whether rounded convolutions, by rehearsals on this machine.

Rule: a rehearsal that takes too long is broken off, so that a busy machine starts as well; and what is
nearly as good with less is taken: fewer threads leave cores to others, float32 leaves the voice as it was
made.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from wyoming_voice.tts.engine import Samples

_ROUNDS = 2
_NEARLY = 1.05
_HOPELESS = 1.5
"""Who takes so many times as long as the best isn't heard to the end."""

_WORTH_ROUNDING = 1.2
"""How many times as fast rounded convolutions must be."""

_MOST_DIFFERENCE_DB = 0.5
"""How far the spectrum may be off with rounded convolutions: a rule of thumb, by analogy, that no listening
test of ours stands behind. Speech coders count a mean distortion of 1 dB as transparent, where few frames
are further off (K. K. Paliwal and B. S. Atal, "Efficient vector quantization of LPC parameters at 24
bits/frame", IEEE Transactions on Speech and Audio Processing 1(1), 1993). Theirs is of smooth LPC
envelopes, ours of whole spectra, which differ more for the same ear; half of it is asked for."""

_BFLOAT16_FLAGS = frozenset(("avx512_bf16", "amx_bf16", "bf16"))
"""As Linux names them on x86 (arch/x86/include/asm/cpufeatures.h) and on 64-bit ARM
(Documentation/arch/arm64/elf_hwcaps.rst). Elsewhere rounding is slower, or done in float32 anyway."""

_FRAME = 1024
_HOP = 256
_FLOOR_DB = 60.0
"""What lies this far below the loudest is taken for silence."""


def thread_counts(cores: int) -> tuple[int, ...]:
    """What to try: all cores, and a half and a quarter of them, where two threads often share one."""
    return tuple(dict.fromkeys(max(1, cores // part) for part in (1, 2, 4)))


def has_bfloat16(cpuinfo: str) -> bool:
    """Whether the processor multiplies bfloat16 itself, by what `/proc/cpuinfo` says."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return any(
        name.strip() in ("flags", "Features") and not _BFLOAT16_FLAGS.isdisjoint(flags.split())
        for name, _, flags in lines
    )


def shortest_s(
    candidates: Sequence[int], rehearse: Callable[[int, float], float], within_s: float
) -> dict[int, float]:
    """The least seconds of each candidate, all taking turns, in `within_s` altogether.

    `rehearse` gets a candidate and the seconds that it may take; it returns infinity when it broke off. The
    first candidate is always in the result, and all others only if that one was in time.
    """
    found: dict[int, float] = {}
    left_s = within_s
    for candidate in (*candidates,) * _ROUNDS:
        limit_s = min([left_s, *(took_s * _HOPELESS for took_s in found.values())])
        if limit_s <= 0:
            break
        took_s = rehearse(candidate, limit_s)
        left_s -= min(took_s, limit_s)
        found[candidate] = min(took_s, found.get(candidate, math.inf))
    return found


def enough_threads(times_s: Mapping[int, float]) -> int:
    """The fewest that are nearly the fastest."""
    limit_s = min(times_s.values()) * _NEARLY
    return min(count for count, took_s in times_s.items() if took_s <= limit_s)


def worth_rounding(exact_s: float, rounded_s: float, difference_db: float) -> bool:
    """Whether the rounded way is clearly faster and, as far as can be measured, not to be heard."""
    return exact_s >= rounded_s * _WORTH_ROUNDING and difference_db <= _MOST_DIFFERENCE_DB


def spectral_difference_db(one: Samples, other: Samples) -> float:
    """The mean over frames of the RMS difference of two log spectra; infinite for two lengths."""
    if len(one) != len(other):
        return float("inf")
    spectra = [_log_spectra(samples) for samples in (one, other)]
    floor = max(float(spectrum.max()) for spectrum in spectra) - _FLOOR_DB
    first, second = (np.maximum(spectrum, floor) for spectrum in spectra)
    return float(np.sqrt(np.mean(np.square(first - second), axis=1)).mean())


def _log_spectra(samples: Samples) -> npt.NDArray[np.float64]:
    padded = np.pad(samples.astype(np.float64), (0, max(0, _FRAME - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP] * np.hanning(_FRAME)
    levels: npt.NDArray[np.float64] = 20 * np.log10(np.abs(np.fft.rfft(frames)) + 1e-9)
    return levels
