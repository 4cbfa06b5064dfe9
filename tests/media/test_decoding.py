"""Media: what any file becomes, what is refused and how it is told, and that it opens nothing else."""

import tracemalloc
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.media.files import (
    LEVEL,
    TONE_HZ,
    UNKNOWN_LENGTH,
    encrypted,
    made,
    pcm16,
    tone,
    video,
    wav,
    wav_of_width,
    with_pauses,
)
from wyoming_voice.audio import Audio, MonoResampler
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import BadAudio
from wyoming_voice.media.decoding import BLOCK_S, Media


def decoded(data: bytes) -> Audio:
    with Media(BytesIO(data)) as media:
        return np.concatenate(list(media.blocks()))


def refused(data: bytes) -> str:
    with pytest.raises(BadAudio) as raised:
        decoded(data)
    assert "ffmpeg -i" in str(raised.value)
    return str(raised.value)


def duration_s(data: bytes) -> float | None:
    with Media(BytesIO(data)) as media:
        return media.duration_s


def pitch_hz(samples: Audio) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * 16_000 / len(samples)


def loudness(samples: Audio) -> float:
    return float(np.sqrt(np.mean(samples**2)))


MIDDLE = slice(4_000, -4_000)

FILES = {
    "8 bits": lambda: wav_of_width(8),
    "16 bits": lambda: wav_of_width(16),
    "24 bits": lambda: wav_of_width(24),
    "32 bits": lambda: wav_of_width(32),
    "float": lambda: wav_of_width(32, code=3),
    "double": lambda: wav_of_width(64, code=3),
    "mp3": lambda: made("mp3", "libmp3lame"),
    "flac": lambda: made("flac", "flac"),
    "opus": lambda: made("ogg", "libopus"),
    "m4a": lambda: made("ipod", "aac"),
    "adts": lambda: made("adts", "aac"),
    "webm": lambda: made("webm", "libopus"),
    "aiff": lambda: made("aiff", "pcm_s16be"),
    "amr": lambda: made("amr", "libopencore_amrnb", rate_hz=8_000),
    "8 kHz": lambda: made("wav", "pcm_mulaw", rate_hz=8_000),
    "96 kHz": lambda: made("flac", "flac", rate_hz=96_000),
    "stereo": lambda: made("mp3", "libmp3lame", layout="stereo"),
    "5.1": lambda: made("flac", "flac", layout="5.1"),
    "7.1": lambda: made("ipod", "aac", layout="7.1"),
    "7.1 flac": lambda: made("flac", "flac", layout="7.1"),
    "mp4": lambda: video("mp4", (("aac", 1.0, 0.0),)),
    "mkv": lambda: video("matroska", (("libmp3lame", 1.0, 0.0),)),
    "ts": lambda: video("mpegts", (("aac", 1.0, 0.0),)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_tone_is_the_same_tone_in_every_format(name: str) -> None:
    samples = decoded(FILES[name]())
    assert samples.dtype == np.float32
    assert len(samples) / 16_000 == pytest.approx(
        1.5 if "bits" in name or name in ("float", "double") else 2.0, abs=0.06
    )
    assert pitch_hz(samples[MIDDLE]) == pytest.approx(TONE_HZ, abs=2)
    assert loudness(samples[MIDDLE]) == pytest.approx(LEVEL / np.sqrt(2), rel=0.25)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_gives_the_samples_that_live_audio_gives(channels: int) -> None:
    noise = np.random.default_rng(1).normal(0, 3_000, (44_100, channels)).astype("<i2").tobytes()
    live = MonoResampler(AudioFormat(44_100, 2, channels), 16_000)
    expected = np.concatenate([live.push(noise), live.finish()])
    assert np.array_equal(decoded(wav(noise, 44_100, channels=channels)), expected)


@pytest.mark.parametrize("declared", [0, UNKNOWN_LENGTH, 2 * 1024**3])
def test_a_wav_of_unknown_or_untrue_length_is_read_to_its_end(declared: int) -> None:
    data = wav(pcm16(tone(1.5)), declared_bytes=declared)
    assert len(decoded(data)) == 24_000
    assert duration_s(data) == pytest.approx(1.5)


def test_a_header_says_how_long_the_audio_is() -> None:
    assert duration_s(made("mp3", "libmp3lame")) == pytest.approx(2.0, abs=0.06)
    assert duration_s(made("ipod", "aac")) == pytest.approx(2.0, abs=0.06)


def test_a_length_that_is_a_guess_or_absurd_is_none() -> None:
    assert duration_s(made("adts", "aac")) is None
    flac = bytearray(made("flac", "flac"))
    flac[21:26] = bytes([flac[21] | 0x0F, 0xFF, 0xFF, 0xFF, 0xFF])  # STREAMINFO: 36 bits of samples
    assert duration_s(bytes(flac)) is None
    assert len(decoded(bytes(flac))) == 32_000


def test_blocks_are_full_but_the_last_and_counted() -> None:
    with Media(BytesIO(wav(pcm16(tone(25.0))))) as media:
        lengths = []
        for block in media.blocks(8_000):
            lengths.append(len(block))
            assert media.heard_s == pytest.approx(sum(lengths) / 8_000)
    assert lengths == [80_000, 80_000, 40_000]
    assert BLOCK_S == 10.0


def test_a_path_may_be_called_anything_and_a_file_is_left_open(tmp_path: Path) -> None:
    data = made("flac", "flac")
    path = tmp_path / "talk.m3u8"
    path.write_bytes(data)
    with Media(path) as media:
        assert sum(map(len, media.blocks())) == 32_000
    file = BytesIO(data)
    file.seek(17)
    with Media(file) as media:
        assert sum(map(len, media.blocks())) == 32_000
    assert not file.closed
    with pytest.raises(BadAudio, match="No such file"):
        Media(tmp_path / "none.wav")


def test_the_stream_that_is_most_worth_hearing_is_taken() -> None:
    """libav's choice: the one that is the default, here the second, where the first is silent."""
    data = video("matroska", (("flac", 0.0, 0.0), ("flac", 1.0, 0.0)), default=1)
    assert loudness(decoded(data)) > 0.1


def test_a_stream_that_is_not_decoded_here_is_passed_over() -> None:
    data = video("avi", (("dfpwm", 0.0, 0.0), ("libmp3lame", 1.0, 0.0)))
    assert loudness(decoded(data)) > 0.1
    assert "in an encoding" in refused(video("avi", (("dfpwm", 1.0, 0.0),)))


def test_surround_is_heard_at_its_centre() -> None:
    center = np.zeros((6, 16_000), np.float32)
    center[2] = tone(1.0)
    file = BytesIO()
    with av.open(file, "w", format="wav") as output:
        stream = output.add_stream("pcm_s16le", rate=16_000)
        stream.codec_context.layout = "5.1"
        frame = av.AudioFrame.from_ndarray(
            pcm16(center.T.reshape(-1)) and (center.T.reshape(1, -1) * 32767).astype("<i2"),
            "s16",
            "5.1",
        )
        frame.sample_rate = 16_000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    share = loudness(decoded(file.getvalue())) / loudness(tone(1.0))
    assert share == pytest.approx(1 / 3.414, rel=0.01)


def test_sound_that_begins_after_the_picture_keeps_its_place() -> None:
    samples = decoded(video("matroska", (("flac", 1.0, 1.5),), seconds=3.0))
    assert loudness(samples[:16_000]) == 0.0
    assert np.flatnonzero(np.abs(samples) > 0.05)[0] / 16_000 == pytest.approx(1.5, abs=0.05)


def test_a_pause_without_data_is_a_pause() -> None:
    samples = decoded(with_pauses({1.0: 3.0}))
    assert len(samples) / 16_000 == pytest.approx(5.0, abs=0.05)
    assert loudness(samples[20_000:60_000]) < 0.001
    assert loudness(samples[66_000:76_000]) > 0.1


def test_a_clock_that_is_set_anew_adds_no_silence() -> None:
    assert len(decoded(with_pauses({1.0: 5_000.0}))) / 16_000 == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("name", ["16 bits", "mp3", "flac", "opus", "adts", "webm", "mkv", "ts"])
def test_a_truncated_file_gives_its_beginning(name: str) -> None:
    data = FILES[name]()
    samples = decoded(data[: len(data) * 3 // 5])
    assert 0.4 < len(samples) / 16_000 < 1.8
    assert pitch_hz(samples[2_000:-2_000]) == pytest.approx(TONE_HZ, abs=4)


def test_damage_in_the_middle_costs_no_more_than_itself() -> None:
    data = bytearray(made("mp3", "libmp3lame"))
    data[8_000:9_000] = bytes(1_000)
    assert len(decoded(bytes(data))) / 16_000 == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"PK\x03\x04" + bytes(500), "a ZIP archive"),
        (b"Dear diary, nothing happened today.\n" * 50, "a text file"),
        (b"%PDF-1.7\n" + bytes(500), "a PDF document"),
        (b"\x00\x01\x02\x03" * 500, "of a kind that isn't known here"),
        (made("ipod", "aac")[:-400], "an MP4 or M4A file, and can't be read"),
        (wav(b""), "a WAV file, and holds no audio"),
        (wav(pcm16(tone(0.1)), 0), "a WAV file"),
        (wav(pcm16(tone(0.1)), 500), "500 samples a second"),
        (video("mp4", ()), "a video without sound"),
        (encrypted(), "encrypted"),
        (wav(np.full(99, np.nan, "<f4").tobytes(), bits=32, code=3), "NaN"),
        (wav(np.full(99, -np.inf, "<f4").tobytes(), bits=32, code=3), "NaN or infinite"),
        (wav(np.full(99, 1e300, "<f8").tobytes(), bits=64, code=3), "NaN or infinite"),
    ],
)
def test_what_is_refused_is_told_by_its_kind(data: bytes, said: str) -> None:
    message = refused(data)
    assert said in message
    assert "diary" not in message


def test_louder_than_full_scale_is_clipped() -> None:
    data = wav(np.array([0.5, 2.0, -3.0, -0.5], "<f4").tobytes(), bits=32, code=3)
    assert decoded(data).tolist() == [0.5, 1.0, -1.0, -0.5]


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{path}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{path}'\n",
    "dash": '<?xml version="1.0"?><MPD><Period><BaseURL>file://{path}</BaseURL></Period></MPD>',
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{path}"/></svg>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("called", ["talk.wav", "talk.m3u8"])
def test_a_file_opens_no_other(name: str, called: str, tmp_path: Path) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(wav(pcm16(tone(1.0))))
    path = tmp_path / called
    path.write_text(PLAYLISTS[name].format(path=other))
    assert "refers to" not in refused(path.read_bytes()), "it was tried"
    with pytest.raises(BadAudio):
        Media(path)


def test_libav_by_itself_would_open_the_other_file(tmp_path: Path) -> None:
    """What the test above is worth."""
    other = tmp_path / "other.wav"
    other.write_bytes(wav(pcm16(tone(1.0))))
    playlist = BytesIO(PLAYLISTS["concat"].format(path=other).encode())
    options = {"safe": "0", "protocol_whitelist": "file"}
    with av.open(playlist, format="concat", container_options=options) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 16_000


def test_a_format_that_is_not_on_the_list_is_not_opened() -> None:
    data = made("ircam", "pcm_s16le")
    with av.open(BytesIO(data)) as container:
        assert container.format.name == "ircam"
    refused(data)


def test_hours_of_silence_in_a_small_file_take_no_memory_and_can_be_left() -> None:
    silence = made_silence(1_200)
    assert len(silence) < 240_000
    with Media(BytesIO(silence)) as media:
        blocks = media.blocks()
        tracemalloc.start()
        while media.heard_s < 400:
            next(blocks)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert media.heard_s == 400
    assert peak_bytes < 8_000_000


def made_silence(seconds: int) -> bytes:
    file = BytesIO()
    with av.open(file, "w", format="flac") as output:
        stream = output.add_stream("flac", rate=8_000)
        stream.codec_context.layout = "mono"
        silence = np.zeros((1, 80_000), "<i2")
        for _ in range(seconds // 10):
            frame = av.AudioFrame.from_ndarray(silence, "s16", "mono")
            frame.sample_rate = 8_000
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def test_libav_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(made("mp3", "libmp3lame"))
    data[8_000:9_000] = bytes(1_000)
    decoded(bytes(data))
    refused(made("ipod", "aac")[:-400])
    assert capfd.readouterr() == ("", "")


SMALL = ["16 bits", "float", "mp3", "flac", "opus", "m4a", "adts", "webm", "mp4", "ts"]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(SMALL),
    places=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=8),
    kept=st.floats(0, 1),
)
def test_a_damaged_file_gives_samples_or_is_refused(
    name: str, places: list[tuple[float, bytes]], kept: float
) -> None:
    data = bytearray(FILES[name]())
    for place, new in places:
        at = round(place * (len(data) - 8))
        data[at : at + len(new)] = new
    try:
        with Media(BytesIO(bytes(data[: round(kept * len(data))]))) as media:
            for block in media.blocks():
                assert 0 < len(block) <= 160_000
                assert np.abs(block).max() <= 2.0  # resampling overshoots
                if media.heard_s > 60:
                    break
    except BadAudio:
        pass
