"""What was called otherwise before: who uses an old name is told the new one, and since when.

Rule: an old name is refused, never quietly taken for the new one, so that there is one name for a thing.
A row stays for a year at least; it goes when a new option wants its name.
"""

from collections.abc import Callable
from dataclasses import dataclass

CONFIG_VERSION = 1
"""The version of the configuration file that is understood; it is raised when a key that stays changes its
meaning, which no message about an unknown name would tell."""


@dataclass(frozen=True)
class Renamed:
    """An option of the section `section` that was `old` until the version `since`."""

    section: str
    old: str
    new: str
    since: str


RENAMED = (Renamed("asr", "max_audio_seconds", "max_audio_s", "0.1.0"),)


def instead(section: str, shown: Callable[[str], str] = str) -> dict[str, str]:
    """What to say of each old name of one command; `shown` puts a name as it was written."""
    return {
        shown(row.old): f"; since {row.since} it is called {shown(row.new)}"
        for row in RENAMED
        if row.section == section
    }


def misfit(version: object) -> str:
    """Why a file of this `config_version` can't be used, or `""`."""
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return (
            f"config_version = {version!r} is no version; write config_version = {CONFIG_VERSION}"
        )
    if version > CONFIG_VERSION:
        return (
            f"config_version = {version} was written for a newer wyoming-voice, and this one reads"
            f" {CONFIG_VERSION}; update it, or go back to a file of that version"
        )
    return ""
