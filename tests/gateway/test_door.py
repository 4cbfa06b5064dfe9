"""The gateway's door: who may come in, what is free, and how it ends."""

import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import websockets

from tests.gateway.conftest import settings
from tests.gateway.page import Browser
from tests.processes import begun
from wyoming_voice.gateway.server import serving
from wyoming_voice.gateway.static import page_router, pages

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "0123456789abcdef"
NOBODY = dict.fromkeys(("asr", "handle", "tts"), "tcp://127.0.0.1:1")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def locked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A gateway that wants a key, and knows no servers that answer."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(KEY)
    async with serving(settings(NOBODY, api_key_file=keys)) as (gateway, address):
        yield Browser(gateway, address)


async def test_the_page_is_free_and_all_else_needs_the_key(locked: Browser) -> None:
    async with httpx.AsyncClient(base_url=locked.url) as client:
        page = await client.get("/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await client.get("/voices")).status_code == 401
        assert (await client.post("/ask", json={"text": "hi"})).status_code == 401
        headers = {"Authorization": f"Bearer {KEY}"}
        assert (await client.get("/voices", headers=headers)).json() == {"voices": []}
        health = (await client.get("/health")).json()
        assert {row["state"] for row in health["services"]} == {"away"}
        asked = await client.post("/ask", json={"text": "hi"}, headers=headers)
        assert (asked.status_code, asked.json()["error"]["code"]) == (502, "upstream-failed")


async def test_a_browser_sends_its_key_as_a_protocol(locked: Browser) -> None:
    for offered, chosen in (
        (["wyoming-voice", f"api-key.{KEY}"], "wyoming-voice"),
        ([f"api-key.{KEY}"], f"api-key.{KEY}"),
    ):
        async with locked.page(subprotocols=offered) as page:
            assert page.socket.subprotocol == chosen
            await page.start()
    with pytest.raises(websockets.InvalidStatus, match="401"):
        async with locked.page():
            pass


async def test_only_the_files_of_the_page_are_served(tmp_path: Path) -> None:
    for name in ("index.html", "app.js", "notes.txt", ".hidden"):
        (tmp_path / name).write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "style.css").write_text("x")
    served = pages(tmp_path)
    assert set(served) == {"/", "/index.html", "/app.js", "/sub/style.css"}
    assert len(page_router(served).routes) == len(served)


async def test_a_process_of_its_own_ends_when_told_with_a_page_open() -> None:
    named = [part for kind, uri in NOBODY.items() for part in (f"--{kind}-uri", uri)]
    gateway = (sys.executable, "-m", "wyoming_voice", "gateway", "--http", "tcp://127.0.0.1:0")
    async with begun(*gateway, *named) as process:
        await process.says("ready")
        assert list(process.said) == ["http", "ready"]
        place = process.said["http"].removeprefix("tcp://")
        async with websockets.connect(f"ws://{place}/ws/talk") as socket:
            await socket.send('{"type": "start"}')
            assert json.loads(await socket.recv())["type"] == "ready"
            process.process.send_signal(signal.SIGTERM)
            status, errors = await process.ended()
    assert status == 0, errors
    assert "Traceback" not in errors
    assert f"open http://localhost:{place.partition(':')[2]}" in errors
