"""A server of `codes` in a process of its own, which may kill itself: `python -m tests.chaos.server KIND`.

`code-asr` and `code-tts` have an engine that dies at every so-manieth call, with `--isolate` in a process of
its own; every other server is the real one. Rule: none outlives who has started it, however that ends.
"""

import ctypes
import functools
import os
import signal
import sys
from typing import ClassVar

from pydantic import Field

from tests.chaos.engines import CodeEars, CodeVoice, Fate, Fates
from tests.tts.fakes import MADE_BY
from wyoming_voice.asr.isolated import IsolatedRecogniser, Known
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.cli import COMMANDS, Command, main
from wyoming_voice.config import Settings
from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.program import Program
from wyoming_voice.tts.isolated import IsolatedVoice
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue


class _Mortal(Settings):
    """When the engine kills the process."""

    dies: Fate = Field(Fate.WORKS, description="how")
    dies_every: int = Field(1, ge=1, description="at every so-manieth call")


class CodeAsrSettings(_Mortal, AsrSettings):
    """Settings of a recogniser of tunes."""

    section: ClassVar[str] = "code-asr"


class CodeTtsSettings(_Mortal, TtsSettings):
    """Settings of a voice of tunes."""

    section: ClassVar[str] = "code-tts"


def build(settings: CodeAsrSettings | CodeTtsSettings) -> Program:
    """What the command line calls."""
    bounds = Bounds(settings.deadline_s, settings.deadline_s, settings.stuck_s)
    if isinstance(settings, CodeAsrSettings):
        ears = functools.partial(_ears, settings.dies, settings.dies_every)
        known = Known(CodeEars.name, CodeEars.languages, CodeEars.longest_s)
        recogniser = IsolatedRecogniser(ears, known, bounds) if settings.isolate else ears()
        return AsrProgram(settings, [recogniser])
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    make = functools.partial(_voice, settings.dies, settings.dies_every)
    rate_hz = CodeVoice.sample_rate_hz
    voice = IsolatedVoice("codes", make, rate_hz, "any", bounds) if settings.isolate else make()
    return TtsProgram(settings, voice, catalogue, MADE_BY)


def _ears(dies: Fate, every: int) -> CodeEars:
    return CodeEars(_fates(dies, every))


def _voice(dies: Fate, every: int) -> CodeVoice:
    return CodeVoice(_fates(dies, every))


def _fates(dies: Fate, every: int) -> Fates:
    """One that dies, after all that don't."""
    return Fates([*[Fate.WORKS] * (every - 1), dies])


_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent, which had this id, ends (Linux, prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("whoever wanted this server has gone")


if __name__ == "__main__":
    die_with_parent(int(os.environ["SOAK_PID"]))
    module = "tests.chaos.server"
    COMMANDS["code-asr"] = Command(module, "CodeAsrSettings", "", "hear tunes")
    COMMANDS["code-tts"] = Command(module, "CodeTtsSettings", "", "speak tunes")
    sys.exit(main(sys.argv[1:]))
