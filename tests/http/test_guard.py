"""Who may use a door: keys however they are sent, web pages of other origins, names that lead here."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import websockets
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.http.small_door import KEY, House, key_file, open_door, raw
from wyoming_voice.errors import ConfigError
from wyoming_voice.http.guard import Keys, read_keys

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOME = "https://home.example"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def locked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    path = key_file(tmp_path_factory.mktemp("keys"))
    async with open_door(api_key_file=path, origin=[HOME]) as house:
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unlocked() -> AsyncIterator[House]:
    async with open_door(origin=["https://voice.home.example"]) as house:
        yield house


async def get(house: House, path: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(base_url=house.uri) as client:
        return await client.get(path, headers=headers)


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer  ."},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer {KEY[:-1]}"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Authorization": "Bearer \u00e9\u00e9\u00e9"},
    ],
)
async def test_without_the_key_nothing_is_served(locked: House, headers: dict[str, str]) -> None:
    raw_headers = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/metrics", "/stream", "/nowhere"):
        answer = await get(locked, path, raw_headers)  # type: ignore[arg-type]
        assert (answer.status_code, code_of(answer)) == (401, "unauthorized")
        assert answer.json()["error"]["type"] == "authentication_error"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_with_it_all_is(locked: House, scheme: str) -> None:
    assert (await get(locked, "/metrics", {"Authorization": f"{scheme} {KEY}"})).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/openapi.json"])
async def test_health_needs_none(locked: House, path: str) -> None:
    assert (await get(locked, path, {})).status_code == 200


async def test_free_paths_are_free_and_no_more(locked: House) -> None:
    for path, status in (("/", 404), ("/page/a.js", 404), ("/pages", 401), ("/healthy", 401)):
        assert (await get(locked, path, {})).status_code == status


async def refusal(house: House, **options: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with connect(house.uri.replace("http", "ws") + "/ws", **options):
            pass
    answer = refused.value.response
    return answer.status_code, json.loads(answer.body)["error"]


async def test_a_websocket_needs_the_key_too(locked: House) -> None:
    status, error = await refusal(locked)
    assert (status, error["code"]) == (401, "unauthorized")
    status, error = await refusal(locked, subprotocols=[Subprotocol("api-key.wrong")])
    assert (status, error["code"]) == (401, "unauthorized")


async def test_a_websocket_with_the_key_as_a_header(locked: House) -> None:
    async with connect(
        locked.uri.replace("http", "ws") + "/ws", additional_headers=BEARER
    ) as socket:
        assert socket.subprotocol is None


async def test_a_browser_sends_the_key_as_a_protocol_and_gets_the_other_one(locked: House) -> None:
    names = [Subprotocol("wyoming-voice"), Subprotocol(f"api-key.{KEY}")]
    async with connect(locked.uri.replace("http", "ws") + "/ws", subprotocols=names) as socket:
        assert socket.subprotocol == "wyoming-voice"
        assert socket.response is not None
        assert KEY not in str(socket.response.headers)


async def test_a_foreign_page_may_not_call(locked: House, unlocked: House) -> None:
    for house in (locked, unlocked):
        for origin in ("https://evil.example", "null", "https://home.example.evil.example"):
            answer = await get(house, "/health", {"Origin": origin, **BEARER})
            assert (answer.status_code, code_of(answer)) == (403, "forbidden-origin")
            assert "--origin" in answer.json()["error"]["message"]
            assert "access-control-allow-origin" not in answer.headers
        status, _ = await refusal(house, origin="https://evil.example", additional_headers=BEARER)
        assert status == 403


async def test_our_own_page_may(unlocked: House) -> None:
    assert (await get(unlocked, "/metrics", {"Origin": unlocked.uri})).status_code == 200
    async with connect(unlocked.uri.replace("http", "ws") + "/ws", origin=unlocked.uri):  # type: ignore[arg-type]
        pass


async def test_a_named_page_may_and_can_read_errors_too(locked: House) -> None:
    for headers, status in ((BEARER, 200), ({}, 401)):
        answer = await get(locked, "/metrics", {"Origin": HOME, **headers})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == HOME
        assert answer.headers["vary"] == "Origin"
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(("origin", "status"), [(HOME, 204), ("https://evil.example", 403)])
async def test_the_question_whether_a_page_may(locked: House, origin: str, status: int) -> None:
    async with httpx.AsyncClient(base_url=locked.uri) as client:
        answer = await client.options(
            "/wish",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, content-type",
            },
        )
    assert answer.status_code == status
    if status == 204:
        assert answer.headers["access-control-allow-origin"] == HOME
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "Authorization" in answer.headers["access-control-allow-headers"]
        assert not answer.content


async def test_a_plain_options_still_needs_the_key(locked: House) -> None:
    async with httpx.AsyncClient(base_url=locked.uri) as client:
        assert (await client.options("/wish", headers={"Origin": HOME})).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8001", 200),
        ("[::1]:8001", 200),
        ("192.168.1.7", 200),
        ("box", 200),
        ("box.local:8001", 200),
        ("box.home.arpa", 200),
        ("voice.home.example", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("local.evil.example:8001", 403),
        ("[::1", 403),
    ],
)
async def test_without_keys_only_names_of_ours_lead_here(
    unlocked: House, host: str, status: int
) -> None:
    async with raw(unlocked) as client:
        await client.say("GET /metrics HTTP/1.1", f"Host: {host}")
        assert (await client.head())[0] == status


async def test_with_keys_any_name_does(locked: House) -> None:
    async with raw(locked) as client:
        await client.say(
            "GET /metrics HTTP/1.1", "Host: any.example", f"Authorization: Bearer {KEY}"
        )
        assert (await client.head())[0] == 200


async def test_keys_are_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(
        b"\xef\xbb\xbffirst-key-of-many-chars\r\n# note\r\n\r\n  second-key-of-many  \r\n"
    )
    keys = read_keys(path)
    assert keys.opens("first-key-of-many-chars")
    assert keys.opens("second-key-of-many")
    assert not keys.opens("# note")
    assert not keys.opens("")
    assert not Keys(())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no key"),
        (b"short", "key 1 has fewer"),
        (b"a-key-of-sixteen-and/more=", "key 1 has characters"),
        (b"\xff", "read"),
    ],
)
async def test_keys_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        read_keys(path)
    with pytest.raises(ConfigError, match="can't be read"):
        read_keys(tmp_path / "absent")
