"""Every setting of the satellite reaches the part that it is for."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from satellite.build import (
    direct_settings,
    ear_settings,
    info_of,
    sink_of,
    source_of,
    speaker_settings,
    turn_settings,
    wake_specs,
)
from satellite.config import SatelliteSettings
from satellite.effects import Tone
from satellite.events import WakeWord
from satellite.standalone.means import Means
from satellite.standalone.patience import Patience
from wyoming_voice.core.endpointing import endpoint_settings
from wyoming_voice.errands import Done

PACKAGE = Path(__file__).parent.parent.parent / "satellite"


def given(**values: object) -> SatelliteSettings:
    return SatelliteSettings.model_validate(values)


def settings_read(path: Path) -> set[str]:
    """What a file reads off `settings`, off `self._settings`, and in `config` off `self`."""
    owners = {"settings", "self._settings"} | ({"self"} if path.name == "config.py" else set())
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    return {node.attr for node in attributes if ast.unparse(node.value) in owners}


def test_no_setting_is_there_that_nobody_reads() -> None:
    own = set(SatelliteSettings.__annotations__) - {"section"}
    assert own - set().union(*map(settings_read, PACKAGE.rglob("*.py"))) == set()


@pytest.mark.parametrize(
    ("name", "value", "field", "meant"),
    [
        ("gate", "vad", "gate", "vad"),
        ("barge_in", "speech", "barge_in", "speech"),
        ("follow_up", "off", "follow_up", "off"),
        ("mode", "ha", "mode", "ha"),
        ("no_speech_s", 3.5, "no_speech_ms", 3_500),
        ("follow_up_s", 2.25, "follow_up_ms", 2_250),
        ("max_speech_s", 12, "max_speech_ms", 12_000),
        ("answer_s", 60, "answer_ms", 60_000),
        ("language", "de", "language", "de"),
    ],
)
def test_the_policies_of_a_turn(name: str, value: object, field: str, meant: object) -> None:
    policies = turn_settings(given(**{name: value}), echo_cancelled=False)
    assert getattr(policies, field) == meant
    assert policies != turn_settings(given(), echo_cancelled=False)


def test_when_speech_ends() -> None:
    ears = ear_settings(given(vad_sensitivity="relaxed", vad_threshold=0.6, max_speech_s=12))
    dynamic = endpoint_settings("relaxed", 0.6, 12, dynamic=True)
    assert ears.endpointing == dynamic
    fixed = ear_settings(given(endpoint="fixed")).endpointing
    assert fixed == endpoint_settings("default", 0.5, 20, dynamic=False)


def test_interrupting_by_speech_needs_an_echo_that_is_cancelled() -> None:
    assert not turn_settings(given(barge_in="speech"), echo_cancelled=False).speech_interrupts
    assert turn_settings(given(barge_in="speech"), echo_cancelled=True).speech_interrupts


def test_the_sounds_of_the_loudspeaker() -> None:
    sounds = speaker_settings(
        given(volume=40, no_tones=True, no_thinking_sound=True, tone_done="done.wav", language="de")
    )
    assert sounds.language == "de"
    assert (sounds.volume, sounds.no_tones, sounds.no_thinking) == (0.4, True, True)
    assert sounds.tones == {
        Tone.LISTENING: None,
        Tone.DONE: Path("done.wav"),
        Tone.ERROR: None,
    }


def test_wake_words_are_listened_for_where_they_are_the_gate_and_stop_words_always() -> None:
    words = {"wake_word": ["okay_nabu", "hey_jarvis"], "stop_word": ["alexa"]}
    named = [spec.word.name for spec in wake_specs(given(**words))]
    assert named == ["okay_nabu", "hey_jarvis", "alexa"]
    assert [spec.word.name for spec in wake_specs(given(gate="vad", **words))] == ["alexa"]


def test_the_devices_that_were_asked_for() -> None:
    assert source_of(given(mic="wyoming://pi:10600")).name == "wyoming://pi:10600"
    assert source_of(given(mic_command="arecord -t raw")).name == "arecord -t raw"
    assert sink_of(given(snd="none")).name == "none"
    assert sink_of(given(snd_command="aplay", snd_command_rate=8_000)).rate_hz == 8_000


def test_own_servers_are_waited_for_less_long_than_the_turn() -> None:
    own = direct_settings(given(voice="af_heart", language="de", answer_s=60))
    assert (own.voice, own.language) == ("af_heart", "de")
    assert own.patience == Patience(transcript_s=20, words_s=50, speech_s=30, return_s=20)
    assert direct_settings(given()).patience == Patience()


def test_what_is_offered_to_own_servers_and_from_where() -> None:
    class Nothing:
        specs = ()

        def do(self, name: str, arguments: Mapping[str, object]) -> Done:
            return Done("", error=True)

    tools = Nothing()
    assert direct_settings(given(area="Kitchen"), tools).means == Means(tools, "Kitchen")
    assert direct_settings(given()).means == Means()


def test_what_home_assistant_is_told() -> None:
    info = info_of(given(area="Kitchen", zeroconf="box"), [WakeWord("okay_nabu", "okay nabu")])
    assert info.satellite is not None
    assert (info.satellite.name, info.satellite.area) == ("box", "Kitchen")


def test_a_tilde_is_the_home_wherever_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/nabu")
    settings = given(
        record_dir="~/heard", tone_error="~/no.wav", state_dir="~/state", control="~/s"
    )
    assert settings.record_dir == Path("/home/nabu/heard")
    assert settings.tone_error == Path("/home/nabu/no.wav")
    assert settings.state_path == Path("/home/nabu/state")
    assert settings.control_path == Path("/home/nabu/s")


def test_systemd_names_the_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/box:/run/other")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/box")
    assert given().control_path == Path("/run/box/satellite.sock")
    assert given().state_path == Path("/var/lib/box")


def test_without_systemd_the_directories_are_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/nabu/.state")
    assert given().control_path == Path("/run/user/7/wyoming-voice/satellite.sock")
    assert given().state_path == Path("/home/nabu/.state/wyoming-voice")
