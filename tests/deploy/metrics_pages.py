"""The metrics pages of small processes of every kind, as Prometheus would find them: real programs, no model.

ASR and TTS are told to isolate their engine, which tells more. Nothing is loaded but espeak.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from wyoming.event import Event

from tests.metrics_client import MetricsClient
from tests.satellite.test_box import box_in
from tests.satellite.waiting import running
from tests.wire_client import client_of
from wyoming_voice.asr import server as asr
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.gateway import server as gateway
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.handle import server as handle
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.program import Program
from wyoming_voice.service import Service
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.tts import server as tts
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.wire import Address, parse_uri

_SMALL = {
    "uri": "tcp://127.0.0.1:0",
    "no_zeroconf": True,
    "metrics_uri": "tcp://127.0.0.1:0",
    "drain_s": 0,
}


@contextlib.asynccontextmanager
async def served(program: Program, settings: ServiceSettings) -> AsyncIterator[tuple[Service, int]]:
    """A service that listens, and the port of its numbers; it loads nothing by itself."""
    service = Service(program, settings)
    await service.listen()
    assert service.metrics_address is not None
    try:
        yield service, service.metrics_address.port
    finally:
        await service.stop()


@contextlib.asynccontextmanager
async def all_pages(directory: Path) -> AsyncIterator[dict[str, int]]:
    """The port of each kind's metrics page; TTS and handle have answered, and the satellite listens."""
    heard = AsrSettings.model_validate({**_SMALL, "engine": "pocketsphinx", "isolate": True})
    spoken = TtsSettings.model_validate(
        {**_SMALL, "engine": "espeak", "isolate": True, "http": "tcp://127.0.0.1:0"}
    )
    asked = HandleSettings.model_validate({**_SMALL, "llm_url": "none"})
    async with contextlib.AsyncExitStack() as stack:
        _, asr_port = await stack.enter_async_context(served(asr.build(heard), heard))
        speaker, tts_port = await stack.enter_async_context(served(tts.build(spoken), spoken))
        answerer, handle_port = await stack.enter_async_context(served(handle.build(asked), asked))
        for service in (speaker, answerer):
            await service.load()
        await _talk(
            speaker.addresses[0], Event("synthesize", {"text": "It is noon."}), "audio-stop"
        )
        question = Event("transcript", {"text": "what time is it?"})
        await _talk(answerer.addresses[0], question, "handled")
        settings = GatewaySettings.model_validate(
            {"http": "tcp://127.0.0.1:0", "metrics_uri": "tcp://127.0.0.1:0", "drain_s": 0}
        )
        door, _ = await stack.enter_async_context(gateway.serving(settings))
        assert door.metrics_address is not None
        satellite_port = await stack.enter_async_context(_satellite(directory))
        yield {
            "asr": asr_port,
            "tts": tts_port,
            "handle": handle_port,
            "gateway": door.metrics_address.port,
            "satellite": satellite_port,
        }


async def _talk(address: Address, event: Event, end: str) -> None:
    async with client_of(address) as client:
        await client.send(event)
        await client.read_until(end)


@contextlib.asynccontextmanager
async def _satellite(directory: Path) -> AsyncIterator[int]:
    box = box_in(directory, mode="standalone", metrics_uri="tcp://127.0.0.1:0", no_control=True)
    await box.listen()
    async with running(box.run()):
        status = box.status()["metrics"]
        assert isinstance(status, dict)
        yield parse_uri(status["uri"]).port


async def names_of(port: int) -> set[str]:
    """The names of all samples on a page."""
    return {name.partition(":")[0] for name in await MetricsClient(port).values()}
