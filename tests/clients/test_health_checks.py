"""The health checks of two public servers, which containers may run against ours."""

import pytest

from tests.clients.programs import Clients

pytestmark = [pytest.mark.clients, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    ("package", "kind"), [("wyoming_piper", "tts"), ("wyoming_faster_whisper", "asr")]
)
async def test_our_server_is_healthy(
    clients: Clients, servers: dict[str, str], package: str, kind: str
) -> None:
    finished = await clients.run("python", "-m", f"{package}.health_check", "--uri", servers[kind])
    assert (finished.status, finished.errors) == (0, "")


async def test_a_server_of_another_kind_is_not(clients: Clients, servers: dict[str, str]) -> None:
    finished = await clients.run(
        "python", "-m", "wyoming_piper.health_check", "--uri", servers["handle"]
    )
    assert finished.status == 1
    assert "No TTS programs in info" in finished.errors
