"""Blocks of any size in, scored frames out; with the real detectors once, with small fakes for the rules."""

import numpy as np
import pytest

from satellite.events import WakeWord
from satellite.hearing.chain import Hearing
from satellite.hearing.echo import Cleaner, FarEnd, PassThrough, WebRtcCleaner
from satellite.hearing.finality import Finality
from satellite.hearing.level import level_dbfs
from satellite.hearing.wake import LocalWake, noticed_after_ms, parse_wake_words
from satellite.parts import Audio, HeardFrame
from tests.satellite.hearing.recordings import question, samples, silence, wake_word
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.completeness import Completeness

NABU = WakeWord("okay_nabu", "okay nabu")
AS_IT_IS = PassThrough("nothing", echo_free=False)


class FakeSpeech:
    """Finds the mean of a frame likely to be speech."""

    def __init__(self) -> None:
        self.resets = 0

    def score(self, frame: Audio) -> float:
        assert frame.shape == (512,)
        return float(frame.mean())

    def reset(self) -> None:
        self.resets += 1


class FakeWake:
    """Hears its word in every third frame."""

    def __init__(self) -> None:
        self.frames = self.resets = 0

    def push(self, pcm: bytes) -> WakeWord | None:
        assert len(pcm) == 1024
        self.frames += 1
        return NABU if self.frames % 3 == 0 else None

    def reset(self) -> None:
        self.resets += 1


class Halving:
    """A cleaner that halves, and remembers what it was given."""

    name = "half"
    echo_free = True

    def __init__(self) -> None:
        self.far: list[Audio] = []

    def clean(self, near: Audio, far: Audio) -> Audio:
        assert len(near) == len(far)
        assert len(near) % 160 == 0
        self.far.append(far)
        return near * np.float32(0.5)


def hearing_with(cleaner: Cleaner = AS_IT_IS, gain_db: float = 0.0) -> Hearing:
    return Hearing(FarEnd(), cleaner, FakeWake(), FakeSpeech(), gain_db)


def constant(value: float, ms: int) -> bytes:
    return to_pcm16(np.full(16 * ms, value, np.float32))


def heard(hearing: Hearing, pcm: bytes, block_bytes: int) -> list[HeardFrame]:
    blocks = [pcm[at : at + block_bytes] for at in range(0, len(pcm), block_bytes)]
    return [frame for block in blocks for frame in hearing.push(block)]


@pytest.mark.parametrize("block_bytes", [2, 7, 320, 640, 1024, 100_000])
def test_any_blocks_become_the_same_frames(block_bytes: int) -> None:
    pcm = bytes(range(256)) * 40  # 10 frames
    frames = heard(hearing_with(), pcm, block_bytes)
    assert b"".join(frame.pcm for frame in frames) == pcm
    assert [frame.end_ms for frame in frames] == [*range(32, 321, 32)]


def test_a_frame_says_what_the_detectors_think() -> None:
    frames = hearing_with().push(constant(0.25, 160))
    assert [frame.word for frame in frames] == [None, None, NABU, None, None]
    assert frames[2].word_end_ms == 96 - noticed_after_ms(NABU.name)
    assert frames[0].probability == pytest.approx(0.25)
    assert frames[0].level_dbfs == pytest.approx(-12.04, abs=0.01)


def test_without_wake_words() -> None:
    frames = Hearing(FarEnd(), AS_IT_IS, None, FakeSpeech()).push(constant(0.25, 70))
    assert [frame.word for frame in frames] == [None, None]


def test_gain_comes_first_and_does_not_wrap() -> None:
    assert hearing_with(gain_db=6).push(constant(0.25, 40))[0].probability == pytest.approx(
        0.499, abs=0.001
    )
    assert hearing_with(gain_db=30).push(constant(0.25, 40))[0].probability == pytest.approx(
        1, abs=0.001
    )


def test_the_cleaner_hears_the_far_end_of_the_same_length() -> None:
    far_end, cleaner = FarEnd(), Halving()
    far_end.write(np.ones(16_000, np.float32), 16_000)
    hearing = Hearing(far_end, cleaner, None, FakeSpeech())
    (frame,) = hearing.push(constant(0.5, 40))
    assert frame.probability == pytest.approx(0.25)
    assert np.concatenate(cleaner.far)[100:] == pytest.approx(1)


def test_recording_gets_what_came_and_what_became_of_it() -> None:
    pieces: list[tuple[bytes, bytes]] = []
    hearing = hearing_with(Halving(), gain_db=12.0412)
    hearing.record = lambda raw, cleaned: pieces.append((raw, cleaned))
    heard(hearing, constant(0.25, 50), 222)
    assert b"".join(raw for raw, _ in pieces) == constant(0.25, 50)
    assert b"".join(cleaned for _, cleaned in pieces) == constant(0.5, 50)


def test_muted_nothing_is_heard_recorded_or_kept() -> None:
    pieces: list[bytes] = []
    hearing = hearing_with()
    hearing.record = lambda raw, _: pieces.append(raw)
    hearing.push(constant(0.9, 20))  # not yet a frame
    pieces.clear()
    hearing.muted = True
    assert heard(hearing, constant(0.9, 500), 650) == []
    assert pieces == []
    hearing.muted = False
    frames = hearing.push(constant(0.1, 70))
    assert [frame.probability for frame in frames] == [pytest.approx(0.1, abs=1e-3)] * 2
    assert [frame.end_ms for frame in frames] == [32, 64]  # the line stood still


def test_detectors_forget_once_when_muted() -> None:
    speech, wake = FakeSpeech(), FakeWake()
    hearing = Hearing(FarEnd(), AS_IT_IS, wake, speech)
    for muted in (False, True, True, False, True):
        hearing.muted = muted
        hearing.push(constant(0.1, 32))
    assert (speech.resets, wake.resets) == (2, 2)


def test_the_far_end_keeps_up_while_muted() -> None:
    far_end, cleaner = FarEnd(), Halving()
    hearing = Hearing(far_end, cleaner, None, FakeSpeech())
    far_end.write(np.ones(16_000, np.float32), 16_000)
    hearing.muted = True
    hearing.push(constant(0.1, 990))
    hearing.muted = False
    hearing.push(constant(0.1, 32))
    assert not cleaner.far[0][250:].any()


def test_status_tells_what_is_done() -> None:
    assert hearing_with(Halving()).status() == {
        "cleaning": "half",
        "echo_free": True,
        "muted": False,
        "far_end_dropped_ms": 0,
    }


def test_a_word_and_a_question_through_all_that_is_real() -> None:
    wake = LocalWake(parse_wake_words(["okay_nabu"], []), 2)
    hearing = Hearing(FarEnd(), WebRtcCleaner(aec=True, noise=0, auto_gain=False), wake)
    word = wake_word("okay_nabu")
    quiet = to_pcm16(np.random.default_rng(5).standard_normal(16_000).astype(np.float32) * 0.0003)
    frames = heard(hearing, quiet + word + silence(600) + to_pcm16(question()) + quiet, 640)
    (woken,) = [frame for frame in frames if frame.word is not None]
    assert abs(woken.word_end_ms - 1000 - len(word) / 32) < 100
    speech = [frame for frame in frames if frame.probability > 0.5]
    assert len(speech) > 20
    assert max(frame.level_dbfs for frame in speech) == pytest.approx(
        max(level_dbfs(samples(frame.pcm)) for frame in speech), abs=0.1
    )


class Sure:
    """Thinks that all was said."""

    def completeness(self, audio: Audio) -> Completeness:
        return Completeness.COMPLETE


def test_pauses_are_judged_where_that_is_wanted() -> None:
    hearing, speech = hearing_with(), FakeSpeech()
    assert heard(hearing, constant(0.5, 320) + constant(0, 320), 640)[-1].completeness is None
    hearing = Hearing(FarEnd(), AS_IT_IS, detector=speech)
    hearing.finality = Finality(Sure())
    hearing.finality.attentive = True
    frames = heard(hearing, constant(0.9, 320) + constant(0, 320), 640)
    judged = [number for number, frame in enumerate(frames) if frame.completeness is not None]
    assert judged == [15]
    heard(hearing, constant(0.9, 320) + constant(0, 64), 640)
    hearing.muted = True
    hearing.push(constant(0, 64))
    hearing.muted = False
    frames = heard(hearing, constant(0, 640), 640)
    assert {frame.completeness for frame in frames} == {None}, "what was heard is forgotten"
