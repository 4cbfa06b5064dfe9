"""The handle server as a client sees it: real Wyoming on one side, a scripted model server on the other."""

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.info import Describe, Info

from tests.handle.talking import ask, kinds, rest, say, served, settings, talking, texts
from tests.llama_swap import END, Do, FakeLlamaSwap, Reply, banner, delta, refusal, words
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.history import INTERRUPTED
from wyoming_voice.handle.llm.failures import Failure
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.server import build
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.wire import connect

SECRET = "the password is swordfish"


def last_line(caplog: pytest.LogCaptureFixture) -> str:
    lines = [record.getMessage() for record in caplog.records]
    return next(line for line in reversed(lines) if "kind=handle" in line)


async def test_an_answer_is_streamed_and_then_told_whole() -> None:
    async with FakeLlamaSwap(words("It is ", "noon. ")) as fake, talking(fake) as client:
        events = await ask(client)
    types = [event.type for event in events]
    assert types == ["handled-start", "handled-chunk", "handled-chunk", "handled", "handled-stop"]
    assert texts(events, "handled") == ["It is noon."]
    assert "".join(texts(events, "handled-chunk")) == "It is noon."


async def test_a_chunk_comes_while_the_model_still_writes() -> None:
    more = asyncio.Event()
    reply = Reply([delta(content="It is"), more, delta(content=" noon."), *END])
    async with FakeLlamaSwap(reply) as fake, talking(fake) as client:
        await say(client, "x")
        assert await kinds(client, 2) == ["handled-start", "handled-chunk"]
        more.set()
        assert texts(await rest(client), "handled") == ["It is noon."]


async def test_the_model_gets_the_system_prompt_the_language_and_the_question() -> None:
    async with (
        FakeLlamaSwap(words("x")) as fake,
        talking(fake, system_prompt="Be brief.") as client,
    ):
        from_hass = {"conversation_id": "c"}
        await ask(client, " wie spät ist es ", language="de_CH", context=from_hass)
    system, user = fake.chats[0]["messages"]
    assert user == {"role": "user", "content": "wie spät ist es"}
    prompt, began = system["content"].split("This conversation began on ")
    assert prompt == "Be brief.\n\nThe speaker's language is de-CH.\n"
    assert re.fullmatch(r"\w+day, \d{4}-\d\d-\d\d \d\d:\d\d\.", began)


async def test_a_request_s_own_system_prompt_goes_before_the_server_s() -> None:
    async with (
        FakeLlamaSwap(words("x"), words("y")) as fake,
        talking(fake, system_prompt="Be brief.") as client,
    ):
        await ask(client, "q", context={"system_prompt": "Be a butler."})
        await ask(client, "q", context={"conversation_id": "other"})
    systems = [chat["messages"][0]["content"] for chat in fake.chats]
    assert systems[0].startswith("Be a butler.\n\nThis conversation began on ")
    assert systems[1].startswith("Be brief.\n\n")


async def test_a_question_that_interrupted_says_how_much_of_the_answer_was_heard() -> None:
    script = (words("The sun", " is high."), words("y"))
    async with FakeLlamaSwap(*script) as fake, talking(fake) as client:
        await ask(client, "q", context={"conversation_id": "c"})
        heard = {"conversation_id": "c", "interrupted": True, "heard": "The sun"}
        await ask(client, "stop", context=heard)
    assert fake.chats[1]["messages"][2]["content"] == "The sun…" + INTERRUPTED


async def test_a_conversation_goes_on_and_its_prompt_only_grows() -> None:
    script = (words("one"), words("two"), words("three"))
    async with FakeLlamaSwap(*script) as fake, served(llm_url=fake.url) as uri:
        for number in range(3):
            async with connect(uri) as client:
                events = await ask(client, f"q{number}", context={"conversation_id": "c"})
                assert events[0].data["context"]["conversation_id"] == "c"
    first, second, third = (chat["messages"] for chat in fake.chats)
    assert second[: len(first)] == first
    assert third[: len(second)] == second
    assert [message["content"] for message in third[1:]] == ["q0", "one", "q1", "two", "q2"]


async def test_a_satellite_without_a_conversation_has_one_of_its_own() -> None:
    async with FakeLlamaSwap(words("x")) as fake, served(llm_url=fake.url) as uri:
        for satellite in ("kitchen", "hall", "kitchen"):
            async with connect(uri) as client:
                await ask(client, "q", context={"satellite_id": satellite, "conversation_id": None})
    assert [len(chat["messages"]) for chat in fake.chats] == [2, 2, 4]


async def test_a_connection_without_any_id_is_a_conversation() -> None:
    async with FakeLlamaSwap(words("x")) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client:
            given = (await ask(client, "q"))[0].data["context"]["conversation_id"]
            await ask(client, "q")
        async with connect(uri) as client:
            await ask(client, "q")
            await ask(client, "q", context={"conversation_id": given})
    assert [len(chat["messages"]) for chat in fake.chats] == [2, 4, 2, 6]


async def test_a_client_that_hangs_up_stops_the_model_and_has_heard_what_was_sent() -> None:
    script = (Reply([delta(content="It is"), Do.STALL]), words("Noon."))
    context = {"conversation_id": "c"}
    async with FakeLlamaSwap(*script) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client:
            await say(client, "what time is it", context=context)
            assert await kinds(client, 2) == ["handled-start", "handled-chunk"]
        await fake.hung_up.wait()
        async with connect(uri) as client:
            await ask(client, "again", context=context)
    said = [message["content"] for message in fake.chats[1]["messages"][1:]]
    assert said == ["what time is it", "It is" + INTERRUPTED, "again"]


async def test_a_client_that_hangs_up_at_handled_has_heard_all_of_it() -> None:
    context = {"conversation_id": "c"}
    async with FakeLlamaSwap(words("Noon.")) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client:
            await say(client, "what time is it", context=context)
            while (event := await client.read()) and event.type != "handled":
                pass
        async with connect(uri) as client:
            await ask(client, "again", context=context)
    assert fake.chats[1]["messages"][2] == {"role": "assistant", "content": "Noon."}


async def test_the_listener_is_told_once_that_a_model_loads() -> None:
    loaded = asyncio.Event()
    reply = Reply([*banner(), loaded, delta(content="\n\nNoon."), *END])
    async with (
        FakeLlamaSwap(reply) as fake,
        talking(fake, loading_notice_after_s=0, loading_notice="Just a second.") as client,
    ):
        await say(client, "x", context={"conversation_id": "c"})
        assert await kinds(client, 2) == ["handled-start", "handled-chunk"]
        loaded.set()
        events = await rest(client)
        assert texts(events, "handled") == ["Just a second. Noon."]
        await ask(client, "again", context={"conversation_id": "c"})
    assert fake.chats[1]["messages"][2] == {"role": "assistant", "content": "Noon."}


async def test_a_model_that_loads_without_a_sign_is_waited_for_in_words() -> None:
    async with (
        FakeLlamaSwap(Reply(), hold=True) as fake,
        talking(fake, loading_notice_after_s=0, first_token_timeout_s=1) as client,
    ):
        events = await ask(client)
    assert texts(events, "handled-chunk")[0] == "One moment."


async def test_no_notice_when_the_model_is_there_in_time_or_when_none_is_wanted() -> None:
    reply = Reply([*banner(), delta(content="Noon."), *END])
    async with FakeLlamaSwap(reply) as fake:
        async with talking(fake, loading_notice_after_s=60) as client:
            assert texts(await ask(client), "handled") == ["Noon."]
        async with talking(fake, loading_notice_after_s=0, loading_notice="") as client:
            assert texts(await ask(client), "handled") == ["Noon."]


async def test_a_busy_model_is_asked_again() -> None:
    script = (refusal(429, Retry_After="0"), refusal(503), words("Noon."))
    async with FakeLlamaSwap(*script) as fake, talking(fake) as client:
        assert texts(await ask(client), "handled") == ["Noon."]
    assert len(fake.chats) == 3


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(401), Failure.KEY_REFUSED),
        (refusal(404), Failure.NO_MODEL),
        (refusal(400), Failure.REFUSED),
        (refusal(500), Failure.FAILED),
        (refusal(429, Retry_After="600"), Failure.BUSY),
        (refusal(503, Retry_After="600"), Failure.LOADING),
        (Reply([Do.CUT]), Failure.BROKE_OFF),
        (Reply([*END]), Failure.EMPTY),
        (words("<think>", "and so on", "for ever"), Failure.EMPTY),
    ],
)
async def test_a_failure_is_a_sentence_and_the_connection_lives(
    reply: Reply, kind: Failure, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with FakeLlamaSwap(reply, words("Noon.")) as fake, talking(fake) as client:
        events = await ask(client)
        assert [event.type for event in events] == ["not-handled"]
        assert events[0].data["text"] == in_words(kind, "en")
        assert f"failure={kind}" in last_line(caplog)
        assert texts(await ask(client), "handled") == ["Noon."]
    assert any(record.levelno == logging.WARNING for record in caplog.records)


async def test_a_model_server_that_is_down_is_said_and_costs_no_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served(llm_url="http://127.0.0.1:9", first_token_timeout_s=0.05) as uri:
        assert "is it running, and is --llm-url right?" in caplog.text
        async with connect(uri) as client:
            for _ in range(2):
                assert texts(await ask(client), "not-handled") == [
                    in_words(Failure.UNREACHABLE, "en")
                ]


async def test_a_model_that_says_nothing_is_given_up() -> None:
    async with (
        FakeLlamaSwap(Reply([Do.STALL])) as fake,
        talking(fake, first_token_timeout_s=0.05) as client,
    ):
        assert texts(await ask(client), "not-handled") == [in_words(Failure.TOO_SLOW, "en")]
        await fake.hung_up.wait()


async def test_an_answer_that_breaks_off_ends_with_an_apology_and_is_remembered_so() -> None:
    script = (Reply([delta(content="It is "), Do.CUT]), words("Noon."))
    async with FakeLlamaSwap(*script) as fake, talking(fake) as client:
        events = await ask(client)
        assert texts(events, "handled") == [f"It is {in_words(Own.BROKE_OFF_THERE, 'en')}"]
        assert events[-1].type == "handled-stop"
        await ask(client, "again")
    assert fake.chats[1]["messages"][2]["content"] == "It is" + INTERRUPTED


async def test_silence_needs_no_model() -> None:
    async with FakeLlamaSwap(words("x")) as fake, talking(fake) as client:
        assert texts(await ask(client, "  \n"), "not-handled") == [
            in_words(Own.NOTHING_HEARD, "en")
        ]
    assert fake.chats == []


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        ({"text": 5}, "bad-event", "'text'"),
        ({"text": "x", "context": {"device_id": 7}}, "bad-event", "'context.device_id'"),
        ({"text": "x" * 100_000}, "too-large", "at most 4000"),
    ],
)
async def test_a_bad_question_is_an_error_and_other_clients_are_unharmed(
    data: dict[str, Any], code: str, text: str
) -> None:
    async with (
        FakeLlamaSwap(words("Noon.")) as fake,
        served(llm_url=fake.url) as uri,
        connect(uri) as good,
        connect(uri) as bad,
    ):
        await bad.write(Event(type="transcript", data=data))
        (error,) = await rest(bad)
        assert (error.data["code"], error.type) == (code, "error")
        assert text in error.data["text"]
        assert await bad.read() is None
        assert texts(await ask(good), "handled") == ["Noon."]
    assert len(fake.chats) == 1


async def test_events_that_are_no_question_mean_nothing() -> None:
    async with FakeLlamaSwap(words("Noon.")) as fake, talking(fake) as client:
        for kind in ("select-program", "audio-start", "handled", "no-such-event"):
            await client.write(Event(type=kind, data={"name": "llama-swap"}))
        assert texts(await ask(client), "handled") == ["Noon."]


async def test_describe_is_what_home_assistant_wants() -> None:
    async with (
        served(llm_url="http://127.0.0.1:9", llm_model="qwen") as uri,
        connect(uri) as client,
    ):
        await client.write(Describe().event())
        event = await client.read()
    assert event is not None
    info = Info.from_event(event)
    (program,) = info.handle
    assert (program.name, program.installed) == ("llama-swap", True)
    assert program.supports_handled_streaming
    assert not program.supports_home_control
    (model,) = program.models
    assert model.name == "qwen"
    assert {"en", "de", "zh-CN", "pt-BR"} <= set(model.languages)


async def test_without_a_model_a_few_things_are_answered() -> None:
    async with served(llm_url="none") as uri, connect(uri) as client:
        echo = await ask(client, "repeat after me the lamp is on")
        assert texts(echo, "handled") == ["The lamp is on."]
        assert "".join(texts(echo, "handled-chunk")) == "The lamp is on."
        assert texts(await ask(client, "why is the sky blue"), "not-handled") == [
            in_words(Own.NO_MODEL_CONFIGURED, "en")
        ]
        await client.write(Describe().event())
        event = await client.read()
    assert event is not None
    assert Info.from_event(event).handle[0].name == "local"


async def test_the_log_line_has_counts_and_times_and_no_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    answer = "Then change it, swordfish is well known."
    async with FakeLlamaSwap(words(answer), models=("qwen",)) as fake, talking(fake) as client:
        await ask(client, SECRET, language="en", context={"turn_id": "t7"})
    line = last_line(caplog)
    for part in ("turn=t7", f"question_chars={len(SECRET)}", f"answer_chars={len(answer)}"):
        assert part in line
    for part in ("first_text=", "model=qwen", "finish=stop", "language=en", "outcome=ok"):
        assert part in line
    assert "swordfish" not in caplog.text


async def test_the_key_and_the_prompt_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k1\n")
    (tmp_path / "prompt").write_text("Speak like a pirate.\n")
    files = {"api_key_file": tmp_path / "key", "system_prompt_file": tmp_path / "prompt"}
    async with FakeLlamaSwap(words("Arr."), key="k1") as fake, talking(fake, **files) as client:
        assert texts(await ask(client), "handled") == ["Arr."]
    assert fake.chats[0]["messages"][0]["content"].startswith("Speak like a pirate.\n")


async def test_an_empty_system_prompt_sends_none() -> None:
    async with FakeLlamaSwap(words("x")) as fake, talking(fake, system_prompt="") as client:
        await ask(client)
    assert [message["role"] for message in fake.chats[0]["messages"]] == ["user"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--llm-url", "localhost:8080"], "write http://HOST:PORT, https://HOST, or none"),
        (["--history-s", "60"], "greater than or equal to 300"),
        (["--temperature", "3"], "less than or equal to 2"),
    ],
)
def test_settings_that_cannot_work_are_refused(flags: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(HandleSettings, flags, {})


def test_settings_come_from_flags_and_the_environment() -> None:
    given = load(
        HandleSettings,
        ["--llm-url", "NONE", "--loading-notice-after-s", "5"],
        {"WYOMING_VOICE_HANDLE_API_KEY": "k", "WYOMING_VOICE_HANDLE_API_KEY_FILE": "/no/file"},
    )
    assert given.llm_url == "none"
    assert given.loading_notice_after_s == 5
    assert given.api_key.get_secret_value() == "k"
    assert given.api_key_file == Path("/no/file")
    assert given.uri.endswith(":10500")
    assert "k" not in repr(given.api_key)


@pytest.mark.parametrize("content", [None, "", "two\nlines", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_told_before_anything_listens(
    content: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match="--api-key"):
        build(settings(api_key_file=file))
