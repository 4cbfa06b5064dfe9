"""What the OpenAPI description says of voices is what the catalogue takes, and refuses."""

import re

import pytest

from wyoming_voice.errors import PeerError
from wyoming_voice.tts.espeak import ESPEAK_VOICES
from wyoming_voice.tts.http import described
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue, Catalogue

KOKORO = BlendingCatalogue(KOKORO_VOICES, "af_bella(2)+af_sky(1)")


@pytest.mark.parametrize(
    "name",
    [
        "af_heart",
        "af_bella(2)+af_sky(1)",
        "af_bella+am_adam(10)",
        "af_bella+bf_emma",
        "af_bella(0)",
        "af_hart",
        "+".join(["zf_xiaobei"] * 8),
    ],
)
def test_the_pattern_of_blends_is_what_can_be_blended(name: str) -> None:
    names, blends = described.voice(KOKORO)["anyOf"]
    taken = name in names["enum"] or bool(re.fullmatch(blends["pattern"], name))
    assert taken == taken_by(KOKORO, name)


def taken_by(catalogue: Catalogue, name: str) -> bool:
    try:
        catalogue.choose(name, None)
    except PeerError:
        return False
    return True


def test_voices_that_do_not_blend_are_listed_alone() -> None:
    (names,) = described.voice(Catalogue(ESPEAK_VOICES, "de"), ("alloy",))["anyOf"]
    assert set(names["enum"]) == {"alloy", *(voice.name for voice in ESPEAK_VOICES)}


def test_a_default_blend_is_not_listed_as_a_name() -> None:
    names, _ = described.voice(KOKORO)["anyOf"]
    assert all(name in {voice.name for voice in KOKORO_VOICES} for name in names["enum"])
