"""Real programs as microphones and loudspeakers: what they do, how they end, and what they say of it."""

import asyncio
import os
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from satellite.devices.command import CommandSink, CommandSource
from satellite.parts import Audio, DeviceError
from wyoming_voice.core.pcm import SPEECH, AudioFormat

pytestmark = pytest.mark.timeout(20)


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


def nobody(reason: str) -> None:
    raise AssertionError(reason)


def tone(samples: int) -> Audio:
    return np.full(samples, 0.5, np.float32)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody has reaped yet runs no more.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def test_what_a_program_writes_is_heard(tmp_path: Path) -> None:
    (tmp_path / "sound.raw").write_bytes(np.arange(8000, dtype="<i2").tobytes())
    heard = bytearray()
    lost: asyncio.Queue[str] = asyncio.Queue()
    source = CommandSource(f"cat {tmp_path / 'sound.raw'}", SPEECH)
    await source.open(heard.extend, lost.put_nowait)
    assert "has ended with status 0" in await lost.get()
    await source.close()
    assert bytes(heard) == (tmp_path / "sound.raw").read_bytes()


async def test_other_formats_are_converted() -> None:
    program = "import sys; sys.stdout.buffer.write(bytes([128, 192] * 48000))"
    heard = bytearray()
    lost: asyncio.Queue[str] = asyncio.Queue()
    source = CommandSource(python(program), AudioFormat(48_000, 1, 2))
    await source.open(heard.extend, lost.put_nowait)
    await lost.get()
    await source.close()
    samples = np.frombuffer(bytes(heard), "<i2")
    assert len(samples) == pytest.approx(16_000, abs=500)
    assert samples[8000] == pytest.approx(0.25 * 32768, abs=2)


@pytest.mark.parametrize("kind", ["source", "sink"])
async def test_the_reason_is_what_it_said_last(kind: str) -> None:
    program = "import sys; print('one\\nno such card\\n', file=sys.stderr); sys.exit(3)"
    lost: asyncio.Queue[str] = asyncio.Queue()
    if kind == "source":
        source = CommandSource(python(program), SPEECH)
        await source.open(lambda pcm: None, lost.put_nowait)
        reason = await lost.get()
        await source.close()
    else:
        sink = CommandSink(python(program), SPEECH)
        await sink.open(tone, lost.put_nowait)
        reason = await lost.get()
        await sink.close()
    assert reason.endswith("has ended with status 3: no such card")
    assert lost.empty()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-program-here -x", "No such file or directory; is the program installed?"),
        ("arecord 'unclosed", "is no command: No closing quotation"),
        ("  ", "an empty command can't be started"),
    ],
)
async def test_what_cannot_be_started_is_refused(command: str, says: str) -> None:
    source, sink = CommandSource(command, SPEECH), CommandSink(command, SPEECH)
    with pytest.raises(DeviceError, match=says):
        await source.open(lambda pcm: None, nobody)
    with pytest.raises(DeviceError, match=says):
        await sink.open(tone, nobody)
    await source.close()
    await sink.close()


STUBBORN_FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    sys.stdout.buffer.write(b"%08d" % child)
    sys.stdout.flush()
time.sleep(60)
"""


async def test_closed_the_whole_group_ends_however_stubborn() -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    source = CommandSource(python(STUBBORN_FAMILY), SPEECH)
    await source.open(heard.put_nowait, nobody)
    child = int(await heard.get())
    assert alive(child)
    await source.close()
    while alive(child):  # noqa: ASYNC110  (nobody tells us of the end of an orphan)
        await asyncio.sleep(0)


async def test_what_is_played_reaches_the_program(tmp_path: Path) -> None:
    played = tmp_path / "played.raw"
    program = f"import sys; open({str(played)!r}, 'wb').write(sys.stdin.buffer.read(9600))"
    lost: asyncio.Queue[str] = asyncio.Queue()
    sink = CommandSink(python(program), AudioFormat(16_000, 2, 2))
    assert sink.rate_hz == 16_000
    await sink.open(tone, lost.put_nowait)
    assert "has ended with status 0" in await lost.get()
    await sink.close()
    assert set(np.frombuffer(played.read_bytes(), "<i2")) == {16_384}


async def test_a_program_that_reads_nothing_is_waited_for_not_flooded() -> None:
    asked = 0
    first = asyncio.Event()

    def fill(samples: int) -> Audio:
        nonlocal asked
        asked += samples
        first.set()
        return np.zeros(samples, np.float32)

    sink = CommandSink(python("import time; time.sleep(60)"), AudioFormat(192_000, 4, 8))
    await sink.open(fill, nobody)
    await first.wait()
    before = asked
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert asked - before <= 192_000  # 6 MB a second would go out, of which a pipe takes 64 kB
    await sink.close()


async def test_it_can_be_opened_again() -> None:
    lost: asyncio.Queue[str] = asyncio.Queue()
    source = CommandSource("echo hello", SPEECH)
    for _ in range(2):
        heard = bytearray()
        await source.open(heard.extend, lost.put_nowait)
        assert "has ended with status 0" in await lost.get()
        await source.close()
        assert bytes(heard) == b"hello\n"
