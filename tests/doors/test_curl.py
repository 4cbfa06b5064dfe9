"""The README's `curl` commands do what they say, run as written but for the ports."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
PORTS = {"8000": "gateway", "8001": "asr", "8002": "tts"}


def curls() -> list[str]:
    """Each command, on one line, in the order in which a reader types them."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README.read_text(encoding="utf-8"), re.S | re.M)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("curl ")]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that looks like a clone, and may be written to."""
    directory = tmp_path_factory.mktemp("clone")
    (directory / "wyoming_voice").symlink_to(README.parent / "wyoming_voice")
    return directory


def test_there_are_some_for_every_door() -> None:
    assert {port for line in curls() for port in re.findall(r":(\d{4})/", line)} == set(PORTS)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("line", curls())
def test_a_command_works(line: str, where: Path, doors: dict[str, str]) -> None:
    for port, kind in PORTS.items():
        line = re.sub(rf"http://(localhost|127\.0\.0\.1):{port}", doors[kind], line)
    done = subprocess.run(line, shell=True, cwd=where, capture_output=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr.decode()
    written = [where / name for name in re.findall(r"(?:-o|--output) (\S+)", line)]
    answer = done.stdout + b"".join(path.read_bytes() for path in written)
    assert answer
    assert not answer.startswith(b'{"error"')
