"""The mouth: everything that sounds, on its way through the mixer to a loudspeaker that may fail.

The event loop says what is to sound, the sink's thread asks for samples; one lock lies between them and
is held for one block's arithmetic at most. Rule: PlaybackHeard comes once for each playback that was
not aborted, whatever the loudspeaker does: while none can be had, sound passes by the clock, unheard.
"""

import asyncio
import functools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from satellite.effects import Tone
from satellite.events import PlaybackHeard, Trouble
from satellite.parts import Audio, Post, Sink, Status
from satellite.speaking.mixer import Mixer, MixSettings
from satellite.speaking.outlet import Outlet
from satellite.speaking.tones import chimes, read_sentences, read_tones
from wyoming_voice.audio import checked_format
from wyoming_voice.client import Sound
from wyoming_voice.errors import BadAudio

_log = logging.getLogger(__name__)

TICK_S = 0.05
ROOM_MS = 2_000
"""`room` waits while this much waits to be played."""
_BY_CLOCK_MS = 10
_CATCH_UP_MS = 200
"""The most that passes by the clock at once, so that the loop isn't blocked."""
_LONGEST_LATENCY_MS = 5_000.0
"""A device that claims more is not believed: nothing may hang on it."""


@dataclass(frozen=True)
class SpeakerSettings:
    """How loud, and which sounds; `tones` are WAV files in place of the generated ones.

    What is said without a server is held ready in `language`.
    """

    volume: float = 1.0
    no_tones: bool = False
    no_thinking: bool = False
    tones: Mapping[Tone, Path | None] = field(default_factory=dict)
    mix: MixSettings = field(default_factory=MixSettings)
    language: str = ""


class Speaker:
    """A `Mouth` in front of any `Sink`.

    `far_end` is given every block that the loudspeaker was given, and its rate, in the sink's thread;
    `tell` what is wrong with the loudspeaker, as a sentence.
    Raises ConfigError for a tone's file that can't be read.
    """

    def __init__(
        self,
        post: Post,
        sink: Sink,
        settings: SpeakerSettings | None = None,
        far_end: Callable[[Audio, int], None] | None = None,
        tell: Callable[[str], None] = lambda sentence: None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings or SpeakerSettings()
        self._post = post
        self._far_end = far_end
        self._now_s = now_s
        self._recorded = read_tones(self._settings.tones)
        self._sentences = read_sentences(self._settings.language)
        self._volume = self._settings.volume
        self._lock = threading.Lock()  # guards the mixer
        self._mixer = self._new_mixer(sink.rate_hz)
        self._expected: set[int] = set()  # playbacks of which PlaybackHeard is still to come
        self._refused = 0
        self._rendered = asyncio.Event()
        self._somebody_waits = False
        self._passed_s = now_s()  # until when sound has passed by the clock
        self._outlet = Outlet(sink, self._render, self._tune, tell, now_s)

    @property
    def volume(self) -> float:
        """From 0 to 1, in even steps for the ear; 0 is silence."""
        return self._volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._volume = min(1.0, max(0.0, volume))
        with self._lock:
            self._mixer.set_volume(self._volume)

    def begin(self, playback: int) -> None:
        """See `Mouth`; the loudspeaker is opened while the audio is on its way."""
        if playback in self._expected:
            return
        self._expected.add(playback)
        with self._lock:
            self._mixer.begin(playback)
        self._outlet.want()

    def play(self, playback: int, sound: Sound) -> None:
        """See `Mouth`; a piece of a format that can't be converted is left out, with a log line."""
        try:
            checked_format(sound.format.rate_hz, sound.format.width_bytes, sound.format.channels)
        except BadAudio as error:
            _log.warning("a piece of playback %d is left out: %s", playback, error)
            return
        with self._lock:
            taken = self._mixer.add(playback, sound)
        if not taken:
            self._refused += 1
            most_s = self._settings.mix.most_ms / 1000
            _log.warning("playback %d ends here: over %.0f s of it would wait", playback, most_s)

    def end(self, playback: int) -> None:
        """See `Mouth`."""
        with self._lock:
            self._mixer.end(playback)

    def abort(self, playback: int) -> int:
        """See `Mouth`; what comes of it later is ignored."""
        self._expected.discard(playback)
        latency_ms = self._latency_ms()
        with self._lock:
            heard_ms = self._mixer.abort(playback, latency_ms)
        self._rendered.set()
        return round(heard_ms)

    def sentence(self, playback: int, trouble: Trouble, language: str) -> None:
        """See `Mouth`; what is wrong may be that nothing can be read."""
        self.begin(playback)
        try:
            sentences = read_sentences(language)
        except OSError as error:
            _log.warning("a recording can't be read: %s", error)
            sentences = self._sentences
        self.play(playback, sentences[trouble])
        self.end(playback)

    def tone(self, tone: Tone) -> None:
        """See `Mouth`."""
        if self._settings.no_tones:
            return
        with self._lock:
            self._mixer.tone(tone)
        self._outlet.want()

    def think(self, on: bool) -> None:
        """See `Mouth`; it is heard after a second."""
        if self._settings.no_thinking:
            return
        with self._lock:
            self._mixer.think(on)
        if on:
            self._outlet.want()

    def ring(self, on: bool) -> None:
        """See `Mouth`; no setting keeps it from sounding."""
        with self._lock:
            self._mixer.ring(on)
        if on:
            self._outlet.want()

    async def room(self) -> None:
        """See `Mouth`."""
        while self._waiting_ms() >= ROOM_MS:
            self._rendered.clear()
            self._somebody_waits = True
            await self._rendered.wait()

    async def run(self) -> None:
        """See `Mouth`."""
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as living:
            living.create_task(self._tick_for_ever())
            living.create_task(self._outlet.run())

    def status(self) -> Status:
        """The loudspeaker and what plays, as facts."""
        with self._lock:
            mixer = self._mixer
            facts: Status = {
                "playing": mixer.playing,
                "waiting_ms": round(mixer.waiting_ms),
                "underruns": mixer.underruns,
            }
        levels: Status = {"volume": self._volume, "refused": self._refused}
        return self._outlet.status() | facts | levels

    async def _tick_for_ever(self) -> None:
        while True:
            if self._outlet.resting:
                await self._outlet.needed()
                self._passed_s = self._now_s()
            self._tick()
            await asyncio.sleep(TICK_S)

    def _tick(self) -> None:
        now_s = self._now_s()
        active = self._active()
        self._outlet.watch(active)
        if active and self._outlet.absent:
            self._pass_by_clock(now_s)
        else:
            self._passed_s = now_s
        self._tell(self._heard())

    def _pass_by_clock(self, now_s: float) -> None:
        due_ms = min(_CATCH_UP_MS, 1000 * (now_s - self._passed_s))
        for _ in range(int(due_ms // _BY_CLOCK_MS)):
            with self._lock:
                self._mixer.render(self._mixer.rate_hz * _BY_CLOCK_MS // 1000)
            self._passed_s += _BY_CLOCK_MS / 1000
        self._rendered.set()

    def _render(self, count: int, lead_in: int) -> Audio:
        """The next block for the loudspeaker, `lead_in` samples of it silence; in the sink's thread."""
        with self._lock:
            samples = self._mixer.render(count - lead_in)
            rate_hz = self._mixer.rate_hz
        if lead_in:
            samples = np.concatenate([np.zeros(lead_in, np.float32), samples])
        if self._far_end is not None:
            self._far_end(samples, rate_hz)
        if heard := self._heard():
            self._on_loop(functools.partial(self._tell, heard))
        if self._somebody_waits and self._waiting_ms() < ROOM_MS:
            self._somebody_waits = False
            self._on_loop(self._rendered.set)
        return samples

    def _heard(self) -> list[int]:
        latency_ms = self._latency_ms()
        with self._lock:
            return self._mixer.heard(latency_ms)

    def _tell(self, heard: list[int]) -> None:
        for playback in heard:
            if playback in self._expected:
                self._expected.remove(playback)
                self._post(PlaybackHeard(playback))

    def _on_loop(self, call: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _tune(self, rate_hz: int) -> None:
        """The loudspeaker has told its rate."""
        if rate_hz == self._mixer.rate_hz:
            return
        sounds = chimes(rate_hz, self._recorded)
        with self._lock:
            self._mixer.retune(sounds)

    def _new_mixer(self, rate_hz: int) -> Mixer:
        return Mixer(chimes(rate_hz, self._recorded), self._settings.mix, self._settings.volume)

    def _latency_ms(self) -> float:
        return min(_LONGEST_LATENCY_MS, max(0.0, self._outlet.latency_ms))

    def _active(self) -> bool:
        with self._lock:
            return self._mixer.active

    def _waiting_ms(self) -> float:
        with self._lock:
            return self._mixer.waiting_ms
