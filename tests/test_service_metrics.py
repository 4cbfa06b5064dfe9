"""What a server tells Prometheus: of its requests, by way of their records, and how it is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import ValidationError
from wyoming.event import Event

from tests.fakes import FakeProgram, on_loopback
from tests.metrics_client import MetricsClient
from tests.wire_client import client_of
from wyoming_voice import __version__, errors
from wyoming_voice import service as service_module
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import ConfigError, UnknownChoice, VoiceError
from wyoming_voice.service import Service
from wyoming_voice.service_metrics import ERRORS, OUTCOMES, ServiceMetrics
from wyoming_voice.wire import Address

PREFIX = "wyoming_voice"


@contextlib.asynccontextmanager
async def watched(
    program: FakeProgram, **settings: object
) -> AsyncIterator[tuple[Service, Address, MetricsClient]]:
    """A service that listens, and its metrics page; loading is left to the test."""
    settings["metrics_uri"] = "tcp://127.0.0.1:0"
    service = Service(program, on_loopback("tcp://127.0.0.1:0", **settings))
    address = await service.listen()
    assert service.metrics_address is not None
    try:
        yield service, address, MetricsClient(service.metrics_address.port)
    finally:
        await service.stop()


async def page_of(*finished: tuple[TurnRecord, str]) -> dict[str, float]:
    metrics = ServiceMetrics("tcp://127.0.0.1:0", "asr", lambda: [], str)
    address = await metrics.open()
    assert address is not None
    try:
        for record, outcome in finished:
            metrics.finished(record, outcome)
        return await MetricsClient(address.port).values()
    finally:
        await metrics.close()


async def test_requests_by_outcome() -> None:
    record = TurnRecord("asr")
    values = await page_of((record, "ok"), (record, "busy"), (record, "ok"), (record, "sunspots"))
    counted = {name: value for name, value in values.items() if "_requests_total" in name}
    assert counted[f"{PREFIX}_requests_total:ok"] == 2
    assert counted[f"{PREFIX}_requests_total:busy"] == 1
    assert counted[f"{PREFIX}_requests_total:other"] == 1
    assert counted[f"{PREFIX}_requests_total:gone"] == 0
    assert len(counted) == len(OUTCOMES) + 1


def test_every_code_of_an_error_is_an_outcome() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.code for kind in kinds if issubclass(kind, VoiceError)} - {ConfigError.code}
    codes |= {UnknownChoice(kind, "", []).code for kind in ("voice", "model", "language")}
    assert codes <= set(OUTCOMES)


async def test_stages_become_histograms_and_unknown_ones_nothing() -> None:
    record = TurnRecord("asr")
    record.spent("queue", 1.0, 1.004)
    record.spent("queue", 2.0, 2.004)
    record.spent("after_stop", 1.0, 1.3)
    record.spent("made up by somebody", 1.0, 1.3)
    values = await page_of((record, "ok"))
    assert values[f"{PREFIX}_stage_seconds_count:queue"] == 1
    assert values[f"{PREFIX}_stage_seconds_sum:queue"] == pytest.approx(0.008)
    assert values[f"{PREFIX}_stage_seconds_bucket:0.25:after_stop"] == 0
    assert values[f"{PREFIX}_stage_seconds_bucket:0.5:after_stop"] == 1
    assert not [name for name in values if "made up" in name]


async def test_what_became_of_guesses() -> None:
    hit, miss, answer = TurnRecord("asr"), TurnRecord("asr"), TurnRecord("handle")
    late = TurnRecord("asr")
    late.note(speculation="late", speculated=1)
    hit.note(speculation="hit", speculated=1)
    hit.spent("saved", 0.0, 0.5)
    miss.note(speculation="miss", speculated=3)
    miss.spent("wasted", 0.0, 0.25)
    answer.note(commit="dropped")
    odd = TurnRecord("asr")
    odd.note(speculation="turn on the light", speculated=-1)
    odd.spent("saved", 1.0, 0.5)
    values = await page_of(*((record, "ok") for record in (hit, late, miss, answer, odd)))
    assert values[f"{PREFIX}_speculations_total:hit"] == 1
    assert values[f"{PREFIX}_speculations_total:late"] == 1
    assert values[f"{PREFIX}_speculations_total:miss"] == 2
    assert values[f"{PREFIX}_speculations_total:none"] == 0
    assert values[f"{PREFIX}_speculation_saved_seconds_total"] == 0.5
    assert values[f"{PREFIX}_speculation_wasted_seconds_total"] == 0.25
    assert values[f"{PREFIX}_speculative_decodes_total"] == 5
    assert not [name for name in values if "light" in name]


async def test_facts_that_are_numbers_are_added_up() -> None:
    record = TurnRecord("tts")
    record.note(chars=12, words="many", voice="af_heart", rtf=0.5)
    values = await page_of((record, "ok"), (record, "ok"))
    assert values[f"{PREFIX}_chars_total"] == 24
    assert values[f"{PREFIX}_words_total"] == 0
    assert not [name for name in values if "heart" in name or "rtf" in name]


async def test_how_long_sound_was() -> None:
    record = TurnRecord("asr")
    record.note(audio_ms=2500)
    values = await page_of((record, "ok"))
    assert values[f"{PREFIX}_audio_seconds_bucket:2.0"] == 0
    assert values[f"{PREFIX}_audio_seconds_bucket:3.0"] == 1
    assert values[f"{PREFIX}_audio_seconds_sum"] == 2.5


async def test_errors_that_clients_are_told_count_with_a_request_or_without() -> None:
    async with watched(FakeProgram()) as (service, address, page):
        await service.load()
        async with client_of(address) as client:
            await client.send(Event("wrong"))
            await client.read_to_end()
        values = await page.values()
    assert values[f"{PREFIX}_errors_total:bad-event"] == 1
    assert values[f"{PREFIX}_errors_total:busy"] == 0
    assert values[f"{PREFIX}_requests_total:bad-event"] == 0
    counted = {name for name in values if "_errors_total" in name}
    assert len(counted) == len(ERRORS)


class Counting(FakeProgram):
    """A program with something to count."""

    def numbers(self) -> Iterator[tuple[str, float]]:
        yield "queue_depth", 3
        yield "engine_restarts", 2


async def test_the_numbers_of_a_program_are_among_those_of_its_server() -> None:
    async with watched(Counting()) as (service, _, page):
        values = await page.values()
        assert (values[f"{PREFIX}_ready"], values[f"{PREFIX}_stuck"]) == (0, 0)
        await service.load()
        values = await page.values()
    assert values[f"{PREFIX}_queue_depth"] == 3
    assert values[f"{PREFIX}_engine_restarts_total"] == 2
    assert (values[f"{PREFIX}_ready"], values[f"{PREFIX}_stuck"]) == (1, 0)
    (build,) = (name for name in values if name.startswith(f"{PREFIX}_build_info"))
    assert "fake" in build.split(":")
    assert __version__ in build.split(":")


async def test_only_what_is_stuck_is_not_alive() -> None:
    program = FakeProgram()
    async with watched(program) as (service, _, page):
        program.stuck = True
        assert (await page.get("/live"))[0] == "HTTP/1.1 200 OK"  # it loads
        await service.load()
        assert (await page.get("/live"))[1] == b"stuck in the engine\n"
        assert (await page.values())[f"{PREFIX}_stuck"] == 1


async def test_a_service_counts_what_its_clients_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "_REFUSALS", 1)
    program = FakeProgram()
    async with watched(program, max_connections=2) as (service, address, page):
        await service.load()
        async with client_of(address) as one, client_of(address) as other:
            await one.ask(Event("echo"))
            await one.send(Event("hold"), Event("echo"), Event("echo"))
            await one.read_until("held")
            await other.ask(Event("echo"))
            async with client_of(address) as told, client_of(address) as cut:
                assert (await told.read_until("error"))[0].data["code"] == "busy"
                assert await cut.read() is None
            values = await page.values()
            assert values[f"{PREFIX}_connections"] == 2
            assert values[f"{PREFIX}_connections_accepted_total"] == 2
            assert values[f"{PREFIX}_connections_refused_total"] == 2
            assert values[f"{PREFIX}_requests_in_progress"] == 1
            assert values[f"{PREFIX}_requests_waiting"] == 2
            await other.send(Event("fail"))
            await other.read_to_end()
        await asyncio.wait_for(program.cleaned_up.wait(), 10)
        values = await page.values()
        assert values[f"{PREFIX}_requests_total:ok"] == 2
        assert values[f"{PREFIX}_requests_total:engine-failed"] == 1
        assert values[f"{PREFIX}_stage_seconds_count:total"] >= 3


async def test_a_client_that_hangs_up_has_gone() -> None:
    program = FakeProgram()
    async with watched(program) as (service, address, page):
        await service.load()
        async with client_of(address) as client:
            await client.send(Event("hold"))
            await client.read_until("held")
        values: dict[str, float] = {}
        while not values.get(f"{PREFIX}_requests_total:gone"):
            values = await page.values()
        assert values[f"{PREFIX}_requests_total:ok"] == 0


async def test_health_is_whether_it_can_work() -> None:
    program = FakeProgram()
    program.may_load.clear()
    async with watched(program, drain_s=600) as (service, address, page):
        loading = asyncio.create_task(service.load())
        assert (await page.get("/health"))[1] == b"loading\n"
        program.may_load.set()
        await loading
        assert (await page.get("/health"))[0] == "HTTP/1.1 200 OK"
        program.stuck = True
        assert await page.get("/health") == (
            "HTTP/1.1 503 Service Unavailable",
            b"stuck in the engine\n",
        )
        program.stuck = False
        async with client_of(address) as client:
            await client.send(Event("hold"))
            await client.read_until("held")
            stopping = asyncio.create_task(service.stop())
            await asyncio.sleep(0)
            assert (await page.get("/health"))[1] == b"stopping\n"  # and counts to the end
            program.release.set()
            await client.read_to_end()
        await stopping
        with pytest.raises(OSError, match="Connect call failed"):
            await page.get("/health")


async def test_an_address_that_cannot_be_had_stops_the_start() -> None:
    async with watched(FakeProgram()) as (_, _, page):
        taken = on_loopback(metrics_uri=f"tcp://127.0.0.1:{page.port}")
        second = Service(FakeProgram(), taken)
        with pytest.raises(ConfigError, match=r"--metrics-uri .* can't be had"):
            await second.listen()
        await second.stop()


@pytest.mark.parametrize("uri", ["unix:///tmp/metrics", "tcp://nowhere", "http://x:1"])
def test_an_address_that_makes_no_sense_is_a_mistake(uri: str) -> None:
    with pytest.raises(ValidationError, match="tcp://HOST:PORT"):
        on_loopback(metrics_uri=uri)
