"""What the converted model hears through the real faster-whisper: a table, and its floors.

Exact means the whole written sentence, capital and mark included.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from faster_whisper import WhisperModel
from numpy.random import Generator
from numpy.typing import NDArray

from tests.models.train_command_whisper.channel import Audio, not_speech
from tests.models.train_command_whisper.data import HELD_OUT, TAUGHT, cut_off, draw_sentence, utter
from tests.models.train_command_whisper.espeak import Espeak
from tests.models.train_command_whisper.speakers import Speaker, embedded, programs

_FLOOR = 0.98
_PROMPT = "Zigbee, Ankara, Okonkwo and the others. " * 6

Options = Mapping[str, object]
_GREEDY = "beam 1, no timestamps"
GREEDY: Options = {"beam_size": 1, "without_timestamps": True}
TAKEN: dict[str, Options] = {
    "defaults (beam 5, timestamps)": {},
    _GREEDY: GREEDY,
    "beam 1, timestamps": {"beam_size": 1},
    "beam 5, no timestamps": {"beam_size": 5, "without_timestamps": True},
    "word times": {"word_timestamps": True},
    "Silero first (vad_filter)": {"vad_filter": True},
    "a short prompt": {"initial_prompt": "Good evening, Zigbee."},
    "a prompt cut to 223 tokens": {"initial_prompt": _PROMPT},
    "hotwords": {"hotwords": "Okonkwo Zigbee kitchen"},
}


class _Segment(Protocol):
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; `required` rows may not fall below the floor."""

    speech: str
    options: str
    exact: int
    of: int
    required: bool
    mistake: str = ""

    @property
    def passed(self) -> bool:
        return not self.required or self.exact >= _FLOOR * self.of

    def __str__(self) -> str:
        return f"| {self.speech} | {self.options} | {self.exact} of {self.of} | {self.mistake} |"


def check(directory: Path, count: int = 100, seed: int = 99) -> list[Row]:
    """Rows of `count` sentences each, in the order of the model card."""
    return _Check(directory, count, np.random.default_rng(seed)).rows()


class _Check:
    def __init__(self, directory: Path, count: int, rng: Generator) -> None:
        self._model = WhisperModel(str(directory), device="cpu", cpu_threads=1)
        self._voice = Espeak()
        self._count, self._rng = count, rng

    def rows(self) -> list[Row]:
        plain, *known, unknown = embedded(self._voice, HELD_OUT, TAUGHT, self._rng)
        rows = [self._row(plain, name, options, required=True) for name, options in TAKEN.items()]
        rows += [self._row(speaker, _GREEDY, GREEDY, required=True) for speaker in known]
        rows += [self._cut_off(), self._row(unknown, _GREEDY, GREEDY, required=False)]
        rows += [self._program(speaker) for speaker in programs()]
        return [*rows, self._nothing("defaults", {}), self._nothing("beam 1", GREEDY)]

    def _cut_off(self) -> Row:
        """Exact is every whole word before the cut, and no mark."""
        exact, mistake = 0, ""
        for _ in range(self._count):
            part = cut_off(utter(self._voice, "en-us", self._rng), self._rng)
            meant = "".join(word.label for word in part.words).strip()
            heard = self._hear(0.5 * part.audio, GREEDY)
            exact += heard == meant
            mistake = mistake or (f"{meant} → {heard}" if heard != meant else "")
        return Row("en-us, cut off in a word", _GREEDY, exact, self._count, False, mistake)

    def _program(self, speaker: Speaker) -> Row:
        ours = speaker.name.startswith("espeak-ng")
        return self._row(speaker, _GREEDY, GREEDY, required=ours)

    def _row(self, speaker: Speaker, name: str, options: Options, *, required: bool) -> Row:
        exact, mistake = 0, ""
        for _ in range(self._count):
            meant = draw_sentence(self._rng)
            heard = self._hear(speaker.say(meant), options)
            exact += heard == meant
            mistake = mistake or (f"{meant} → {heard}" if heard != meant else "")
        return Row(speaker.name, name, exact, self._count, required, mistake)

    def _nothing(self, name: str, options: Options) -> Row:
        """Exact is an empty text."""
        heard = [self._hear(not_speech(self._rng), options) for _ in range(self._count)]
        wrong = [text for text in heard if text]
        right = len(heard) - len(wrong)
        what = "silence, noise, rumble, tones, clicks"
        return Row(what, name, right, len(heard), True, wrong[0] if wrong else "")

    def _hear(self, audio: Audio, options: Options) -> str:
        samples: NDArray[np.float32] = audio.astype(np.float32)
        segments, _ = self._model.transcribe(samples, language="en", **options)
        return "".join(s.text for s in cast(Iterable[_Segment], segments)).strip()
