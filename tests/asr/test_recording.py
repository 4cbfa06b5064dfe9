"""Audio of any format, in any pieces, becomes the same samples and the same scores."""

import random
import tracemalloc

import numpy as np
import pytest

from tests.asr.speech import said
from tests.scores import speech_probabilities
from wyoming_voice.asr.engine import RATE_HZ, Audio
from wyoming_voice.asr.recording import Recording
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.pcm import SPEECH, AudioFormat
from wyoming_voice.errors import BadAudio, TooLarge
from wyoming_voice.vad import FRAME_SAMPLES

STEREO_48K = AudioFormat(48_000, 2, 2)


@pytest.fixture
def audio() -> Audio:
    return said("Turn on the kitchen light.")


def caught_up(recording: Recording) -> Recording:
    list(recording.catch_up())
    return recording


def recorded(source: AudioFormat, *chunks: bytes) -> Recording:
    recording = Recording(scored=True)
    for pcm in chunks:
        recording.hear(source, pcm)
    return caught_up(recording)


def audio_of(recording: Recording) -> Audio:
    return recording.part(0, recording.samples)


def split(pcm: bytes, walk: random.Random) -> list[bytes]:
    borders = sorted(walk.choices(range(len(pcm)), k=walk.randrange(1, 200)))
    return [pcm[a:b] for a, b in zip([0, *borders], [*borders, len(pcm)], strict=True)]


def test_speech_is_scored_as_a_whole_recording_would_be(audio: Audio) -> None:
    recording = recorded(SPEECH, to_pcm16(audio))
    np.testing.assert_allclose(recording.probabilities, speech_probabilities(audio_of(recording)))
    assert max(recording.probabilities) > 0.9


@pytest.mark.parametrize(
    "source", [SPEECH, STEREO_48K, AudioFormat(8000, 1, 1), AudioFormat(44_100, 3, 1)]
)
def test_any_split_gives_the_same(audio: Audio, source: AudioFormat) -> None:
    pcm = to_pcm16(audio)
    pcm = pcm[: len(pcm) - len(pcm) % source.frame_bytes]
    whole = recorded(source, pcm)
    walk = random.Random(2)
    for _ in range(5):
        pieces = recorded(source, *split(pcm, walk))
        np.testing.assert_allclose(audio_of(pieces), audio_of(whole), atol=1e-6)
        np.testing.assert_allclose(pieces.probabilities, whole.probabilities, atol=1e-4)


def test_chunks_of_many_seconds_wait_for_the_thread(audio: Audio) -> None:
    pcm = to_pcm16(np.tile(audio, 20))
    recording = Recording(scored=True)
    recording.hear(SPEECH, pcm)
    assert not recording.up_to_date
    assert len(audio_of(recording)) == 0
    breaths = list(recording.catch_up())
    assert len(breaths) > 2
    np.testing.assert_allclose(
        audio_of(recording), audio_of(recorded(SPEECH, *split(pcm, random.Random(1))))
    )


def test_what_is_ready_stays_where_it_is(audio: Audio) -> None:
    """Moving it would hold up the event loop, the longer the more there is."""
    recording = Recording(scored=False)
    pcm = to_pcm16(np.tile(audio, 10))
    second = SPEECH.size_bytes(1000)
    recording.hear(SPEECH, pcm[:second])
    early = recording.part(0, recording.samples)
    for at in range(second, len(pcm), second):
        recording.hear(SPEECH, pcm[at : at + second])
    assert len(pcm) > 15 * second
    assert np.shares_memory(early, recording.part(0, len(early)))
    np.testing.assert_array_equal(to_pcm16(audio_of(caught_up(recording))), pcm)


def test_any_part_can_be_had() -> None:
    recording = Recording(scored=False)
    ramp = (np.arange(10 * RATE_HZ) // 8).astype(np.int16).tobytes()
    for at in range(0, len(ramp), 3000):
        recording.hear(SPEECH, ramp[at : at + 3000])
    for start, end in [(0, 10), (63_990, 64_010), (60_000, 140_000), (159_000, 170_000), (5, 5)]:
        part = to_pcm16(recording.part(start, end))
        assert part == ramp[2 * start : 2 * end]


def test_memory_is_counted_before_it_is_used() -> None:
    recording = Recording(scored=False)
    recording.hear(SPEECH, bytes(SPEECH.size_bytes(500)))
    assert recording.held_bytes == 0.5 * RATE_HZ * 4
    recording.hear(SPEECH, bytes(SPEECH.size_bytes(1500)))
    assert recording.held_bytes == 2 * RATE_HZ * 4 + SPEECH.size_bytes(1500)
    assert audio_of(caught_up(recording)).nbytes == 2 * RATE_HZ * 4


def test_a_short_chunk_of_many_bytes_waits_for_the_thread() -> None:
    recording = Recording(scored=False)
    half_a_second = AudioFormat(192_000, 4, 8)
    recording.hear(half_a_second, bytes(half_a_second.size_bytes(500)))
    assert len(audio_of(recording)) == 0
    assert abs(len(audio_of(caught_up(recording))) - RATE_HZ // 2) <= 1


def test_chunks_that_wait_keep_their_order_and_formats(audio: Audio) -> None:
    pcm = to_pcm16(np.tile(audio, 2))
    late = AudioFormat(16_000, 2, 2)
    chunks = [pcm[at : at + 999] for at in range(40_000, 60_000, 999)]
    at_once, waiting = Recording(scored=False), Recording(scored=False)
    waiting.hear(late, bytes(late.size_bytes(2000)))
    for source in (SPEECH, late, SPEECH):
        for piece in chunks:
            at_once.hear(source, piece)
            waiting.hear(source, piece)
    np.testing.assert_array_equal(
        audio_of(caught_up(waiting))[2 * RATE_HZ :], audio_of(caught_up(at_once))
    )


def test_many_small_chunks_that_wait_take_no_more_room_than_their_bytes() -> None:
    recording = Recording(scored=False)
    recording.hear(SPEECH, bytes(SPEECH.size_bytes(600_000)))
    tracemalloc.start()
    for _ in range(400):
        recording.hear(AudioFormat(16_000, 2, 1), bytes(2))
    ready_bytes = audio_of(recording).nbytes
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ready_bytes == 400 * RATE_HZ * 4
    assert held_bytes < ready_bytes + recording.held_bytes


def test_what_waits_is_taken_along_by_what_comes(audio: Audio) -> None:
    """Else one chunk of over a second would leave the rest of the utterance unheard until its end."""
    pcm = to_pcm16(np.tile(audio, 3))[:120_000]
    recording = Recording(scored=True)
    recording.hear(SPEECH, pcm[:100_000])
    for at in range(100_000, len(pcm), 640):
        recording.hear(SPEECH, pcm[at : at + 640])
    assert recording.up_to_date
    whole = recorded(SPEECH, pcm)
    np.testing.assert_array_equal(audio_of(recording), audio_of(whole)[: recording.samples])
    scores = recording.probabilities
    np.testing.assert_array_equal(scores, whole.probabilities[: len(scores)])


def test_chunks_of_a_second_do_not_pile_up(audio: Audio) -> None:
    recording = Recording(scored=True)
    for _ in range(20):
        recording.hear(SPEECH, to_pcm16(np.resize(audio, RATE_HZ)))
        assert recording.up_to_date


def test_the_last_part_of_a_frame_is_scored_at_the_end(audio: Audio) -> None:
    recording = Recording(scored=True)
    recording.hear(SPEECH, to_pcm16(np.tile(audio, 2))[:32_000])
    assert len(recording.probabilities) == len(audio_of(recording)) // FRAME_SAMPLES
    caught_up(recording)
    assert len(recording.probabilities) == -(-len(audio_of(recording)) // FRAME_SAMPLES)


def test_the_format_may_change_on_the_way(audio: Audio) -> None:
    pcm = to_pcm16(audio)
    recording = Recording(scored=True)
    recording.hear(SPEECH, pcm[:16_000])
    recording.hear(
        AudioFormat(16_000, 2, 2), np.repeat(np.frombuffer(pcm, "<i2")[8000:], 2).tobytes()
    )
    np.testing.assert_array_equal(audio_of(caught_up(recording)), audio_of(recorded(SPEECH, pcm)))


def test_a_change_of_format_loses_no_sound() -> None:
    second = bytes(STEREO_48K.size_bytes(1000))
    recording = Recording(scored=False)
    recording.hear(STEREO_48K, second)
    recording.hear(AudioFormat(48_000, 2, 1), second[: len(second) // 2])
    assert abs(len(audio_of(caught_up(recording))) - 2 * RATE_HZ) <= 2


def test_a_tone_keeps_its_pitch() -> None:
    seconds = np.arange(2 * 48_000) / 48_000
    tone = (20_000 * np.sin(2 * np.pi * 440 * seconds)).astype("<i2").repeat(2).tobytes()
    heard = audio_of(
        recorded(STEREO_48K, *[tone[at : at + 1919] for at in range(0, len(tone), 1919)])
    )
    assert abs(len(heard) - 2 * RATE_HZ) < 50
    spectrum = np.abs(np.fft.rfft(heard))
    assert abs(float(np.argmax(spectrum)) * RATE_HZ / len(heard) - 440) < 1


def test_nothing_is_scored_that_nobody_asks_about(audio: Audio) -> None:
    recording = Recording(scored=False)
    recording.hear(SPEECH, to_pcm16(audio))
    assert caught_up(recording).probabilities == []
    assert len(audio_of(recording)) == len(audio)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (AudioFormat(200_000, 2, 1), "rate"),
        (AudioFormat(999, 2, 1), "rate"),
        (AudioFormat(16_000, 5, 1), "width"),
        (AudioFormat(16_000, 2, 9), "channels"),
    ],
)
def test_a_format_that_cannot_be_converted_is_refused(source: AudioFormat, named: str) -> None:
    with pytest.raises(BadAudio, match=named):
        Recording(scored=True).hear(source, b"ab")


def test_waiting_audio_is_bounded() -> None:
    recording = Recording(scored=False)
    four_mib = bytes(4 * 1024 * 1024)
    for _ in range(16):
        recording.hear(SPEECH, four_mib)
    recording.hear(SPEECH, bytes(16 * 32_000))  # as much as those and this have taken along
    with pytest.raises(TooLarge, match="chunks of under 1 s"):
        recording.hear(SPEECH, bytes(32_002))


def test_being_ready_twice_is_being_ready(audio: Audio) -> None:
    recording = Recording(scored=True)
    recording.hear(SPEECH, to_pcm16(audio)[:9001])
    recording.finish()
    scores = [*recording.probabilities]
    assert len(caught_up(recording).probabilities) == len(scores) == -(-recording.samples // 512)
