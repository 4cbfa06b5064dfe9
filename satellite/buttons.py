"""What people and programs can do to the satellite, as the turn machine hears of it."""

from collections.abc import Callable

from satellite.around.timers import Timers
from satellite.events import MuteChanged, MuteSource, Pressed, Released, Say, Stopped, Triggered
from satellite.loop import Loop
from satellite.parts import Mouth, Status


class Buttons:
    """The `Controls` of a loop, its mouth and its timers."""

    def __init__(
        self, loop: Loop, mouth: Mouth, timers: Timers, status: Callable[[], Status]
    ) -> None:
        self._loop = loop
        self._mouth = mouth
        self._timers = timers
        self.status = status

    def trigger(self) -> None:
        """Begin a turn, as a wake word would."""
        self._loop.post(Triggered(self._loop.ear_ms))

    def press(self) -> None:
        """Push to talk: begin a turn."""
        self._loop.post(Pressed(self._loop.ear_ms))

    def release(self) -> None:
        """Push to talk: that was all."""
        self._loop.post(Released())

    def stop(self) -> None:
        """Silence: of an answer, an announcement, a ringing timer."""
        self._loop.post(Stopped())

    def mute(self, on: bool) -> None:
        """Close the ear, or open it; what Home Assistant has closed only while it is away."""
        self._loop.post(MuteChanged(MuteSource.SOFTWARE, on))
        link = self.status().get("home assistant")
        if not on and isinstance(link, dict) and not link["connected"]:
            self._loop.post(MuteChanged(MuteSource.HOME_ASSISTANT, muted=False))

    def say(self, text: str) -> None:
        """Speak a text."""
        self._loop.post(Say(text))

    def set_volume(self, percent: int) -> None:
        """0 to 100."""
        self._mouth.volume = percent / 100

    def add_timer(self, seconds: float, name: str) -> str:
        """Start a timer of our own; its id. Raises TimerError."""
        return self._timers.add(seconds, name)

    def cancel_timer(self, timer_id: str) -> bool:
        """Forget a timer, ringing or not; whether there was one."""
        return self._timers.cancel(timer_id)
