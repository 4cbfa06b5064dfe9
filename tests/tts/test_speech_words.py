"""The words of what is said, as they were written, on the line of the request's audio."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.tts.fakes import RATE_HZ, Beeper, Speller
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.core.words import TimedWord
from wyoming_voice.tts.cache import CachingEngine
from wyoming_voice.tts.engine import Engine, Pace
from wyoming_voice.tts.source import TextSource
from wyoming_voice.tts.speech import Speech, Spoken
from wyoming_voice.tts.studio import Studio
from wyoming_voice.tts.voices import Voice
from wyoming_voice.worker import Worker

VOICE = Voice("af_heart", "en-US", "Heart")


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker("tts")
    yield worker
    worker.close()


async def spoken(studio: Studio, text: str, speed: float | None = None) -> list[Spoken]:
    source = TextSource()
    source.put(text)
    source.close()
    return [item async for item in Speech(studio, VOICE, source, TurnRecord("tts"), speed).audio()]


def studio(engine: Engine, worker: Worker, rtf: float = 0.01) -> Studio:
    return Studio(engine, worker, 10.0, pace=Pace(rtf=rtf))


def words(items: list[Spoken]) -> list[TimedWord]:
    return [word for item in items for word in item.words]


def audible(items: list[Spoken]) -> list[tuple[float, float]]:
    """Where there is sound, in seconds: silences of 60 ms part it."""
    samples = np.frombuffer(b"".join(item.pcm for item in items), "<i2")
    loud = np.flatnonzero(np.abs(samples) > 300)
    runs = np.split(loud, np.flatnonzero(np.diff(loud) > 0.05 * RATE_HZ) + 1)
    return [(run[0] / RATE_HZ, (run[-1] + 1) / RATE_HZ) for run in runs]


async def test_words_are_where_they_are_heard(worker: Worker) -> None:
    items = await spoken(studio(Speller(), worker), "It is **here**. Look, there! Now")
    said = words(items)
    assert [word.text for word in said] == ["It", " is", " here.", " Look,", " there!", " Now"]
    for word, (start_s, end_s) in zip(said, audible(items), strict=True):
        # Marks end with the text's last character, which may be a mark of 100 ms.
        assert word.start_s == pytest.approx(start_s, abs=0.01)
        assert word.end_s == pytest.approx(end_s, abs=0.11)


async def test_a_word_comes_with_the_audio_that_it_begins_in(worker: Worker) -> None:
    at_s = 0.0
    for item in await spoken(studio(Speller(), worker), "One is done. Two is done."):
        length_s = len(item.pcm) / 2 / RATE_HZ
        assert all(at_s <= word.start_s < at_s + length_s for word in item.words)
        at_s += length_s


async def test_what_is_read_as_one_lasts_as_long(worker: Worker) -> None:
    items = await spoken(studio(Speller(), worker), "Go 5 km/h now.")
    go, speed, now = words(items)
    heard = audible(items)
    assert speed.text == " 5 km/h"
    assert speed.start_s == pytest.approx(heard[1][0], abs=0.01)
    assert speed.end_s == pytest.approx(heard[4][1], abs=0.01)
    assert go.end_s < speed.start_s < speed.end_s < now.start_s


async def test_behind_an_engine_without_marks_words_share_the_time(worker: Worker) -> None:
    items = await spoken(studio(Beeper(), worker), "You are here")
    starts_s = [word.start_s for word in words(items)]
    assert starts_s == [pytest.approx(s, abs=0.03) for s in (0.02, 0.02 + 2 / 12, 0.02 + 1 / 3)]
    assert words(items)[-1].end_s == pytest.approx(0.52, abs=0.03)


async def test_words_come_again_from_the_cache(worker: Worker) -> None:
    engine = Speller()
    house = studio(engine, worker)
    house.cache = CachingEngine(engine, 1 << 20)
    first, again = [words(await spoken(house, "One is done.")) for _ in range(2)]
    assert len(engine.spoken) == 1
    assert first == again


async def test_words_without_a_sound_are_not_lost(worker: Worker) -> None:
    class Mute(Speller):
        def synthesize(self, utterance, stopped=lambda: False):  # type: ignore[no-untyped-def]
            if "mute" not in utterance.text:
                yield from super().synthesize(utterance, stopped)

    house = studio(Mute(), worker)
    said = words(await spoken(house, "One is. Two is mute. Three is."))
    assert "".join(word.text for word in said) == "One is. Two is mute. Three is."
    last = words(await spoken(house, "One is. Two is mute."))
    assert "".join(word.text for word in last) == "One is. Two is mute."
    assert last[2].start_s == last[-1].end_s


async def test_each_request_has_its_speed(worker: Worker) -> None:
    engine = Beeper()
    house = Studio(engine, worker, 10.0, speed=1.5)
    for speed in (None, 0.5, 2.0):
        await spoken(house, "One is done. Two", speed)
    assert [utterance.speed for utterance in engine.spoken] == [1.5, 1.5, 0.5, 0.5, 2.0, 2.0]


async def test_rests_are_of_the_requests_speed(worker: Worker) -> None:
    lengths = [
        sum(len(item.pcm) for item in await spoken(studio(Beeper(), worker), "One. Two.", speed))
        for speed in (0.5, 2.0)
    ]
    assert lengths[0] - lengths[1] == 2 * 8 * (640 - 160)


async def test_an_odd_speed_says_nothing_of_the_natural_one(worker: Worker) -> None:
    class Quick(Beeper):
        def synthesize(self, utterance, stopped=lambda: False):  # type: ignore[no-untyped-def]
            self.sound_s = len(utterance.text) / 10 / utterance.speed
            for sound in super().synthesize(utterance, stopped):
                repeats = round(self.sound_s / 0.5 * 8)
                yield type(sound)(np.tile(sound.samples[: RATE_HZ // 16], repeats))

    house = Studio(Quick(), worker, 10.0, pace=Pace(chars_per_s=10))
    for speed in (2.0, 0.5):
        await spoken(house, "This is a sentence of some length, as it is said.", speed)
        assert house.pace.chars_per_s == pytest.approx(10, rel=0.05)
