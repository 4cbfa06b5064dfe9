"""What was heard, on disk: a ring of readable files, and a full disk that stops only the recording."""

import resource
import signal
import stat
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from satellite.hearing.recording import Recording
from wyoming_voice.errors import ConfigError

SECOND_RAW = b"\x01\x00" * 16_000
SECOND_CLEAN = b"\x02\x00" * 16_000


class Clock:
    """Goes on by a second with each look."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


def seconds(path: Path) -> float:
    with wave.open(str(path), "rb") as wav:
        assert (wav.getframerate(), wav.getsampwidth(), wav.getnchannels()) == (16_000, 2, 1)
        return wav.getnframes() / wav.getframerate()


def add(recording: Recording, count: int) -> None:
    for _ in range(count):
        recording.add(SECOND_RAW, SECOND_CLEAN)


def test_raw_and_clean_lie_side_by_side_and_can_be_played_meanwhile(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "heard", 10, now_s=Clock())
    add(recording, 2)
    recording.add(SECOND_RAW[:8000], SECOND_CLEAN[:8000])
    raw, clean = sorted((tmp_path / "heard").iterdir(), reverse=True)
    assert raw.name == "heard-19700112T134641.000000Z-raw.wav"
    assert clean.name == "heard-19700112T134641.000000Z-clean.wav"
    assert seconds(raw) == seconds(clean) == 2
    recording.close()
    assert seconds(raw) == seconds(clean) == 2.25
    with wave.open(str(clean), "rb") as wav:
        assert wav.readframes(16_000) == SECOND_CLEAN
    with wave.open(str(raw), "rb") as wav:
        assert wav.readframes(16_000) == SECOND_RAW


def test_only_the_owner_reads(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "heard", 10, now_s=Clock())
    add(recording, 1)
    recording.close()
    assert stat.S_IMODE((tmp_path / "heard").stat().st_mode) == 0o700
    for file in (tmp_path / "heard").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_oldest_go_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "heard-notes.txt").write_text("mine")
    recording = Recording(tmp_path, 2, now_s=Clock())
    add(recording, 60 * 5 + 10)
    recording.close()
    for kind in ("raw", "clean"):
        files = sorted(tmp_path.glob(f"heard-*-{kind}.wav"))
        assert [seconds(file) for file in files] == [60, 60, 10]
    assert (tmp_path / "heard-notes.txt").exists()


def test_what_an_earlier_run_left_counts(tmp_path: Path) -> None:
    clock = Clock()
    first = Recording(tmp_path, 1, now_s=clock)
    add(first, 61)
    first.close()
    clock.now_s += 100
    second = Recording(tmp_path, 1, now_s=clock)
    add(second, 1)
    second.close()
    assert [seconds(file) for file in sorted(tmp_path.glob("*-raw.wav"))] == [1, 1]


def test_a_gap_begins_a_new_file(tmp_path: Path) -> None:
    clock = Clock()
    recording = Recording(tmp_path, 10, now_s=clock)
    add(recording, 3)
    clock.now_s += 30
    add(recording, 1)
    recording.close()
    assert [seconds(file) for file in sorted(tmp_path.glob("*-raw.wav"))] == [3, 1]


@pytest.mark.parametrize("directory", ["file", "file/heard"])
def test_a_directory_that_can_never_be_one_is_refused(tmp_path: Path, directory: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as refusal:
        Recording(tmp_path / directory, 10)
    assert str(refusal.value) == (
        f"--record-dir '{tmp_path / directory}' can't be used: Not a directory; "
        "name a directory of your own, or one that can be made"
    )


def test_a_directory_that_is_none_any_more_is_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    recording = Recording(tmp_path / "heard", 10, told.append, Clock())
    (tmp_path / "heard").rmdir()
    (tmp_path / "heard").write_text("")
    add(recording, 3)
    recording.close()
    assert len(told) == 1
    assert "Not a directory; make room or name another directory" in told[0]
    assert recording.status()["trouble"] == told[0]


@pytest.fixture
def _files_of_100_kb() -> Iterator[None]:
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, was[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, was)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("_files_of_100_kb")
def test_a_full_disk_ends_the_recording_and_what_is_there_can_be_played(tmp_path: Path) -> None:
    told: list[str] = []
    recording = Recording(tmp_path, 10, told.append, Clock())
    add(recording, 6)
    assert len(told) == 1
    assert str(tmp_path) in told[0]
    assert [seconds(file) for file in tmp_path.iterdir()] == [3, 3]


@pytest.mark.usefixtures("_files_of_100_kb")
def test_a_disk_that_is_full_at_the_end_is_told_of(tmp_path: Path) -> None:
    told: list[str] = []
    recording = Recording(tmp_path, 10, told.append, Clock())
    add(recording, 3)
    recording.add(SECOND_RAW[:8000], SECOND_CLEAN[:8000])
    recording.close()
    assert len(told) == 1
    assert recording.status()["trouble"] == told[0]
