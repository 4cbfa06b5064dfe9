"""The embedded voice: espeak-ng's library from the espeakng-loader wheel, of which this is the one importer.

The library is global state: one copy per process, calls one after another. (Kokoro's phonemizer loads a
copy of its own from a temporary file, so the two don't meet.) Rule: nothing is installed or started.

The same text doesn't have quite the same samples each time: the pitch flutters, the library's flutter goes on
from one utterance to the next, and the length varies by some samples. Only a fresh copy of the library
begins it anew, and that leaves the dictionary of the one before in memory, 180 KB in Russian.
"""

import ctypes
import functools
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from wyoming_voice.core.full_stops import unparted
from wyoming_voice.core.own_languages import primary
from wyoming_voice.core.word_times import Mark
from wyoming_voice.errors import EngineError, UnknownChoice
from wyoming_voice.tts.engine import Samples, Sound, Utterance, never
from wyoming_voice.tts.voices import Voice

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_RATE = 1
_WORDS_PER_MINUTE = 175
_BUFFER_MS = 60

_LANGUAGES = {
    "en-us": ("en-US", "US English"),
    "en-gb": ("en-GB", "British English"),
    "en-gb-scotland": ("en-GB", "Scottish English"),
    "ar": ("ar", "Arabic"),
    "bg": ("bg-BG", "Bulgarian"),
    "ca": ("ca-ES", "Catalan"),
    "cs": ("cs-CZ", "Czech"),
    "cy": ("cy-GB", "Welsh"),
    "da": ("da-DK", "Danish"),
    "de": ("de-DE", "German"),
    "el": ("el-GR", "Greek"),
    "eo": ("eo", "Esperanto"),
    "es": ("es-ES", "Spanish"),
    "es-419": ("es-419", "Latin American Spanish"),
    "et": ("et-EE", "Estonian"),
    "eu": ("eu-ES", "Basque"),
    "fa": ("fa-IR", "Persian"),
    "fi": ("fi-FI", "Finnish"),
    "fr": ("fr-FR", "French"),
    "ga": ("ga-IE", "Irish"),
    "hi": ("hi-IN", "Hindi"),
    "hr": ("hr-HR", "Croatian"),
    "hu": ("hu-HU", "Hungarian"),
    "id": ("id-ID", "Indonesian"),
    "is": ("is-IS", "Icelandic"),
    "it": ("it-IT", "Italian"),
    "ko": ("ko-KR", "Korean"),
    "lt": ("lt-LT", "Lithuanian"),
    "lv": ("lv-LV", "Latvian"),
    "nb": ("nb-NO", "Norwegian"),
    "nl": ("nl-NL", "Dutch"),
    "pl": ("pl-PL", "Polish"),
    "pt": ("pt-PT", "Portuguese"),
    "pt-br": ("pt-BR", "Brazilian Portuguese"),
    "ro": ("ro-RO", "Romanian"),
    "ru": ("ru-RU", "Russian"),
    "sk": ("sk-SK", "Slovak"),
    "sl": ("sl-SI", "Slovenian"),
    "sr": ("sr-RS", "Serbian"),
    "sv": ("sv-SE", "Swedish"),
    "tr": ("tr-TR", "Turkish"),
    "uk": ("uk-UA", "Ukrainian"),
    "vi": ("vi-VN", "Vietnamese"),
    "cmn": ("zh-CN", "Mandarin Chinese"),
}

_LIBRARY_NAMES = {"en-gb": "en"}
"""Where the library's name for a voice isn't its language's tag."""

ESPEAK_VOICES = tuple(
    Voice(name, tag, f"espeak-ng, {language}") for name, (tag, language) in _LANGUAGES.items()
)

_WORD, _CLAUSE_END = 1, 5

_SILENCE = 0.002
"""-54 dBFS: what is below it at a clause's end is the pause after its last word."""


class _Event(ctypes.Structure):
    """The library's espeak_EVENT; a type of 0 ends a list of them."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_lock = threading.Lock()


class EspeakEngine:
    """An `Engine` that any number of threads may use; they wait for one another."""

    sample_rate_hz = 22_050

    def load(self) -> None:
        """Load the library, in some milliseconds; raises EngineError."""
        rate_hz = _library()[1]
        if rate_hz != self.sample_rate_hz:
            raise EngineError(f"espeak-ng speaks at {rate_hz} Hz, not at {self.sample_rate_hz}")

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        """The whole utterance as one item; RTF is under 0.01. See `Engine`."""
        buffers: list[Samples] = []
        borders: list[_Border] = []

        def take(
            samples: "ctypes._Pointer[ctypes.c_short]",
            count: int,
            events: "ctypes._Pointer[_Event]",
        ) -> int:
            if samples and count:
                shorts = np.ctypeslib.as_array(samples, (count,))
                buffers.append(shorts.astype(np.float32) / 32768.0)
            borders.extend(_borders(events))
            return int(stopped())

        self._speak(utterance, _Callback(take))
        if buffers and not stopped():
            samples = np.concatenate(buffers)
            yield Sound(samples, _marks(utterance.text, samples, borders))

    def _speak(self, utterance: Utterance, callback: "ctypes._FuncPointer") -> None:
        tag, _ = _LANGUAGES.get(utterance.voice, ("en", ""))
        text = unparted(utterance.text, primary(tag)).encode()
        name = _LIBRARY_NAMES.get(utterance.voice, utterance.voice)
        with _lock:
            library, _ = _library()
            if library.espeak_SetVoiceByName(name.encode()):
                raise UnknownChoice("voice", utterance.voice, _LANGUAGES)
            library.espeak_SetParameter(_RATE, round(_WORDS_PER_MINUTE * utterance.speed), 0)
            library.espeak_SetSynthCallback(callback)
            status = library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
        if status:
            raise EngineError(f"espeak-ng failed with status {status}")


@dataclass(frozen=True, slots=True)
class _Border:
    """A word begins at a character and a sample, or, where `ends` is True, a clause has ended there."""

    char: int
    sample: int
    ends: bool


def _borders(events: "ctypes._Pointer[_Event]") -> Iterator[_Border]:
    for event in itertools.takewhile(
        lambda event: event.type, map(events.__getitem__, itertools.count())
    ):
        if event.type in (_WORD, _CLAUSE_END):
            yield _Border(event.text_position - 1, event.sample, event.type == _CLAUSE_END)


def _marks(text: str, samples: Samples, borders: Sequence[_Border]) -> tuple[Mark, ...]:
    """Each word that the library tells of lasts to the next one, without the pause between clauses.

    Of a number it tells digit by digit, and may go back in the text for it.
    """
    kept: list[_Border] = []
    furthest = -1
    for border in borders:
        if border.ends or border.char > furthest:
            kept.append(border)
            furthest = furthest if border.ends else border.char
    ends = {0, *(border.sample for border in kept if border.ends)}
    kept.append(_Border(len(text), len(samples), ends=True))
    spans = [
        _sounding(samples, border.sample, after, begins=border.sample in ends)
        for border, after in itertools.pairwise(kept)
        if not border.ends
    ]
    chars = [*(border.char for border in kept if not border.ends), len(text)]
    marks = []
    for (start, stop), (first, last) in zip(itertools.pairwise(chars), spans, strict=True):
        letters = [at for at, char in enumerate(text[start:stop], start=1) if char.isalnum()]
        if letters:
            marks.append(Mark(start, start + letters[-1], first, last))
    return tuple(marks)


def _sounding(samples: Samples, first: int, after: _Border, *, begins: bool) -> tuple[int, int]:
    """From one border to the next, without the silence where a clause begins or ends."""
    loud = np.flatnonzero(np.abs(samples[first : after.sample]) > _SILENCE)
    if not len(loud):
        return first, after.sample
    start = first + int(loud[0]) if begins else first
    return start, first + int(loud[-1]) + 1 if after.ends else after.sample


def version() -> str | None:
    """The library's own version, which is not its package's; None where it isn't installed."""
    try:
        library = ctypes.CDLL(_package().get_library_path())
    except (EngineError, OSError):
        return None
    library.espeak_Info.restype = ctypes.c_char_p
    told: bytes = library.espeak_Info(None)
    return told.decode()


def _package() -> ModuleType:
    """What brings the library and its data; raises EngineError."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise EngineError(
            "espeak-ng is not installed; pip install 'wyoming-voice[embedded]'"
        ) from error
    package: ModuleType = espeakng_loader
    return package


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The library, ready, and its sample rate in Hz."""
    package = _package()
    library = ctypes.CDLL(package.get_library_path())
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    data = str(Path(package.get_data_path()).parent).encode()
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, _DONT_EXIT)
    if rate_hz <= 0:
        raise EngineError(f"espeak-ng could not start with its data in {data.decode()}")
    return library, rate_hz
