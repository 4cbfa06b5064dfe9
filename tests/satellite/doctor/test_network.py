"""Addresses and servers: who is there, what they are, and what is said where nobody answers."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from satellite.doctor.findings import Verdict
from satellite.doctor.network import address_line, running_satellite, wake_server_line
from tests.satellite.doctor.stage import printed, told
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeHandle, FakeTts

pytestmark = pytest.mark.timeout(30)


async def test_an_address_is_free_or_taken_by_somebody_named() -> None:
    async with FakeAsr().listening() as uri:
        line = await address_line(uri, "auto")
        assert line.verdict is Verdict.BAD
        assert f"{uri} is taken by another Wyoming server" in line.found
        assert (await address_line(uri, "standalone")).verdict is Verdict.SKIPPED
    assert (await address_line(uri, "ha")).verdict is Verdict.OK


async def test_a_wake_server_must_answer_and_be_one() -> None:
    async with FakeAsr().listening() as uri:
        assert "is no wake server" in (await wake_server_line(uri, ["okay_nabu"])).found
    line = await wake_server_line(uri, ["okay_nabu"])
    assert "refused" in line.found
    assert line.verdict is Verdict.BAD


async def test_nobody_at_the_control_socket_is_fine_and_nonsense_is_not(tmp_path: Path) -> None:
    status, line = await running_satellite(tmp_path / "none.sock")
    assert (status, line.verdict) == (None, Verdict.OK)
    path = tmp_path / "other.sock"
    server = await asyncio.start_unix_server(_answers_nonsense, path)
    async with server:
        status, line = await running_satellite(path)
    assert (status, line.verdict) == (None, Verdict.BAD)


async def _answers_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 400 Bad Request\r\n")
    writer.close()


async def test_servers_are_named_with_what_they_work_with(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        asr, handle, tts = [
            await stack.enter_async_context(server.listening())
            for server in (FakeAsr(), FakeHandle(), FakeTts())
        ]
        settings = told(
            tmp_path, mode="standalone", asr_uri=[asr], handle_uri=[handle], tts_uri=[tts]
        )
        _, text = await printed(settings)
    assert f"ok  asr             {asr}," in text
    assert "model small" in text
    assert f"ok  tts             {tts}," in text
    assert "home assistant" not in text


async def test_a_server_that_does_not_answer_is_told_with_the_reason(tmp_path: Path) -> None:
    async with FakeAsr().listening() as gone:
        pass
    settings = told(tmp_path, mode="standalone", asr_uri=[gone], handle_uri=[gone], tts_uri=[gone])
    status, text = await printed(settings)
    assert status == 1
    assert f"!!  asr             {gone}: Connection refused" in text


async def test_what_hangs_is_given_up(tmp_path: Path) -> None:
    status, text = await printed(told(tmp_path), limit_s=0.0)
    assert status == 1
    assert "something hangs: given up after 0 s" in text


async def test_a_server_of_another_kind_is_told_with_its_address_once(tmp_path: Path) -> None:
    async with FakeAsr().listening() as uri:
        settings = told(tmp_path, mode="auto", asr_uri=[uri], handle_uri=[uri], tts_uri=[uri])
        _, text = await printed(settings)
    assert f"  {uri} is no handle server" in text
    assert f"{uri}: {uri}" not in text
    assert "--  servers         they are for answers without Home Assistant" in text
    assert "--mode ha" in text
