"""The README names what there is: every option of the servers, and only commands that exist."""

import re
import tomllib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from satellite.config import HookSettings, SatelliteSettings
from wyoming_voice.asr.settings import AsrSettings, EngineSettings
from wyoming_voice.cli import COMMANDS
from wyoming_voice.config import Settings
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.hass.settings import HassSettings
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.say.settings import SaySettings
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.subtitles.settings import SubtitleSettings
from wyoming_voice.tts.settings import EngineSettings as TtsEngineSettings
from wyoming_voice.tts.settings import TtsSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = README + (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
SERVERS: dict[str, type[ServiceSettings]] = {
    "ASR": AsrSettings,
    "TTS": TtsSettings,
    "Handle": HandleSettings,
}


TABLES: dict[str, type[Settings]] = {
    **SERVERS,
    "Every server": ServiceSettings,
    "Every HTTP door": HttpSettings,
    "Subtitles": SubtitleSettings,
    "Say": SaySettings,
    "Satellite": SatelliteSettings,
    "Gateway": GatewaySettings,
}


def section(heading: str) -> str:
    """What stands under a heading of the options."""
    return README.split("## Options\n")[1].split(f"### {heading}\n")[1].split("\n#")[0]


def rows(heading: str) -> list[tuple[str, str, str]]:
    """The option, default and description of each row under a heading of the options."""
    found = re.findall(r"^\| `--([a-z0-9-]+)` \| (.*?) \| (.*) \|$", section(heading), re.MULTILINE)
    return [(flag, default, text) for flag, default, text in found]


def words_of(annotation: Any) -> Iterator[str]:
    """The words that a setting takes, where it takes no others."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for part in get_args(annotation):
            yield from words_of(part)


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
    shared = {*ServiceSettings.model_fields, *HookSettings.model_fields, "action", "argument"}
    own = [name for name in SatelliteSettings.model_fields if name not in shared]
    assert [(flag, text) for flag, _, text in rows("Satellite")] == described(
        SatelliteSettings, own
    )


def test_each_hook_of_the_satellite_is_named() -> None:
    own = [name for name in HookSettings.model_fields if name not in Settings.model_fields]
    named = re.findall(r"`--(on-[a-z-]+)`", section("Satellite"))
    assert sorted(named) == sorted(name.replace("_", "-") for name in own)


def test_what_a_satellite_lacks_of_every_servers_options_is_named() -> None:
    lacking = {*ServiceSettings.model_fields} - {*SatelliteSettings.model_fields}
    sentence = re.search(r"every server.*? but (.*?)[;:]", section("Satellite"), re.DOTALL)
    assert sentence is not None
    named = re.findall(r"`--([a-z-]+)`", sentence[1])
    assert sorted(named) == sorted(name.replace("_", "-") for name in lacking)


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
    of_all = {"allow", "interface", "otlp_url", "metrics_uri"}
    assert of_all < {*ServiceSettings.model_fields}
    shared = {*HttpSettings.model_fields, *of_all} - {"http"}
    own = [name for name in GatewaySettings.model_fields if name not in shared]
    assert [(flag, text) for flag, _, text in rows("Gateway")] == described(GatewaySettings, own)
    named = re.findall(r"`--([a-z-]+)`", section("Gateway").split("\n|")[0])
    assert {name.replace("-", "_") for name in named} == of_all


@pytest.mark.parametrize("heading", TABLES)
def test_a_row_names_all_words_that_an_option_takes(heading: str) -> None:
    fields = TABLES[heading].model_fields
    lacking = [
        (flag, word)
        for flag, _, text in rows(heading)
        for word in words_of(fields[flag.replace("-", "_")].annotation)
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)
    ]
    assert not lacking


@pytest.mark.parametrize("heading", TABLES)
def test_a_row_has_the_default_if_it_is_a_number_or_one_word(heading: str) -> None:
    fields = TABLES[heading].model_fields
    for flag, default, _ in rows(heading):
        usual = fields[flag.replace("-", "_")].default
        if isinstance(usual, int | float) and not isinstance(usual, bool):
            assert default == f"`{usual:.10g}`", flag
        if isinstance(usual, str) and usual and " " not in usual:
            assert default == f"`{usual}`", flag


def test_every_command_takes_the_common_options() -> None:
    said = re.search(r"Every command takes (.*?)\.", README, re.DOTALL)
    assert said is not None
    common = [f"--{name.replace('_', '-')}" for name in Settings.model_fields]
    assert re.findall(r"`(--[a-z-]+)`", said[1]) == common


NEVER_SENT = {
    "error",  # of no kind
    "bad-settings",  # ends a process at its start
    "bad-argument",  # words for a language model, without the code
    "bad-timer",  # likewise
    "device-failed",  # stands in the log, and in what a satellite says of itself
}
REFUSED_BY_STATUS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UPGRADE_REQUIRED,
)


def sent_codes() -> set[str]:
    """The codes of all errors that the code can tell somebody."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("wyoming_voice", "satellite")
        for path in (ROOT / package).rglob("*.py")
    )
    codes = {*re.findall(r'^ +code = "([a-z-]+)"$', code, re.MULTILINE)} - NEVER_SENT
    named = {*re.findall(r"AnyRefusal\(\s*HTTPStatus\.([A-Z_]+)", code)}
    assert named <= {status.name for status in REFUSED_BY_STATUS}
    codes |= {status.phrase.lower().replace(" ", "-") for status in REFUSED_BY_STATUS}
    return codes | {f"unknown-{kind}" for kind in ("voice", "model", "language")}


def test_every_code_of_an_error_is_explained() -> None:
    table = README.split("## What happens when something is wrong\n")[1].split("\n#")[0]
    first = "".join(re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE))
    assert {*re.findall(r"`([a-z-]+)`", first)} == sent_codes()


def test_links_within_the_readme_lead_somewhere() -> None:
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    known = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {*re.findall(r"\]\(#([^)]*)\)", prose)} <= known


def test_links_to_files_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "bench" / "README.md"):
        linked = re.findall(r'(?:\]\(|src=")([\w./-]+)[)"]', page.read_text(encoding="utf-8"))
        assert linked
        assert not [name for name in linked if not (page.parent / name).exists()]


def test_commands_and_their_flags_exist() -> None:
    named = re.findall(r"wyoming-voice ([a-z][a-z-]+)", PAGES)
    assert set(named) <= set(COMMANDS)
    assert set(COMMANDS) <= set(named)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    blocks = re.findall(r"```sh\n(.*?)```", PAGES, re.DOTALL)
    code = "\n".join([*blocks, *re.findall(r"`(make [^`\n]+)`", PAGES)])
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
