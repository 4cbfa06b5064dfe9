"""The embedded recogniser: US English from the model inside pocketsphinx's own wheel; its one importer.

Good enough to try everything without a download. Its text is plain words with a capital at the start:
it hears no punctuation, so none is written.

The cepstral mean is measured over the whole of the speech by a decoder with an empty grammar (0.004 of
the audio's length) and handed to the real one, which may then be fed block by block. Word error rate on
12 recordings: 0.38 fed in blocks as it is, 0.16 so, and 0.16 in one uninterruptible piece.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Segment, Word
from wyoming_voice.asr.languages import checked_task
from wyoming_voice.asr.words import within
from wyoming_voice.audio import to_pcm16
from wyoming_voice.errors import EngineError

_BLOCK_SAMPLES = RATE_HZ // 4
_MARGIN_S = 0.4
_FRAMES_PER_S = 100
_TURN_S = 0.005
_GRAMMAR = "#JSGF V1.0; grammar silence; public <silence> = a;"


class Pocketsphinx:
    """An Engine. One decoder serves all requests, one after another; a request that waits takes breaths."""

    name = "en-us"
    languages = ("en",)
    longest_s = 10.0
    at_once = 1

    def __init__(self) -> None:
        self._decoder: Any = None
        self._mean: Any = None
        self._turn = threading.Lock()

    def load(self) -> None:
        """Read the model: half a second, 118 MB. Raises EngineError."""
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise EngineError(
                "the engine pocketsphinx is not installed; pip install 'wyoming-voice[embedded]'"
            ) from error
        self._decoder = Decoder(samprate=RATE_HZ, loglevel="FATAL")
        self._mean = Decoder(samprate=RATE_HZ, loglevel="FATAL", lm=None)
        self._mean.add_jsgf_string("silence", _GRAMMAR)
        self._mean.activate_search("silence")

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        """One segment, after a breath for each quarter of a second; names and prompts have no effect."""
        checked_task(options.task, self.name, self.languages)
        start_s, end_s = options.speech_s or (0.0, len(audio) / RATE_HZ)
        first = max(0, int((start_s - _MARGIN_S) * RATE_HZ))
        speech = audio[first : int((end_s + _MARGIN_S) * RATE_HZ)]
        if not len(speech):
            return
        while not self._turn.acquire(timeout=_TURN_S):
            yield None
        try:
            yield from self._decode(speech)
            segment = self._segment(first / RATE_HZ, len(speech) / RATE_HZ, options)
        finally:
            self._turn.release()
        if segment is not None:
            yield segment

    def _decode(self, speech: Audio) -> Iterator[None]:
        blocks = [
            to_pcm16(speech[start : start + _BLOCK_SAMPLES])
            for start in range(0, len(speech), _BLOCK_SAMPLES)
        ]
        self._decoder.reinit_feat()
        self._decoder.set_cmn(self._cepstral_mean(blocks))
        self._decoder.start_utt()
        try:
            for block in blocks:
                self._decoder.process_raw(block, False, False)
                yield None
        finally:
            self._decoder.end_utt()

    def _cepstral_mean(self, blocks: list[bytes]) -> str:
        self._mean.reinit_feat()
        self._mean.start_utt()
        for block in blocks:
            self._mean.process_raw(block, False, False)
        self._mean.end_utt()
        return str(self._mean.get_cmn(True))

    def _segment(self, start_s: float, duration_s: float, options: DecodeOptions) -> Segment | None:
        hypothesis = self._decoder.hyp()
        text = sentence(hypothesis.hypstr) if hypothesis is not None else ""
        if not text:
            return None
        end_s = start_s + duration_s
        wanted = options.wants_words_of(f" {text}", "en")
        words = within([*self._words(start_s)], start_s, end_s) if wanted else ()
        return Segment(f" {text}", start_s, end_s, "en", words)

    def _words(self, offset_s: float) -> Iterator[Word]:
        arithmetic = self._decoder.get_logmath()
        spoken: Callable[[str], str] = sentence
        for piece in self._decoder.seg():
            if word := _plain(piece.word):
                text, spoken = spoken(word), str  # the first has the sentence's capital
                yield Word(
                    f" {text}",
                    offset_s + piece.start_frame / _FRAMES_PER_S,
                    offset_s + (piece.end_frame + 1) / _FRAMES_PER_S,
                    min(1.0, float(arithmetic.exp(arithmetic.log(piece.prob)))),
                )


def sentence(words: str) -> str:
    """`what time is it` as `What time is it`; noises in brackets are left out."""
    plain = [word for word in map(_plain, words.split()) if word]
    text = " ".join(plain)
    return text[:1].upper() + text[1:]


def _plain(word: str) -> str:
    """A word of the dictionary without its variant (`the(2)`); nothing for `<sil>` and `[NOISE]`."""
    if word.startswith(("<", "[", "++")):
        return ""
    base = word.split("(")[0]
    return f"I{base[1:]}" if base == "i" or base.startswith("i'") else base
