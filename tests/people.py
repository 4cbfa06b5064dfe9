"""Scripted people: what they say, where they pause and for how long, and in which room; the same each time.

The embedded espeak-ng speaks a sentence in one go, with a comma where somebody is to pause, so that it sounds
as if it went on; the silence that it makes there becomes as long as the script has it. The truth comes with
the sound: where each pause lies, and where the turn really ends.
"""

import functools
import random
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from wyoming_voice.audio import Audio, MonoResampler, to_pcm16
from wyoming_voice.core.pcm import SPEECH, AudioFormat
from wyoming_voice.tts.engine import Utterance
from wyoming_voice.tts.espeak import EspeakEngine

PAUSE = "|"
"""Stands in a script where somebody pauses."""

TRAILING_MS = 3_000
_LEADING_MS = 300
_QUIET = 1e-4
_GAP_MS = 90
"""Silence as long as this inside espeak-ng's speech stands for a comma or a full stop."""

_MEDIAN_MS, _SPREAD = 336, 0.751
_SHORTEST_MS, _LONGEST_MS = 120, 2_500


class Why(StrEnum):
    """Why somebody pauses."""

    HESITATION = "hesitation"
    NUMBER = "number"
    CLAUSE = "clause"
    SENTENCE = "sentence"


@dataclass(frozen=True)
class Script:
    """What is said, with PAUSE where there is one; a `command` is one that the command model knows."""

    text: str
    why: Why
    command: bool = True


@dataclass(frozen=True)
class Person:
    """A voice of espeak-ng's, how fast it speaks, and the room around it."""

    name: str
    voice: str
    speed: float
    noise_dbfs: float


@dataclass(frozen=True)
class Spoken:
    """A turn: 16 kHz samples, from when to when it pauses, and when it ends, in ms from the beginning."""

    text: str
    person: str
    samples: Audio
    pauses: tuple[tuple[float, float], ...]
    ends_ms: float
    script: Script


PEOPLE = (
    Person("brisk", "en-us", 1.15, -60),
    Person("even", "en-us", 1.0, -50),
    Person("slow", "en-gb", 0.85, -55),
    Person("Scottish", "en-gb-scotland", 1.0, -45),
)

SCRIPTS = (
    Script("Turn on the | kitchen light.", Why.HESITATION),
    Script("Turn off | the bedroom lamp.", Why.HESITATION),
    Script("Set the | living room light to | ten percent.", Why.HESITATION),
    Script("Close the | garage door.", Why.HESITATION),
    Script("Turn on the bathroom | heater.", Why.HESITATION),
    Script("Remind me to | water the plants.", Why.HESITATION, command=False),
    Script("Tell my | brother that dinner is ready.", Why.HESITATION, command=False),
    Script("Uh | how far is it to the | station?", Why.HESITATION, command=False),
    Script("Set a timer for | five minutes.", Why.NUMBER),
    Script("Set a timer for twenty | minutes.", Why.NUMBER),
    Script("Set the office fan to thirty | percent.", Why.NUMBER),
    Script("Wake me up at six | thirty.", Why.NUMBER, command=False),
    Script("Play some jazz | in the living room.", Why.CLAUSE, command=False),
    Script("Turn the heating on | when it gets cold.", Why.CLAUSE, command=False),
    Script("Add milk | bread and butter to the list.", Why.CLAUSE, command=False),
    Script("If it rains tomorrow | remind me of the umbrella.", Why.CLAUSE, command=False),
    Script("What time is it? | What is the weather tomorrow?", Why.SENTENCE),
    Script("Turn off all the lights. | Close the garage door.", Why.SENTENCE),
    Script("Good morning. | Turn on the kitchen light.", Why.SENTENCE),
)


def turns(people: tuple[Person, ...] = PEOPLE, rounds: int = 2) -> Iterator[Spoken]:
    """All scripts by all people, person by person.

    The pauses' lengths are spread as those of hesitant conversation are (22 % of them last over 0.6 s, 56 %
    over 0.3 s): each of as many parts of that distribution is met once, and in an order drawn by lot.
    """
    spoken = [(person, script) for person in people for _ in range(rounds) for script in SCRIPTS]
    lengths_ms = pause_lengths_ms(sum(script.text.count(PAUSE) for _, script in spoken))
    for number, (person, script) in enumerate(spoken):
        own = [lengths_ms.pop() for _ in range(script.text.count(PAUSE))]
        yield say(person, script, own, seed=number)


def pause_lengths_ms(count: int, seed: int = 4) -> list[float]:
    """So many lengths of pauses, log-normal, shuffled."""
    normal = statistics.NormalDist()
    parts = [normal.inv_cdf((number + 0.5) / count) for number in range(count)]
    lengths_ms = [_MEDIAN_MS * float(np.exp(_SPREAD * part)) for part in parts]
    random.Random(seed).shuffle(lengths_ms)
    return [min(max(length_ms, _SHORTEST_MS), _LONGEST_MS) for length_ms in lengths_ms]


def say(person: Person, script: Script, pauses_ms: list[float], seed: int = 0) -> Spoken:
    """One script, with pauses of these lengths, in the person's room."""
    parts = _parts(person.voice, person.speed, script.text)
    assert len(parts) == len(pauses_ms) + 1, f"{len(parts)} parts in {script.text!r}"
    sound, pauses = [_silence(_LEADING_MS)], []
    for part, pause_ms in zip(parts, [*pauses_ms, TRAILING_MS], strict=True):
        begins_ms = _length_ms([*sound, part])
        sound += [part, _silence(pause_ms)]
        pauses.append((begins_ms, begins_ms + pause_ms))
    *within, (ends_ms, _) = pauses
    samples = _in_room(np.concatenate(sound), person.noise_dbfs, seed)
    text = " ".join(script.text.replace(PAUSE, " ").split())
    return Spoken(text, person.name, samples, tuple(within), ends_ms, script)


def _in_room(sound: Audio, noise_dbfs: float, seed: int) -> Audio:
    noise = np.random.default_rng(seed).standard_normal(len(sound)).astype(np.float32)
    in_room: Audio = np.clip(sound + noise * np.float32(10 ** (noise_dbfs / 20)), -1, 1)
    return in_room


@functools.cache
def _parts(voice: str, speed: float, text: str) -> tuple[Audio, ...]:
    """The sound between the pauses of a script, as it is in the whole."""
    wanted = text.count(PAUSE)
    sound = _speech(voice, speed, _punctuated(text))
    gaps = sorted(sorted(_gaps(sound), key=lambda gap: gap[0] - gap[1])[:wanted])
    assert len(gaps) == wanted, f"espeak-ng makes {len(gaps)} pauses of {wanted} in {text!r}"
    edges = [0, *(edge for gap in gaps for edge in gap), len(sound)]
    return tuple(sound[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True))


def _punctuated(text: str) -> str:
    """A comma for each pause that no mark stands before."""
    pieces = [piece.strip() for piece in text.split(PAUSE)]
    marked = [piece if piece[-1] in ".?!," else f"{piece}," for piece in pieces]
    return " ".join(marked)


def _gaps(sound: Audio) -> Iterator[tuple[int, int]]:
    """From where to where nothing sounds for long, in samples."""
    loud = np.flatnonzero(np.abs(sound) > _QUIET)
    quiet = np.diff(loud)
    for before in np.flatnonzero(quiet > SPEECH.rate_hz * _GAP_MS / 1000):
        yield int(loud[before]) + 1, int(loud[before + 1])


@functools.cache
def _engine() -> EspeakEngine:
    engine = EspeakEngine()
    engine.load()
    return engine


def _speech(voice: str, speed: float, text: str) -> Audio:
    engine = _engine()
    source = AudioFormat(engine.sample_rate_hz, width_bytes=2, channels=1)
    resampler = MonoResampler(source, SPEECH.rate_hz)
    spoken = engine.synthesize(Utterance(text, voice, speed))
    pieces = [resampler.push(to_pcm16(sound.samples)) for sound in spoken]
    sound = np.concatenate([*pieces, resampler.finish()])
    loud = np.flatnonzero(np.abs(sound) > _QUIET)
    return sound[loud[0] : loud[-1] + 1] * np.float32(0.5 / np.abs(sound).max())


def _silence(length_ms: float) -> Audio:
    return np.zeros(round(length_ms * SPEECH.rate_hz / 1000), np.float32)


def _length_ms(sound: list[Audio]) -> float:
    return 1000 * sum(map(len, sound)) / SPEECH.rate_hz
