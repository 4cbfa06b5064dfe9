"""Speech with pauses through the command model: the same text, whatever was decoded while it came."""

import random
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from wyoming.event import Event

from tests.asr.driving import text_of
from tests.asr.speech import COMMAND_MODEL, chunk, said, silence
from tests.scores import speech_probabilities
from wyoming_voice.asr.engine import RATE_HZ, Audio
from wyoming_voice.asr.server import AsrProgram, AsrSettings, build
from wyoming_voice.asr.windows import SOFT_S, windows
from wyoming_voice.audio import to_pcm16

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMANDS = (
    "Turn on the kitchen light.",
    "Stop the music.",
    "Set a timer for ten minutes.",
    "What time is it?",
    "No.",
)


def program_of(**changed: object) -> AsrProgram:
    values = {"no_zeroconf": True, "model": [str(COMMAND_MODEL)], "cpu_threads": 1, "workers": 1}
    program = build(AsrSettings.model_validate({**values, "device": "cpu", **changed}))
    assert isinstance(program, AsrProgram)
    return program


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def both() -> AsyncIterator[tuple[AsrProgram, AsrProgram]]:
    """One that supposes nothing, and one that does."""
    programs = program_of(speculate_after_ms=0), program_of(speculate_after_ms=180)
    for program in programs:
        await program.load()
    yield programs
    for program in programs:
        await program.close()


def commands(seed: int, count: int) -> Audio:
    """Several commands in one utterance, with pauses of up to a second more than they bring."""
    walk = random.Random(seed)
    drawn = [
        part
        for _ in range(count)
        for part in (said(walk.choice(COMMANDS)), silence(walk.uniform(0, 1)))
    ]
    return np.concatenate(drawn)


def pieces(audio: Audio, size_samples: int) -> list[Event]:
    return [
        chunk(to_pcm16(audio[at : at + size_samples])) for at in range(0, len(audio), size_samples)
    ]


@pytest.mark.parametrize(("seed", "count"), [(1, 1), (2, 2), (4, 9)])
async def test_the_text_is_that_of_one_pass_over_the_windows(
    both: tuple[AsrProgram, AsrProgram], seed: int, count: int
) -> None:
    slow, ahead = both
    audio = commands(seed, count)
    at_once = await text_of(slow, pieces(audio, len(audio)))
    assert at_once
    assert await text_of(ahead, pieces(audio, 640)) == at_once
    assert await text_of(slow, pieces(audio, 2560)) == at_once


async def test_commands_on_both_sides_of_a_cut_are_heard(
    both: tuple[AsrProgram, AsrProgram],
) -> None:
    """The model knows utterances of a few commands; each window is one here."""
    command = np.concatenate((said(COMMANDS[0]), silence(2.5)))
    audio = np.concatenate([command] * 5)
    found = windows(speech_probabilities(audio).tolist(), 0.3, 28.0)
    assert len(found) == 2
    assert SOFT_S < (found[0].end - found[0].start) * 512 / RATE_HZ < SOFT_S + 5
    text = await text_of(both[1], pieces(audio, 640))
    assert text.count(COMMANDS[0]) >= 2
