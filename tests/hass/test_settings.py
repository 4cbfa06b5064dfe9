"""Where Home Assistant is said to be."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from tests.hass.asking import asking, trouble_of
from wyoming_voice.asr.names.household import household
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.handle.building import home_of
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.hass.errors import Trouble
from wyoming_voice.hass.messages import socket_url


def url_of(url: str) -> str:
    return AsrSettings.model_validate({"hass_url": url}).hass_url


@pytest.mark.parametrize(
    "url",
    ["", "http://homeassistant.local:8123", "https://ha.example", "http://[::1]:8123"],
)
def test_an_address_is_taken_without_its_last_slash(url: str) -> None:
    assert url_of(url) == url_of(f"{url}/" if url else "") == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "homeassistant.local:8123",
            "http://",
            "http:///",
            "ftp://ha",
            "HTTP://ha",
            "http://:8123",
        ),
        *("http://[::1", "http://ha:abc", "http://ha:99999", "http://ha:0", "http://h a"),
        *("http://ha\x00", "http://ha?x=1", "http://ha#top"),
    ],
)
def test_what_is_no_address_is_refused_with_one_that_is(url: str) -> None:
    with pytest.raises(ValidationError, match="write http://HOST:PORT"):
        url_of(url)


@pytest.mark.parametrize("path", ["/lovelace", "/lovelace/", "/api/websocket", "/behind/it"])
def test_an_address_with_a_path_is_refused_with_what_to_write(path: str) -> None:
    with pytest.raises(ValidationError, match="write only http://HOST:PORT"):
        url_of(f"http://homeassistant.local:8123{path}")


def test_the_supervisor_of_an_add_on_is_the_one_address_with_a_path() -> None:
    assert url_of("http://supervisor/core/") == "http://supervisor/core"
    assert socket_url("http://supervisor/core") == "ws://supervisor/core/api/websocket"


@pytest.mark.parametrize("start", [household, home_of])
@pytest.mark.parametrize(
    ("given", "warned"), [({"hass_token_file": "/nowhere"}, 1), ({}, 0)], ids=["alone", "none"]
)
def test_a_token_without_an_address_is_told_at_the_start(
    start: Callable[[HandleSettings | AsrSettings], object],
    given: dict[str, str],
    warned: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kind = HandleSettings if start is home_of else AsrSettings
    assert start(kind.model_validate(given)) is None
    assert caplog.text.count("--hass-token-file has no effect without --hass-url") == warned


async def test_an_address_that_only_the_network_knows_to_be_wrong_is_away() -> None:
    async with asking("http://127.0.0.1:99999") as hass:
        error = await trouble_of(hass)
        assert error.trouble is Trouble.AWAY
        assert "can't be reached" in str(error)
