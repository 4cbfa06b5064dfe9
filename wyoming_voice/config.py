"""Where settings come from: flags before environment before the TOML file before defaults.

A field `beam_size` of the section `asr` is the flag `--beam-size`, the variable
`WYOMING_VOICE_ASR_BEAM_SIZE`, the TOML key `beam_size` under `[asr]`, and, for secrets, the variable
`WYOMING_VOICE_ASR_BEAM_SIZE_FILE` that names a file holding the value. Rule: every mistake is told at
once, with the three names under which it can be mended.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    CliPositionalArg,
    CliSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from wyoming_voice.errors import ConfigError
from wyoming_voice.flags import Help, Parser, near
from wyoming_voice.renamed import CONFIG_VERSION, instead, misfit
from wyoming_voice.secret_files import unread
from wyoming_voice.toml import read_toml

PREFIX = "WYOMING_VOICE_"
SECTIONS = (
    *("asr", "tts", "handle", "satellite", "gateway", "up", "demo", "ask", "say", "subtitles"),
    *("bench", "calibrate", "discover", "status", "models", "install-systemd"),
)
"""The TOML tables that there are, one for each command."""

_POSITIONAL = get_args(CliPositionalArg[str])[1]
"""The mark of a field that is given by its place, without a flag."""

CONFIG_VARIABLE = f"{PREFIX}CONFIG"
CONFIG_HELP = f"TOML file with settings (also ${CONFIG_VARIABLE})"


class Settings(BaseSettings):
    """Settings of one command; `section` names its TOML table and its environment variables."""

    section: ClassVar[str] = ""
    shortcuts: ClassVar[dict[str, str]] = {}
    """Letters of flags that people expect: `{"output": "o"}`."""
    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    config: Path | None = Field(None, description=CONFIG_HELP)
    log_level: str = Field("info", description="debug, info, warning or error")
    log_format: Literal["text", "json"] = Field(
        "text", description="a record is a line of text (text), or a JSON object (json)"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over: the library's own sources know no sections."""
        return (init_settings,)

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError(f"{level!r} is none of debug, info, warning, error")
        return level.lower()


S = TypeVar("S", bound=Settings)


def load(kind: type[S], argv: Sequence[str], environ: Mapping[str, str] | None = None) -> S:
    """The settings of one command from its arguments, the environment and the TOML file.

    Ends the process after `--help` and on flags that do not exist, as argparse does; raises ConfigError
    with one line for each other mistake.
    """
    environ = os.environ if environ is None else environ
    flags = _from_flags(kind, argv)
    variables, mistakes = _from_environment(kind, environ)
    path = flags.get("config") or variables.get("config") or environ.get(CONFIG_VARIABLE)
    table = _from_toml(kind, Path(path)) if path else {}
    try:
        settings = kind.model_validate({**table, **variables, **flags})
    except ValidationError as error:
        mistakes += _mistakes(kind, error)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return settings


def variable(kind: type[Settings], name: str) -> str:
    """The environment variable of a field."""
    return f"{PREFIX}{kind.section}_{name}".upper().replace("-", "_")


def _from_flags(kind: type[Settings], argv: Sequence[str]) -> dict[str, Any]:
    try:
        return CliSettingsSource[Any](
            kind,
            cli_parse_args=list(argv),
            cli_kebab_case=True,
            cli_shortcuts=dict(kind.shortcuts),
            cli_implicit_flags="toggle",
            cli_hide_none_type=True,
            cli_avoid_json=True,
            root_parser=Parser(
                prog=f"wyoming-voice {kind.section}",
                description=kind.__doc__,
                formatter_class=Help,
                allow_abbrev=False,
                renamed=instead(kind.section, _flag),
            ),
        )()
    except SettingsError as error:  # of a list: its items may be quoted, or JSON
        raise ConfigError(f"{error}; write a list as A,B, without quotes or brackets") from error


def _from_environment(
    kind: type[Settings], environ: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """The values that variables give, and what is wrong with others."""
    known = {variable(kind, name): name for name in kind.model_fields}
    renamed = instead(kind.section, lambda name: variable(kind, name))
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for key in sorted(key for key in environ if key.startswith(variable(kind, ""))):
        target = key if key in known else key.removesuffix("_FILE")
        if target not in known:
            hint = renamed.get(target) or near(key, known, variable(kind, ""))
            mistakes.append(f"unknown variable {key}{hint}")
        elif target != key and target in environ:
            mistakes.append(f"{target} and {key} are both set; keep one")
        else:
            try:
                text = environ[key] if target == key else _secret(key, environ[key])
            except ConfigError as error:
                mistakes.append(str(error))
                continue
            values[known[target]] = _items(text) if _is_list(kind, known[target]) else text
    return values, mistakes


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _is_list(kind: type[Settings], name: str) -> bool:
    return get_origin(kind.model_fields[name].annotation) is list


def _secret(key: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(unread(key, Path(path), error, "the value")) from error


def _from_toml(kind: type[Settings], path: Path) -> dict[str, Any]:
    tables = read_toml(path)
    if reason := misfit(tables.pop("config_version", CONFIG_VERSION)):
        raise ConfigError(f"{path}: {reason}")
    for name, value in tables.items():
        if name in (*SECTIONS, kind.section):
            continue
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: {name!r} stands in no table; {_its_table(kind, name)}")
        raise ConfigError(f"{path}: no such section [{name}]{near(name, SECTIONS)}")
    table = tables.get(kind.section, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [{kind.section}] must be a table")
    values = {key.replace("-", "_"): value for key, value in table.items()}
    return {name: _meant(kind, name, value) for name, value in values.items()}


def _meant(kind: type[Settings], name: str, value: Any) -> Any:
    """What a TOML value stands for: `"a, b"` for a list, as in the environment; `0` for a text."""
    if name not in kind.model_fields:
        return value
    if isinstance(value, str) and _is_list(kind, name):
        return _items(value)
    annotation = kind.model_fields[name].annotation
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number and annotation in (str, str | None) else value


def _its_table(kind: type[Settings], name: str) -> str:
    if name.replace("-", "_") in kind.model_fields:
        return f"put it under [{kind.section}]"
    return f"put it under its command's, one of {', '.join(f'[{known}]' for known in SECTIONS)}"


def _mistakes(kind: type[Settings], error: ValidationError) -> list[str]:
    return [_mistake(kind, part) for part in error.errors()]


def _mistake(kind: type[Settings], part: Any) -> str:
    message = str(part["msg"]).removeprefix("Value error, ")
    if not part["loc"]:  # of the settings together, not of one
        return message
    name = str(part["loc"][0])
    if part["type"] == "extra_forbidden":
        hint = instead(kind.section).get(name) or near(name, kind.model_fields)
        return f"[{kind.section}] {name}: no such setting{hint}"
    if part["type"] == "literal_error" and _is_positional(kind, name):
        return _unknown_word(kind, part)
    secret = "secret" in str(kind.model_fields[name].annotation).lower()
    value = "" if secret else f" (got {str(part['input'])[:80]!r})"
    if _is_positional(kind, name):
        return f"{name.upper()}: {message}{value}"
    return (
        f"{_flag(name)}: {message}{value}; also {variable(kind, name)} or [{kind.section}] {name}"
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _is_positional(kind: type[Settings], name: str) -> bool:
    return _POSITIONAL in kind.model_fields[name].metadata


def _unknown_word(kind: type[Settings], part: Any) -> str:
    """A word in a place where others are expected."""
    name, word = str(part["loc"][0]), str(part["input"])[:80]
    choice = kind.model_fields[name].annotation
    if get_origin(choice) is not Literal:  # a list of them
        choice = get_args(choice)[0]
    words = [str(known) for known in get_args(choice)]
    return f"{name.upper()}: {word!r} is none of {', '.join(words)}{near(word, words)}"
