"""What the doctor says of what it has measured, and of the settings."""

from pathlib import Path

import pytest

from satellite.doctor.findings import Line, Verdict, echo_line, level_line, noise_line, speech_line
from satellite.doctor.measure import Echo, Level, Spoken
from satellite.doctor.parts import local_wake, settings_line
from tests.satellite.doctor.stage import told

QUIET = Level(-70, -60, 0)
SPEECH_HEARD = Spoken(1200, -25, 0.98)
NO_SPEECH = Spoken(0, -120, 0.1)
pytestmark = pytest.mark.timeout(30)


@pytest.mark.parametrize(
    ("noise", "hum_hz", "verdict", "says"),
    [
        (QUIET, None, Verdict.OK, "-70 dBFS"),
        (QUIET, 50, Verdict.OK, "hum of 50 Hz"),
        (Level(-120, -120, 0), None, Verdict.OK, "digital silence"),
        (Level(-30, -20, 0), None, Verdict.BAD, "loud here"),
        (Level(-30, -20, 0), 60, Verdict.BAD, "hum of 60 Hz"),
    ],
)
def test_noise(noise: Level, hum_hz: int | None, verdict: Verdict, says: str) -> None:
    line = noise_line(noise, hum_hz)
    assert line.verdict is verdict
    assert says in line.found
    assert bool(line.remedy) == (verdict is Verdict.BAD)


@pytest.mark.parametrize(
    ("noise", "heard", "speech", "verdict", "says"),
    [
        (QUIET, Level(-28, -10, 0), SPEECH_HEARD, Verdict.OK, "speech -25 dBFS"),
        (QUIET, Level(-50, -40, 0), Spoken(900, -49, 0.9), Verdict.BAD, "--mic-gain-db 24"),
        (QUIET, Level(-10, 0, 0.02), SPEECH_HEARD, Verdict.BAD, "--mic-gain-db -6"),
        (Level(-30, -20, 0), Level(-25, -9, 0), SPEECH_HEARD, Verdict.BAD, "5 dB over the noise"),
        (QUIET, Level(-50, -40, 0), NO_SPEECH, Verdict.BAD, "no speech"),
        (QUIET, Level(-68, -60, 0), NO_SPEECH, Verdict.BAD, "hardly anything"),
        (Level(-120, -120, 0), Level(-120, -120, 0), NO_SPEECH, Verdict.BAD, "mute switch"),
        (Level(-120, -120, 0), Level(-28, -10, 0), SPEECH_HEARD, Verdict.OK, "speech -25 dBFS"),
    ],
)
def test_levels(noise: Level, heard: Level, speech: Spoken, verdict: Verdict, says: str) -> None:
    line = level_line(noise, heard, speech, 0.0, asked=True)
    assert line.verdict is verdict
    assert says in f"{line.found} → {line.remedy}"
    assert bool(line.remedy) == (verdict is Verdict.BAD)


def test_whom_nobody_asked_need_not_have_spoken() -> None:
    assert speech_line(NO_SPEECH, asked=True).verdict is Verdict.BAD
    assert speech_line(NO_SPEECH, asked=False).verdict is Verdict.SKIPPED
    assert speech_line(SPEECH_HEARD, asked=False).verdict is Verdict.OK
    unasked = level_line(QUIET, Level(-68, -60, 0), NO_SPEECH, 0.0, asked=False)
    assert unasked.verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("echo", "cancels", "verdict", "says"),
    [
        (Echo(True, -60, -32, -60, 90), True, Verdict.OK, "echo -32 dB after 90 ms, cancelled to -60 dB"),
        (Echo(True, -60, -32, None, 90), True, Verdict.OK, "cancelled to below the noise (-60 dB)"),
        (Echo(True, -60, -10, -14, 90), True, Verdict.BAD, "turn the loudspeaker down"),
        (Echo(True, -60, -10, -14, 700), True, Verdict.BAD, "too late to cancel"),
        (Echo(True, -60, -45, -44, 90), True, Verdict.OK, "echo -45 dB"),
        (Echo(True, -60, -10, -10, 90), False, Verdict.BAD, "--aec inproc"),
        (Echo(True, -60, -30, -30, 90), False, Verdict.OK, "echo -30 dB"),
        (Echo(False, -50, None, None, 0), True, Verdict.OK, "if you heard nothing either"),
    ],
)  # fmt: skip
def test_echo(echo: Echo, cancels: bool, verdict: Verdict, says: str) -> None:
    line = echo_line(echo, "echo cancelling off", cancels=cancels)
    assert line.verdict is verdict
    assert says in f"{line.found} → {line.remedy}"


@pytest.mark.parametrize(
    "settings",
    [
        {"gate": "wake", "wake_word": []},
        {"barge_in": "stop"},
        {"barge_in": "speech", "aec": "off"},
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, settings: dict[str, object]) -> None:
    assert settings_line(told(tmp_path)).verdict is Verdict.OK
    line = settings_line(told(tmp_path, **settings))
    assert line.verdict is Verdict.BAD
    assert line.remedy


def test_wake_words_that_can_not_be_heard_are_a_line(tmp_path: Path) -> None:
    wake, line = local_wake(told(tmp_path, gate="wake", wake_word=["okay_nabo"]))
    assert wake is None
    assert line is not None
    assert (line.verdict, line.remedy) == (
        Verdict.BAD, "did you mean 'okay_nabu'?; or name a model.json",
    )  # fmt: skip
    assert local_wake(told(tmp_path))[1] == Line(
        Verdict.SKIPPED, "wake words", "not listened for (--gate vad)"
    )
