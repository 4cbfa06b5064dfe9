"""Engines that do what they are told, also to the process that they are in: imported there by name."""

import functools
import logging
import os
import resource
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from wyoming_voice.asr.engine import Audio, DecodeOptions, Segment
from wyoming_voice.asr.isolated import IsolatedRecogniser, Known
from wyoming_voice.errors import EngineError, UnknownChoice
from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.tts.engine import Sound, Utterance, never
from wyoming_voice.tts.isolated import IsolatedVoice

PATIENT = Bounds(item_s=30.0, wait_s=30.0, load_s=30.0)
"""What no test runs into."""

_meeting = threading.Barrier(2)


class Obedient:
    """An asr Engine that carries out `initial_prompt`: its words are steps, `step:argument`."""

    languages: tuple[str, ...] = ("en",)
    longest_s = 28.0
    at_once = 2

    def __init__(self, needs: str = "", name: str = "obedient") -> None:
        """`needs`: a file without which it can't be loaded; `for ever`: it never is; `crash`."""
        self.name = name
        self._needs = needs
        self._given: list[weakref.ref[Audio]] = []

    def load(self) -> None:
        if self._needs == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._needs == "for ever":
            _hang()
        if self._needs and not Path(self._needs).exists():
            raise EngineError(f"no model in {self._needs!r}")
        self.languages = ("en", "de")

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        self._given.append(weakref.ref(audio))
        for words in options.initial_prompt.split():
            step, _, argument = words.partition(":")
            yield from self._done(step, argument, audio, options)

    def _done(
        self, step: str, argument: str, audio: Audio, options: DecodeOptions
    ) -> Iterator[Segment | None]:
        match step:
            case "breathe":
                yield None
            case "say":
                yield Segment(argument, 0.0, float(audio.sum()), "en")
            case "doubt":
                wanted = options.wants_words_of(argument, "en")
                yield Segment("wanted" if wanted else "not wanted", 0.0, 1.0, "en")
            case "kept":
                kept = sum(audio() is not None for audio in self._given)
                yield Segment(str(kept), 0.0, 1.0, "en")
            case "meet":
                _meeting.wait(10)
            case "log":
                logging.getLogger("obedient").warning("it says %s", argument)
            case "tidy":
                try:
                    yield None
                finally:
                    Path(argument).touch()
            case "find":
                while not Path(argument).exists():
                    time.sleep(0.001)
            case _:
                _misfortune(step, argument)


def _misfortune(step: str, argument: str) -> None:
    match step:
        case "once":
            if not Path(argument).exists():
                Path(argument).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(7)
        case "hang":
            _hang()
        case "memory":
            has = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            most = has * os.sysconf("SC_PAGE_SIZE") + 50_000_000
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            np.ones(20_000_000)
        case "cuda":
            raise RuntimeError("CUDA failed with error an illegal memory access was encountered")
        case "bug":
            raise ValueError("somebody said: my password is swordfish")
        case "quits":
            sys.exit("it has no more to say")
        case "choice":
            raise UnknownChoice("voice", "af_hart", ["af_heart"])


def _hang() -> None:
    logging.getLogger("obedient").warning("hangs in %d", os.getpid())
    threading.Event().wait()


def obedient(
    bounds: Bounds = PATIENT, needs: str = "", name: str = "obedient"
) -> IsolatedRecogniser:
    """In a process of its own, not loaded."""
    known = Known(name, ("en",), 28.0)
    return IsolatedRecogniser(functools.partial(Obedient, needs, name), known, bounds)


class Patient:
    """A tts Engine that speaks each utterance until nobody wants it any more, `Ready.` at once."""

    sample_rate_hz = 8000

    def load(self) -> None:
        return

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        yield Sound(np.ones(80, np.float32))
        while utterance.text != "Ready." and not stopped():
            time.sleep(0.001)


def patient(bounds: Bounds = PATIENT) -> IsolatedVoice:
    """In a process of its own, not loaded."""
    return IsolatedVoice("patient", Patient, Patient.sample_rate_hz, "any", bounds)
