"""Tags of all kinds, and the languages that are meant by them."""

import pytest

from wyoming_voice.asr.languages import WHISPER, NotSpoken, chosen, primary
from wyoming_voice.errors import UnknownChoice


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("EN_gb", "en"),
        ("zh-Hans-CN", "zh"),
        ("nb-NO", "no"),
        ("jv", "jw"),
        (" de ", "de"),
        ("auto", "auto"),
        ("", "auto"),
    ],
)
def test_tags_become_codes(tag: str, code: str) -> None:
    assert primary(tag) == code


def test_auto_is_found_out_where_there_is_a_choice() -> None:
    assert chosen("auto", "base", WHISPER, "") is None
    assert chosen("auto", "base.en", ("en",), "") == "en"


def test_an_english_model_says_what_would_help() -> None:
    with pytest.raises(NotSpoken, match="--model base") as caught:
        chosen("de-AT", "base.en", ("en",), "--model base")
    assert caught.value.code == "unknown-language"
    assert "'de'" in str(caught.value)


@pytest.mark.parametrize("known", [("en",), WHISPER])
def test_an_unknown_language_is_named(known: tuple[str, ...]) -> None:
    with pytest.raises(UnknownChoice, match="'tlh'") as caught:
        chosen("tlh", "base", known, "")
    assert caught.value.code == "unknown-language"
