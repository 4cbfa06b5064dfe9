"""Sound cards and sound servers through PortAudio: the one importer of sounddevice.

With the sound server stopped (SIGSTOP) no callback comes, and every call into PortAudio hangs until it
goes on (measured with PulseAudio). Rule: each call runs in a thread that can be left behind, one at a
time, and the event loop waits for it for two seconds at most. PortAudio reads its list of devices when
it is started, and starting it anew ends every stream: that is done only while none is open. Starting a
stream never returns when its device goes in that moment (PortAudio 19.6: the stream's thread ends
with the lock that the start waits for): such a stream is left as it is, and others are opened beside it.
"""

import asyncio
import atexit
import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from satellite.devices.catalogue import Device, Kind, pick
from satellite.parts import DeviceError

CALL_S = 2.0
CLOSE_S = 0.8
LATENCY = "high"
"""PortAudio's word for what holds under load: 40 ms on PulseAudio, where "low" is 20 ms."""

_ALSA = Path("/usr/share/alsa/alsa.conf")

T = TypeVar("T")
Format = tuple[int, int]
"""Samples a second, and channels."""


@dataclass(frozen=True)
class Plan:
    """A stream as it is wanted.

    `formats` names what to ask a device for, best first. `callback` is called in PortAudio's thread with the
    buffer, its frames, PortAudio's times and its status flags; `finished` when the stream has ended.
    """

    kind: Kind
    device: str
    formats: Callable[[Device], Sequence[Format]]
    block_ms: int
    callback: Callable[[Format], Callable[[Any, int, Any, Any], None]]
    finished: Callable[[], None]


@dataclass(frozen=True)
class Opened:
    """A running stream: of which device, in which format, and with how much delay."""

    device: Device
    format: Format
    latency_ms: float
    stream: Any


class PortAudio:
    """The library as this process has it, and the streams that are open in it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._open: set[Any] = set()
        self._unwanted: list[Any] = []
        self._list_is_old = False
        self._stderr: int | None = None
        self._starting: threading.Thread | None = None
        atexit.register(self._pin_what_hangs)

    async def devices(self) -> list[Device]:
        """Everything that PortAudio lists."""
        return await self._call(_listed, _ignored)

    async def open(self, plan: Plan) -> Opened:
        """Open and start a stream; raises DeviceError."""

        def work(library: Any) -> Opened:
            device = pick(plan.device, _listed(library), plan.kind)
            return _started(library, device, plan, self._start)

        try:
            return await self._call(work, lambda opened: self._unwanted.append(opened.stream))
        except DeviceError:
            self.distrust_list()
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
            raise DeviceError(
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

    def _start(self, stream: Any) -> None:
        self._open.add(stream)  # before it hangs: the list can't be read anew beside it
        self._starting = this = threading.current_thread()
        with contextlib.ExitStack() as failing:
            failing.callback(self._open.discard, stream)
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
        self._open.discard(stream)

    def _read_list_anew(self, library: Any) -> None:
        if not self._list_is_old or self._open:
            return
        try:
            with self._keeping_stderr():
                if library._initialized:
                    library._terminate()
                library._initialize()
        except library.PortAudioError as error:
            raise DeviceError(f"PortAudio can't be started: {error}") from error
        self._list_is_old = False

    def _pin_what_hangs(self) -> None:
        for stream in self._open:
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
        raise DeviceError(f"{error}; on Debian: apt install libportaudio2") from error
    # At exit it would close what hangs; whoever opened a stream has closed it by then.
    atexit.unregister(sounddevice._exit_handler)
    return sounddevice


def _pin(thing: object) -> None:
    # A stream that hangs still runs while the interpreter ends and frees its code (seen: SIGSEGV).
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _listed(library: Any) -> list[Device]:
    default_input, default_output = library.default.device
    return [
        Device(
            number=number,
            name=str(entry["name"]),
            inputs=int(entry["max_input_channels"]),
            outputs=int(entry["max_output_channels"]),
            rate_hz=int(entry["default_samplerate"]),
            default_input=number == default_input,
            default_output=number == default_output,
        )
        for number, entry in enumerate(library.query_devices())
    ]


def _started(library: Any, device: Device, plan: Plan, start: Callable[[Any], None]) -> Opened:
    refusal = ""
    for wanted in dict.fromkeys(plan.formats(device)):
        try:
            stream = _stream(library, device, plan, wanted)
        except library.PortAudioError as error:
            refusal = _reason(error)
            continue
        try:
            start(stream)
        except library.PortAudioError as error:
            stream.close()
            refusal = _reason(error)
            continue
        return Opened(device, wanted, 1000 * stream.latency, stream)
    raise DeviceError(
        f"the {plan.kind} {device.name!r} can't be opened: {refusal}; "
        "does another program hold it, or has its sound server ended?"
    )


def _reason(error: Exception) -> str:
    """PortAudio's own words, without what sounddevice says of itself before them."""
    text = str(error.args[0]) if error.args else ""
    return text.rpartition(": ")[2] or "no reason given"


def _stream(library: Any, device: Device, plan: Plan, wanted: Format) -> Any:
    rate_hz, channels = wanted
    microphone = plan.kind is Kind.MICROPHONE
    make = library.RawInputStream if microphone else library.RawOutputStream
    return make(
        samplerate=rate_hz,
        channels=channels,
        blocksize=rate_hz * plan.block_ms // 1000,
        device=device.number,
        dtype="int16" if microphone else "float32",
        latency=LATENCY,
        callback=plan.callback(wanted),
        finished_callback=plan.finished,
    )


def _nothing(library: Any) -> None:
    pass


def _ignored(result: object) -> None:
    pass


def _give(answer: "asyncio.Future[T]", result: Any, discard: Callable[[T], None]) -> None:
    if answer.done():  # whoever asked has gone on
        discard(result)
    else:
        answer.set_result(result)
