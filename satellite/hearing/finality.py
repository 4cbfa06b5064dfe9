"""Has speech judged by its sound when it pauses, while somebody listens to it: over, or to be continued.

Works in the microphone's thread, which it holds up for some 50 ms at a pause; blocks wait that long in its
queue. Rules: one judgement for each pause, of what was heard since the turn began; a judge that fails is
not asked again, and silence decides alone.
"""

import logging
from collections import deque
from typing import Protocol

import numpy as np

from satellite.parts import Audio
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.errors import VoiceError
from wyoming_voice.vad import FRAME_MS

_log = logging.getLogger(__name__)

_PAUSE_FRAMES = 6
"""192 ms: a shorter silence is rather the closure of a stop; a longer one would have to be waited for."""

_REMEMBERED_FRAMES = 8_000 // FRAME_MS
_BEFORE_FRAMES = 512 // FRAME_MS
"""What was heard before a turn began that speech has begun: its pre-roll."""

_SPEECH, _SILENCE = 0.5, 0.35


class Judge(Protocol):
    """Hears whether a turn is over: `smart_turn.SmartTurn`."""

    def completeness(self, audio: Audio) -> Completeness:
        """What the last seconds sound like: float32, 16 kHz, within [-1, 1]. Raises VoiceError."""


class Finality:
    """Frames in, a judgement out when one is due; `attentive` may be set from any thread."""

    def __init__(self, judge: Judge) -> None:
        self.attentive = False
        self._judge: Judge | None = judge
        self._heard: deque[Audio] = deque(maxlen=_REMEMBERED_FRAMES)
        self._was_attentive = False
        self._spoken = False
        self._silent_frames = 0

    def push(self, frame: Audio, probability: float) -> Completeness | None:
        """Take a frame and how likely it is speech."""
        if self.attentive and not self._was_attentive:
            self._begin()
        self._was_attentive = self.attentive
        self._heard.append(frame)
        if probability >= _SPEECH:
            self._spoken = True
        self._silent_frames = 0 if probability >= _SILENCE else self._silent_frames + 1
        if not (self.attentive and self._spoken and self._silent_frames == _PAUSE_FRAMES):
            return None
        return self._judged()

    def reset(self) -> None:
        """Forget what was heard."""
        self._heard.clear()
        self._spoken = False
        self._silent_frames = 0

    def _judged(self) -> Completeness | None:
        if self._judge is None:
            return None
        try:
            return self._judge.completeness(np.concatenate(self._heard))
        except VoiceError as error:
            _log.warning("%s; pauses are not judged by their sound any more", error)
            self._judge = None
            return None

    def _begin(self) -> None:
        kept = list(self._heard)[-_BEFORE_FRAMES:]
        self._heard.clear()
        self._heard.extend(kept)
