"""Where a setting comes from, and that every mistake is told at once with its remedy and without secrets."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import CliPositionalArg

from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.tts.settings import TtsSettings

SECRET = "sk-very-secret"


class SampleSettings(ServiceSettings):
    section: ClassVar[str] = "sample"

    uri: str = Field("tcp://127.0.0.1:0", description="where to listen")
    beam_size: int = Field(1, ge=1, description="beams")
    voices: list[str] = Field(["a", "b"], description="voices")
    prompt: str = Field("", description="a prompt")
    model: str | None = Field(None, description="a model")
    api_key: SecretStr | None = Field(None, min_length=5, description="a key")
    key_file: Path | None = Field(None, description="a file")

    @model_validator(mode="after")
    def _prompt_needs_model(self) -> "SampleSettings":
        if self.prompt == "alone" and self.model is None:
            raise ValueError("--prompt needs --model")
        return self


def settings(
    *argv: str, toml: str | None = None, tmp_path: Path | None = None, **environ: str
) -> SampleSettings:
    variables = {f"WYOMING_VOICE_{name}": value for name, value in environ.items()}
    arguments: Sequence[str] = argv
    if toml is not None and tmp_path is not None:
        file = tmp_path / "voice.toml"
        file.write_text(toml, encoding="utf-8")
        arguments = ("--config", str(file), *argv)
    return load(SampleSettings, arguments, variables)


def mistakes(
    *argv: str, toml: str | None = None, tmp_path: Path | None = None, **environ: str
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(*argv, toml=toml, tmp_path=tmp_path, **environ)
    return str(caught.value).splitlines()


def test_defaults() -> None:
    sample = settings()
    assert (sample.beam_size, sample.voices, sample.model, sample.api_key) == (
        1,
        ["a", "b"],
        None,
        None,
    )
    assert sample.no_zeroconf is False


def test_flag_before_variable_before_file_before_default(tmp_path: Path) -> None:
    toml = "[sample]\nbeam_size = 2\nmax-queue = 12\nprompt = 'file'\n"
    from_file = settings(toml=toml, tmp_path=tmp_path)
    assert (from_file.beam_size, from_file.max_queue, from_file.prompt) == (2, 12, "file")
    from_variable = settings(toml=toml, tmp_path=tmp_path, SAMPLE_BEAM_SIZE="3")
    assert (from_variable.beam_size, from_variable.max_queue) == (3, 12)
    from_flag = settings(
        "--beam-size", "4", toml=toml, tmp_path=tmp_path, SAMPLE_BEAM_SIZE="3", SAMPLE_PROMPT="env"
    )
    assert (from_flag.beam_size, from_flag.prompt, from_flag.max_queue) == (4, "env", 12)


def test_a_flag_that_repeats_the_default_still_wins(tmp_path: Path) -> None:
    toml = "[sample]\nbeam_size = 2\n"
    assert settings("--beam-size", "1", toml=toml, tmp_path=tmp_path).beam_size == 1


def test_the_file_may_be_named_by_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "voice.toml"
    file.write_text("[sample]\nbeam_size = 7\n[handle]\nbeam_size = 8\nwhatever = 1\n")
    assert settings(CONFIG=str(file)).beam_size == 7
    assert settings(SAMPLE_CONFIG=str(file)).beam_size == 7


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (("--voices", "b", "--voices", "c"), {}),
        (("--voices", "b,c"), {}),
        ((), {"WYOMING_VOICE_SAMPLE_VOICES": "b,c"}),
        ((), {"WYOMING_VOICE_SAMPLE_VOICES": " b , c,"}),
    ],
)
def test_lists(argv: Sequence[str], environ: dict[str, str]) -> None:
    assert load(SampleSettings, argv, environ).voices == ["b", "c"]


@pytest.mark.parametrize("value", ['"b', "[b", "{b"])
def test_a_list_with_an_open_quote_or_bracket_is_told(value: str) -> None:
    with pytest.raises(ConfigError, match=r"voices.*write a list as A,B"):
        load(SampleSettings, ["--voices", value], {})


def test_a_file_may_give_a_list_as_a_text_and_a_text_as_a_number(tmp_path: Path) -> None:
    toml = "[sample]\nvoices = 'b, c'\nprompt = 0\nmodel = 7\n"
    sample = settings(toml=toml, tmp_path=tmp_path)
    assert (sample.voices, sample.prompt, sample.model) == (["b", "c"], "0", "7")


@pytest.mark.parametrize("value", ["true", "[1]", "1979-05-27"])
def test_other_values_in_a_file_are_no_text(tmp_path: Path, value: str) -> None:
    (line,) = mistakes(toml=f"[sample]\nprompt = {value}\n", tmp_path=tmp_path)
    assert line.startswith("--prompt: Input should be a valid string")


class PlacedSettings(ServiceSettings):
    section: ClassVar[str] = "placed"

    uri: str = Field("tcp://127.0.0.1:0", description="where to listen")
    action: CliPositionalArg[Literal["run", "status"]] = Field("run", description="what to do")
    parts: CliPositionalArg[list[Literal["asr", "tts"]]] = Field([], description="which")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("statsu",), "ACTION: 'statsu' is none of run, status; did you mean status?"),
        (("frobnicate",), "ACTION: 'frobnicate' is none of run, status"),
        (("run", "ast"), "PARTS: 'ast' is none of asr, tts; did you mean asr?"),
    ],
)
def test_what_is_given_by_its_place_is_named_by_it(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(PlacedSettings, arguments, {})
    assert str(caught.value) == said


def test_lists_in_a_file_and_empty_lists(tmp_path: Path) -> None:
    toml = "[sample]\nvoices = ['b', 'c,d']\n"
    assert settings(toml=toml, tmp_path=tmp_path).voices == ["b", "c,d"]
    assert settings(SAMPLE_VOICES="").voices == []


@pytest.mark.parametrize(
    "text", ["a, b", '{"a": 1}', "[1]", "ü 😀", "None of it", "'quoted'", "=x"]
)
def test_text_stays_as_it_is(text: str) -> None:
    assert settings("--prompt", text).prompt == text
    assert settings(SAMPLE_PROMPT=text).prompt == text


@pytest.mark.parametrize("value", ["1", "true", "yes", "True"])
def test_switches(value: str) -> None:
    assert settings("--no-zeroconf").no_zeroconf is True
    assert settings(SAMPLE_NO_ZEROCONF=value).no_zeroconf is True


def test_secrets_from_files(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    sample = settings(SAMPLE_API_KEY_FILE=str(file))
    assert sample.api_key is not None
    assert sample.api_key.get_secret_value() == SECRET
    assert SECRET not in repr(sample)


def test_a_field_whose_name_ends_in_file_is_not_a_secret_s_file(tmp_path: Path) -> None:
    assert settings(SAMPLE_KEY_FILE=str(tmp_path)).key_file == tmp_path


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_secret_that_can_t_be_read(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    (line,) = mistakes(SAMPLE_API_KEY_FILE=str(file))
    assert line.startswith(f"WYOMING_VOICE_SAMPLE_API_KEY_FILE {file} can't be read: ")


def test_a_secret_given_twice_is_refused() -> None:
    assert mistakes(SAMPLE_API_KEY=SECRET, SAMPLE_API_KEY_FILE="/nowhere") == [
        "WYOMING_VOICE_SAMPLE_API_KEY and WYOMING_VOICE_SAMPLE_API_KEY_FILE are both set; keep one"
    ]


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    toml = "[sample]\nbeam_siz = 2\ndrain_s = -1\n"
    lines = mistakes(
        *("--max-queue", "0"),
        toml=toml,
        tmp_path=tmp_path,
        SAMPLE_BEAM_SIZE="many",
        SAMPLE_VOICE="x",
        SAMPLE_QUITE_SOMETHING_ELSE="x",
        SAMPLE_LOG_LEVEL="loud",
    )
    told = "\n".join(lines)
    assert (
        "unknown variable WYOMING_VOICE_SAMPLE_VOICE; did you mean WYOMING_VOICE_SAMPLE_VOICES?"
        in lines
    )
    assert "unknown variable WYOMING_VOICE_SAMPLE_QUITE_SOMETHING_ELSE" in lines
    assert "[sample] beam_siz: no such setting; did you mean beam_size?" in lines
    assert "--max-queue: Input should be greater than or equal to 1 (got '0'); also" in told
    assert "--drain-s: Input should be greater than or equal to 0 (got '-1'); also" in told
    assert "(got 'many'); also WYOMING_VOICE_SAMPLE_BEAM_SIZE or [sample] beam_size" in told
    assert "--log-level: 'loud' is none of debug, info, warning, error" in told
    assert len(lines) == 7


def test_other_programs_variables_are_none_of_our_business() -> None:
    assert settings(ASR_MODEL="x", SAMPLER="y").beam_size == 1


def test_a_mistake_of_several_settings_together() -> None:
    assert mistakes("--prompt", "alone") == ["--prompt needs --model"]


def test_a_bad_address_names_the_remedy() -> None:
    (line,) = mistakes("--uri", "localhost:10300")
    assert "--uri: bad address 'localhost:10300'; write tcp://HOST:PORT or unix:///PATH" in line


def test_secrets_are_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(SAMPLE_API_KEY="abc7")
    assert "--api-key: " in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        assert "abc7" not in str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("[asrr]\nbeam_size = 2\n", r"no such section \[asrr\]; did you mean asr\?"),
        ("[sample\n", "can't be read"),
        ("sample = 3\n", r"\[sample\] must be a table"),
        ("beam_size = 3\n", r"'beam_size' stands in no table; put it under \[sample\]$"),
        (
            "volume = 3\n",
            r"'volume' stands in no table; put it under its command's, one of \[asr\]",
        ),
        ("[sample]\nprompt = none\n", r'line 2.*; a text stands in quotes: prompt = "..."$'),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, toml: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        settings(toml=toml, tmp_path=tmp_path)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"configuration '/nowhere/voice.toml' can't be read"):
        settings("--config", "/nowhere/voice.toml")


def test_an_unknown_flag_ends_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        settings("--beem-size", "1")
    assert caught.value.code == 2
    assert "unknown flag --beem-size; did you mean --beam-size?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        settings("--xyzzy=1")
    assert "sample: unknown flag --xyzzy\n" in capsys.readouterr().err


def test_help_names_every_flag_with_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        settings("--help")
    assert caught.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, field in SampleSettings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in shown
        assert field.description
        assert field.description.split(";")[0] in shown


def test_help_says_a_time_a_network_and_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load(TtsSettings, ["--help"], {})
    shown = " ".join(capsys.readouterr().out.split())
    for flag in (
        "--unload-after TIME",
        "--allow NETWORK,…",
        "--interface NAME",
        "--otlp-url URL",
        "--metrics-uri URI",
    ):
        assert f"{flag} " in shown


def test_help_says_what_to_write_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        settings("--help")
    shown = " ".join(capsys.readouterr().out.split())
    for flag in (
        "--uri URI where",
        "--beam-size N beams (default: 1)",
        "--voices TEXT,… voices (default: a,b)",
        "--model NAME a model --",
        "--api-key TEXT a key",
        "--key-file PATH a file",
        "--idle-timeout-s SECONDS seconds",
        "--no-zeroconf announce nothing on the network --",
    ):
        assert flag in shown


def test_settings_do_not_change_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings(), "beam_size", 2)  # noqa: B010  (the type checker knows it, too)
