"""What is said to a recogniser: silence of a known length around the speech, chunks of a known size."""

import numpy as np

from wyoming_voice.benchmark.recording import between_silences, silence


def test_speech_ends_where_the_trailing_silence_begins() -> None:
    sound = np.concatenate([silence(30), np.full(1600, 0.5, np.float32), silence(500)])
    recording = between_silences("", sound, trailing_ms=700)
    assert len(recording.samples) == 16 * (200 + 100 + 700)
    assert recording.last_sound_s == 0.3


def test_silence_alone_is_kept() -> None:
    recording = between_silences("", silence(100), trailing_ms=0)
    assert len(recording.samples) == 16 * 300
    assert recording.last_sound_s == 0.0


def test_chunks_are_of_one_size() -> None:
    recording = between_silences("", np.full(1000, 0.5, np.float32))
    chunks = recording.chunks(64)
    assert {len(chunk) for chunk in chunks} == {2048}
    assert len(b"".join(chunks)) >= 2 * len(recording.samples)
