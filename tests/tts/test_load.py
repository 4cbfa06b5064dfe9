"""Many sessions at one TTS server: all are heard, piece by piece in turns, as if each were alone."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.tts import Synthesize

from tests.tts.fakes import GROUP, MADE_BY, Beeper, heard, kinds, sound
from wyoming_voice.service import serving
from wyoming_voice.tts.engine import Sound, Utterance, never
from wyoming_voice.tts.server import TtsProgram, build
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue
from wyoming_voice.wire import connect

SESSIONS = 16
LOOPBACK = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True}
NAMES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen"),
)


@dataclass
class Held(Beeper):
    """Waits within the first item of a client until the test lets it go on."""

    began: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        if self.loaded and len(self.spoken) >= 2:  # after the rehearsals
            self.began.set()
            self.may_go_on.wait(10)
        yield from super().synthesize(utterance, stopped)


def pieces_of(name: str, texts: Sequence[str]) -> list[int]:
    """Which of the pieces were one session's."""
    return [number for number, text in enumerate(texts) if re.search(rf"\b{name}\b", text)]


def text_of(name: str) -> str:
    return f"This is {name} to begin with. And {name} goes on with this. The end of {name}."


async def speech(uri: str, text: str) -> list[Event]:
    async with connect(uri) as connection:
        await connection.write(Synthesize(text=text).event())
        return await heard(connection, "audio-stop")


async def test_sixteen_sessions_take_turns_and_each_hears_all_of_its_own() -> None:
    engine, settings = Held(), TtsSettings.model_validate(LOOPBACK)
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    program = TtsProgram(settings, engine, catalogue, MADE_BY)
    async with serving(program, settings) as address:
        uri = str(address)
        tasks = [asyncio.create_task(speech(uri, text_of(name))) for name in NAMES]
        while program._worker.requests < SESSIONS:  # noqa: ASYNC110  (the worker tells nobody)
            await asyncio.sleep(0)
        assert await asyncio.to_thread(engine.began.wait, 10)
        async with connect(uri) as connection:  # answered, though the thread is in an item
            await connection.write(Describe().event())
            assert (await heard(connection, "info"))[-1].type == "info"
        assert not engine.texts
        engine.may_go_on.set()
        sessions = await asyncio.gather(*tasks)
    assert [kinds(events) for events in sessions] == [GROUP] * SESSIONS
    made = {name: pieces_of(name, engine.texts) for name in NAMES}
    assert sum(map(len, made.values())) == len(engine.texts)
    # Everybody has heard a beginning before anybody hears an end.
    assert max(numbers[0] for numbers in made.values()) < min(
        numbers[-1] for numbers in made.values()
    )


async def test_sixteen_sessions_hear_what_each_would_hear_alone() -> None:
    settings = TtsSettings.model_validate({**LOOPBACK, "engine": "espeak"})
    async with serving(build(settings), settings) as address:
        uri = str(address)
        together = await asyncio.gather(*(speech(uri, text_of(name)) for name in NAMES))
        alone = [await speech(uri, text_of(name)) for name in NAMES]
    for events, single in zip(together, alone, strict=True):
        assert kinds(events) == GROUP
        # Pieces are cut by the engine's pace, and there are pauses between them: no two are quite alike.
        assert len(sound(events)) == pytest.approx(len(sound(single)), rel=0.3)
