"""Our own voice in a simulated room is taken out, and a person who speaks at the same time is not."""

import logging
import sys
from itertools import pairwise

import numpy as np
import pytest

from satellite.hearing.echo import Cleaner, FarEnd, PassThrough, WebRtcCleaner, choose_cleaner
from satellite.parts import Audio
from tests.satellite.hearing.recordings import question
from wyoming_voice.errors import ConfigError

SECOND = 16_000
DELAY_OF_CLEANING_SAMPLES = 127


def far_end(seconds: int) -> Audio:
    """Speech without end, at half of full scale."""
    speech = question()
    endless = np.resize(speech * (0.5 / np.abs(speech).max()), seconds * SECOND)
    return endless.astype(np.float32)


def in_a_room(far: Audio, delay_ms: int, gain: float = 0.3) -> Audio:
    """What a microphone hears of it: late, weaker, with a tail of 200 ms, over a little noise."""
    dice = np.random.default_rng(1)
    tail = np.exp(-6.9 * np.arange(SECOND // 5) / (SECOND / 5))
    response = 0.15 * dice.standard_normal(len(tail)) * tail
    response[0] = 1.0
    echo = gain * np.convolve(far, response)
    heard = np.concatenate((np.zeros(16 * delay_ms), echo))[: len(far)]
    return (heard + 0.0005 * dice.standard_normal(len(far))).astype(np.float32)


def level_db(samples: Audio) -> float:
    return 10 * float(np.log10(np.mean(samples**2) + 1e-12))


def cleaned(cleaner: Cleaner, near: Audio, far: Audio) -> Audio:
    cuts = range(0, len(near) + 1, 320)
    return np.concatenate([cleaner.clean(near[a:b], far[a:b]) for a, b in pairwise(cuts)])


@pytest.mark.parametrize("delay_ms", [30, 100, 250])
def test_an_echo_is_gone_after_two_seconds(delay_ms: int) -> None:
    far = far_end(5)
    near = in_a_room(far, delay_ms)
    after = cleaned(WebRtcCleaner(aec=True, noise=0, auto_gain=False), near, far)
    assert level_db(after[2 * SECOND :]) < level_db(near[2 * SECOND :]) - 15


def test_who_speaks_over_it_is_heard() -> None:
    far = far_end(6)
    echo = in_a_room(far, 100)
    voice = question()[::-1]  # speech, yet nothing that the loudspeaker has said
    voice = voice * 10 ** ((level_db(echo) + 6 - level_db(voice)) / 20)
    near, begin = echo.copy(), 3 * SECOND
    near[begin : begin + len(voice)] += voice
    after = cleaned(WebRtcCleaner(aec=True, noise=0, auto_gain=False), near, far)
    spoken = after[begin + DELAY_OF_CLEANING_SAMPLES :][: len(voice)]
    assert abs(level_db(spoken) - level_db(voice)) < 6
    assert np.corrcoef(spoken, voice)[0, 1] > 0.7


def test_without_a_far_end_speech_stays_as_it_is() -> None:
    voice = far_end(3)
    after = cleaned(
        WebRtcCleaner(aec=True, noise=0, auto_gain=False), voice, np.zeros(len(voice), np.float32)
    )
    assert abs(level_db(after) - level_db(voice)) < 1


def test_noise_goes_down() -> None:
    noise = (0.02 * np.random.default_rng(3).standard_normal(4 * SECOND)).astype(np.float32)
    after = cleaned(WebRtcCleaner(aec=False, noise=3, auto_gain=False), noise, np.zeros_like(noise))
    assert level_db(after[2 * SECOND :]) < level_db(noise) - 9


def test_a_quiet_speaker_is_brought_up() -> None:
    voice = far_end(6) * np.float32(0.02)
    after = cleaned(WebRtcCleaner(aec=False, noise=0, auto_gain=True), voice, np.zeros_like(voice))
    assert level_db(after[4 * SECOND :]) > level_db(voice[4 * SECOND :]) + 10


def test_nothing_in_nothing_out() -> None:
    nothing = np.zeros(0, np.float32)
    assert len(WebRtcCleaner(aec=True, noise=0, auto_gain=False).clean(nothing, nothing)) == 0


@pytest.mark.parametrize(
    ("aec", "noise", "auto_gain", "name", "echo_free"),
    [
        ("auto", 0, False, "echo cancelling", True),
        ("inproc", 2, True, "echo cancelling, noise suppression by 12 dB, automatic gain", True),
        ("off", 0, False, "echo cancelling off", False),
        ("off", 4, False, "noise suppression by 21 dB", False),
        ("server", 0, False, "echo cancelling by the sound server", True),
        ("hw", 0, True, "automatic gain", True),
    ],
)
def test_which_cleaner_is_chosen(
    aec: str, noise: int, auto_gain: bool, name: str, echo_free: bool
) -> None:
    cleaner = choose_cleaner(aec, noise, auto_gain)
    assert (cleaner.name, cleaner.echo_free) == (name, echo_free)


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        sys.modules, "pywebrtc_audio", None
    )  # as Python marks what can't be imported


@pytest.mark.usefixtures("not_installed")
def test_auto_without_the_library_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        cleaner = choose_cleaner("auto", 0, False)
    assert isinstance(cleaner, PassThrough)
    assert not cleaner.echo_free
    assert "pip install 'wyoming-voice[satellite]'" in caplog.text


@pytest.mark.usefixtures("not_installed")
@pytest.mark.parametrize(
    ("aec", "noise", "auto_gain"), [("inproc", 0, False), ("off", 1, False), ("auto", 0, True)]
)
def test_what_was_asked_for_by_name_must_be_had(aec: str, noise: int, auto_gain: bool) -> None:
    with pytest.raises(ConfigError, match=f"--aec {aec} .*pywebrtc-audio.*pip install"):
        choose_cleaner(aec, noise, auto_gain)


def counting(count: int, first: int = 0) -> Audio:
    return np.arange(first, first + count, dtype=np.float32)


def test_what_was_written_is_read_in_order_and_silence_after_it() -> None:
    far = FarEnd()
    far.write(counting(100), SECOND)
    far.write(counting(100, 100), SECOND)
    first, second = far.read(150), far.read(150)
    written = np.concatenate((first, second))
    start = int(np.argmax(written > 0.5)) - 1
    assert 0 <= start <= 16  # a millisecond
    # The resampler's kernel reaches over the ends, so only the middle is exact.
    np.testing.assert_allclose(written[start + 40 : start + 150], counting(110, 40), atol=1.0)
    assert not second[60:].any()
    assert not far.read(10).any()


def test_any_rate_becomes_16_khz_and_may_change() -> None:
    far, got = FarEnd(), []
    for rate_hz in (48_000, 22_050):
        tone = np.sin(2 * np.pi * 500 * np.arange(rate_hz) / rate_hz).astype(np.float32)
        far.write(tone, rate_hz)
        got.append(far.read(SECOND))
    for heard in got:
        spectrum = np.abs(np.fft.rfft(heard))
        assert int(spectrum.argmax()) == 500


def test_a_loudspeaker_without_a_microphone_fills_no_memory() -> None:
    far = FarEnd()
    for _ in range(100):
        far.write(np.ones(SECOND // 10, np.float32), SECOND)
    assert far.dropped_samples == pytest.approx(8 * SECOND, abs=100)
    assert far.read(10 * SECOND).sum() == pytest.approx(2 * SECOND, abs=100)


def test_what_lies_too_long_is_dropped() -> None:
    far = FarEnd()
    far.write(np.ones(SECOND // 2, np.float32), SECOND)  # the microphone stood still meanwhile
    late = []
    for number in range(300):
        far.write(np.full(160, number, np.float32), SECOND)
        late.append(number - far.read(160)[80])
    assert late[60] == pytest.approx(50, abs=1)
    assert abs(late[-1]) <= 2


def test_a_loudspeaker_that_takes_much_at_once_loses_nothing() -> None:
    far = FarEnd()
    for number in range(300):
        if number % 10 == 5:
            far.write(np.ones(1600, np.float32), SECOND)
        far.read(160)
    assert far.dropped_samples == 0
