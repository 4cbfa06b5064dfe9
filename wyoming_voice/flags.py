"""How a command's flags are shown and their mistakes told: in words for people, not in Python's.

Rule: `--help` says what to write behind a flag, and a default only where there is one to speak of.
"""

import argparse
import ast
import re
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from difflib import get_close_matches
from typing import Any, NoReturn

_BY_NAME = (
    (r"(.*_)?uri|http|origin", "URI"),
    (r"(.*_)?url", "URL"),
    (r"allow", "NETWORK"),
    (r"unload_after", "TIME"),
    (r"on_.*|.*_command", "COMMAND"),
    (r"(.*_)?(model|voice|area)|zeroconf|interface|(wake|stop)_word", "NAME"),
    (r"(.*_)?host", "HOST"),
    (r"mic|snd", "DEVICE"),
    (r"languages?", "CODE"),
    (r"log_level", "LEVEL"),
    (r"output", "PATH"),
)
"""What stands behind a flag that takes a text."""

_BY_TYPE = {"str": "TEXT", "SecretStr": "TEXT", "Path": "PATH", "int": "N", "float": "NUMBER"}


class Help(argparse.HelpFormatter):
    """`--voice NAME  voice of the answer (default: af_heart)`; of a list `URI,…`; a switch has no default."""

    def _expand_help(self, action: argparse.Action) -> str:
        shown = super()._expand_help(action)
        shown = re.sub(r" \(default: (|None|\[\]|False)\)$", "", shown)
        return re.sub(
            r"\(default: (\[.*\])\)$", lambda found: f"(default: {_plain(found[1])})", shown
        )

    def _metavar_formatter(
        self, action: argparse.Action, default_metavar: str
    ) -> Callable[[int], tuple[str, ...]]:
        if action.option_strings and isinstance(action.metavar, str):
            action = copy(action)
            action.metavar = _placeholder(action.dest, str(action.metavar))
        return super()._metavar_formatter(action, default_metavar)


class Parser(argparse.ArgumentParser):
    """Tells a mistake in a line, with the flag that may have been meant."""

    def __init__(self, *, renamed: Mapping[str, str] | None = None, **options: Any) -> None:
        """`renamed` is what to say behind a flag that had another name before."""
        super().__init__(**options)
        self._renamed = renamed or {}

    def error(self, message: str) -> NoReturn:
        """End the process with status 2."""
        if unknown := re.match(r"unrecognized arguments: (--[^\s=]+)", message):
            flags = (flag for flag in self._option_string_actions if flag.startswith("--"))
            hint = self._renamed.get(unknown[1]) or near(unknown[1], flags, "--")
            message = f"unknown flag {unknown[1]}{hint}"
        self.exit(2, f"{self.prog}: {message}\n{self.prog} --help lists the flags\n")


def near(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The remedy for a name that is not known; what all names begin with makes none of them near."""
    rests = [other.removeprefix(prefix) for other in known]
    close = get_close_matches(name.removeprefix(prefix), rests, n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else ""


def _placeholder(name: str, kind: str) -> str:
    """What to write behind the flag of a field that has this name and type."""
    if listed := re.fullmatch(r"list\[(.*)\]", kind):
        return f"{_placeholder(name, listed[1])},…"
    if kind == "str":
        return next((word for names, word in _BY_NAME if re.fullmatch(names, name)), "TEXT")
    if kind == "Path" and name.endswith("_dir"):
        return "DIR"
    if kind == "float" and name.endswith("_s"):
        return "SECONDS"
    return _BY_TYPE.get(kind, kind)


def _plain(listed: str) -> str:
    return ",".join(str(item) for item in ast.literal_eval(listed))
