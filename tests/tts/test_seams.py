"""Where pieces of speech are joined: silence, pauses by punctuation, no jump, levels that come together."""

import numpy as np
import pytest

from tests.tts.fakes import RATE_HZ, tone
from wyoming_voice.tts.engine import Samples
from wyoming_voice.tts.seams import Seams, SeamSettings, pause_after_ms

CEILING = 10 ** (-1 / 20)


def silence(ms: float) -> Samples:
    return np.zeros(round(ms * RATE_HZ / 1000), np.float32)


def joined(*pieces: tuple[Samples, str], speed: float = 1.0) -> Samples:
    seams = Seams(SeamSettings(RATE_HZ, speed))
    sounds = [seams.push(piece, text).samples for piece, text in pieces]
    return np.concatenate([*sounds, seams.finish()])


def ms(samples: int | np.intp) -> float:
    return int(samples) * 1000 / RATE_HZ


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def rests(audio: Samples) -> list[float]:
    """The lengths in ms of the silences of more than 20 ms between sounds."""
    gaps = np.diff(np.flatnonzero(np.abs(audio) > 0.01)) - 1
    return [ms(gap) for gap in gaps if ms(gap) > 20]


def test_leading_and_trailing_silence_go() -> None:
    audio = joined((np.concatenate((silence(300), tone(400), silence(500))), "Hi."))
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    assert ms(loud[0]) == pytest.approx(20, abs=4)
    assert ms(len(audio) - loud[-1]) == pytest.approx(40, abs=6)


def test_a_piece_that_starts_at_once_gets_its_lead() -> None:
    audio = joined((tone(400), "Hi."))
    assert ms(np.flatnonzero(np.abs(audio) > 0.01)[0]) == pytest.approx(20, abs=4)


def test_quiet_noise_counts_as_silence() -> None:
    noise = np.random.default_rng(0).normal(0, 0.0005, RATE_HZ).astype(np.float32)
    audio = joined((np.concatenate((noise, tone(400), noise)), "Hi."))
    assert ms(len(audio)) == pytest.approx(460, abs=5)


def test_a_piece_below_all_hearing_keeps_its_length() -> None:
    assert len(joined((silence(700), "Hm."))) == len(silence(700))
    assert len(joined((tone(700, amplitude=5e-5), "Hm."))) == len(silence(700))


@pytest.mark.parametrize(
    ("text", "pause_ms"),
    [
        ("Done.", 320),
        ("Really?", 320),
        ("“Stop!”", 320),
        ("(Yes.)", 320),
        ("好。", 320),
        ("as follows:", 220),
        ("first;", 220),
        ("well,", 150),
        ("then —", 150),
        ("no mark", 60),
        ("", 60),
        ('")', 60),
    ],
)
def test_a_pause_follows_punctuation(text: str, pause_ms: float) -> None:
    assert pause_after_ms(text) == pause_ms
    audio = joined((tone(400), text), (tone(400), "End."))
    assert rests(audio) == [pytest.approx(pause_ms, abs=3)]


def test_fast_speech_has_short_pauses() -> None:
    audio = joined((tone(400), "One."), (tone(400), "Two."), speed=2.0)
    assert rests(audio) == [pytest.approx(160, abs=3)]


def test_no_seam_jumps() -> None:
    clicks = [np.full(3000, level, np.float32) for level in (0.5, -0.5, 0.4, -0.4)]
    audio = joined(*((piece, "x") for piece in clicks))
    assert np.abs(np.diff(audio)).max() <= 0.5 / (0.005 * RATE_HZ - 2)
    assert audio[0] == audio[-1] == 0


def test_a_sound_that_breaks_off_before_silence_is_faded_too() -> None:
    piece = np.concatenate((silence(50), np.full(3000, 0.5, np.float32), silence(50)))
    audio = joined((piece, "a"), (piece, "b"))
    assert np.abs(np.diff(audio)).max() <= 0.5 / (0.005 * RATE_HZ - 2)


def test_levels_come_together_within_three_db() -> None:
    seams = Seams(SeamSettings(RATE_HZ))
    first = seams.push(tone(500, 0.3), "a").samples
    weaker = seams.push(tone(500, 0.25), "b").samples
    whisper = seams.push(tone(500, 0.03), "c").samples
    loud = seams.push(tone(500, 0.8), "d").samples

    def top(piece: Samples) -> float:
        return float(np.abs(piece).max())

    assert top(weaker) == pytest.approx(top(first), rel=0.02)
    assert top(whisper) == pytest.approx(0.03 * 10 ** (3 / 20), rel=0.02)
    assert top(loud) == pytest.approx(0.8 * 10 ** (-3 / 20), rel=0.02)


def test_nothing_is_louder_than_minus_one_db() -> None:
    rng = np.random.default_rng(1)
    speech = tone(900, 0.5) * (1 + rng.random(round(0.9 * RATE_HZ)).astype(np.float32))
    speech[3000:3040] = 1.7
    speech[5000] = -2.5
    audio = joined((speech, "a"))
    assert np.abs(audio).max() <= CEILING + 1e-6


def test_the_limiter_leaves_what_is_far_from_the_peak() -> None:
    quiet = tone(1000, 0.3)
    peaked = quiet.copy()
    peaked[4000] = 1.5
    plain, limited = joined((quiet, "a")), joined((peaked, "a"))
    same = np.isclose(plain, limited[: len(plain)], atol=1e-6)
    # the level of the two pieces is their own: both are the first of their kind
    assert same.mean() > 0.98


def test_pieces_of_any_length_pass() -> None:
    for count in (0, 1, 2, 7, 40, 41):
        piece = np.full(count, 1.5, np.float32)
        assert np.isfinite(joined((piece, "a"), (piece, "b"))).all()


def test_nothing_to_say_is_a_little_silence() -> None:
    assert ms(len(joined())) == 80
    assert not joined().any()
    assert ms(len(joined((np.zeros(0, np.float32), "a")))) == 80


def test_a_sample_is_found_again_behind_the_rest_and_without_what_was_trimmed() -> None:
    seams = Seams(SeamSettings(RATE_HZ))
    first = seams.push(np.concatenate((silence(300), tone(400), silence(300))), "a.")
    assert first.rest_samples == 0
    assert ms(first.place(RATE_HZ * 300 // 1000)) == pytest.approx(20, abs=1)
    second = seams.push(tone(400), "b.")
    assert ms(second.rest_samples) == 320 - 60
    assert ms(second.place(0)) == pytest.approx(320 - 60 + 20, abs=1)
    assert ms(second.place(len(tone(400)))) == pytest.approx(320 - 60 + 20 + 400, abs=1)
    assert second.place(-5000) == second.rest_samples
    assert second.place(50_000) == len(second.samples)
