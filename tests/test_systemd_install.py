"""`wyoming-voice install-systemd`: what it writes, what it leaves alone, what it says next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wyoming_voice.install_systemd import InstallSettings, _next

REPOSITORY = Path(__file__).parent.parent
SHIPPED = REPOSITORY / "systemd"
FATES = {"new", "updated", "unchanged", "kept"}
PREFIX = ("--prefix", "/srv/voice")


def install(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("WYOMING_VOICE_")}
    return subprocess.run(
        [sys.executable, "-m", "wyoming_voice", "install-systemd", *arguments],
        cwd=REPOSITORY,
        env={**environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def fates(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What became of each file, by its name."""
    assert done.returncode == 0, done.stderr
    rows = (line.split() for line in done.stdout.splitlines())
    return {Path(row[1]).name: row[0] for row in rows if row and row[0] in FATES}


def into(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return install(*arguments, "--root", str(root), *PREFIX)


def test_a_satellite_alone(tmp_path: Path) -> None:
    names = ("wyoming-voice-satellite.service", "wyoming-voice.target", "voice.toml")
    assert fates(into(tmp_path, "satellite")) == dict.fromkeys(names, "new")
    unit = tmp_path / "etc/systemd/system/wyoming-voice-satellite.service"
    shipped = (SHIPPED / unit.name).read_text()
    assert unit.read_text() == shipped.replace("/opt/wyoming-voice/", "/srv/voice/")
    assert "ExecStart=/srv/voice/bin/wyoming-voice satellite\n" in unit.read_text()
    assert unit.stat().st_mode & 0o777 == 0o644


def test_everything(tmp_path: Path) -> None:
    into(tmp_path)
    written = {path.name for path in (tmp_path / "etc/systemd/system").iterdir()}
    shipped = {path.name for path in SHIPPED.glob("wyoming-voice*")}
    assert written == shipped


def test_a_second_time_changes_nothing_and_a_third_mends_a_unit(tmp_path: Path) -> None:
    into(tmp_path, "asr")
    assert set(fates(into(tmp_path, "asr")).values()) == {"unchanged", "kept"}
    unit = tmp_path / "etc/systemd/system/wyoming-voice-asr.service"
    shipped = unit.read_text()
    unit.write_text("[Unit]\n")
    assert fates(into(tmp_path, "asr"))[unit.name] == "updated"
    assert unit.read_text() == shipped


def test_a_configuration_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "etc/wyoming-voice/voice.toml"
    path.parent.mkdir(parents=True)
    path.write_text("# mine\n")
    assert fates(into(tmp_path))["voice.toml"] == "kept"
    assert path.read_text() == "# mine\n"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    done = into(tmp_path, "--dry-run")
    assert set(fates(done).values()) == {"new"}
    assert "nothing was written" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_for_a_user(tmp_path: Path) -> None:
    done = install("--user", *PREFIX, XDG_CONFIG_HOME=str(tmp_path))
    assert set(fates(done).values()) == {"new"}
    unit = tmp_path / "systemd/user/wyoming-voice-satellite.service"
    assert "ExecStart=/srv/voice/bin/wyoming-voice satellite\n" in unit.read_text()
    assert (tmp_path / "wyoming-voice/voice.toml").exists()
    assert "systemctl --user enable --now wyoming-voice-satellite.service" in done.stdout
    assert "loginctl enable-linger" in done.stdout


def test_what_to_do_next_names_what_was_installed() -> None:
    assert "next:" not in install("asr", "tts", "--dry-run", *PREFIX).stdout
    commands = _next(InstallSettings(parts=["asr", "tts"]), ("asr", "tts"))
    assert commands[:3] == [
        "sudoedit /etc/wyoming-voice/voice.toml",
        "sudo systemctl daemon-reload",
        "sudo systemctl enable --now wyoming-voice.target "
        "wyoming-voice-asr.service wyoming-voice-tts.service",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--prefix", "/home/pi/venv"), "is where system units can't see it"),
        (("--prefix", "/opt/wyoming voice"), "can't stand in a unit; use a path of plain letters"),
        (("--user", "asr", *PREFIX), "asr: only the satellite has a unit for --user"),
        (("--user", "--root", "/nowhere", *PREFIX), "leave --root out"),
        (("wake", *PREFIX), "wake"),
        (("--root", "/dev/null", *PREFIX), "can't write /dev/null/etc/systemd/system/"),
    ],
)
def test_what_can_t_be_installed_is_said_in_words(arguments: tuple[str, ...], said: str) -> None:
    done = install(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_environment_whose_python_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to("/home/pi/.pyenv/bin/python3")
    done = install("--prefix", str(tmp_path), "--root", str(tmp_path))
    assert "/home/pi/.pyenv/bin/python3 is where system units can't see it" in done.stderr
