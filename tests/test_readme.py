"""The README names what there is: every option of the servers, and only commands that exist."""

import re
import tomllib
from pathlib import Path

import pytest

from satellite.config import SatelliteSettings
from wyoming_voice.asr.settings import AsrSettings, EngineSettings
from wyoming_voice.cli import COMMANDS
from wyoming_voice.config import Settings
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.hass.settings import HassSettings
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.say.settings import SaySettings
from wyoming_voice.settings import ListenSettings, ServiceSettings
from wyoming_voice.subtitles.settings import SubtitleSettings
from wyoming_voice.tts.settings import EngineSettings as TtsEngineSettings
from wyoming_voice.tts.settings import TtsSettings

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


def described(kind: type[Settings], names: list[str]) -> list[tuple[str, str]]:
    fields = kind.model_fields
    return [
        (name.replace("_", "-"), (fields[name].description or "").replace("|", "\\|"))
        for name in names
    ]


@pytest.mark.parametrize("heading", SERVERS)
def test_each_option_of_a_server_has_its_row(heading: str) -> None:
    kind = SERVERS[heading]
    shared = {*ServiceSettings.model_fields}
    for common in (HttpSettings, HassSettings):
        shared |= {*common.model_fields} if issubclass(kind, common) else set()
    own = [name for name in kind.model_fields if name not in shared]
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


def test_the_options_of_every_http_door_have_theirs() -> None:
    own = [name for name in HttpSettings.model_fields if name not in Settings.model_fields]
    shown = [(flag, text) for flag, _, text in rows("Every HTTP door")]
    assert shown == described(HttpSettings, own)


def test_the_options_of_who_asks_home_assistant_have_theirs() -> None:
    own = [name for name in HassSettings.model_fields if name not in Settings.model_fields]
    shown = [(flag, text) for flag, _, text in rows("ASR and handle")]
    assert shown == described(HassSettings, own)


def test_the_options_of_subtitles_have_theirs() -> None:
    shared = {*EngineSettings.model_fields, "paths"}
    own = [name for name in SubtitleSettings.model_fields if name not in shared]
    shown = [(flag, text) for flag, _, text in rows("Subtitles")]
    assert shown == described(SubtitleSettings, own)


def test_the_options_of_say_have_theirs() -> None:
    own = [
        name
        for name in SaySettings.model_fields
        if name not in {*TtsEngineSettings.model_fields, "text"}
    ]
    shown = [(flag, text) for flag, _, text in rows("Say")]
    assert shown == described(SaySettings, own)


def test_the_options_of_the_gateway_have_theirs() -> None:
    shared = {*HttpSettings.model_fields} - {"http"}
    own = [name for name in GatewaySettings.model_fields if name not in shared]
    assert [(flag, text) for flag, _, text in rows("Gateway")] == described(GatewaySettings, own)


def test_commands_and_their_flags_exist() -> None:
    named = re.findall(r"wyoming-voice ([a-z][a-z-]+)", README)
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
