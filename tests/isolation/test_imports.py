"""What an engine needs is loaded by its own process alone: nothing of it is in the server's memory."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

_BUILT = """
import asyncio, sys
from wyoming_voice.config import load
if sys.argv[1] == "asr":
    from wyoming_voice.asr.server import AsrSettings as Settings, build
else:
    from wyoming_voice.tts.server import TtsSettings as Settings, build
program = build(load(Settings, sys.argv[2:], {}))
"""

_LOADED = """
async def main():
    await program.load()
    print(dict(program.numbers())["engine_loaded"])
    await program.close()
asyncio.run(main())
"""

_HEAVY = """
heavy = {"torch", "ctranslate2", "faster_whisper", "kokoro", "misaki", "spacy", "pocketsphinx"}
heavy |= {"huggingface_hub", "transformers"}
print(*sorted(heavy & set(sys.modules)))
with open("/proc/self/maps", encoding="utf-8") as maps:
    print(*{word for word in ("libcuda", "libtorch", "libctranslate2") if word in maps.read()})
"""


def printed(script: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script + _HEAVY, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    "arguments",
    [
        ("asr", "--isolate", "--model", "tests/models/command_whisper"),
        ("asr", "--unload-after", "1h", "--engine", "pocketsphinx"),
        ("tts", "--isolate", "--engine", "espeak"),
    ],
    ids=" ".join,
)
def test_the_server_loads_nothing_that_its_engine_needs(arguments: tuple[str, ...]) -> None:
    assert printed(_BUILT + _LOADED, *arguments) == ["1.0"]


def test_nor_does_it_load_torch_for_kokoro(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "af_heart.pt").touch()
    found = printed(_BUILT, "tts", "--isolate", "--model", str(tmp_path))
    assert found == ["huggingface_hub"], "which knows where weights are"
