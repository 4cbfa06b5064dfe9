"""How fast an engine speaks, as its pace is measured, and a cautious guess at what comes."""

from wyoming_voice.tts.engine import Pace


def test_speech_that_is_faster_has_more_characters_in_a_second() -> None:
    fast = Pace(chars_per_s=10, rtf=0.3, deviation=0.1).at(2.0)
    assert fast == Pace(chars_per_s=20, rtf=0.3, deviation=0.1)


def test_the_pace_follows_what_was_measured() -> None:
    pace = Pace(chars_per_s=10, rtf=0.5).measured(chars=40, audio_s=2, work_s=2, memory_s=2)
    assert (pace.chars_per_s, pace.rtf) == (15, 0.75)


def test_silence_measures_nothing() -> None:
    assert Pace().measured(chars=5, audio_s=0, work_s=1) == Pace()
    assert Pace().measured(chars=0, audio_s=1, work_s=1) == Pace()


def test_short_pieces_count_for_little() -> None:
    pace = start = Pace(chars_per_s=15, rtf=0.8)
    for _ in range(3):
        pace = pace.measured(chars=5, audio_s=0.1, work_s=0.3)
    assert pace.rtf - start.rtf < 0.15
    assert pace.measured(chars=150, audio_s=10, work_s=8).rtf - start.rtf < 0.05


def test_a_cautious_guess_is_above_a_pace_that_wavers() -> None:
    pace = Pace(rtf=0.5)
    assert pace.cautious_rtf == 0.5
    for rtf in (0.6, 0.4) * 20:
        pace = pace.measured(chars=45, audio_s=3, work_s=3 * rtf)
    assert 0.6 < pace.cautious_rtf < 0.8


def test_the_first_measurement_is_no_deviation() -> None:
    assert Pace().measured(chars=15, audio_s=1, work_s=3, memory_s=0).deviation == 0
