"""`wyoming-bench`, the public benchmark: it must find our servers complete, right, and free of errors.

Its exit status tells only that everything failed, so its report is read.
"""

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.clients.programs import Clients, Finished
from tests.clients.spoken import COMMANDS, metered
from wyoming_voice.wire import parse_uri

pytestmark = [pytest.mark.clients, pytest.mark.asyncio(loop_scope="session")]

_MODE = re.compile(r"^\[(\w+)\] ok=(\d+) fail=(\d+)$", re.MULTILINE)
_ERRORS = re.compile(r"WER=(\S+)%")


@dataclass(frozen=True)
class Count:
    good: int
    failed: int


def counts(finished: Finished) -> dict[str, Count]:
    """Mode -> what its report counted."""
    assert finished.status == 0, finished.errors
    found = _MODE.findall(finished.output)
    return {mode: Count(int(good), int(failed)) for mode, good, failed in found}


def place(uri: str) -> str:
    """HOST:PORT, as the program wants it."""
    address = parse_uri(uri)
    return f"{address.host}:{address.port}"


def copy_recordings(corpus: Path, folder: Path) -> None:
    for recording in corpus.glob("*.wav"):
        shutil.copy(recording, folder)


def transcripts(folder: Path) -> list[str]:
    return [path.read_text().strip() for path in sorted(folder.glob("*.txt"))]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def corpus(
    clients: Clients, servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Path]:
    """Commands spoken by our TTS server, as `generate-corpus` writes them."""
    folder = tmp_path_factory.mktemp("corpus")
    finished = await clients.run(
        *("wyoming-bench", "generate-corpus", place(servers["tts"])),
        *("--out", str(folder), "--texts", *COMMANDS),
    )
    assert finished.status == 0, finished.output + finished.errors
    yield folder


async def test_info_names_what_each_server_offers(
    clients: Clients, servers: dict[str, str]
) -> None:
    finished = await clients.run("wyoming-bench", "info", *(place(uri) for uri in servers.values()))
    assert finished.status == 0
    assert "model command_whisper [en]" in finished.output
    assert "tts  espeak-ng (synthesize streaming)" in finished.output
    assert "voice en-us [en-US]" in finished.output
    assert "other  handle" in finished.output


async def test_the_corpus_it_has_spoken_sounds_like_speech(corpus: Path) -> None:
    for number, text in enumerate(COMMANDS, start=1):
        sound = metered((corpus / f"sample_{number:02}.wav").read_bytes())
        assert sound.rate_hz == 22_050
        assert sound.is_speech_of(text), (text, sound)


async def test_tts_works_whole_and_streamed(clients: Clients, servers: dict[str, str]) -> None:
    finished = await clients.run(
        *("wyoming-bench", "tts", place(servers["tts"])),
        *("--mode", "both", "--rounds", "2", "--verbose"),
    )
    assert counts(finished) == {"non_streaming": Count(8, 0), "streaming": Count(8, 0)}
    seconds = [float(found) for found in re.findall(r" audio=(\S+)s bytes", finished.output)]
    assert len(seconds) == 16
    assert min(seconds) > 3  # its shortest text has 56 characters


async def test_stt_understands_every_command_in_a_burst(
    clients: Clients, servers: dict[str, str], corpus: Path
) -> None:
    finished = await clients.run(
        *("wyoming-bench", "stt", place(servers["asr"]), "--corpus", str(corpus)),
        *("--mode", "non_streaming", "--rounds", "1"),
    )
    assert counts(finished) == {"non_streaming": Count(len(COMMANDS), 0)}
    assert _ERRORS.findall(finished.output) == ["0.0"]


async def test_stt_understands_every_command_at_the_pace_of_a_microphone(
    clients: Clients, servers: dict[str, str], corpus: Path
) -> None:
    """Paced chunks exist in its streaming mode alone, which needs a server that sends partials."""
    finished = await clients.run(
        *("wyoming-bench", "stt", place(servers["asr-partials"]), "--corpus", str(corpus)),
        *("--mode", "streaming", "--rounds", "1", "--chunk-delay", "0.064"),
    )
    assert counts(finished) == {"streaming": Count(len(COMMANDS), 0)}
    assert _ERRORS.findall(finished.output) == ["0.0"]


async def test_seeding_writes_the_transcripts(
    clients: Clients, servers: dict[str, str], corpus: Path, tmp_path: Path
) -> None:
    copy_recordings(corpus, tmp_path)
    finished = await clients.run(
        "wyoming-bench", "seed-corpus", place(servers["asr"]), "--corpus", str(tmp_path)
    )
    assert finished.status == 0, finished.output
    assert transcripts(tmp_path) == list(COMMANDS)
