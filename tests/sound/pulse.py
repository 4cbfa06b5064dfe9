"""A real sound server without a sound card: PulseAudio with a loudspeaker and a microphone of null sinks.

What is played to the loudspeaker can be recorded from its monitor; what is played to `virt_mic_sink` is
what the microphone hears. It runs as root, without D-Bus, in a directory of its own.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

_PACKAGES = ("pulseaudio", "pulseaudio-utils", "libportaudio2", "libasound2-plugins")
_PROGRAMS = ("pulseaudio", "pactl", "parec", "pacat")
_PATIENCE_S = 20.0

_MICROPHONE = (
    "load-module module-remap-source master=virt_mic_sink.monitor source_name=virt_mic",
    "set-default-source virt_mic",
)
_DEVICES = (
    "load-module module-null-sink norewinds=1 sink_name=virt_speaker rate=48000 channels=2",
    "load-module module-null-sink norewinds=1 sink_name=virt_mic_sink rate=48000 channels=1",
    "set-default-sink virt_speaker",
    *_MICROPHONE,
)
# Without norewinds=1 the first capture lags by up to two seconds.
_SCRIPT = "\n".join(("load-module module-native-protocol-unix", *_DEVICES, ""))


def obtain() -> None:
    """Have PulseAudio, from Debian's packages where this may be; skip the test with the reason where not."""
    if all(map(shutil.which, _PROGRAMS)):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.skip(f"needs {', '.join(_PACKAGES)}, and apt can't be used here")
    install = ("apt-get", "install", "-y", "--no-install-recommends", *_PACKAGES)
    for command in (("apt-get", "update"), install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")


class SoundServer:
    """One PulseAudio and its successors; `environment` leads programs to it."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o700)
        for name in ("pulse", "state"):
            (folder / name).mkdir()
        (folder / "test.pa").write_text(_SCRIPT)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = os.environ | {
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "pulse"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_SERVER": f"unix:{folder}/pulse/native",
        }

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = (
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
            "--disable-shm=yes",
        )
        quiet = ("--realtime=no", "--high-priority=no", "--log-level=error")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ("pulseaudio", "-n", "-F", str(self._folder / "test.pa"), *options, *quiet),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline_s = time.monotonic() + _PATIENCE_S
        while subprocess.run(
            ("pactl", "info"), env=self.environment, capture_output=True, check=False
        ).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                pytest.fail(
                    f"PulseAudio did not start: {(self._folder / 'log').read_text()[-500:]}"
                )
            time.sleep(0.05)

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stall(self) -> None:
        """Have it do nothing, but stay."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End the stall."""
        self._signal(signal.SIGCONT)

    def tell(self, *command: str) -> str:
        """What `pactl COMMAND` prints."""
        done = subprocess.run(
            ("pactl", *command), env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    @contextlib.contextmanager
    def killed(self) -> Iterator[None]:
        """It has crashed; the next one is there after the block."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """It does nothing for as long as the block runs."""
        self.stall()
        try:
            yield
        finally:
            self.go_on()

    @contextlib.contextmanager
    def microphone_unplugged(self) -> Iterator[None]:
        """The microphone is gone, and its streams are moved to the loudspeaker's monitor: all zeros."""
        self.tell("unload-module", "module-remap-source")
        try:
            yield
        finally:
            self._plug_in(_MICROPHONE)

    @contextlib.contextmanager
    def all_unplugged(self) -> Iterator[None]:
        """There is neither a microphone nor a loudspeaker; their streams are ended."""
        self.tell("unload-module", "module-remap-source")
        self.tell("unload-module", "module-null-sink")
        try:
            yield
        finally:
            self._plug_in(_DEVICES)

    @contextlib.contextmanager
    def echo(self, percent: int = 40) -> Iterator[None]:
        """The microphone hears the loudspeaker, softer: 40 % are -24 dB."""
        way = ("source=virt_speaker.monitor", "sink=virt_mic_sink", "latency_msec=20")
        module = self.tell("load-module", "module-loopback", *way)
        for line in self.tell("list", "short", "sink-inputs").splitlines():
            self.tell("set-sink-input-volume", line.split()[0], f"{percent}%")
        try:
            yield
        finally:
            self.tell("unload-module", module)

    def _plug_in(self, commands: Sequence[str]) -> None:
        for command in commands:
            self.tell(*command.split())

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
