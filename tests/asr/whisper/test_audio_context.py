"""Which context is chosen, and which words of the settings are none."""

import pytest

from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.asr.whisper.audio_context import context_s, loops_when_short, shortest_context_s
from wyoming_voice.asr.whisper.whisper import WhisperSettings
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError


@pytest.mark.parametrize(
    ("duration_s", "chosen_s"),
    [
        (0.5, 6),
        (3.44, 6),
        (3.45, 8),
        (5.44, 8),
        (5.45, 10),
        (7.5, 15),
        (12.44, 15),
        (12.45, 30),
        (28, 30),
        (31, 30),
        (600, 30),
    ],
)
def test_auto_takes_the_first_step_with_room_for_silence(
    duration_s: float, chosen_s: float
) -> None:
    assert context_s(duration_s, shortest_context_s("auto")) == chosen_s


@pytest.mark.parametrize(("told", "chosen_s"), [("full", 30), ("10", 10), ("9.5", 10), ("20", 30)])
def test_no_step_is_shorter_than_asked(told: str, chosen_s: float) -> None:
    assert context_s(1.0, shortest_context_s(told)) == chosen_s


def test_seconds_that_do_not_suffice_are_no_limit() -> None:
    assert context_s(9.0, shortest_context_s("6")) == 15


@pytest.mark.parametrize("told", ["banana", "5.9", "31", "-6", "nan", ""])
def test_what_is_no_context_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=f"'{told}' is no audio context: full, auto, or seconds"):
        shortest_context_s(told)


def test_the_settings_refuse_it_by_the_name_of_the_flag() -> None:
    with pytest.raises(ConfigError, match=r"--audio-context.*'banana'.*full, auto, or seconds"):
        load(AsrSettings, ["--audio-context", "banana"], {})


def test_the_settings_take_seconds_as_a_number_too() -> None:
    assert AsrSettings.model_validate({"audio_context": 10}).audio_context == "10"


def test_full_is_the_default() -> None:
    assert AsrSettings().audio_context == "full"
    assert WhisperSettings().audio_context_s == 30


@pytest.mark.parametrize(
    ("model", "loops"),
    [("large-v3-turbo", True), ("x/faster-whisper-large-v3-Turbo-ct2", True), ("small.en", False)],
)
def test_models_that_loop_are_known(model: str, loops: bool) -> None:
    assert loops_when_short(model) is loops
