"""One connection to a Home Assistant that answers, refuses, is away, comes back."""

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from tests.hass.asking import QUICK, asking, joining, trouble_of
from tests.hass.fake import SILENT, TOKEN, FakeHass, Refuse
from wyoming_voice.hass.errors import Trouble
from wyoming_voice.hass.patience import Pauses


async def test_a_call_is_answered() -> None:
    async with FakeHass() as fake, asking(fake.url) as hass:
        assert not hass.connected
        assert await hass.call("get_config") == fake.home.config
        assert hass.connected
        assert await hass.call("config/entity_registry/get_entries", entity_ids=["light.x"]) == {
            "light.x": None
        }
        assert fake.asked[-1] == {
            "id": 2,
            "type": "config/entity_registry/get_entries",
            "entity_ids": ["light.x"],
        }


async def test_many_calls_at_once_have_their_own_answers_and_growing_numbers() -> None:
    async with FakeHass() as fake, asking(fake.url) as hass:
        ids = [f"light.{n}" for n in range(50)]
        command = "config/entity_registry/get_entries"
        answers = await asyncio.gather(*(hass.call(command, entity_ids=[id]) for id in ids))
        assert answers == [{id: None} for id in ids]
        assert [frame["id"] for frame in fake.asked] == list(range(1, 51))


@pytest.mark.parametrize(
    ("code", "trouble", "untouched", "words"),
    [
        ("unauthorized", Trouble.REFUSED, True, "no administrator"),
        ("unknown_command", Trouble.REFUSED, True, "a newer one does"),
        ("invalid_format", Trouble.REFUSED, True, "invalid_format"),
        ("unknown_error", Trouble.FAILED, False, "see its log"),
        ("timeout", Trouble.FAILED, False, "see its log"),
    ],
)
async def test_a_refusal_says_whether_anything_was_done(
    code: str, trouble: Trouble, untouched: bool, words: str
) -> None:
    async with FakeHass() as fake, asking(fake.url) as hass:
        fake.answers["get_config"] = Refuse(code, "what somebody said")
        error = await trouble_of(hass)
        assert (error.trouble, error.untouched) == (trouble, untouched)
        assert words in str(error)
        assert "somebody" not in str(error)


async def test_no_answer_in_time_may_have_done_something() -> None:
    async with FakeHass() as fake, asking(fake.url) as hass:
        await hass.ready()
        fake.answers["get_config"] = SILENT
        error = await trouble_of(hass, timeout_s=0.01)
        assert (error.trouble, error.untouched) == (Trouble.LATE, False)
        del fake.answers["get_config"]
        assert await hass.call("get_config") == fake.home.config


async def test_a_hang_up_ends_the_calls_that_wait_and_they_may_have_arrived() -> None:
    async with FakeHass() as fake, asking(fake.url) as hass:
        fake.answers["get_config"] = SILENT
        waiting = asyncio.create_task(trouble_of(hass))
        await fake.until(lambda: fake.commands() == ["get_config"])
        await fake.hang_up()
        error = await waiting
        assert (error.trouble, error.untouched) == (Trouble.AWAY, False)
        assert "hung up" in str(error)


async def test_away_is_said_at_once_and_a_first_connection_is_waited_for() -> None:
    async with FakeHass() as fake:
        url = fake.url
    async with asking(url) as hass:
        for _ in range(3):  # the second and third are not even tried
            error = await trouble_of(hass)
            assert (error.trouble, error.untouched) == (Trouble.AWAY, True)
            assert "is --hass-url right" in str(error)


async def test_it_is_found_again_after_a_restart_and_subscribed_again() -> None:
    async with FakeHass() as fake, asking(fake.url, pauses=QUICK) as hass:
        events: list[object] = []
        joined: list[int] = []
        heard = asyncio.Event()

        def told(event: object) -> None:
            events.append(event)
            heard.set()

        hass.subscribe("area_registry_updated", told)
        hass.each_time(lambda: joined.append(fake.connected))
        await hass.ready()
        joined_again = joining(hass)
        await fake.stop()
        await fake.start()
        await joined_again.wait()
        assert await hass.call("get_config") == fake.home.config
        await fake.fire("area_registry_updated", area_id="kitchen")
        await heard.wait()
        assert events == [{"event_type": "area_registry_updated", "data": {"area_id": "kitchen"}}]
        assert joined == [1, 2]


async def test_no_proxy_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with FakeHass() as fake, asking(fake.url) as hass:
        assert await hass.call("get_config") == fake.home.config


async def test_it_is_tried_again_and_again_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    tried, often = 0, asyncio.Event()

    def token() -> str:
        nonlocal tried
        tried += 1
        if tried == 5:
            often.set()
        return TOKEN

    async with FakeHass() as fake:
        url = fake.url
    async with asking(url, token, QUICK) as hass:
        hass.start()
        await often.wait()
        assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1


async def test_a_password_in_the_address_isnt_shown() -> None:
    async with FakeHass() as fake:
        url = fake.url.replace("http://", "http://me:hidden@")
    async with asking(url) as hass:
        assert "hidden" not in str(await trouble_of(hass))


@pytest.mark.parametrize(
    ("status", "told"),
    [
        *(
            (403, "it answers 403; after wrong tokens it bans"),
            (404, "(it answers 404); is --hass"),
        ),
        (200, "this is no Home Assistant's WebSocket (it answers 200); is --hass-url right?"),
        *((502, "it answers 502; is it still starting"), (503, "is it still starting")),
    ],
)
async def test_what_is_no_home_assistant_is_told_by_its_status(status: int, told: str) -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(status, "")

    async def never(socket: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with asking(f"http://127.0.0.1:{port}") as hass:
            error = await trouble_of(hass)
            assert error.trouble is Trouble.AWAY
            assert told in str(error)
            assert ("starting" in str(error)) == (status in (502, 503))


async def test_a_plain_port_that_is_asked_for_tls_is_told() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asking(f"https://127.0.0.1:{port}") as hass:
            error = await trouble_of(hass)
            assert (error.trouble, error.untouched) == (Trouble.AWAY, True)
            assert "it speaks no TLS here (" in str(error)
            assert str(error).endswith("; is it http://, or another port?")


async def test_a_forwarded_port_with_nothing_behind_it_is_away() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asking(f"http://127.0.0.1:{port}") as hass:
            error = await trouble_of(hass)
            assert (error.trouble, error.untouched) == (Trouble.AWAY, True)
            assert "is it running" in str(error)


@pytest.mark.parametrize("greeting", ["", "[]", "5", '{"type": "auth_ok"', '{"type": "hello"}'])
async def test_who_doesnt_greet_as_home_assistant_does_is_sent_no_token(greeting: str) -> None:
    heard: set[object] = set()

    async def other(socket: ServerConnection) -> None:
        await socket.send(greeting)
        async for frame in socket:
            heard.add(frame)

    async with serve(other, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with asking(f"http://127.0.0.1:{port}") as hass:
            assert (await trouble_of(hass)).trouble is Trouble.AWAY
    assert not heard


async def test_a_message_that_is_too_long_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wyoming_voice.hass.connection.MAX_MESSAGE_BYTES", 10_000)
    async with FakeHass() as fake, asking(fake.url) as hass:
        fake.answers["get_config"] = "x" * 20_000
        error = await trouble_of(hass)
        assert error.trouble is Trouble.AWAY
        assert "ended here" in str(error)


async def test_a_glimpse_is_the_first_event_and_the_last() -> None:
    async with FakeHass() as fake, asking(fake.url) as hass:
        fake.home.entity("light.a", "Lamp")
        event = await hass.glimpse("subscribe_entities", entity_ids=["light.a"])
        assert event == {"a": {"light.a": {"s": "on", "a": {"friendly_name": "Lamp"}}}}
        await hass.call("get_config")
        subscription = fake.asked[0]["id"]
        assert fake.asked[1]["type"] == "unsubscribe_events"
        assert fake.asked[1]["subscription"] == subscription


async def test_who_is_closed_doesnt_begin() -> None:
    async with FakeHass() as fake, asking(fake.url) as hass:
        await hass.close()
        tasks = asyncio.all_tasks()
        assert (await trouble_of(hass)).trouble is Trouble.AWAY
        assert asyncio.all_tasks() == tasks


async def test_after_closing_nothing_is_asked() -> None:
    async with FakeHass() as fake, asking(fake.url) as hass:
        await hass.ready()
        fake.answers["get_config"] = SILENT
        waiting = asyncio.create_task(trouble_of(hass))
        await fake.until(lambda: fake.commands() == ["get_config"])
        await hass.close()
        assert (await waiting).trouble is Trouble.AWAY
        assert (await trouble_of(hass)).trouble is Trouble.AWAY
        await fake.until(lambda: fake.subscribed == [] and fake.connected == 1)


def test_pauses_double_up_to_the_longest() -> None:
    pauses = Pauses(first_s=0.5, longest_s=60)
    assert [pauses.after(n) for n in (1, 2, 3, 8, 1000)] == [0.5, 1.0, 2.0, 60.0, 60.0]
