"""Keys of the HTTP doors stay out of the log, even where all is logged, right or wrong."""

import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.http.small_door import KEY, key_file, open_door
from wyoming_voice.certificates import check_certificate
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.building import read as handle_read
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.http.guard import KEY_PROTOCOL, OUR_PROTOCOL, read_keys

WRONG = "another-key-of-sixteen"


@pytest.mark.parametrize(
    "key", [KEY, "s" * 300, "a/b+c/d==", "-----BEGIN PRIVATE KEY-----\nMC4C\n"]
)
@pytest.mark.parametrize(
    ("option", "read"),
    [
        ("--api-key-file", read_keys),
        ("--api-key-file", lambda path: handle_read(path, "api_key_file")),
        ("--tls-key", lambda path: check_certificate(Path(__file__), path)),
        ("--tls-cert", lambda path: check_certificate(path, Path(__file__))),
        ("WYOMING_VOICE_HANDLE_LLM_URL_FILE", lambda path: in_a_variable(str(path))),
    ],
)
def test_a_key_in_place_of_its_file_is_not_repeated(
    option: str, read: Callable[[Path], object], key: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        read(Path(key))
    said = str(raised.value)
    assert said.startswith(f"{option} names no file that can be read: ")
    assert "into a file, and give its path" in said
    assert key not in said


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(ConfigError) as raised:
        read_keys(path)
    said = str(raised.value)
    assert said.startswith(f"--api-key-file {path} can't be read: ")
    assert said.endswith("; write the keys, one a line, into it")
    assert said.count(str(path)) == 1


def in_a_variable(value: str) -> None:
    load(HandleSettings, [], {"WYOMING_VOICE_HANDLE_LLM_URL_FILE": value})


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
