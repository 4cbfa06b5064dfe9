"""What a file that was heard looks like: in JSON, at our own route and at OpenAI's, and as subtitles."""

import math
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import BaseModel

from wyoming_voice.asr.engine import Segment, Task, Word
from wyoming_voice.asr.files import Passage
from wyoming_voice.asr.http.hearing import Heard
from wyoming_voice.asr.languages import name_of
from wyoming_voice.core.captions import Captions, Cue
from wyoming_voice.core.words import TimedWord
from wyoming_voice.subtitle_files import SubtitleKind, text_of

_DECIMALS = 3


class WordOut(BaseModel):
    """A word as it is written, without the space before it, and when it is said, in seconds."""

    word: str
    start: float
    end: float
    probability: float


class SegmentOut(BaseModel):
    """A sentence or so; `text` is without the space around it, `words` are there where asked for."""

    id: int
    start: float
    end: float
    text: str
    words: list[WordOut] | None = None


class Transcript(BaseModel):
    """What `POST /transcribe` answers; `words` are there where asked for."""

    text: str
    language: str | None
    language_probability: float | None
    duration: float
    segments: list[SegmentOut]
    words: list[WordOut] | None = None


class Usage(BaseModel):
    """What was heard, in whole seconds."""

    type: Literal["duration"] = "duration"
    seconds: int


class Plain(BaseModel):
    """OpenAI's `json`."""

    text: str
    usage: Usage


class VerboseWord(BaseModel):
    """OpenAI's word."""

    word: str
    start: float
    end: float


class VerboseSegment(BaseModel):
    """OpenAI's segment; `tokens` is empty here, `temperature` and `seek` are 0."""

    id: int
    seek: int = 0
    start: float
    end: float
    text: str
    tokens: list[int] = []
    temperature: float = 0.0
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class Verbose(BaseModel):
    """OpenAI's `verbose_json`; `language` is a name such as english."""

    task: Task
    language: str
    duration: float
    text: str
    segments: list[VerboseSegment] | None = None
    words: list[VerboseWord] | None = None
    usage: Usage


def word_out(word: Word, from_s: float = 0.0) -> WordOut:
    """A word as we tell it, with times that much later."""
    return WordOut(
        word=word.text.strip(),
        start=_rounded(from_s + word.start_s),
        end=_rounded(from_s + word.end_s),
        probability=_rounded(word.probability),
    )


def segment_out(number: int, segment: Segment, *, words: bool) -> SegmentOut:
    """A segment as we tell it."""
    return SegmentOut(
        id=number,
        start=_rounded(segment.start_s),
        end=_rounded(segment.end_s),
        text=segment.text.strip(),
        words=[word_out(word) for word in segment.words] if words else None,
    )


def transcript(heard: Heard, *, words: bool) -> Transcript:
    """All of a file."""
    return Transcript(
        text=heard.text,
        language=heard.language or None,
        language_probability=_probability(heard.segments),
        duration=_rounded(heard.duration_s),
        segments=[
            segment_out(number, segment, words=words)
            for number, segment in enumerate(heard.segments)
        ],
        words=[word_out(word) for part in heard.segments for word in part.words] if words else None,
    )


def progress(passage: Passage) -> dict[str, float | None]:
    """How far a file has been heard, and how long it says that it is."""
    total_s = passage.total_s
    return {
        "heard": _rounded(passage.heard_s),
        "duration": None if total_s is None else _rounded(total_s),
    }


def usage(heard: Heard) -> Usage:
    """What OpenAI would be paid for."""
    return Usage(seconds=math.ceil(heard.duration_s))


def verbose(heard: Heard, task: Task, *, segments: bool, words: bool) -> Verbose:
    """All of a file, with what was asked for of its parts."""
    return Verbose(
        task=task,
        language="english" if task == "translate" else name_of(heard.language),
        duration=_rounded(heard.duration_s),
        text=heard.text,
        segments=[_verbose_segment(n, one) for n, one in enumerate(heard.segments)]
        if segments
        else None,
        words=[_verbose_word(word) for one in heard.segments for word in one.words]
        if words
        else None,
        usage=usage(heard),
    )


def subtitles(segments: Iterable[Segment], kind: SubtitleKind) -> str:
    """A whole subtitle file; `segments` should have their words."""
    return text_of(_cues(segments), kind)


def _cues(segments: Iterable[Segment]) -> Iterator[Cue]:
    captions = Captions()
    for segment in segments:
        for word in _timed_words(segment):
            yield from captions.push(word)
    yield from captions.finish()


def _timed_words(segment: Segment) -> Iterator[TimedWord]:
    """The words; where an engine knows none, the whole segment counts as one."""
    if not segment.words:
        yield TimedWord(segment.text, segment.start_s, segment.end_s)
    for word in segment.words:
        yield TimedWord(word.text, word.start_s, word.end_s)


def _verbose_segment(number: int, segment: Segment) -> VerboseSegment:
    evidence = segment.evidence
    return VerboseSegment(
        id=number,
        start=_rounded(segment.start_s),
        end=_rounded(segment.end_s),
        text=segment.text,
        avg_logprob=evidence.log_prob or 0.0,
        compression_ratio=evidence.compression or 0.0,
        no_speech_prob=evidence.no_speech or 0.0,
    )


def _verbose_word(word: Word) -> VerboseWord:
    return VerboseWord(
        word=word.text.strip(), start=_rounded(word.start_s), end=_rounded(word.end_s)
    )


def _probability(segments: list[Segment]) -> float | None:
    """How sure the language of the first segment is, where it had to be found."""
    found = segments[0].evidence.language if segments else None
    return None if found is None else _rounded(found)


def _rounded(value: float) -> float:
    return round(value, _DECIMALS)
