"""python -m bench.names: how often a name is understood, with and without snapping, and how often wrongly.

The sentences of `bench/name_sentences.py` are spoken by the embedded espeak-ng, and by flite in four voices
where that is installed (`apt install flite`); the embedded PocketSphinx hears them, and knows all names of
the half. espeak-ng it hardly understands, flite it does. Then how long the look at a text takes in a house
of three thousand names.
"""

import argparse
import shutil
import subprocess
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.name_sentences import HALVES, Half
from bench.speech import spoken
from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Segment
from wyoming_voice.asr.names.snapping import Snapper
from wyoming_voice.asr.pocketsphinx import Pocketsphinx
from wyoming_voice.benchmark.report import OURS, Better, Report
from wyoming_voice.media.decoding import Media

WITHOUT = "without snapping"
_ESPEAK = "espeak-ng en-us"
_FLITE = ("slt", "rms", "awb", "kal16")
_PEAK = 0.6
_SILENCE_S = 0.3
_NOISE = np.float32(10 ** (-60 / 20))
_LARGE_HOUSE = 3000

T = TypeVar("T")


def main() -> None:
    arguments = parsed()
    recogniser = Pocketsphinx()
    recogniser.load()
    report = Report("names, pocketsphinx", {"voices": ", ".join(arguments.voices)})
    for half in arguments.halves:
        snapper = Snapper(HALVES[half].names)
        for voice in arguments.voices:
            group = "espeak-ng" if voice == _ESPEAK else "flite"
            bench = Bench(report, f"{half}, {group}", snapper, recogniser, arguments.show)
            bench.hear_all(HALVES[half].beginning(arguments.sentences), voice)
    note_time(report)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    voices = [_ESPEAK, *(_FLITE if shutil.which("flite") else ())]
    parser = argparse.ArgumentParser(prog="python -m bench.names", description=__doc__)
    parser.add_argument("--voices", nargs="+", choices=[_ESPEAK, *_FLITE], default=voices)
    parser.add_argument("--halves", nargs="+", choices=list(HALVES), default=list(HALVES))
    parser.add_argument("--sentences", type=int, help="so many with names and so many without")
    parser.add_argument("--show", action="store_true", help="print what was heard of each sentence")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


@dataclass(frozen=True)
class Bench:
    """Where the figures of one half in one kind of voice go, and what hears it; `show`: each snap, too."""

    report: Report
    what: str
    snapper: Snapper
    recogniser: Pocketsphinx
    show: bool

    def hear_all(self, half: Half, voice: str) -> None:
        """All sentences of a half, by one voice."""
        found = self.report.row(f"{self.what}: names found", "%", better=Better.MORE)
        other = self.report.row(f"{self.what}: another name instead", "%")
        false = self.report.row(f"{self.what}: names where there are none", "%")
        for name, sentence in half.said():
            for segment in heard(self.recogniser, said(voice, sentence)):
                snapped = self.snapper.snapped(segment)
                snaps = snapped.evidence.snaps
                wrong = 100.0 * any(snap.name != name for snap in snaps)
                if name:
                    found.add(OURS, 100.0 * holds(snapped.text, name))
                    found.add(WITHOUT, 100.0 * holds(segment.text, name))
                (other if name else false).add(OURS, wrong)
                if self.show:
                    print(f"{sentence!r} was{segment.text!r}", *snaps)


def heard(recogniser: Pocketsphinx, speech: Audio) -> Iterator[Segment]:
    """What the recogniser makes of some speech between silences: one segment, empty where it is nothing."""
    pause = np.zeros(round(_SILENCE_S * RATE_HZ), np.float32)
    whole = np.concatenate([pause, speech, pause])
    whole += np.random.default_rng(0).standard_normal(len(whole), dtype=np.float32) * _NOISE
    speech_s = (_SILENCE_S, _SILENCE_S + len(speech) / RATE_HZ)
    options = DecodeOptions(want_words=True, speech_s=speech_s)
    found = [one for one in recogniser.transcribe(whole, options) if one is not None]
    yield from found or [Segment("", *speech_s, "en")]


def said(voice: str, sentence: str) -> Audio:
    """The sentence, without its accents, which flite spells."""
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", sentence) if not unicodedata.combining(char)
    )
    audio = spoken(sentence) if voice == _ESPEAK else flite(voice, plain)
    return audio * np.float32(_PEAK / max(np.abs(audio).max(), 1e-6))


def flite(voice: str, sentence: str) -> Audio:
    """A sentence in one of flite's voices."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        subprocess.run(["flite", "-voice", voice, "-t", sentence, "-o", str(path)], check=True)
        with Media(path) as media:
            return np.concatenate([*media.blocks(RATE_HZ)])


def holds(text: str, name: str) -> bool:
    """Whether the words of a name stand in a text."""
    return f" {' '.join(name.casefold().split())} " in f" {' '.join(text.casefold().split())} "


def note_time(report: Report) -> None:
    """What a house of three thousand names costs, once and for each text."""
    names = large_house()
    once = report.row(f"{_LARGE_HOUSE} names: once for each house", "ms")
    each = report.row(f"{_LARGE_HOUSE} names: a sentence without a name", "ms")
    texts = [f" {sentence}" for half in HALVES.values() for sentence in half.plain]
    snapper, spent_ms = timed(lambda: Snapper(names))
    _, first_ms = timed(lambda: snapper.near(" something odd", "en"))
    once.add(OURS, spent_ms + first_ms)
    for text in texts:
        each.add(OURS, timed(partial(snapper.near, text, "en"))[1])


def large_house() -> Sequence[str]:
    """Names of three words, as a house gives them to what it has many of."""
    rooms = [
        *HALVES["tuned"].names[-12:],
        *["Kitchen", "Bedroom", "Hall", "Office", "Attic", "Cellar", "Garage"],
    ]
    brands = [name.split()[0] for name in (*HALVES["tuned"].names[:26], *HALVES["measured"].names)]
    things = ["lamp", "plug", "fan", "blind", "sensor", "camera", "speaker"]
    every = [f"{room} {brand} {thing}" for room in rooms for brand in brands for thing in things]
    return every[:: max(1, len(every) // _LARGE_HOUSE)][:_LARGE_HOUSE]


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and how long it took, in milliseconds."""
    start_s = time.monotonic()
    result = work()
    return result, 1000 * (time.monotonic() - start_s)


if __name__ == "__main__":
    main()
