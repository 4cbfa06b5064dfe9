from wyoming_voice.tts.engine import Pace


def test_the_pace_follows_what_was_measured() -> None:
    pace = Pace(chars_per_s=10, rtf=0.5).measured(chars=40, audio_s=2, work_s=2, weight=0.5)
    assert (pace.chars_per_s, pace.rtf) == (15, 0.75)


def test_silence_measures_nothing() -> None:
    assert Pace().measured(chars=5, audio_s=0, work_s=1) == Pace()
    assert Pace().measured(chars=0, audio_s=1, work_s=1) == Pace()
