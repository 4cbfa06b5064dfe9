"""The door to the language model, over real sockets to a scripted server."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from tests.llama_swap import (
    DONE,
    END,
    Do,
    FakeLlamaSwap,
    Reply,
    banner,
    delta,
    event,
    refusal,
    words,
)
from wyoming_voice.handle.llm.deltas import Delta, Finished, Text, Waiting
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.llm.llama_swap import LlamaSwap, LlmSettings, base_url, look_at
from wyoming_voice.handle.llm.patience import Patience

ASK = [{"role": "user", "content": "what time is it"}]
PAGE = b"<!doctype html>\n<title>Router</title>\n<script>\n{ let data = 1 }\n</script>\n"
SOON = Patience(first_token_s=0.1, total_s=3600)


@contextlib.asynccontextmanager
async def door(url: str, **settings: Any) -> Any:
    llm = LlamaSwap(LlmSettings(url=url, **settings))
    try:
        yield llm
    finally:
        await llm.close()


async def said(llm: LlamaSwap) -> str:
    return "".join(d.text for d in await heard(llm) if isinstance(d, Text))


async def heard(llm: LlamaSwap) -> list[Delta]:
    return [delta async for delta in llm.answer(ASK)]


async def failure(llm: LlamaSwap) -> LlmError:
    with pytest.raises(LlmError) as caught:
        await heard(llm)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "http://h:1",
        "http://h:1/",
        "http://h:1/v1",
        "http://h:1/v1/",
        "http://h:1/v1/chat/completions",
    ],
)
def test_the_url_may_be_written_in_any_way(url: str) -> None:
    assert base_url(url) == "http://h:1/v1"


async def test_an_answer_is_streamed_and_the_request_is_complete() -> None:
    async with (
        FakeLlamaSwap(words("It is ", "noon.")) as fake,
        door(fake.url, model="m", api_key="k", temperature=0.5, max_tokens=9) as llm,
    ):
        assert await heard(llm) == [Waiting(), Text("It is "), Text("noon."), Finished("stop")]
    assert fake.chats == [
        {"model": "m", "messages": ASK, "stream": True, "temperature": 0.5, "max_tokens": 9}
    ]
    assert fake.asked[0].headers["authorization"] == "Bearer k"


async def test_what_is_not_set_is_not_sent() -> None:
    async with FakeLlamaSwap(words("x")) as fake, door(fake.url, model="m") as llm:
        await heard(llm)
    assert set(fake.chats[0]) == {"model", "messages", "stream"}
    assert "authorization" not in fake.asked[0].headers


async def test_the_first_listed_model_is_asked_and_the_list_only_once() -> None:
    async with FakeLlamaSwap(words("x"), models=("b", "a")) as fake, door(fake.url) as llm:
        await heard(llm)
        await heard(llm)
    assert [chat["model"] for chat in fake.chats] == ["b", "b"]
    assert [asked.path for asked in fake.asked].count("/v1/models") == 1


async def test_a_look_finds_the_model_for_the_first_question() -> None:
    async with FakeLlamaSwap(words("x")) as fake, door(fake.url) as llm:
        await llm.look()
        assert llm.model == "qwen"
        await heard(llm)
    assert [asked.path for asked in fake.asked] == ["/v1/models", "/v1/chat/completions"]


async def test_a_model_that_has_gone_is_looked_for_again() -> None:
    script = (refusal(404), words("x"))
    async with FakeLlamaSwap(*script, models=("a",)) as fake, door(fake.url) as llm:
        assert (await failure(llm)).failure is Failure.NO_MODEL
        fake.models = ("b",)
        await heard(llm)
    assert [chat["model"] for chat in fake.chats] == ["a", "b"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", ""])
async def test_the_content_type_does_not_matter(content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = Reply([delta(content="Noon."), *END], headers=headers)
    async with FakeLlamaSwap(reply) as fake, door(fake.url) as llm:
        assert await said(llm) == "Noon."


async def test_an_answer_that_is_not_streamed_is_taken() -> None:
    whole = {"choices": [{"message": {"content": "Noon."}, "finish_reason": "stop"}]}
    reply = Reply([json.dumps(whole, indent=1).encode()])
    async with FakeLlamaSwap(reply) as fake, door(fake.url) as llm:
        assert await heard(llm) == [Waiting(), Text("Noon."), Finished("stop")]


async def test_one_connection_serves_several_answers() -> None:
    async with FakeLlamaSwap(words("x")) as fake, door(fake.url) as llm:
        for _ in range(3):
            await heard(llm)
        assert fake.connections == 1


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_a_refusal_for_the_moment_is_asked_again(status: int) -> None:
    script = (refusal(status, Retry_After="0"), words("Noon."))
    async with FakeLlamaSwap(*script) as fake, door(fake.url) as llm:
        assert await heard(llm) == [Waiting(), Text("Noon."), Finished("stop")]
    assert len(fake.chats) == 2


@pytest.mark.parametrize(("status", "kind"), [(429, Failure.BUSY), (503, Failure.LOADING)])
async def test_a_server_that_asks_for_too_much_time_is_not_waited_for(
    status: int, kind: Failure
) -> None:
    async with (
        FakeLlamaSwap(refusal(status, Retry_After="3600")) as fake,
        door(fake.url, model="m") as llm,
    ):
        assert (await failure(llm)).failure is kind
    assert len(fake.chats) == 1


@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (400, Failure.REFUSED, "--log-level debug"),
        (401, Failure.KEY_REFUSED, "--api-key-file"),
        (403, Failure.KEY_REFUSED, "--api-key-file"),
        (404, Failure.NO_MODEL, "--llm-model"),
        (500, Failure.FAILED, "500"),
    ],
)
async def test_a_refusal_for_good_names_the_remedy(status: int, kind: Failure, remedy: str) -> None:
    async with FakeLlamaSwap(refusal(status)) as fake, door(fake.url, model="m") as llm:
        error = await failure(llm)
    assert error.failure is kind
    assert remedy in str(error)
    assert len(fake.chats) == 1


async def test_a_server_that_comes_up_meanwhile_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with contextlib.AsyncExitStack() as stack:
        llm = await stack.enter_async_context(door(f"http://127.0.0.1:{port}", model="m"))
        fake = FakeLlamaSwap(words("Noon."), port=port)
        found: list[Delta] = []
        async for got in llm.answer(ASK):
            if not found:
                await stack.enter_async_context(fake)
            found.append(got)
    assert found[0] == Waiting()
    assert found[-2:] == [Text("Noon."), Finished("stop")]


async def test_a_server_that_is_down_is_given_up() -> None:
    async with door("http://127.0.0.1:9", model="m", patience=SOON) as llm:
        error = await failure(llm)
    assert error.failure is Failure.UNREACHABLE
    assert "--llm-url" in str(error)


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ([], Failure.TOO_SLOW),
        (banner()[:9], Failure.LOADING),
        ([*banner(), delta(reasoning_content="So")], Failure.TOO_SLOW),
        ([delta(content="It is")], Failure.TOO_SLOW),
    ],
)
async def test_silence_ends_at_the_deadline(before: Sequence[bytes], kind: Failure) -> None:
    reply = Reply([*before, Do.STALL])
    async with FakeLlamaSwap(reply) as fake, door(fake.url, patience=SOON) as llm:
        assert (await failure(llm)).failure is kind
        await fake.hung_up.wait()


async def test_a_model_that_thinks_for_ever_is_stopped() -> None:
    thoughts = [delta(reasoning_content="hm")] * 50 + [Do.STALL]
    async with FakeLlamaSwap(Reply(thoughts)) as fake, door(fake.url, patience=SOON) as llm:
        assert (await failure(llm)).failure is Failure.TOO_SLOW


@pytest.mark.parametrize("parts", [[delta(content="It"), Do.CUT], [delta(content="It")], []])
async def test_an_answer_that_breaks_off_is_a_failure(parts: Sequence[bytes | Do]) -> None:
    async with FakeLlamaSwap(Reply(parts)) as fake, door(fake.url) as llm:
        assert (await failure(llm)).failure is Failure.BROKE_OFF


@pytest.mark.parametrize(
    ("content_type", "body", "told"),
    [
        ("text/html; charset=utf-8", PAGE, "text/html"),
        ("Application/JSON", b'{"status": "ok"}', "application/json"),
        ("", PAGE, "without a content type"),
    ],
)
async def test_an_answer_of_another_service_blames_the_url(
    content_type: str, body: bytes, told: str
) -> None:
    reply = Reply([body], headers={"Content-Type": content_type} if content_type else {})
    async with FakeLlamaSwap(reply) as fake, door(fake.url, model="m") as llm:
        error = await failure(llm)
    assert error.failure is Failure.NO_MODEL
    assert f"/v1/chat/completions answers {told}" in str(error)
    assert "--llm-url points elsewhere" in str(error)


async def test_a_page_in_place_of_the_list_blames_the_url() -> None:
    page = Reply([PAGE], headers={"Content-Type": "text/html"})
    async with FakeLlamaSwap(words("x"), listing=page) as fake, door(fake.url) as llm:
        assert "/v1/models answers text/html" in (await llm.look()).line
        assert (await failure(llm)).failure is Failure.NO_MODEL


async def test_an_answer_of_the_wrong_type_that_breaks_off_is_still_one() -> None:
    reply = Reply([delta(role="assistant")], headers={"Content-Type": "text/plain"})
    async with FakeLlamaSwap(reply) as fake, door(fake.url) as llm:
        assert (await failure(llm)).failure is Failure.BROKE_OFF


@pytest.mark.parametrize("after", [[Do.CUT], [Do.STALL], [event({"error": "late"})]])
async def test_what_follows_a_finished_answer_is_of_no_interest(
    after: Sequence[bytes | Do],
) -> None:
    reply = Reply([delta(content="Noon."), delta("stop"), *after])
    async with FakeLlamaSwap(reply) as fake, door(fake.url) as llm:
        assert await said(llm) == "Noon."


async def test_an_error_in_the_stream_is_a_failure_without_its_words() -> None:
    error = event({"error": {"message": "secret words", "type": "server_error"}})
    async with FakeLlamaSwap(Reply([*banner(), error, DONE])) as fake, door(fake.url) as llm:
        caught = await failure(llm)
    assert caught.failure is Failure.FAILED
    assert "server_error" in str(caught)
    assert "secret" not in str(caught)


async def test_closing_the_answer_closes_the_connection() -> None:
    reply = Reply([delta(content="It is"), Do.STALL])
    async with FakeLlamaSwap(reply) as fake, door(fake.url) as llm:
        answer = llm.answer(ASK)
        assert [await anext(answer), await anext(answer)] == [Waiting(), Text("It is")]
        await answer.aclose()
        await fake.hung_up.wait()


async def test_cancelling_a_question_that_waits_for_headers_closes_the_connection() -> None:
    silent = FakeLlamaSwap(Reply(), hold=True)
    async with silent as fake, door(fake.url, model="m") as llm:
        asking = asyncio.create_task(heard(llm))
        await fake.stalled.wait()
        asking.cancel()
        await fake.hung_up.wait()
        with pytest.raises(asyncio.CancelledError):
            await asking


@pytest.mark.parametrize(
    ("models", "settings", "line", "surprising"),
    [
        (("a",), {}, "lists 1 model, using 'a' (the first)", False),
        (("a", "b"), {}, "using 'a' (the first; --llm-model picks another of a, b)", False),
        (("a", "b"), {"model": "b"}, "lists 2 models, using 'b'", False),
        (
            ("qwen3",),
            {"model": "qwen4"},
            "not listed (an alias, perhaps); did you mean 'qwen3'?",
            True,
        ),
        ((), {}, "lists no model; name one with --llm-model", True),
    ],
)
async def test_a_look_says_what_is_there(
    models: tuple[str, ...], settings: dict[str, str], line: str, surprising: bool
) -> None:
    async with FakeLlamaSwap(words("x"), models=models) as fake, door(fake.url, **settings) as llm:
        found = await llm.look()
    assert line in found.line
    assert found.surprising is surprising
    assert "\n" not in found.line


async def test_a_look_tells_a_refused_key_and_a_missing_server() -> None:
    async with FakeLlamaSwap(words("x"), key="k") as fake, door(fake.url, api_key="no") as llm:
        refused = await llm.look()
    missing = await look_at("http://127.0.0.1:9")
    assert "refuses the API key (401); give it with --api-key-file" in refused.line
    assert "is it running, and is --llm-url right?" in missing.line
    assert not refused.reachable
    assert not missing.reachable


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"data": 5}', b'{"data": [1, {"id": 7}]}'])
async def test_a_list_that_makes_no_sense_is_an_empty_one(body: bytes) -> None:
    async with FakeLlamaSwap(words("x"), listing=body) as fake, door(fake.url) as llm:
        assert "lists no model" in (await llm.look()).line
        assert (await failure(llm)).failure is Failure.NO_MODEL
