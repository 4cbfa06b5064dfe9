"""The ASR server with a short context and batches: several clients at once, and what the log says."""

import asyncio
import logging

import pytest
from wyoming.event import Event

from tests.asr.speech import COMMAND_MODEL, said, utterance
from tests.wire_client import client_of
from wyoming_voice.asr.server import AsrSettings, build
from wyoming_voice.service import serving
from wyoming_voice.wire import Address

SENTENCES = (
    *("Turn on the kitchen light.", "Stop the music.", "What time is it?", "Good night."),
    *("Set a timer for five minutes.", "Open the garage door."),
)


async def heard(address: Address, events: list[Event]) -> str:
    async with client_of(address) as client:
        await client.send(*events)
        answer = await client.read()
    assert answer is not None
    assert answer.type == "transcript"
    return str(answer.data["text"])


async def test_clients_at_once_hear_what_they_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    asked = AsrSettings.model_validate(
        {
            "uri": "tcp://127.0.0.1:0",
            "no_zeroconf": True,
            "model": [str(COMMAND_MODEL)],
            "device": "cpu",
            "cpu_threads": 1,
            "workers": 1,
            "audio_context": "auto",
            "batch": 4,
        }
    )
    spoken = [utterance(said(sentence)) for sentence in SENTENCES]
    async with serving(build(asked), asked) as address:
        texts = await asyncio.gather(*(heard(address, events) for events in spoken))
    assert texts == [*SENTENCES]
    lines = [text for text in caplog.messages if "kind=asr" in text]
    assert len(lines) == len(SENTENCES)
    assert all("context=6" in line and "context_again" not in line for line in lines)
