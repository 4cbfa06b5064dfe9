"""The shipped units and their configuration: they name what exists, and systemd itself does not complain."""

import configparser
import importlib
import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from wyoming_voice import cli
from wyoming_voice.config import SECTIONS, Settings, load
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.wire import parse_uri

UNITS = Path(__file__).parent.parent / "systemd"
ALL = sorted([*UNITS.glob("*.*"), *UNITS.glob("user/*")])
SERVICES = [path for path in ALL if path.suffix == ".service"]
SOCKETS = [path for path in ALL if path.suffix == ".socket"]
PROGRAM = "/opt/wyoming-voice/bin/wyoming-voice"
MOST_EXPOSURE = 2.5


def name_of(path: Path) -> str:
    return path.relative_to(UNITS).as_posix()


class Unit(configparser.RawConfigParser):
    """A unit, of whose repeated lines the last counts."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read(path, encoding="utf-8")


def command_of(path: Path) -> str:
    return Unit(path)["Service"]["ExecStart"].removeprefix(f"{PROGRAM} ")


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_a_service_runs_a_command_that_exists_under_its_own_name(path: Path) -> None:
    assert command_of(path) in cli.COMMANDS
    assert path.stem == f"wyoming-voice-{command_of(path)}"


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_a_service_tells_systemd_how_it_is_and_is_started_again(path: Path) -> None:
    service = Unit(path)["Service"]
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    assert int(service["WatchdogSec"]) == (20 if "satellite" in path.name else 60)
    assert Unit(path)["Unit"]["StartLimitIntervalSec"] == "0"


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_a_service_reads_the_configuration_that_is_installed(path: Path) -> None:
    place = "%E/wyoming-voice" if path.parent.name == "user" else "/etc/wyoming-voice"
    assert f"Environment=WYOMING_VOICE_CONFIG={place}/voice.toml\n" in path.read_text()


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_a_service_waits_for_no_network_and_leaves_no_image_of_its_memory(path: Path) -> None:
    """A machine without a network starts as fast as any, and serves itself."""
    assert "network-online.target" not in path.read_text()
    assert Unit(path)["Service"]["LimitCORE"] == "0"


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_a_server_has_room_for_a_thousand_clients(path: Path) -> None:
    if "satellite" not in path.name:
        assert int(Unit(path)["Service"]["LimitNOFILE"]) > 10_000


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_an_engine_in_a_process_of_its_own_may_be_killed_alone(path: Path) -> None:
    fields = settings_of(cli.COMMANDS[command_of(path)]).model_fields
    if "isolate" in fields:
        assert Unit(path)["Service"]["KillMode"] == "mixed"
        assert Unit(path)["Service"]["OOMPolicy"] == "continue"


def test_what_is_started_and_stopped_together() -> None:
    for path in (*UNITS.glob("*.service"), *UNITS.glob("*.socket")):
        assert Unit(path)["Unit"]["PartOf"] == "wyoming-voice.target"
        assert Unit(path)["Install"]["WantedBy"].endswith(" wyoming-voice.target")


@pytest.mark.parametrize("path", SOCKETS, ids=name_of)
def test_a_socket_is_where_its_server_would_listen(path: Path) -> None:
    service = path.with_suffix(".service")
    assert service in SERVICES
    command = cli.COMMANDS[command_of(service)]
    settings = load(settings_of(command), [], {})
    assert isinstance(settings, ServiceSettings)
    address = parse_uri(settings.uri)
    assert Unit(path)["Socket"]["ListenStream"] == f"{address.host}:{address.port}"
    assert Unit(path)["Socket"]["FreeBind"] == "yes"


def settings_of(command: cli.Command) -> type[Settings]:
    kind: type[Settings] = getattr(importlib.import_module(command.module), command.settings)
    return kind


def uncommented(text: str) -> str:
    return re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)


def test_the_example_has_every_section() -> None:
    text = (UNITS / "voice.toml").read_text()
    tables = [key for key, value in tomllib.loads(text).items() if isinstance(value, dict)]
    assert tuple(tables) == SECTIONS
    for line in re.findall(r"^\[(.*)\](.*)$", text, re.MULTILINE)[:5]:
        assert f"wyoming-voice-{line[0]}.service" in line[1]


NEEDED = {"subtitles": ["film.mp4"]}
"""What a command can't do without."""


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("with_examples", [False, True])
def test_the_example_loads(section: str, with_examples: bool, tmp_path: Path) -> None:
    text = (UNITS / "voice.toml").read_text()
    path = tmp_path / "voice.toml"
    path.write_text(uncommented(text) if with_examples else text)
    kind, needed = settings_of(cli.COMMANDS[section]), NEEDED.get(section, [])
    settings = load(kind, needed, {"WYOMING_VOICE_CONFIG": str(path)})
    if not with_examples:
        assert settings == load(kind, needed, {}), "the example's defaults"


def test_the_readme_names_every_unit_and_its_exposure() -> None:
    text = (UNITS / "README.md").read_text()
    names = {name_of(path) for path in (*SERVICES, *UNITS.glob("*.target"))}
    assert names <= set(re.findall(r"`([\w./-]+)`", text))
    assert set(re.findall(r"wyoming-voice ([a-z][a-z-]+)", text)) <= set(cli.COMMANDS)


def run(*command: str, runtime: Path | None = None) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    environ = {"PATH": "/usr/bin:/bin", "SYSTEMD_LOG_COLOR": "0", "LC_ALL": "C"}
    if runtime is not None:
        environ["XDG_RUNTIME_DIR"] = str(runtime)
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def analyze(path: Path, runtime: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    scope = "--user" if path.parent.name == "user" else "--system"
    return run("systemd-analyze", scope, *arguments, runtime=runtime)


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_exposure(path: Path, tmp_path: Path) -> None:
    limit = f"--threshold={MOST_EXPOSURE * 10:.0f}"
    done = analyze(path, tmp_path, "security", "--offline=yes", "--no-pager", limit, str(path))
    told = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert told is not None, done.stderr
    assert done.returncode == 0
    assert float(told[1]) < MOST_EXPOSURE
    assert re.search(rf"`{re.escape(name_of(path))}`[^|]*\| {told[1]} \|", readme_table())


def readme_table() -> str:
    return (UNITS / "README.md").read_text().partition("## How hard they are")[2]


def verified(paths: Sequence[Path], directory: Path) -> list[Path]:
    """Copies whose program exists, which `verify` looks for."""
    program = directory / "wyoming-voice"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copies = [directory / path.name for path in paths]
    for path, copy in zip(paths, copies, strict=True):
        copy.write_text(path.read_text().replace(PROGRAM, str(program)))
    return copies


@pytest.mark.parametrize("where", ["system", "user"])
def test_verify_has_nothing_to_say(where: str, tmp_path: Path) -> None:
    own = UNITS / "user" if where == "user" else UNITS
    units = [path for path in ALL if path.parent == own and path.suffix not in (".md", ".toml")]
    copies = verified(units, tmp_path)
    done = run(
        *("systemd-analyze", f"--{where}", "verify", "--recursive-errors=no"),
        *map(str, copies),
        runtime=tmp_path,
    )
    said = [line for line in done.stderr.splitlines() if "wyoming" in line]
    assert (done.returncode, said) == (0, [])
