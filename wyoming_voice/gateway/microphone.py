"""A browser's microphone: frames of its rate and format in, heard frames out, in the order of the buttons.

Rules: what is no sound is refused, with what it should be; when more comes than is listened to, the oldest
is dropped and counted; the event loop is held for one piece at a time. Where silence ends what is said and
nothing comes any more, it is silent.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from satellite.hearing.chain import Hearing
from satellite.hearing.echo import FarEnd, PassThrough
from satellite.hearing.resampling import PromptResampler
from satellite.parts import PostFrame
from wyoming_voice.audio import Audio, to_pcm16
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import BadAudio

BACKLOG_MS = 3_000
"""As much as may wait to be listened to, and the longest frame."""

STALLED_S = 1.0
"""After so long without a sound, counted from the end of the last one, nothing is taken for silence.

A lost packet or two, and a phone's radio that sleeps, hold sound up for 0.2 to 0.7 s, and then it all comes.
From here on silence is heard at the pace of time, so that a sentence is cut where a network stalls for as
long as this and the silence that would have ended it: 1.4 s at least, mostly 1.8 s.
"""

_PIECE_MS = 100

Action = Callable[[], None]

_WIDTHS_BYTES = {"f32le": 4, "s16le": 2}


class BrowserMicrophone:
    """Takes what a page sends; `run` listens to it. The browser has taken our own voice out of it.

    `silence_decides` says whether silence is what somebody who has spoken will be answered for.
    """

    def __init__(
        self,
        rate_hz: int,
        encoding: str,
        post_frame: PostFrame,
        silence_decides: Callable[[], bool] = lambda: False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dropped_ms = 0.0
        self._rate_hz = rate_hz
        self._encoding = encoding
        self._post_frame = post_frame
        self._silence_decides = silence_decides
        self._now_s = now_s
        self._more_by_s = now_s()  # when a microphone that is never late would have sent again
        self._hearing = Hearing(FarEnd(), PassThrough("by the browser", echo_free=True))
        self._resampler = None if rate_hz == SPEECH.rate_hz else PromptResampler(rate_hz, 16_000)
        self._waiting: deque[Audio | Action] = deque()
        self._waiting_ms = 0.0
        self._some = asyncio.Event()

    def push(self, data: bytes) -> None:
        """Take a frame of sound; raises BadAudio."""
        samples = self._samples(data)
        piece = max(1, self._rate_hz * _PIECE_MS // 1000)
        for at in range(0, len(samples), piece):
            self._waiting.append(samples[at : at + piece])
        self._waiting_ms += self._ms(samples)
        self._more_by_s = self._now_s() + self._ms(samples) / 1000
        self._drop()
        self._some.set()

    def after(self, action: Action) -> None:
        """Do something once all that came before has been listened to."""
        self._waiting.append(action)
        self._some.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            self._some.clear()
            while self._waiting:
                self._take(self._waiting.popleft())
                await asyncio.sleep(0)
            try:
                async with asyncio.timeout(_PIECE_MS / 1000):
                    await self._some.wait()
            except TimeoutError:
                self.look()

    def look(self) -> None:
        """Nothing has come for a moment: hear as much of nothing, where that is what is waited for."""
        if self._now_s() - self._more_by_s >= STALLED_S and self._silence_decides():
            self._listen(np.zeros(self._rate_hz * _PIECE_MS // 1000, np.float32))

    def _take(self, one: Audio | Action) -> None:
        if not isinstance(one, np.ndarray):
            one()
            return
        self._waiting_ms -= self._ms(one)
        self._listen(one)

    def _listen(self, one: Audio) -> None:
        heard = one if self._resampler is None else self._resampler.push(one)
        for frame in self._hearing.push(to_pcm16(heard)):
            self._post_frame(frame)

    def _samples(self, data: bytes) -> Audio:
        width = _WIDTHS_BYTES[self._encoding]
        if len(data) % width:
            raise BadAudio(
                f"a frame of {len(data)} bytes, which is no whole number of {self._encoding} samples"
            )
        if 1000 * len(data) > BACKLOG_MS * self._rate_hz * width:
            raise BadAudio(f"a frame of {len(data)} bytes; send at most {BACKLOG_MS} ms at a time")
        if self._encoding == "s16le":
            return np.frombuffer(data, "<i2").astype(np.float32) / 32768.0
        samples = np.frombuffer(data, "<f4").astype(np.float32)
        if not np.isfinite(samples).all():
            raise BadAudio(
                "a frame holds samples that are no numbers (NaN, infinite) as f32le;"
                " was it s16le? say so in `start`"
            )
        return samples

    def _drop(self) -> None:
        """Forget the oldest sound; what was pressed stays."""
        kept: deque[Audio | Action] = deque()
        while self._waiting and self._waiting_ms > BACKLOG_MS:
            one = self._waiting.popleft()
            if isinstance(one, np.ndarray):
                self._waiting_ms -= self._ms(one)
                self.dropped_ms += self._ms(one)
            else:
                kept.append(one)
        self._waiting.extendleft(reversed(kept))

    def _ms(self, samples: Audio) -> float:
        return 1000.0 * len(samples) / self._rate_hz
