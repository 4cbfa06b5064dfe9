"""A server of `codes` in a process of its own, which may kill itself: `python -m tests.chaos.server KIND`.

`code-asr` and `code-tts` have an engine that dies at every so-manieth call; the handle server is the real
one, killed by whoever plays its language model. Rule: none outlives who has started it, however that ends.
"""

import ctypes
import os
import signal
import sys
from typing import ClassVar

from pydantic import Field

from tests.chaos.engines import CodeEars, CodeVoice, Fate, Fates
from tests.tts.fakes import MADE_BY
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.cli import COMMANDS, Command, main
from wyoming_voice.config import Settings
from wyoming_voice.program import Program
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue


class _Mortal(Settings):
    """When the engine kills the process."""

    dies: Fate = Field(Fate.WORKS, description="how")
    dies_every: int = Field(1, ge=1, description="at every so-manieth call")

    @property
    def fates(self) -> Fates:
        """One that dies, after all that don't."""
        return Fates([*[Fate.WORKS] * (self.dies_every - 1), self.dies])


class CodeAsrSettings(_Mortal, AsrSettings):
    """Settings of a recogniser of tunes."""

    section: ClassVar[str] = "code-asr"


class CodeTtsSettings(_Mortal, TtsSettings):
    """Settings of a voice of tunes."""

    section: ClassVar[str] = "code-tts"


def build(settings: CodeAsrSettings | CodeTtsSettings) -> Program:
    """What the command line calls."""
    if isinstance(settings, CodeAsrSettings):
        return AsrProgram(settings, [CodeEars(settings.fates)])
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    return TtsProgram(settings, CodeVoice(settings.fates), catalogue, MADE_BY)


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
