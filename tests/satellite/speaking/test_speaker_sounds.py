"""Sounds of our own: sentences, tones, the ring; how loud all is, and what cannot be played."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from satellite.effects import Tone
from satellite.events import Trouble
from satellite.speaking import speaker
from satellite.speaking.mixer import MixSettings
from satellite.speaking.speaker import Speaker
from satellite.speaking.tones import read_sentences
from tests.satellite.speaking.stage import RATE_HZ, Bench, a_sound, sounding_ms
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import ConfigError


async def test_every_trouble_has_a_sentence() -> None:
    bench = Bench()
    async with bench.living():
        for number, trouble in enumerate(Trouble):
            bench.speaker.sentence(number, trouble, "")
        await bench.opened()
        bench.sink.pull(12_000)
        await bench.heard(*range(len(Trouble)))


@pytest.mark.parametrize(("language", "said_in"), [("ja", "ja"), ("fi", "en")])
async def test_a_sentence_is_in_the_language_of_whoever_is_told(
    language: str, said_in: str
) -> None:
    bench = Bench()
    async with bench.living():
        bench.speaker.sentence(1, Trouble.FAILED, language)
        await bench.opened()
        sounding = sounding_ms(bench.sink.pull(3_000))
    assert sounding == pytest.approx(read_sentences(said_in)[Trouble.FAILED].ms - 120, abs=150)


async def test_where_no_file_can_be_read_it_says_what_it_holds_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable(language: str) -> Mapping[Trouble, Sound]:
        raise OSError("Too many open files")

    bench = Bench()
    monkeypatch.setattr(speaker, "read_sentences", unreadable)
    async with bench.living():
        bench.speaker.sentence(1, Trouble.FAILED, "ja")
        await bench.opened()
        sounding = sounding_ms(bench.sink.pull(3_000))
    assert sounding == pytest.approx(read_sentences("en")[Trouble.FAILED].ms - 120, abs=150)


async def test_no_tones_and_no_thinking_but_the_ring() -> None:
    bench = Bench(no_tones=True, no_thinking=True)
    async with bench.living():
        bench.speaker.begin(1)
        await bench.opened()
        bench.speaker.tone(Tone.LISTENING)
        bench.speaker.think(True)
        assert not bench.sink.pull(3_000).any()
        bench.speaker.ring(True)
        assert bench.sink.pull(500).any()


@pytest.mark.parametrize(
    "begin",
    [
        lambda speaker: speaker.tone(Tone.DONE),
        lambda speaker: speaker.think(True),
        lambda speaker: speaker.ring(True),
    ],
    ids=["tone", "thinking", "ring"],
)
async def test_tones_thinking_and_ring_open_the_loudspeaker(
    begin: Callable[[Speaker], None],
) -> None:
    bench = Bench()
    async with bench.living():
        begin(bench.speaker)
        await bench.opened()
        assert bench.sink.pull(1_500).any()


async def test_the_volume() -> None:
    bench = Bench(volume=0.5)
    async with bench.living():
        bench.say(1, 1_000)
        await bench.opened()
        assert bench.sink.pull(20)[-1] == pytest.approx(0.05)
        bench.speaker.volume = 7
        assert bench.speaker.volume == 1.0
        assert bench.sink.pull(20)[-1] == 0.5


async def test_a_tone_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        Bench(tones={Tone.DONE: tmp_path / "none.wav"})


async def test_what_cannot_be_played_is_told_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(mix=MixSettings(fade_ms=0, most_ms=200))
    async with bench.living():
        bench.speaker.begin(1)
        bench.speaker.play(1, Sound(b"1234567", AudioFormat(RATE_HZ, 7, 1)))
        bench.speaker.play(1, a_sound(0.5, 150))
        bench.speaker.play(1, a_sound(0.5, 150))
        assert "audio width '7' can't be used" in caplog.text
        assert "playback 1 ends here: over 0 s of it would wait" in caplog.text
        await bench.opened()
        assert sounding_ms(bench.sink.pull(400)) == 150
        await bench.heard(1)
        assert bench.speaker.status()["refused"] == 1
