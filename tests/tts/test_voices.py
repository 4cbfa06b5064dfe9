"""Kokoro's voices: their names, languages, blends, and what is no blend."""

import pytest

from wyoming_voice.errors import BadEvent, UnknownChoice
from wyoming_voice.tts.voices import (
    KOKORO_VOICES,
    BlendingCatalogue,
    Catalogue,
    Voice,
    kokoro_voice,
    parse_blend,
)

NAMES = [voice.name for voice in KOKORO_VOICES]


def test_all_voices_of_kokoro_are_there() -> None:
    assert len(NAMES) == len(set(NAMES)) == 54
    assert NAMES[0] == "af_heart"
    assert {"af_sky", "am_santa", "bm_lewis", "jm_kumo", "zm_yunyang", "ff_siwis"} <= set(NAMES)


@pytest.mark.parametrize(
    ("name", "language", "description"),
    [
        ("af_heart", "en-US", "Heart, US English, female"),
        ("bm_george", "en-GB", "George, British English, male"),
        ("em_alex", "es", "Alex, Spanish, male"),
        ("ff_siwis", "fr-FR", "Siwis, French, female"),
        ("hf_beta", "hi-IN", "Beta, Hindi, female"),
        ("if_sara", "it-IT", "Sara, Italian, female"),
        ("jf_alpha", "ja-JP", "Alpha, Japanese, female"),
        ("pm_santa", "pt-BR", "Santa, Brazilian Portuguese, male"),
        ("zf_xiaoxiao", "zh-CN", "Xiaoxiao, Mandarin Chinese, female"),
    ],
)
def test_a_voice_says_who_it_is(name: str, language: str, description: str) -> None:
    assert kokoro_voice(name) == Voice(name, language, description)


def test_other_names_are_no_kokoro_voices() -> None:
    assert kokoro_voice("en-us") is None
    assert kokoro_voice("xf_heart") is None


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("af_bella", {"af_bella": 1.0}),
        ("af_bella(0.3)", {"af_bella": 1.0}),
        ("af_bella+af_sky", {"af_bella": 0.5, "af_sky": 0.5}),
        ("af_bella(2)+af_sky(1)", {"af_bella": 2 / 3, "af_sky": 1 / 3}),
        (" af_bella ( .5 ) + am_adam(1.5)", {"af_bella": 0.25, "am_adam": 0.75}),
        ("af_bella+af_bella+af_sky", {"af_bella": 2 / 3, "af_sky": 1 / 3}),
    ],
)
def test_blends(text: str, shares: dict[str, float]) -> None:
    assert dict(parse_blend(text, NAMES).parts) == pytest.approx(shares)


@pytest.mark.parametrize("text", ["", "af_bella+", "af_bella(2", "af_bella(-1)", "af_bella(x)"])
def test_what_is_no_blend_is_refused(text: str) -> None:
    with pytest.raises(UnknownChoice):
        parse_blend(text, NAMES)


def test_a_blend_names_the_part_that_is_unknown() -> None:
    with pytest.raises(UnknownChoice, match="unknown voice 'af_ski'; did you mean 'af_sky'"):
        parse_blend("af_bella(2)+af_ski", NAMES)


def test_a_blend_of_two_languages_is_refused() -> None:
    with pytest.raises(BadEvent, match=r"af_bella \(US English\) and bf_emma \(British English\)"):
        parse_blend("af_bella+bf_emma", NAMES)


def test_a_blend_of_nothing_is_refused() -> None:
    with pytest.raises(BadEvent, match="add up to nothing"):
        parse_blend("af_bella(0)+af_sky(0.0)", NAMES)


def test_a_blend_of_very_many_voices_is_refused() -> None:
    with pytest.raises(BadEvent, match="at most 8"):
        parse_blend("+".join(NAMES[:9]), NAMES)


def test_the_default_comes_first_and_once() -> None:
    names = [voice.name for voice in Catalogue(KOKORO_VOICES, "bf_emma").voices]
    assert names[0] == "bf_emma"
    assert sorted(names) == sorted(NAMES)


def test_a_blend_can_be_the_default() -> None:
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_bella(2)+af_sky")
    assert len(catalogue.voices) == 55
    assert catalogue.voices[0] == Voice(
        "af_bella(2)+af_sky", "en-US", "67 % Bella + 33 % Sky, US English, blend"
    )
    assert catalogue.choose(None, None) == catalogue.voices[0]


def test_an_unknown_default_is_refused() -> None:
    with pytest.raises(UnknownChoice, match="did you mean 'af_heart'"):
        BlendingCatalogue(KOKORO_VOICES, "af_hart")


@pytest.mark.parametrize(
    ("name", "language", "chosen"),
    [
        (None, None, "af_heart"),
        ("", "", "af_heart"),
        ("bf_emma", None, "bf_emma"),
        ("bf_emma", "fr-FR", "bf_emma"),
        (None, "en-GB", "bf_alice"),
        (None, "en-US", "af_heart"),
        (None, "en", "af_heart"),
        (None, "en-AU", "af_heart"),
        (None, "es-MX", "ef_dora"),
        (None, "PT_br", "pf_dora"),
    ],
)
def test_a_request_gets_the_voice_it_asks_for(
    name: str | None, language: str | None, chosen: str
) -> None:
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    assert catalogue.choose(name, language).name == chosen


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UnknownChoice, match="unknown language 'sv-SE'") as caught:
        Catalogue(KOKORO_VOICES, "af_heart").choose(None, "sv-SE")
    assert caught.value.code == "unknown-language"


def test_a_catalogue_without_blends_refuses_them() -> None:
    with pytest.raises(UnknownChoice):
        Catalogue(KOKORO_VOICES, "af_heart").choose("af_bella+af_sky", None)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("French", "ff_siwis"), ("mandarin", "zf_xiaobei"), ("heart", "af_heart"), ("us", "af_heart")],
)
def test_the_name_of_a_language_means_the_first_voice_that_speaks_it(name: str, meant: str) -> None:
    with pytest.raises(UnknownChoice, match=f"did you mean '{meant}'"):
        BlendingCatalogue(KOKORO_VOICES, "af_heart").named(name)
    with pytest.raises(UnknownChoice, match=f"did you mean '{meant}'"):
        Catalogue(KOKORO_VOICES, "af_heart").named(name)


def test_a_voice_that_is_called_like_a_language_is_itself() -> None:
    french = Voice("french", "en-US", "French, US English, female")
    one = Voice("ff_siwis", "fr-FR", "Siwis, French, female")
    assert Catalogue([one, french], "ff_siwis").named("french") is french
