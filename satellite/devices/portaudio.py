"""Sound cards and sound servers through PortAudio: the one importer of sounddevice.

With the sound server stopped (SIGSTOP) no callback comes, and every call into PortAudio hangs until it
goes on (measured with PulseAudio). Rule: each call runs in a thread that can be left behind, one at a
time, and the event loop waits for it for two seconds at most. PortAudio reads its list of devices when
it is started, and starting it anew ends every stream: that is done only while none is open. Starting a
stream never returns when its device goes in that moment (PortAudio 19.6: the stream's thread ends
with the lock that the start waits for): such a stream is left as it is, and others are opened beside it.
A device that was plugged in elsewhere meanwhile is in the new list alone: when one can't be opened and cards
have come or gone since the list was read, open streams are asked once to give way to the reading.
"""

import asyncio
import atexit
import contextlib
import ctypes
import functools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from satellite.devices.catalogue import Device
from satellite.devices.streams import Opened, Plan, cards, listed, started
from satellite.parts import DeviceError, DeviceHangs

CALL_S = 2.0
CLOSE_S = 0.8
NO_PORTAUDIO = "the PortAudio library is not installed; on Debian: apt install libportaudio2"

_ALSA = Path("/usr/share/alsa/alsa.conf")

T = TypeVar("T")


class PortAudio:
    """The library as this process has it, and the streams that are open in it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._open: dict[Any, Plan] = {}
        self._unwanted: list[Any] = []
        self._list_is_old = False
        self._cards = self._last_cards = cards()  # as the list has them, and at the last failure
        self._stderr: int | None = None
        self._starting: threading.Thread | None = None
        atexit.register(self._pin_what_hangs)

    async def devices(self) -> list[Device]:
        """Everything that PortAudio lists."""
        return await self._call(listed, _ignored)

    async def open(self, plan: Plan) -> Opened:
        """Open and start a stream; raises DeviceError."""

        def work(library: Any) -> Opened:
            return started(library, plan, functools.partial(self._start, plan))

        try:
            return await self._call(work, lambda opened: self._unwanted.append(opened.stream))
        except DeviceHangs:
            self.distrust_list()
            raise
        except DeviceError:
            self.distrust_list()
            self._ask_for_way()
            raise

    async def close(self, opened: Opened) -> None:
        """Close a stream, if not at once then before the next call."""
        self._unwanted.append(opened.stream)
        with contextlib.suppress(DeviceError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._call(_nothing, _ignored)

    def distrust_list(self) -> None:
        """A device is not where it was: read the list anew before the next one is opened."""
        self._list_is_old = True

    def _ask_for_way(self) -> None:
        """Have the list read anew, if cards have come or gone since: once, when they have settled."""
        present = cards()
        settled, self._last_cards = present == self._last_cards, present
        if present == self._cards or not settled:
            return
        self._cards = present
        for plan in list(self._open.values()):
            plan.give_way()

    async def _call(self, work: Callable[[Any], T], discard: Callable[[T], None]) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: DeviceError | None) -> None:
            if error is None:
                _give(answer, result, discard)
            elif not answer.done():
                answer.set_exception(error)

        turn = self._turn

        def run() -> None:
            if not turn.acquire(timeout=CALL_S):
                return
            try:
                if answer.done():
                    return
                result, error = self._attempt(work)
            finally:
                turn.release()
            with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(settle, result, error)

        thread = threading.Thread(target=run, name="portaudio", daemon=True)
        thread.start()
        try:
            async with asyncio.timeout(CALL_S):
                return await answer
        except TimeoutError as error:
            self._restore_stderr()
            self._leave_start_of(thread)
            raise DeviceHangs(
                f"the sound system has not answered for {CALL_S:g} s; is its server stopped?"
            ) from error

    def _attempt(self, work: Callable[[Any], T]) -> tuple[T | None, DeviceError | None]:
        try:
            with self._keeping_stderr():
                library = _loaded()
            while self._unwanted:
                self._end(self._unwanted.pop())
            self._read_list_anew(library)
            return work(library), None
        except DeviceError as error:
            return None, error

    def _start(self, plan: Plan, stream: Any) -> None:
        self._open[stream] = plan  # before it hangs: the list can't be read anew beside it
        self._starting = this = threading.current_thread()
        with contextlib.ExitStack() as failing:
            failing.callback(self._open.pop, stream, None)
            try:
                stream.start()
            finally:
                if self._starting is this:
                    self._starting = None
            failing.pop_all()

    def _leave_start_of(self, thread: threading.Thread) -> None:
        """If that is where a thread hangs, let others have their turn: it holds nothing that they need."""
        if self._starting is thread:
            self._starting = None
            self._turn = threading.Lock()

    def _end(self, stream: Any) -> None:
        stream.abort()  # both ignore errors: the device may be gone
        stream.close()
        self._open.pop(stream, None)

    def _read_list_anew(self, library: Any) -> None:
        if not self._list_is_old or self._open:
            return
        self._cards = cards()
        try:
            with self._keeping_stderr():
                if library._initialized:
                    library._terminate()
                library._initialize()
        except library.PortAudioError as error:
            raise DeviceError(f"PortAudio can't be started: {error}") from error
        self._list_is_old = False

    def _pin_what_hangs(self) -> None:
        for stream in list(self._open):
            _pin(stream)
            _pin(_loaded()._lib)

    @contextlib.contextmanager
    def _keeping_stderr(self) -> Iterator[None]:
        # sounddevice turns stderr to /dev/null while PortAudio starts, which may hang: so would the log.
        self._stderr = kept = os.dup(2)
        try:
            yield
        finally:
            self._stderr = None
            os.close(kept)

    def _restore_stderr(self) -> None:
        if (kept := self._stderr) is not None:
            with contextlib.suppress(OSError):
                os.dup2(kept, 2)


PORTAUDIO = PortAudio()
"""The library has one state for the whole process."""


async def list_devices() -> list[Device]:
    """Every microphone and loudspeaker there is; raises DeviceError where PortAudio is missing."""
    return await PORTAUDIO.devices()


def _leave_out_ffmpeg() -> None:
    """Have ALSA do without its AC-3 encoder: PortAudio would open it, and ffmpeg with it, 14 MB for nothing.

    Only where ALSA's configuration is where it always is, and nobody has named another.
    """
    own = Path(__file__).parent / "alsa"
    if _ALSA.exists() and "ALSA_CONFIG_PATH" not in os.environ:
        os.environ["WYOMING_VOICE_ALSA"] = str(own / "null_a52.conf")
        os.environ["ALSA_CONFIG_PATH"] = f"{_ALSA}:{own / 'without_a52.conf'}"


def _loaded() -> Any:
    _leave_out_ffmpeg()
    try:
        import sounddevice
    except ImportError as error:
        raise DeviceError(
            "sounddevice is not installed; pip install 'wyoming-voice[satellite]'"
        ) from error
    except OSError as error:
        broken = f"PortAudio can't be loaded: {error}; apt install --reinstall libportaudio2"
        raise DeviceError(NO_PORTAUDIO if "not found" in str(error) else broken) from error
    # At exit it would close what hangs; whoever opened a stream has closed it by then.
    atexit.unregister(sounddevice._exit_handler)
    return sounddevice


def _pin(thing: object) -> None:
    # A stream that hangs still runs while the interpreter ends and frees its code (seen: SIGSEGV).
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _nothing(library: Any) -> None:
    pass


def _ignored(result: object) -> None:
    pass


def _give(answer: "asyncio.Future[T]", result: Any, discard: Callable[[T], None]) -> None:
    if answer.done():  # whoever asked has gone on
        discard(result)
    else:
        answer.set_result(result)
