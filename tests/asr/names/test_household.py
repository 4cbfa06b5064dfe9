"""The names of the house on their way to the recogniser: known in time, the same for all of an utterance."""

import asyncio
import itertools
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.asr.driving import LIGHT, served, text_of, transcript
from tests.asr.fakes import ScriptedEngine
from tests.asr.http.doors import commands, named, scripted, wav
from tests.asr.media import wav as wav_of
from tests.asr.speech import COMMAND_MODEL, chunk, said, silence, start, stop, utterance
from tests.asr.test_files import passages
from wyoming_voice.asr.engine import DecodeOptions, Engine, Glossary
from wyoming_voice.asr.files import Job
from wyoming_voice.asr.names.household import Household, household
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.asr.session import Wish
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import ConfigError
from wyoming_voice.hass.registry import House, Named
from wyoming_voice.worker import Priority


def house_of(*names: str) -> House:
    return House(tuple(Named(name, "area") for name in names))


class Standing:
    """A house that is watched, and changes when a test says so."""

    def __init__(self, *names: str) -> None:
        self.house = house_of(*names)
        self.refreshed = 0
        self.closed = False

    def refresh(self) -> None:
        self.refreshed += 1

    async def close(self) -> None:
        self.closed = True


class Restless(Standing):
    """A house that is called something else each time that somebody looks."""

    def __init__(self) -> None:
        super().__init__()
        self._number = itertools.count()

    @property
    def house(self) -> House:
        return house_of(f"Room {next(self._number)}")

    @house.setter
    def house(self, house: House) -> None:
        pass


def program_of(engine: Engine, watch: Standing, **changed: object) -> AsrProgram:
    values = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True, **changed}
    return AsrProgram(AsrSettings.model_validate(values), [engine], Household(watch))


def told_house(engine: ScriptedEngine) -> list[tuple[str, ...]]:
    return [options.house.names for _, options in engine.calls]


async def test_what_is_learned_while_somebody_speaks_is_told() -> None:
    engine, watch = ScriptedEngine(), Standing("Hall")
    program = program_of(engine, watch, speculate_after_ms=0)
    conversation = program.converse()
    request = conversation.push(start())
    assert request is not None
    assert watch.refreshed == 1
    conversation.push(chunk(to_pcm16(said(LIGHT))))
    watch.house = house_of("Hall", "Nook")
    conversation.push(stop())
    assert [event.type async for event in request.replies] == ["transcript"]
    assert told_house(engine) == [("Hall", "Nook")]
    await program.close()
    assert watch.closed


async def test_a_house_that_changes_in_an_utterance_does_so_for_the_next() -> None:
    engine = ScriptedEngine("some words")
    engine.longest_s = 3.0
    program = program_of(engine, Restless())
    part = np.concatenate((said(LIGHT), silence(0.6)))
    chunks = [chunk(to_pcm16(audio)) for audio in np.array_split(np.tile(part, 3), 12)]
    for _ in range(2):
        await text_of(program, chunks)
    found = told_house(engine)
    assert len(found) >= 6, "an utterance of one window shows nothing"
    first, second = found[: len(found) // 2], found[len(found) // 2 :]
    assert len({*first}) == len({*second}) == 1
    assert first[0] != second[0]
    await program.close()


async def test_an_utterance_that_begins_anew_is_told_anew() -> None:
    engine, watch = ScriptedEngine(), Standing("Hall")
    async with served(program_of(engine, watch)) as (_, client):
        for event in utterance(said(LIGHT), chunk_ms=100)[:-1]:
            await client.send(event)
        watch.house = house_of("Nook")
        await transcript(client, *utterance(said(LIGHT), chunk_ms=100))
    assert told_house(engine)[-1] == ("Nook",)


@pytest.mark.parametrize("rank", [Priority.BATCH, Priority.FINAL])
async def test_all_windows_of_a_file_are_told_the_same(rank: Priority) -> None:
    engine = ScriptedEngine("some words")
    engine.longest_s = 3.0
    program = program_of(engine, Restless())
    audio = np.tile(np.concatenate((said(LIGHT), silence(0.6))), 4)
    choice = program.choice(Wish())
    await passages(
        wav_of(audio), Job(choice, program.gate, program.worker, 30, TurnRecord("asr"), rank=rank)
    )
    assert len(engine.calls) >= 3
    assert len({*told_house(engine)}) == 1
    await program.close()


async def test_every_door_knows_the_house() -> None:
    engine, watch = ScriptedEngine(), Standing("Hall")
    async with scripted(engine) as doors:
        doors.program._household = Household(watch)
        for route in ("/transcribe", "/v1/audio/transcriptions"):
            form = {"hotwords": "Anna", "model": "whisper-1"} if "v1" in route else {}
            answer = await doors.http.post(route, files=named(wav(said(LIGHT))), data=form)
            assert answer.status_code == 200, answer.text
        async with doors.socket("?endpointing=false") as socket:
            await socket.send(to_pcm16(said(LIGHT)))
            await socket.send(b"")
            async for _ in socket:
                pass
    assert len(engine.calls) >= 3
    assert {*told_house(engine)} == {("Hall",)}
    assert watch.refreshed == 4, "a dictation looks again for each utterance"


def choice_of(watch: Standing, model: str = "base.en", **changed: object) -> AsrProgram:
    return program_of(ScriptedEngine(name=model), watch, **changed)


ASKED = Wish(names=("Anna", "Bo"), terms=("scene",))


def test_all_names_are_there_for_who_looks_for_them() -> None:
    choice = choice_of(Standing("Hall"), hotwords=["Bo", "Zigbee"]).choice(ASKED)
    assert choice.names == ("Anna", "Bo", "Zigbee", "scene")
    settled = choice.settled()
    assert settled.names == ("Anna", "Bo", "Zigbee", "scene", "Hall")
    assert settled.settled() is settled
    assert (settled.options.names, settled.options.terms) == (("Anna", "Bo"), ("scene",))
    assert settled.options.house == Glossary(("Hall",), 1)


@pytest.mark.parametrize(
    ("model", "asked", "told"),
    [
        ("base.en", "never", False),
        ("distil-small.en", "auto", False),
        ("distil-small.en", "always", True),
        ("base.en", "auto", True),
    ],
)
def test_a_model_that_is_told_nothing_has_its_names_all_the_same(
    model: str, asked: str, told: bool
) -> None:
    program = choice_of(Standing("Hall"), model, name_prompt=asked, hotwords=["Zigbee"])
    settled = program.choice(ASKED).settled()
    assert settled.names == ("Anna", "Bo", "Zigbee", "scene", "Hall")
    options = settled.options
    assert (bool(options.names), bool(options.terms), bool(options.house.names)) == (told,) * 3
    assert options.hotwords == ("Zigbee",)


def test_without_a_house_nothing_changes() -> None:
    settings = AsrSettings.model_validate({"no_zeroconf": True})
    assert household(settings) is None
    settled = AsrProgram(settings, [ScriptedEngine()]).choice(Wish()).settled()
    assert (settled.names, settled.options) == ((), DecodeOptions(language="en"))


def test_the_same_house_is_ranked_once() -> None:
    watch = Standing("Hall")
    known = Household(watch)
    assert known.names() is known.names()
    watch.house = house_of("Nook")
    assert known.names().names == ("Nook",)


async def test_the_log_says_which_model_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for model, asked, lines in (
        ("distil-small.en", "auto", 1),
        ("distil-small.en", "never", 0),
        ("base.en", "auto", 0),
    ):
        caplog.clear()
        program = choice_of(Standing(), model, name_prompt=asked)
        await program.load()
        await program.close()
        found = [text for text in caplog.messages if "--name-prompt always" in text]
        assert len(found) == lines
        assert all(text.startswith(f"{model} is not told names: it ") for text in found)


async def test_the_log_counts_names_and_does_not_tell_them(
    lines: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    engine = Whisper(str(COMMAND_MODEL), WhisperSettings(device="cpu", cpu_threads=1, workers=1))
    program = program_of(engine, Standing("Hall", "Secretary"))
    async with served(program) as (_, client):
        asked = utterance(said(LIGHT), chunk_ms=100, transcript_names=["Anna"])
        assert await transcript(client, *asked) == LIGHT
    (line,) = lines()
    assert " names=3 " in line
    assert not any("Secretary" in text for text in caplog.messages)


async def test_the_log_counts_the_names_for_a_file(lines: Callable[[], list[str]]) -> None:
    async with commands() as doors:
        doors.program._household = Household(Standing("Hall", "Secretary"))
        answer = await doors.http.post("/transcribe", files=named(wav(said(LIGHT))))
    assert answer.json()["text"] == LIGHT
    (line,) = lines()
    assert " names=2 " in line


def test_a_house_needs_a_token() -> None:
    settings = AsrSettings.model_validate({"hass_url": "http://127.0.0.1:8123"})
    with pytest.raises(ConfigError, match="--hass-token-file"):
        household(settings)


def loaded_by(settings: Sequence[str]) -> str:
    script = (
        "import sys; from wyoming_voice.asr.server import AsrSettings, build;"
        f"build(AsrSettings.model_validate(dict(engine='pocketsphinx', {','.join(settings)})));"
        "print('websockets' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


async def test_what_it_takes_is_loaded_where_there_is_a_house(tmp_path: Path) -> None:
    token = tmp_path / "token"
    asked = ["hass_url='http://127.0.0.1:9'", f"hass_token_file={str(token)!r}"]
    found = await asyncio.gather(*(asyncio.to_thread(loaded_by, one) for one in ([], asked)))
    assert found == ["False", "True"]
