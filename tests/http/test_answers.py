"""What every door says of itself, and the one shape of everything that goes wrong."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.http.small_door import House, open_door

JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_house() -> AsyncIterator[House]:
    async with open_door(max_upload_mb=1) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def client(open_house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=open_house.uri) as client:
        yield client


def wrong(answer: httpx.Response) -> dict[str, Any]:
    """The error in an answer, after a look at what holds for all of them."""
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


async def test_health_and_ready_and_metrics(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "ok", "rooms": 3}
    assert (await client.get("/ready")).json() == {"status": "ok", "requests": 0}
    assert (await client.get("/metrics")).text == "numbers 1\n"


async def test_health_without_words(client: httpx.AsyncClient, open_house: House) -> None:
    answer = await client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")
    open_house.unwell = "loading"
    try:
        assert (await client.head("/ready")).status_code == 503
    finally:
        open_house.unwell = ""


async def test_while_it_loads(client: httpx.AsyncClient, open_house: House) -> None:
    open_house.unwell = "loading"
    try:
        for path in ("/health", "/ready", "/hold", "/stream"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert wrong(answer)["code"] == "loading"
            assert "(loading)" in wrong(answer)["message"]
        assert (await client.get("/metrics")).status_code == 200
    finally:
        open_house.unwell = ""


async def test_what_is_missing_makes_it_unready_but_not_unwell(
    client: httpx.AsyncClient, open_house: House
) -> None:
    open_house.floor.unready = lambda: "no tts"
    try:
        assert (await client.get("/health")).status_code == 200
        assert wrong(await client.get("/ready"))["message"].startswith("not ready for requests (no")
    finally:
        open_house.floor.unready = str


async def test_a_full_house(client: httpx.AsyncClient, open_house: House) -> None:
    open_house.floor.most_requests = 0
    try:
        for path in ("/ready", "/hold"):
            answer = await client.get(path)
            assert (answer.status_code, wrong(answer)["code"]) == (503, "busy")
    finally:
        open_house.floor.most_requests = 8


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "param"),
    [
        ("GET", "/nowhere", {}, 404, None),
        ("GET", "/health/", {}, 404, None),
        ("GET", "/%ff%fe", {}, 404, None),
        ("GET", "/wish", {}, 405, None),
        ("POST", "/wish", {"content": b"{}"}, 400, None),
        ("POST", "/wish", {"content": b"{", "headers": JSON}, 400, None),
        ("POST", "/wish", {"content": b"[" * 100_000, "headers": JSON}, 400, None),
        ("POST", "/wish", {"json": []}, 400, None),
        ("POST", "/wish", {"json": {}}, 400, "word"),
        ("POST", "/wish", {"json": {"word": "a", "speed": 3}}, 400, "speed"),
        (
            "POST",
            "/wish",
            {"content": b'{"word": "a", "speed": NaN}', "headers": JSON},
            400,
            "speed",
        ),
        ("POST", "/wish", {"content": b"\xff\xfe", "headers": JSON}, 400, None),
        ("POST", "/form", {"data": {"count": "1"}}, 400, "file"),
        ("POST", "/form", {"files": {"file": b"x"}, "data": {"count": "0"}}, 400, "count"),
        ("POST", "/form", {"content": b"x"}, 400, "file"),
        ("GET", "/stream?fail_at=x", {}, 400, "fail_at"),
        ("GET", "/group", {}, 400, None),
        ("GET", "/bug", {}, 500, None),
        ("GET", "/upstream", {}, 502, None),
        ("GET", "/stream?fail_at=0", {}, 500, None),
    ],
)
async def test_errors_have_one_shape(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    options: dict[str, Any],
    status: int,
    param: str | None,
) -> None:
    answer = await client.request(method, path, **options)
    assert answer.status_code == status
    error = wrong(answer)
    assert error["param"] == param
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    assert "somebody" not in error["message"]


async def test_a_wrong_method_is_told_the_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/wish")
    assert answer.headers["allow"] == "POST"
    assert wrong(answer)["code"] == "method-not-allowed"
    assert wrong(answer)["message"] == "'/wish' takes no GET; use POST"


async def test_a_broken_multipart_body(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/form", content=b"--x\r\nno", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400
    wrong(answer)


async def test_a_request_keeps_its_own_id_where_that_is_plain(client: httpx.AsyncClient) -> None:
    plain = await client.get("/health", headers={"X-Request-ID": "mine-1"})
    assert plain.headers["x-request-id"] == "mine-1"
    odd = await client.get("/health", headers={"X-Request-ID": "a b\tc"})
    assert odd.headers["x-request-id"] not in {"a b\tc", "mine-1"}


async def test_over_the_limit_however_it_is_sent(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    for answer in (
        await client.post("/wish", content=b"x" * 2_000_000),
        await client.post("/wish", content=chunks()),
        await client.post("/form", files={"file": b"x" * 2_000_000}),
    ):
        assert (answer.status_code, wrong(answer)["code"]) == (413, "too-large")
        assert "--max-upload-mb" in wrong(answer)["message"]


async def test_what_is_told_of_a_request(client: httpx.AsyncClient, open_house: House) -> None:
    while not open_house.books.requests.empty():
        open_house.books.requests.get_nowait()
    assert (await client.get("/stream", headers={"X-Request-ID": "mine-2"})).status_code == 200
    record, outcome = await open_house.books.requests.get()
    assert (record.turn_id, outcome) == ("mine-2", "ok")
    await client.get("/stream?fail_at=0")
    assert await open_house.outcome() == "engine-failed"
    assert open_house.floor.requests == 0


async def test_the_description_has_our_errors(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    assert "HTTPValidationError" not in json.dumps(schema)
    for path in schema["paths"].values():
        for operation in path.values():
            assert {"4XX", "5XX"} <= set(operation["responses"])
            assert "422" not in operation["responses"]


async def last_words(socket: ClientConnection) -> tuple[dict[str, Any], int]:
    told = json.loads(await socket.recv())
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    return told, closed.value.rcvd.code


@pytest.mark.parametrize(
    ("said", "code", "closed"), [("fail", "bad-request", 1008), ("crash", "error", 1011)]
)
async def test_a_websocket_is_told_and_closed(
    open_house: House, said: str, code: str, closed: int
) -> None:
    async with connect(open_house.uri.replace("http", "ws") + "/ws") as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        await socket.send(said)
        told, number = await last_words(socket)
    assert (told["type"], told["error"]["code"], number) == ("error", code, closed)
    assert "somebody" not in told["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/nowhere", 404, "not-found"), ("/ws/full", 503, "busy"), ("/ws/x", 400, "bad-request")],
)
async def test_a_websocket_that_is_refused_hears_why(
    open_house: House, path: str, status: int, code: str
) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with connect(open_house.uri.replace("http", "ws") + path):
            pass
    answer = refused.value.response
    error = json.loads(answer.body)["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert answer.headers["X-Request-ID"] == error["request_id"]
