"""What was heard of a file as subtitles: segments in, the text of the file out, as it grows.

Rule: where a cue ends is for `core/captions` to decide, by the words and their times alone.
"""

from collections.abc import Iterable

from wyoming_voice.asr.engine import Segment
from wyoming_voice.core.captions import Captions, CaptionSettings, Cue
from wyoming_voice.core.words import TimedWord
from wyoming_voice.subtitle_files import SubtitleKind, SubtitleWriter


class Subtitles:
    """The subtitles of one file; `cues` counts them."""

    def __init__(self, settings: CaptionSettings, kind: SubtitleKind, *, words: bool) -> None:
        self._captions = Captions(settings)
        self._writer = SubtitleWriter(kind, words=words)
        self.cues = 0

    def header(self) -> str:
        """How the file begins."""
        return self._writer.header()

    def push(self, segments: Iterable[Segment]) -> str:
        """The cues that these segments settle, written."""
        words = (
            TimedWord(word.text, word.start_s, word.end_s)
            for segment in segments
            for word in segment.words
        )
        return self._written(cue for word in words for cue in self._captions.push(word))

    def finish(self) -> str:
        """The cues that are left, written."""
        return self._written(self._captions.finish())

    def _written(self, cues: Iterable[Cue]) -> str:
        texts = [self._writer.cue(cue) for cue in cues]
        self.cues += len(texts)
        return "".join(texts)
