"""A browser's loudspeaker: sound goes to it a little before it is to be heard, and can be taken back.

Rules: of playbacks that wait one after another sounds; no more is sent than `LEAD_MS` beyond what is being
heard, so that silence comes at once when it is wanted; how much was heard is what the page says, and in
between what the clock says. PlaybackHeard comes once for each playback that was not aborted, also where
the page tells nothing.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from satellite.effects import Tone
from satellite.events import PlaybackHeard, Trouble
from satellite.parts import Post
from satellite.speaking.tones import read_sentences
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import BadAudio
from wyoming_voice.gateway.mono import Mono
from wyoming_voice.gateway.outbox import Outbox

RATE_HZ = 24_000
"""What is sent: Kokoro's own rate, so that it is not resampled."""

LEAD_MS = 700.0
"""More than a phone's radio sleeps; a page that is interrupted throws away no more than that."""

ROOM_MS = 2_000.0
_SLICE_MS = 100
_PATIENCE_MS = 1_500.0
"""How much longer than the clock says a page may take to play all, before it is taken to have done so."""

_SENT = AudioFormat(RATE_HZ, 2, 1)


class _Playback:
    """One playback: what came, what was sent, and how far it has been heard."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.begun = False
        self.complete = False
        self.told_end = False
        self.sent_ms = 0.0
        self._waiting_bytes = 0
        self._pcm: deque[bytes] = deque()
        self._mono = Mono(RATE_HZ)
        self._heard_ms = 0.0
        self._at_s = 0.0  # when `_heard_ms` was so
        self._noted_ms = 0.0  # what the page has said of it

    @property
    def waiting_ms(self) -> float:
        """What has come and was not sent."""
        return _SENT.ms(self._waiting_bytes)

    def add(self, sound: Sound) -> None:
        """More of it; raises BadAudio."""
        self._keep(self._mono.push(sound))

    def end(self) -> None:
        """All of it has come."""
        self._keep(self._mono.finish())
        self.complete = True

    def slice(self) -> bytes:
        """The next piece to send, `b""` where none waits."""
        if not self._pcm:
            return b""
        first = self._pcm.popleft()
        size = _SENT.size_bytes(_SLICE_MS)
        if len(first) > size:
            self._pcm.appendleft(first[size:])
            first = first[:size]
        self._waiting_bytes -= len(first)
        return first

    def sent(self, pcm: bytes, now_s: float) -> None:
        """A piece has been sent; where all before it was heard, it sounds from now on."""
        self._heard_ms, self._at_s = self.heard_ms(now_s), now_s
        self.sent_ms += _SENT.ms(len(pcm))

    def note(self, heard_ms: float, now_s: float) -> None:
        """The page says how much has been heard."""
        self._heard_ms, self._at_s = min(heard_ms, self.sent_ms), now_s
        self._noted_ms = self._heard_ms

    def heard_ms(self, now_s: float) -> float:
        """How much has been heard."""
        return min(self.sent_ms, self._heard_ms + 1000 * (now_s - self._at_s))

    def over(self, now_s: float) -> bool:
        """Whether all of it has been heard, as the page says, or should have been long since."""
        if not self.told_end:
            return False
        late_ms = self._heard_ms + 1000 * (now_s - self._at_s) - self.sent_ms
        return self._noted_ms > self.sent_ms - _SLICE_MS / 2 or late_ms > _PATIENCE_MS

    def _keep(self, pcm: bytes) -> None:
        if pcm:
            self._pcm.append(pcm)
            self._waiting_bytes += len(pcm)


class BrowserSpeaker:
    """A `Mouth` at the other end of a WebSocket; tones and thinking sounds are the page's own business."""

    volume = 1.0

    def __init__(
        self, post: Post, outbox: Outbox, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._post = post
        self._outbox = outbox
        self._now_s = now_s
        self._line: list[_Playback] = []
        self._moved = asyncio.Event()
        self._room = asyncio.Event()

    def begin(self, playback: int) -> None:
        """See `Mouth`."""
        if self._find(playback) is None:
            self._line.append(_Playback(playback))
            self._step()

    def play(self, playback: int, sound: Sound) -> None:
        """See `Mouth`; what can't be converted is left out."""
        found = self._find(playback)
        if found is None or found.complete:
            return
        try:
            found.add(sound)
        except BadAudio as error:
            self._outbox.tell("trouble", text=f"a piece of the answer can't be played: {error}")
        self._step()

    def end(self, playback: int) -> None:
        """See `Mouth`."""
        found = self._find(playback)
        if found is not None:
            found.end()
            self._step()

    def abort(self, playback: int) -> int:
        """See `Mouth`; the page drops what it has not played."""
        found = self._find(playback)
        if found is None:
            return 0
        heard_ms = found.heard_ms(self._now_s())
        self._line.remove(found)
        self._outbox.withdraw(playback)
        if found.begun:
            self._outbox.tell("audio_clear", playback=playback)
        self._step()
        return round(heard_ms)

    def heard(self, playback: int, ms: float) -> None:
        """The page says how much of a playback has been heard; of one that is over, nobody wants to know."""
        found = self._find(playback)
        if found is not None:
            found.note(ms, self._now_s())
            self._step()

    def sentence(self, playback: int, trouble: Trouble, language: str) -> None:
        """See `Mouth`."""
        self.begin(playback)
        self.play(playback, read_sentences(language)[trouble])
        self.end(playback)

    def tone(self, tone: Tone) -> None:
        """The page shows what happens."""

    def think(self, on: bool) -> None:
        """The page shows what happens."""

    def ring(self, on: bool) -> None:
        """There are no timers here."""

    async def room(self) -> None:
        """See `Mouth`."""
        while sum(playback.waiting_ms for playback in self._line) >= ROOM_MS:
            self._room.clear()
            await self._room.wait()

    async def run(self) -> None:
        """Send what is due until cancelled."""
        while True:
            self._moved.clear()
            due_s = self._send()
            if due_s is None:
                await self._moved.wait()
                continue
            try:
                async with asyncio.timeout(due_s):
                    await self._moved.wait()
            except TimeoutError:
                continue

    def _send(self) -> float | None:
        """Send what may be sent; in how many seconds there is more to do, None for when something comes."""
        self._room.set()
        if not self._line:
            return None
        first, now_s = self._line[0], self._now_s()
        self._tell_begin(first)
        while first.sent_ms - first.heard_ms(now_s) < LEAD_MS and (pcm := first.slice()):
            self._outbox.sound(first.number, pcm)
            first.sent(pcm, now_s)
        if first.waiting_ms > 0:
            return _SLICE_MS / 1000
        if not first.complete:
            return None
        if not first.told_end:
            first.told_end = True
            self._outbox.tell("audio_end", playback=first.number)
        if not first.over(now_s):
            return _SLICE_MS / 1000
        del self._line[0]
        self._post(PlaybackHeard(first.number))
        return 0.0

    def _tell_begin(self, first: _Playback) -> None:
        if not first.begun:
            first.begun = True
            self._outbox.tell("audio_begin", playback=first.number, sample_rate=RATE_HZ)

    def _find(self, playback: int) -> _Playback | None:
        return next((one for one in self._line if one.number == playback), None)

    def _step(self) -> None:
        self._moved.set()
