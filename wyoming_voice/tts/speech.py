"""One request's way from text to sound: piece by piece, the next one made while the last is sent.

Each piece is as long as it may be without a gap in playback (`next_piece_chars`), the first one short;
behind an engine that is slower than speech, which can't be without gaps, pieces stay long enough to
have few. The pause before a piece is sent before the piece is made: it is time in hand, too.
Rule: one place in the worker's house for the whole request, so that it is refused before it begins or
not at all; the thread sees one piece at a time, and the loop never touches a sample.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.sentences import first_sentence, next_piece_chars
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.core.word_times import Mark, WordTimes
from wyoming_voice.core.words import TimedWord
from wyoming_voice.tts.engine import Pace, Sound, Utterance, Whole
from wyoming_voice.tts.pieces import Piece, Pieces
from wyoming_voice.tts.seams import Joined, Seams, SeamSettings
from wyoming_voice.tts.source import TextSource
from wyoming_voice.tts.studio import Studio
from wyoming_voice.tts.voices import Voice

T = TypeVar("T")

_SLICE_CHARS = 64
"""Text is made speakable in slices of about a millisecond, so that the loop stays free."""

_FIRST_AUDIO_WITHIN_S = 0.8
"""A first piece that would take longer is cut shorter, at a space if there is no better place: people
mind a second of silence more than a phrase that is a little torn."""

_SLOW_PIECE_CHARS = 60
"""The least that a later piece may have when the engine is slower than all who speak at a time. Gaps can't
be avoided then, and the law against them would tear everything into the shortest pieces, with a gap after
each and the engine's set-up paid for each, which makes it slower yet; a sentence of this length, four
seconds, is best in one go."""

_SHARED_PIECE_S = 1.5
"""While several speak, nobody's piece keeps the engine for longer: it is what the others wait."""

_SENTENCE_CHARS = 400
"""How far ahead the end of a sentence is looked for."""

_STALL_S = 0.5
"""A sentence that seems complete waits this long for a next word to prove it."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """16-bit mono PCM, and the words that begin in it as the text has them.

    Their times are seconds from the start of the request's audio. A word that was cut in two comes with
    its second half; words without a sound, with the audio after them or with none. `chars` of the text have
    been said at the end of the audio, None in the middle of a piece.
    """

    pcm: bytes
    words: tuple[TimedWord, ...] = ()
    chars: int | None = None


class Speech:
    """Speaks one source of text with one voice; `speed` is the studio's where none is said."""

    def __init__(
        self,
        studio: Studio,
        voice: Voice,
        source: TextSource,
        record: TurnRecord,
        speed: float | None = None,
    ) -> None:
        self._studio = studio
        self._speed = studio.speed if speed is None else speed
        self._voice = voice
        self._source = source
        self._record = record
        self._pieces = Pieces(voice.language)
        self._seams = Seams(SeamSettings(studio.engine.sample_rate_hz, self._speed))
        self._times = WordTimes(studio.engine.sample_rate_hz)
        self._unheard: tuple[TimedWord, ...] = ()
        self._sent_samples = 0
        self._said_chars: int | None = None
        self._waiting: deque[Piece] = deque()
        self._current: tuple[Utterance, Piece] | None = None
        self._whole: Whole | None = None
        self._text_ended = False
        self._stopped = False
        self._chars = self._piece_count = self._cached_count = 0
        self._audio_s = self._work_s = 0.0
        self._played_until_s = 0.0

    async def audio(self) -> AsyncGenerator[Spoken, None]:
        """A piece at a time; some silence when there is nothing to say.

        Raises what the source, the worker and the engine raise.
        """
        work = self._studio.worker.stream(
            self._made, deadline_s=self._studio.deadline_s, record=self._record
        )
        try:
            async with contextlib.aclosing(work):
                while (piece := await self._next_piece()) is not None:
                    if rest := to_pcm16(self._seams.rest()):
                        yield self._noted(Spoken(rest, chars=self._said_chars))
                    self._current = self._utterance(piece), piece
                    while (spoken := await anext(work)) is not None:
                        yield self._noted(spoken)
            if (blank := to_pcm16(self._seams.finish())) or self._unheard:
                yield Spoken(blank, self._unheard, self._said_chars)
        finally:
            self._stopped = True
            self._note()

    def _made(self) -> Iterator[Spoken | None]:
        """In the worker's thread: the audio of each current piece, and None after each."""
        studio = self._studio
        while self._current is not None:
            (utterance, piece), self._current = self._current, None
            self._times.begin(piece.words, self._sent_samples)
            cached = studio.cache is not None and studio.cache.holds(utterance)
            if studio.isolated is not None and not cached:
                studio.isolated.wait()  # which says nothing of the pace
            audio_s = work_s = 0.0
            said = False
            start_s = time.monotonic()
            engine = studio.cache or studio.engine
            for sound in engine.synthesize(utterance, lambda: self._stopped):
                joined = self._seams.push(sound.samples, piece.ending)
                work_s += time.monotonic() - start_s
                audio_s += len(joined.samples) / engine.sample_rate_hz
                if len(joined.samples):
                    marks = self._marks(sound, joined, len(utterance.text))
                    said = not any(map(str.isalnum, utterance.text[marks[-1].end :]))
                    words = self._times.take(marks)
                    chars = piece.chars if said else None
                    yield Spoken(to_pcm16(joined.samples), words, chars)
                start_s = time.monotonic()
            self._unheard += self._times.finish(self._sent_samples)
            self._said_chars = None if said else piece.chars
            self._audio_s += audio_s
            self._work_s += work_s
            self._cached_count += cached
            if not (cached or self._stopped):  # both say nothing of the pace
                natural_chars = len(utterance.text) / self._speed
                studio.pace = studio.pace.measured(natural_chars, audio_s, work_s)
            yield None

    def _marks(self, sound: Sound, joined: Joined, chars: int) -> list[Mark]:
        """The sound's marks on the line of the request's audio."""
        start = self._sent_samples
        return [
            replace(
                mark,
                first_sample=start + joined.place(mark.first_sample),
                last_sample=start + joined.place(mark.last_sample),
            )
            for mark in sound.marks or (Mark(0, chars, 0, len(sound.samples)),)
        ]

    def _utterance(self, piece: Piece) -> Utterance:
        if self._whole is None and not piece.ends_sentence:
            self._whole = self._sentence_of(piece)
        whole = self._whole
        if piece.ends_sentence:
            self._whole = None
        return Utterance(piece.text, self._voice.name, self._speed, whole)

    def _sentence_of(self, clause: Piece) -> Whole:
        """As much as is known of the sentence that begins with this clause."""
        ahead, is_all = self._source.ahead(_SENTENCE_CHARS)
        coming = " ".join(piece.ending for piece in self._waiting)
        text = f"{clause.text} {coming} {self._pieces.held} {ahead}"
        sentence, ended = first_sentence(text, self._voice.language)
        return Whole(" ".join(sentence.split()), ended or is_all)

    async def _next_piece(self) -> Piece | None:
        """The next piece when its text is there; None at the end of the text."""
        while not self._waiting:
            if self._text_ended:
                return None
            self._waiting.extend(await self._more_pieces())
            await asyncio.sleep(0)  # text that is there is taken without waiting: let others run
        piece = self._waiting.popleft()
        self._piece_count += 1
        self._chars += len(piece.text)
        return piece

    async def _more_pieces(self) -> list[Piece]:
        try:
            async with asyncio.timeout(_STALL_S if self._pieces.may_hold_sentence else None):
                text = await self._source.take(_SLICE_CHARS)
        except TimeoutError:
            return self._pieces.break_off()
        self._limit_pieces()  # by what is in hand after the wait for text
        if text is None:
            self._text_ended = True
            return self._pieces.finish()
        return self._pieces.add(text)

    def _limit_pieces(self) -> None:
        """To what can be made while the audio in hand is played; without any, to what is heard soon."""
        pace = self._studio.pace.at(self._speed)
        speakers = max(1, self._studio.worker.requests)
        lead_s = self._played_until_s + self._seams.rest_ms / 1000 - _now_s()
        rtf = pace.cautious_rtf
        if lead_s <= 0:
            lead_s, rtf = _FIRST_AUDIO_WITHIN_S, pace.rtf
        elif speakers > 1:  # each has its turn before ours
            lead_s = min(lead_s / speakers, _SHARED_PIECE_S)
        chars = next_piece_chars(lead_s * 1000, pace.chars_per_s, rtf)
        self._pieces.first_limit_chars = chars
        self._pieces.limit_chars = max(chars, _least_chars(pace, speakers))

    def _noted(self, spoken: Spoken) -> Spoken:
        """With the words before it that have no audio of their own."""
        if self._unheard:
            spoken = replace(spoken, words=self._unheard + spoken.words)
            self._unheard = ()
        self._note_audio(spoken.pcm)
        return spoken

    def _note_audio(self, pcm: bytes) -> None:
        """Move the end of what a listener has to hear; silence that was heard is no debt."""
        self._sent_samples += len(pcm) // 2
        now_s = _now_s()
        if not self._played_until_s:
            start_s = self._source.first_text_s or now_s
            self._record.spent("first_audio", start_s, now_s)
        audio_s = len(pcm) / 2 / self._studio.engine.sample_rate_hz
        self._played_until_s = max(self._played_until_s, now_s) + audio_s

    def _note(self) -> None:
        self._record.note(
            voice=self._voice.name,
            chars=self._chars,
            pieces=self._piece_count,
            cached=self._cached_count,
            audio_ms=round(self._audio_s * 1000),
            rtf=self._work_s / self._audio_s if self._audio_s else 0.0,
        )


def _least_chars(pace: Pace, speakers: int) -> int:
    """What a piece after the first may have in any case."""
    if pace.cautious_rtf * speakers < 1:
        return 0
    if speakers == 1:
        return _SLOW_PIECE_CHARS
    shared = next_piece_chars(_SHARED_PIECE_S * 1000, pace.chars_per_s, pace.rtf)
    return min(_SLOW_PIECE_CHARS, shared)


async def one_ahead(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same items, the next one in the making while one is in use; one at most is ready unread."""
    async with contextlib.aclosing(items):
        upcoming = asyncio.create_task(_next_or_none(items))
        try:
            while (item := await upcoming) is not None:
                upcoming = asyncio.create_task(_next_or_none(items))
                yield item
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)


async def _next_or_none(items: AsyncGenerator[T, None]) -> T | None:
    return await anext(items, None)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
