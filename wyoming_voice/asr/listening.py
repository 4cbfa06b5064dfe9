"""What the speech scores of one utterance say: which pieces are worth decoding, and whether it has ended.

Rule: frames are taken in order, each once, and none behind an end that was decided here; so the pieces
depend on the scores alone, not on when they came.
"""

from collections.abc import Sequence

from wyoming_voice.asr.ending import Ending
from wyoming_voice.asr.windows import Cutter, Window
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.endpointing import Endpoint
from wyoming_voice.core.opinions import Witness


class Listening:
    """One utterance; without an `ending` the client ends it."""

    def __init__(self, cutter: Cutter, ending: Ending | None) -> None:
        self._cutter = cutter
        self._ending = ending
        self.frames = 0

    @property
    def ended(self) -> bool:
        """Whether the utterance ended with the last frame taken."""
        return self._ending is not None and self._ending.ended

    @property
    def decides(self) -> bool:
        """Whether it ends the utterance, and not the client."""
        return self._ending is not None and self._ending.decides

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where speech began and ended, as far as somebody pays attention to that."""
        return self._ending.endpoints if self._ending is not None else []

    @property
    def spoken(self) -> bool:
        """Whether there is speech to decode."""
        return self._cutter.spoken

    @property
    def settled(self) -> list[Window]:
        """The windows that won't change any more."""
        return self._cutter.settled

    @property
    def needed_from(self) -> int:
        """No window that is yet to be settled begins before this frame."""
        return self._cutter.needed_from

    def hand_over(self) -> list[Window]:
        """The settled windows, each once; they are no part of `settled` and `windows` any more."""
        return self._cutter.hand_over()

    @property
    def windows(self) -> list[Window]:
        """All windows, if the audio ended here."""
        return self._cutter.windows

    @property
    def silence_frames(self) -> int:
        """How long the pause in the open window has lasted; 0 without one."""
        return self._cutter.silence_frames

    def follow(self, scores: Sequence[float], most_frames: int | None = None) -> None:
        """Take the frames that are new in `scores`, up to so many."""
        last = len(scores) if most_frames is None else min(len(scores), self.frames + most_frames)
        while self.frames < last and not self.ended:
            score = scores[self.frames]
            self.frames += 1
            self._cutter.push(score)
            if self._ending is not None:
                self._ending.push(score, spoken=self._cutter.spoken)

    def finish(self) -> None:
        """No more frames come: what was being said has ended."""
        if self._ending is not None and not self.ended:
            self._ending.finish()

    def expect(self, witness: Witness, opinion: Completeness) -> None:
        """What was said before the pause that lasts looks like this to one who looks at it."""
        if self._ending is not None:
            self._ending.expect(witness, opinion)
