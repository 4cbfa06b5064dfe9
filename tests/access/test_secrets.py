"""Keys of the HTTP doors stay out of the log, even where all is logged, right or wrong."""

import logging
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.http.small_door import KEY, key_file, open_door
from wyoming_voice.http.guard import KEY_PROTOCOL, OUR_PROTOCOL

WRONG = "another-key-of-sixteen"


async def test_no_key_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    silent = logging.getLogger("silent client")
    silent.propagate = False
    async with (
        open_door(api_key_file=key_file(tmp_path)) as house,
        httpx.AsyncClient(base_url=house.uri) as client,
    ):
        for key, status in ((KEY, 404), (WRONG, 401)):
            headers = {"Authorization": f"Bearer {key}"}
            assert (await client.get("/nothing", headers=headers)).status_code == status
        for key in (KEY, WRONG):
            offered = [Subprotocol(OUR_PROTOCOL), Subprotocol(f"{KEY_PROTOCOL}{key}")]
            uri = house.uri.replace("http:", "ws:") + "/ws"
            try:
                async with connect(uri, subprotocols=offered, logger=silent):
                    assert key == KEY
            except InvalidStatus:
                assert key == WRONG
    assert "code=unauthorized" in caplog.text
    assert KEY not in caplog.text
    assert WRONG not in caplog.text
