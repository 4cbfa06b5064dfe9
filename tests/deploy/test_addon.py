"""The Home Assistant add-ons, without Home Assistant: what the Supervisor takes, and settings of ours.

The keys of config.yaml and the types of its schema are those of
https://developers.home-assistant.io/docs/apps/configuration, of the linter's src/config.schema.json
(frenck/action-addon-linter) and of the Supervisor's supervisor/addons/{validate,options}.py; written anew.
"""

import importlib
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from wyoming_voice import __version__
from wyoming_voice.cli import COMMANDS
from wyoming_voice.config import Settings, load, variable
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.wire import parse_uri

REPOSITORY = Path(__file__).parents[2]
HERE = REPOSITORY / "deploy" / "home-assistant-addon"
KINDS = ("asr", "tts", "handle")
OWN = {"use_home_assistant", "hass_url", "hass_token"}
"""Options of start.py, which makes settings of them."""


def config_of(kind: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((HERE / kind / "config.yaml").read_text("utf-8"))
    return document


def settings_of(kind: str) -> type[Settings]:
    command = COMMANDS[kind]
    found: type[Settings] = getattr(importlib.import_module(command.module), command.settings)
    return found


def texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def matching(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value))


def is_ports(value: object) -> bool:
    return isinstance(value, dict) and all(
        re.fullmatch(r"\d+/(tcp|udp)", key) and (port is None or 0 < port < 65536)
        for key, port in value.items()
    )


KEYS: dict[str, Callable[[object], bool]] = {
    "name": matching(".+"),
    "version": matching(r"\d+\.\d+\.\d+"),
    "slug": matching(r"[-_.A-Za-z0-9]+"),
    "description": matching(".+"),
    "arch": lambda value: texts(value) and {"aarch64", "amd64"} >= set(value),  # type: ignore[call-overload]
    "homeassistant": matching(r"20\d\d\.\d+\.\d+"),
    "discovery": lambda value: value == ["wyoming"],
    "homeassistant_api": lambda value: value is True,
    "environment": lambda value: isinstance(value, dict) and texts(list(value.values())),
    "backup_exclude": texts,
    "timeout": lambda value: isinstance(value, int) and 10 <= value <= 300,
    "ports": is_ports,
    "options": lambda value: isinstance(value, dict),
    "schema": lambda value: isinstance(value, dict),
}
"""What an add-on of ours may say. A key at its default is left out, as the add-on linter wants it."""

REQUIRED = {"name", "version", "slug", "description", "arch"}

ELEMENT = re.compile(
    r"(?P<type>bool|email|url|port|str|password|int|float|match|list)"
    r"(\((?P<limits>.+)\))?(?P<optional>\?)?"
)


def element(text: str) -> re.Match[str]:
    found = ELEMENT.fullmatch(text)
    assert found is not None, f"{text!r} is no type of the schema"
    return found


def elements(kind: str) -> dict[str, re.Match[str]]:
    """Each option's type; of a list that of its items."""
    schema = config_of(kind)["schema"]
    return {
        name: element(text[0] if isinstance(text, list) else text) for name, text in schema.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_add_on_says_what_the_supervisor_understands(kind: str) -> None:
    config = config_of(kind)
    assert set(config) >= REQUIRED
    for key, value in config.items():
        assert KEYS[key](value), f"{key}: {value!r}"
    assert config["slug"] == f"wyoming_voice_{kind}"
    assert config["environment"] == {"ADDON": kind}


@pytest.mark.parametrize("kind", KINDS)
def test_its_version_is_ours(kind: str) -> None:
    assert config_of(kind)["version"] == __version__


@pytest.mark.parametrize("kind", KINDS)
def test_its_port_is_the_servers(kind: str) -> None:
    settings = load(settings_of(kind), [], {})
    assert isinstance(settings, ServiceSettings)
    assert config_of(kind)["ports"] == {f"{parse_uri(settings.uri).port}/tcp": None}
    start = (HERE / "start.py").read_text("utf-8")
    assert f'"{kind}": {parse_uri(settings.uri).port}' in start


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_is_a_setting(kind: str) -> None:
    fields = settings_of(kind).model_fields
    assert set(elements(kind)) - OWN <= set(fields)
    for name, found in elements(kind).items():
        if found["type"] == "list" and name in fields and "Literal" in str(fields[name].annotation):
            allowed = fields[name].annotation.__args__  # type: ignore[union-attr]
            assert tuple(found["limits"].split("|")) == allowed


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_a_default_is_required_and_what_has_none_is_not(kind: str) -> None:
    """The Supervisor asks for an option that has a default; only what can't be guessed has none."""
    config, mandatory = config_of(kind), {"llm_url"} if kind == "handle" else set[str]()
    required = {name for name, found in elements(kind).items() if not found["optional"]}
    assert required == set(config["options"]) | mandatory


@pytest.mark.parametrize("kind", KINDS)
def test_a_default_of_the_add_on_is_the_settings(kind: str) -> None:
    fields = settings_of(kind).model_fields
    for name, value in config_of(kind)["options"].items():
        if name not in OWN:
            assert fields[name].default == value, name


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_option_and_port_is_explained(kind: str, language: str) -> None:
    path = HERE / kind / "translations" / f"{language}.yaml"
    told = yaml.safe_load(path.read_text("utf-8"))
    assert list(told["configuration"]) == list(config_of(kind)["schema"])
    for words in told["configuration"].values():
        assert set(words) == {"name", "description"}
        assert all(isinstance(text, str) and text for text in words.values())
    assert set(told["network"]) == set(config_of(kind)["ports"])


@pytest.mark.parametrize("kind", KINDS)
def test_its_documentation_names_options_that_there_are(kind: str) -> None:
    named = re.findall(r"`([a-z]+_[a-z_]+)[:`]", (HERE / kind / "DOCS.md").read_text("utf-8"))
    assert set(named) <= set(config_of(kind)["schema"])


@pytest.mark.parametrize("kind", KINDS)
def test_its_image_holds_extras_that_there_are(kind: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    extras = (HERE / kind / "extras").read_text("utf-8").strip().split(",")
    assert kind in extras
    assert set(extras) <= set(project["optional-dependencies"])


def test_the_torch_of_the_image_is_the_locks() -> None:
    (torch,) = re.findall(r"^ARG TORCH=(.*)$", (HERE / "Dockerfile").read_text("utf-8"), re.M)
    assert f"torch=={torch} " in (REPOSITORY / "constraints.txt").read_text("utf-8")


def test_the_repository_has_a_name() -> None:
    assert set(yaml.safe_load((HERE / "repository.yaml").read_text("utf-8"))) == {"name"}


def test_put_together_each_has_all_that_its_image_is_built_from(tmp_path: Path) -> None:
    wheel = tmp_path / f"wyoming_voice-{__version__}-py3-none-any.whl"
    wheel.touch()
    there = tmp_path / "add-ons"
    for _ in range(2):
        subprocess.run([HERE / "assemble.sh", there, wheel], check=True, capture_output=True)
    copied = re.findall(
        r"^COPY (?!--from)(.*) \S+$", (HERE / "Dockerfile").read_text("utf-8"), re.M
    )
    assert copied
    for kind in KINDS:
        for pattern in " ".join(copied).split():
            assert list((there / kind).glob(pattern)), pattern
        assert (there / kind / "config.yaml").read_text() == (
            HERE / kind / "config.yaml"
        ).read_text()
    assert sorted(path.name for path in there.iterdir()) == [
        "asr",
        "handle",
        "repository.yaml",
        "tts",
    ]


def test_a_setting_comes_from_the_variable_that_an_option_is_put_into() -> None:
    assert variable(settings_of("asr"), "beam_size") == "WYOMING_VOICE_ASR_BEAM_SIZE"
