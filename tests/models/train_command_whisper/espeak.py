"""espeak-ng through its library: speech together with the times of its phones and words.

The library comes with the package espeakng-loader, so training needs no program. It is one global
state per process: one `Espeak` per process, one call at a time. Names and numbers are those of
espeak-ng's `speak_lib.h`.
"""

import ctypes
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

_SYNCHRONOUS = 2
_PHONEME_EVENTS_AND_DONT_EXIT = 0x8001
_BUFFER_MS = 60
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_EVENT_END_OF_LIST, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak: words a minute, pitch and its range from 0 to 99 (espeak-ng's own defaults)."""

    rate: int = 175
    pitch: int = 50
    pitch_range: int = 50


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono samples with events: (time in seconds, phone) and character offset -> time in seconds.

    A phone that begins with `_` is a pause.
    """

    samples: NDArray[np.int16]
    rate_hz: int
    phones: list[tuple[float, str]]
    word_starts_s: dict[int, float]


class Espeak:
    """The library, initialised. Raises RuntimeError when its data can't be loaded."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            *(ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint),
            *(ctypes.c_void_p, ctypes.c_void_p),
        ]
        data = Path(espeakng_loader.get_data_path()).parent
        self._rate_hz = int(
            self._library.espeak_Initialize(
                _SYNCHRONOUS, _BUFFER_MS, str(data).encode(), _PHONEME_EVENTS_AND_DONT_EXIT
            )
        )
        if self._rate_hz <= 0:
            raise RuntimeError(f"espeak-ng found no data in {data}; reinstall espeakng-loader")
        self._blocks: list[NDArray[np.int16]] = []
        self._phones: list[tuple[float, str]] = []
        self._words: dict[int, float] = {}
        self._callback = _Callback(self._on_audio)  # the library holds no reference of its own
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: str, manner: Manner) -> Speech:
        """Speak one text. Raises ValueError for a voice that espeak-ng doesn't have."""
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"unknown voice {voice!r}; `espeak-ng --voices` lists them")
        settings = ((_RATE, manner.rate), (_PITCH, manner.pitch), (_RANGE, manner.pitch_range))
        for parameter, value in settings:
            self._library.espeak_SetParameter(parameter, value, 0)
        self._blocks, self._phones, self._words = [], [], {}
        encoded = text.encode()
        self._library.espeak_Synth(
            encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        self._library.espeak_Synchronize()
        samples = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.int16)
        return Speech(samples, self._rate_hz, self._phones, self._words)

    def _on_audio(
        self,
        samples: "ctypes._Pointer[ctypes.c_short]",
        count: int,
        events: "ctypes._Pointer[_Event]",
    ) -> int:
        """Called by the library for each buffer; 0 means go on."""
        position = 0
        while events and events[position].type != _EVENT_END_OF_LIST:
            self._note(events[position])
            position += 1
        if samples and count:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def _note(self, event: _Event) -> None:
        time_s = event.audio_position / 1000
        if event.type == _EVENT_WORD:
            self._words[event.text_position - 1] = time_s
        elif event.type == _EVENT_PHONEME:
            name = event.id.string.decode("utf-8", "replace").strip("',")
            self._phones.append((time_s, name))
