"""The README names what there is: every option of the servers, and only commands that exist."""

import re
import tomllib
from pathlib import Path

import pytest

from satellite.config import SatelliteSettings
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.cli import COMMANDS
from wyoming_voice.config import ListenSettings, ServiceSettings, Settings
from wyoming_voice.handle.server import HandleSettings
from wyoming_voice.tts.server import TtsSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVERS: dict[str, type[ServiceSettings]] = {
    "ASR": AsrSettings,
    "TTS": TtsSettings,
    "Handle": HandleSettings,
}


def rows(heading: str) -> list[tuple[str, str, str]]:
    """The option, default and description of each row under a heading of the options."""
    section = README.split("## Options")[1].split(f"### {heading}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `--([a-z0-9-]+)` \| (.*?) \| (.*) \|$", section, re.MULTILINE)


def described(kind: type[ListenSettings], names: list[str]) -> list[tuple[str, str]]:
    fields = kind.model_fields
    return [
        (name.replace("_", "-"), (fields[name].description or "").replace("|", "\\|"))
        for name in names
    ]


@pytest.mark.parametrize("heading", SERVERS)
def test_each_option_of_a_server_has_its_row(heading: str) -> None:
    kind = SERVERS[heading]
    own = [name for name in kind.model_fields if name not in ServiceSettings.model_fields]
    assert [(flag, text) for flag, _, text in rows(heading)] == described(kind, own)


def test_each_option_of_the_satellite_has_its_row() -> None:
    shared = {*ListenSettings.model_fields, "action", "argument"}
    own = [name for name in SatelliteSettings.model_fields if name not in shared]
    assert [(flag, text) for flag, _, text in rows("Satellite")] == described(
        SatelliteSettings, own
    )


def test_the_options_of_every_server_have_theirs() -> None:
    shown = [(flag, text) for flag, _, text in rows("Every server")]
    assert shown == described(ServiceSettings, list(ServiceSettings.model_fields))


def test_commands_and_their_flags_exist() -> None:
    named = re.findall(r"wyoming-voice ([a-z-]+)", README)
    assert set(named) <= set(COMMANDS)
    assert set(COMMANDS) <= set(named)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    code = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z-]+)", code)) <= targets


def test_the_toml_examples_are_understood() -> None:
    known: list[type[Settings]] = [*SERVERS.values(), SatelliteSettings]
    kinds = {kind.section: kind for kind in known}
    examples = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        for section, table in tomllib.loads(example).items():
            kinds[section].model_validate(table)


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = {re.split(r"[\[<>=;]", line)[0] for lines in extras for line in lines}
    wanted |= {re.split(r"[\[<>=;]", line)[0] for line in project["dependencies"]}
    reasons = README.split("## Why each dependency")[1].split("\n## ")[0]
    assert wanted - {"wyoming-voice"} == set(re.findall(r"`([a-z0-9-]+)`", reasons)) - {
        *project["optional-dependencies"]
    }
