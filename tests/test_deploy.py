"""The container stack, without containers: its settings are ours, and its files are there."""

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from wyoming_voice.cli import COMMANDS
from wyoming_voice.config import load
from wyoming_voice.wire import parse_uri

REPOSITORY = Path(__file__).parents[1]
COMPOSE = REPOSITORY / "deploy" / "compose"
STACK = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
OURS = [name for name in SERVICES if not name.startswith("llama-swap")]
DOCKERFILE = (COMPOSE / "Dockerfile").read_text(encoding="utf-8")


def filled(text: str) -> str:
    """`${NAME:-default}` as its default."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def settings_of(name: str) -> Any:
    (command,) = SERVICES[name]["command"]
    kind = getattr(importlib.import_module(COMMANDS[command].module), COMMANDS[command].settings)
    return load(
        kind, [], {key: filled(text) for key, text in SERVICES[name]["environment"].items()}
    )


@pytest.mark.parametrize("name", OURS)
def test_a_container_gets_settings_that_there_are(name: str) -> None:
    assert settings_of(name).section == SERVICES[name]["command"][0]


@pytest.mark.parametrize("name", OURS)
def test_a_container_is_asked_for_its_health_where_it_answers(name: str) -> None:
    settings = settings_of(name)
    asked = re.search(r"127\.0\.0\.1:(\d+)/health", SERVICES[name]["healthcheck"]["test"][-1])
    assert asked is not None
    door = getattr(settings, "http", "") or settings.metrics_uri
    assert int(asked[1]) == parse_uri(door).port


@pytest.mark.parametrize("name", OURS)
def test_what_is_published_is_served_and_is_nobody_elses_by_default(name: str) -> None:
    settings = settings_of(name)
    doors = [getattr(settings, door, "") for door in ("uri", "http")]
    served = {parse_uri(door).port for door in doors if door}
    for published in SERVICES[name]["ports"]:
        host, outside, inside = filled(published).split(":")
        assert (host, outside) == ("127.0.0.1", inside)
        assert int(inside) in served


@pytest.mark.parametrize("name", OURS)
def test_who_may_come_in_is_said_once_for_all(name: str) -> None:
    (command,) = SERVICES[name]["command"]
    environment = SERVICES[name]["environment"]
    assert environment[f"WYOMING_VOICE_{command.upper()}_ALLOW"] == "${ALLOW:-}"
    assert settings_of(name).allow == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_rights_and_a_health_check(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"]
    dockerfile = (COMPOSE / Path(service["build"]["dockerfile"]).name).read_text(encoding="utf-8")
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE)[-1] == "10001:10001"


@pytest.mark.parametrize("name", ["llama-swap", "asr", "tts"])
def test_with_and_without_a_card_it_goes_by_one_name(name: str) -> None:
    plain, card = SERVICES[name], SERVICES[f"{name}-gpu"]
    assert (plain["profiles"], card["profiles"]) == (["cpu"], ["gpu"])
    assert (
        plain["networks"]["default"]["aliases"] == card["networks"]["default"]["aliases"] == [name]
    )


@pytest.mark.parametrize("name", OURS)
def test_an_image_holds_extras_that_there_are(name: str) -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = SERVICES[name]["build"]["args"]["EXTRAS"].split(",")
    assert set(wanted) <= set(extras["optional-dependencies"])


def test_an_image_is_built_from_files_that_there_are() -> None:
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    ignored = (COMPOSE / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied
    for source in copied:
        assert (REPOSITORY / source).exists()
        assert f"!{source}" in ignored


def test_torch_is_the_one_of_the_lock() -> None:
    (torch,) = re.findall(r"^ARG TORCH=(.*)$", DOCKERFILE, re.MULTILINE)
    assert f"torch=={torch} " in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")


def test_the_example_names_what_the_stack_asks_for() -> None:
    example = (COMPOSE / ".env.example").read_text(encoding="utf-8")
    named = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    asked = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (COMPOSE / "compose.yaml").read_text()))
    assert asked.items() <= named.items()
    assert named["COMPOSE_PROFILES"] in ("cpu", "gpu")
    models = yaml.safe_load((COMPOSE / "llama-swap.yaml").read_text(encoding="utf-8"))["models"]
    assert named["LLM_MODEL"] in models
