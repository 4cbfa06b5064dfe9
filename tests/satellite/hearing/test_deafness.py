"""When a microphone counts as deaf, on a clock of the test's own."""

from satellite.hearing.deafness import Deafness, DeafnessSettings, Finding

SETTINGS = DeafnessSettings(stale_s=1, first_block_s=3, silent_s=30, silent_dbfs=-90)


def opened(now_s: float = 0.0) -> Deafness:
    deafness = Deafness(SETTINGS)
    deafness.opened(now_s)
    return deafness


def test_before_it_is_opened_nothing_is_wrong() -> None:
    assert Deafness(SETTINGS).look(99, "mic") == []


def test_the_first_block_may_take_longer() -> None:
    deafness = opened()
    assert deafness.look(2.9, "mic") == []
    assert deafness.look(3.1, "mic") == [Finding.STALE]
    assert deafness.look(3.2, "mic") == []


def test_then_a_second_without_sound_is_too_much() -> None:
    deafness = opened()
    deafness.heard(0.5, -40)
    assert deafness.look(1.4, "mic") == []
    assert deafness.look(1.6, "mic") == [Finding.STALE]


def test_silence_is_found_after_half_a_minute_and_again_after_the_next() -> None:
    deafness = opened()
    found = {}
    for second in range(95):
        deafness.heard(second, -120)
        if findings := deafness.look(second, "mic"):
            found[second] = findings
    assert found == {30: [Finding.SILENT], 60: [Finding.STILL_SILENT], 90: [Finding.STILL_SILENT]}
    assert deafness.heard(95, -60) == [Finding.SOUND_AGAIN]
    assert deafness.heard(96, -60) == []
    assert not deafness.silent


def test_opening_it_anew_does_not_forget_the_silence() -> None:
    deafness = opened()
    deafness.heard(30, -120)
    assert deafness.look(30, "mic") == [Finding.SILENT]
    deafness.opened(31)
    assert deafness.heard(31.1, -120) == []
    assert deafness.heard(31.2, -50) == [Finding.SOUND_AGAIN]


def test_the_level_of_silence_is_one_bit() -> None:
    deafness = opened()
    deafness.heard(29, -90.3)
    assert Finding.SILENT in deafness.look(30, "mic")
    deafness.heard(31, -89)
    assert not deafness.silent


def test_another_name_is_another_microphone() -> None:
    deafness = opened()
    assert deafness.look(0.1, "pulse (usb)") == []
    assert deafness.look(0.2, "pulse (monitor)") == [Finding.MOVED]
    assert deafness.look(0.3, "pulse (monitor)") == []
