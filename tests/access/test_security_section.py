"""The README's way to certificates, run as it stands there."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.access.test_tls import call_as, listening
from wyoming_voice.describing import describe
from wyoming_voice.errors import UpstreamError
from wyoming_voice.tls import Caller, Shown

README = Path(__file__).parents[2] / "README.md"


def commands() -> str:
    section = README.read_text(encoding="utf-8").split("### TLS between our own\n")[1]
    return section.split("```sh\n")[1].split("```")[0]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Where the commands have been run."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    done = subprocess.run(
        ["sh", "-e", "-c", commands()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tmp_path


async def test_the_commands_make_certificates_that_work(made: Path) -> None:
    shown = Shown(made / "server.pem", made / "server.key", made / "ca.pem")
    async with listening(shown) as service:
        uri = str(service.addresses[1])
        call_as(Caller(made / "ca.pem", made / "kitchen.pem", made / "kitchen.key"))
        for host in ("127.0.0.1", "localhost"):
            await describe(uri.replace("127.0.0.1", host))
        call_as(Caller(made / "ca.pem"))
        with pytest.raises(UpstreamError, match="it wants a certificate of its clients"):
            await describe(uri)
    assert (made / "ca.key").stat().st_mode & 0o077 == 0
