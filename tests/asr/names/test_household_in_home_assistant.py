"""The whole way from a Home Assistant to the recogniser's prompt, over sockets."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.asr.driving import LIGHT, served, transcript, until
from tests.asr.speech import COMMAND_MODEL, said, utterance
from tests.hass.fake import TOKEN, FakeHass, Home
from wyoming_voice.asr.server import AsrProgram, AsrSettings, build


def home() -> Home:
    home = Home()
    upstairs = home.floor("Upstairs")
    home.entity("light.desk", "Desk lamp", "Anglepoise", area=home.area("Study", floor=upstairs))
    home.entity("light.cellar", "Cellar lamp", exposed=False)
    return home


def program_of(url: str, directory: Path, **changed: object) -> AsrProgram:
    token = directory / "token"
    token.write_text(f"{TOKEN}\n")
    model = {"model": [str(COMMAND_MODEL)], "device": "cpu", "cpu_threads": 1, "workers": 1}
    values = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True, "hass_url": url, **model, **changed}
    program = build(AsrSettings.model_validate({**values, "hass_token_file": token}))
    assert isinstance(program, AsrProgram)
    return program


def names_of(program: AsrProgram) -> tuple[str, ...]:
    assert program._household is not None
    return program._household.names().names


async def test_names_are_fetched_told_and_counted(
    tmp_path: Path, lines: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wyoming_voice")
    async with FakeHass(home()) as fake:
        program = program_of(fake.url, tmp_path)
        async with served(program) as (_, client):
            await until(lambda: bool(names_of(program)))
            assert {*names_of(program)} == {"Study", "Upstairs", "Desk lamp", "Anglepoise"}
            assert await transcript(client, *utterance(said(LIGHT), chunk_ms=100)) == LIGHT
            fake.home.area("Nook")
            await fake.fire("area_registry_updated")
            await client.send(*utterance(said(LIGHT), chunk_ms=100)[:2])
            await until(lambda: "Nook" in names_of(program))
            assert await transcript(client, *utterance(said(LIGHT), chunk_ms=100)[2:]) == LIGHT
    first, second = lines()
    assert " names=4 " in first
    assert " names=5 " in second
    assert TOKEN not in caplog.text


async def test_a_house_that_is_away_keeps_nobody_waiting(
    tmp_path: Path, lines: Callable[[], list[str]]
) -> None:
    program = program_of("http://127.0.0.1:9", tmp_path)
    async with served(program) as (_, client):
        assert await transcript(client, *utterance(said(LIGHT), chunk_ms=100)) == LIGHT
    (line,) = lines()
    assert " names=" not in line
