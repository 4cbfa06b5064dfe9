"""`wyoming-voice install-systemd`: puts units and an example configuration where systemd looks for them.

Rule: what a person may have written is never touched (the configuration, drop-ins); the units are ours,
and are brought up to date. Nothing is started: the commands that do are printed.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field
from pydantic_settings import CliPositionalArg
from rich.console import Console

from wyoming_voice.config import Settings
from wyoming_voice.errors import ConfigError

Part = Literal["asr", "tts", "handle", "satellite", "gateway"]
_PARTS: tuple[Part, ...] = ("asr", "tts", "handle", "satellite", "gateway")
_WITH_SOCKET = ("asr", "tts", "handle")
_PROGRAM = "/opt/wyoming-voice/bin/wyoming-voice"
"""What the units run as they are shipped."""

_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
"""What ProtectHome= and PrivateTmp= hide from the system's units."""


class InstallSettings(Settings):
    """Install systemd units (default: all; with --user: the satellite's)."""

    section: ClassVar[str] = "install-systemd"

    parts: CliPositionalArg[list[Part]] = Field(
        [], description="asr, tts, handle, satellite, gateway"
    )
    user: bool = Field(
        False, description="for your own systemd: the satellite beside a desktop's sound server"
    )
    prefix: Path | None = Field(
        None, description="environment whose bin/wyoming-voice is run (default: this one)"
    )
    root: Path = Field(Path("/"), description="write below this directory, for packages")
    dry_run: bool = Field(False, description="write nothing, say what would be written")


@dataclass(frozen=True)
class Copy:
    """One file to write: where, and what; `ours` says whether a file that is there is replaced."""

    target: Path
    text: str
    ours: bool

    @property
    def fate(self) -> str:
        """`new`, `updated`, `unchanged` or `kept`."""
        if not self.target.exists():
            return "new"
        if not self.ours:
            return "kept"
        return "unchanged" if self.target.read_text(encoding="utf-8") == self.text else "updated"

    def write(self) -> None:
        """Make the file; raises OSError."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.target.write_text(self.text, encoding="utf-8")
        self.target.chmod(0o644)


async def run(settings: InstallSettings) -> int:
    """Install; the exit status. Raises ConfigError for what can't be installed, and where."""
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    parts = _parts(settings)
    for copy in list(_copies(settings, parts)):
        fate = copy.fate
        if fate in ("new", "updated") and not settings.dry_run:
            _written(copy)
        console.print(f"{fate:9} {copy.target}")
    if settings.dry_run:
        console.print("nothing was written (--dry-run)")
    elif settings.root == Path("/"):
        console.print("\nnext:")
        console.print("\n".join(f"  {command}" for command in _next(settings, parts)))
    return 0


def _parts(settings: InstallSettings) -> tuple[Part, ...]:
    if not settings.user:
        return tuple(dict.fromkeys(settings.parts)) or _PARTS
    if settings.root != Path("/"):
        raise ConfigError("--user writes into your own directories; leave --root out")
    if unfit := [part for part in settings.parts if part != "satellite"]:
        raise ConfigError(f"{', '.join(unfit)}: only the satellite has a unit for --user")
    return ("satellite",)


def _copies(settings: InstallSettings, parts: tuple[Part, ...]) -> Iterator[Copy]:
    source, program = _shipped(), _program(settings)
    units, configuration = _places(settings)
    for name in _unit_names(settings, parts):
        text = (source / name).read_text(encoding="utf-8").replace(_PROGRAM, program)
        yield Copy(units / Path(name).name, text, ours=True)
    example = (source / "voice.toml").read_text(encoding="utf-8")
    yield Copy(configuration, example, ours=False)


def _unit_names(settings: InstallSettings, parts: tuple[Part, ...]) -> list[str]:
    if settings.user:
        return ["user/wyoming-voice-satellite.service"]
    names = [f"wyoming-voice-{part}.service" for part in parts]
    names += [f"wyoming-voice-{part}.socket" for part in parts if part in _WITH_SOCKET]
    return [*names, "wyoming-voice.target"]


def _places(settings: InstallSettings) -> tuple[Path, Path]:
    """The directory of units and the path of the configuration."""
    if settings.user:
        own = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
        return own / "systemd/user", own / "wyoming-voice/voice.toml"
    etc = settings.root / "etc"
    return etc / "systemd/system", etc / "wyoming-voice/voice.toml"


def _program(settings: InstallSettings) -> str:
    """The command of the environment, as a unit can name it; ConfigError where a unit can't run it."""
    environment = (settings.prefix or Path(sys.prefix)).absolute() / "bin"
    program = str(environment / "wyoming-voice")
    if not re.fullmatch(r"[\w./+@-]+", program, re.ASCII):
        raise ConfigError(f"{program!r} can't stand in a unit; use a path of plain letters")
    if settings.prefix is None and not Path(program).exists():
        raise ConfigError(f"there is no {program}; name the environment: --prefix DIR")
    for path in (str((environment / "python").resolve()), program):
        if not settings.user and path.startswith(tuple(f"{place}/" for place in _HIDDEN)):
            raise ConfigError(
                f"{path} is where system units can't see it; make the environment in "
                "/opt/wyoming-voice with the system's Python, name another with --prefix, or use --user"
            )
    return program


def _shipped() -> Path:
    """The units: beside this file in a wheel, in the repository otherwise."""
    beside = Path(__file__).parent / "units"
    return beside if beside.is_dir() else Path(__file__).parent.parent / "systemd"


def _written(copy: Copy) -> None:
    try:
        copy.write()
    except OSError as error:
        remedy = "; run it with sudo" if isinstance(error, PermissionError) else ""
        raise ConfigError(f"can't write {copy.target}: {error.strerror}{remedy}") from error


def _next(settings: InstallSettings, parts: tuple[Part, ...]) -> list[str]:
    _, configuration = _places(settings)
    if settings.user:
        return [
            f"${{EDITOR:-nano}} {configuration}",
            "systemctl --user daemon-reload",
            "systemctl --user enable --now wyoming-voice-satellite.service",
            'sudo loginctl enable-linger "$USER"   # runs also while you are not logged in',
            "journalctl --user --unit wyoming-voice-satellite --follow",
        ]
    services = " ".join(f"wyoming-voice-{part}.service" for part in parts)
    return [
        f"sudoedit {configuration}",
        "sudo systemctl daemon-reload",
        f"sudo systemctl enable --now wyoming-voice.target {services}",
        "journalctl --unit 'wyoming-voice*' --follow",
    ]
