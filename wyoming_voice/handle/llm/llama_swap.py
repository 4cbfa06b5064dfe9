"""The one door to a language model: asks an OpenAI-compatible server, and knows llama-swap's ways.

Works with llama-swap, llama.cpp's server, Ollama's /v1 and vLLM. Rule: whatever such a server does, a
question ends in text, or in an LlmError that says what to do, within its deadline; closing the generator
closes the connection, which is how these servers are told to stop working.

Quirks that it is built for (https://github.com/mostlygeek/llama-swap unless said otherwise):
- a model is loaded by its first request: without `sendLoadingState` not even the headers come until
  then, with it the loading is told as thoughts (see deltas.py), and an error after that comes in the stream;
- 429 with `Retry-After: 1` when a model has `concurrencyLimit` requests (10 unless configured);
- `/v1/models` lists neither aliases nor models marked `unlisted`, both of which can be asked for;
- llama.cpp's server answers 503 `Loading model` until it is ready
  (https://github.com/ggml-org/llama.cpp/tree/master/tools/server).
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx

from wyoming_voice.handle.llm.asking import AUTO, Asking
from wyoming_voice.handle.llm.deltas import Delta, Deltas, Finished, Waiting
from wyoming_voice.handle.llm.failures import (
    Failure,
    LlmError,
    NotYetError,
    refusal,
    refuses_tools,
    tools_refused,
)
from wyoming_voice.handle.llm.listing import Listing, chosen, names_in
from wyoming_voice.handle.llm.patience import Deadline, Patience, in_time, note_sign, pause_s
from wyoming_voice.handle.llm.sse import SseReader
from wyoming_voice.handle.steps import Message
from wyoming_voice.handle.tools.toolbox import Tool

_log = logging.getLogger(__name__)

CONNECT_S = 3.0
LOOK_S = 5.0
_MAX_ERROR_BYTES = 16_384
_MAX_LISTING_BYTES = 4 * 1024 * 1024
_STREAM = "text/event-stream"
_PAGE = "text/html"


@dataclass(frozen=True)
class LlmSettings:
    """Which model is asked, where, and how; an empty `model` means the first that is listed."""

    url: str
    model: str = ""
    api_key: str = ""
    temperature: float | None = None
    max_tokens: int = 0
    patience: Patience = field(default_factory=Patience)


class LlamaSwap:
    """One language model server."""

    def __init__(self, settings: LlmSettings) -> None:
        self._settings = settings
        self._model = settings.model
        key = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        self._client = httpx.AsyncClient(
            headers=key,
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            # No proxy between us and a server in the house, and no .netrc over the key.
            trust_env=False,
            # Reading the certificates takes 20 ms and more, which plain HTTP has no use for.
            verify=settings.url.startswith("https:"),
        )
        self._base = base_url(settings.url)

    @property
    def model(self) -> str:
        """The model that is asked; "" as long as nobody knows."""
        return self._model

    async def close(self) -> None:
        """Close idle connections."""
        await self._client.aclose()

    async def look(self) -> Listing:
        """What is there, found within LOOK_S; never raises for what the server does."""
        named = self._settings.model
        try:
            async with asyncio.timeout(LOOK_S):
                models = await self._list()
        except (LlmError, NotYetError) as error:
            return Listing(self._base, named, problem=str(error))
        except TimeoutError:
            return Listing(self._base, named, problem=f"no answer within {LOOK_S:g} s")
        self._model = named or chosen(models)
        return Listing(self._base, named, models)

    async def answer(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        tool_choice: str = AUTO,
        within_s: float = float("inf"),
    ) -> AsyncGenerator[Delta, None]:
        """What the model says to `messages`, from Waiting to Finished; raises LlmError.

        It may ask for `tools` unless `tool_choice` is "none", and takes no longer than `within_s` in all.
        """
        patience = self._settings.patience
        patience = replace(patience, total_s=min(patience.total_s, within_s))
        asking = Asking(messages, tools, tool_choice, self._settings.max_tokens)
        deadline = Deadline(patience, _now_s())
        yield Waiting()  # a model that loads without `sendLoadingState` gives no sign of it
        for attempt in itertools.count():
            try:
                async with contextlib.aclosing(self._attempt(asking, deadline)) as deltas:
                    async for delta in deltas:
                        yield delta
                return
            except NotYetError as refused:
                pause = pause_s(attempt, refused.retry_after, datetime.now(UTC))
                connected = refused.failure is not Failure.UNREACHABLE
                if not deadline.allows(_now_s() + pause, connected=connected):
                    raise LlmError(refused.failure, str(refused)) from refused
                _log.debug("asking again in %.2f s: %s", pause, refused)
            await asyncio.sleep(pause)

    async def read(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """Have the model loaded and all of it read, for a single token; asks once, raises LlmError."""
        deadline = Deadline(self._settings.patience, _now_s())
        asking = Asking(messages, tools, max_tokens=1)
        try:
            async with contextlib.aclosing(self._attempt(asking, deadline)) as deltas:
                async for _ in deltas:
                    pass
        except NotYetError as refused:
            raise LlmError(refused.failure, str(refused)) from refused

    async def _attempt(self, asking: Asking, deadline: Deadline) -> AsyncGenerator[Delta, None]:
        if not self._model:
            self._model = chosen(await in_time(self._list(), deadline))
        body = asking.body(self._model, self._settings.temperature)
        request = self._client.build_request("POST", f"{self._base}/chat/completions", json=body)
        response = await in_time(self._send(request), deadline)
        try:
            await self._check(response, deadline, asking.tools)
            async with contextlib.aclosing(_deltas(response, deadline)) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            await response.aclose()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """The response up to its headers; NotYetError when there is no connection to be had."""
        try:
            return await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise NotYetError(
                Failure.UNREACHABLE,
                f"can't reach {self._base} ({reason}); is it running, and is --llm-url right?",
            ) from error

    async def _check(
        self, response: httpx.Response, deadline: Deadline, tools: Sequence[Tool] = ()
    ) -> None:
        """Raises for any status but success, with the remedy for it."""
        status, detail = response.status_code, b""
        if response.is_success:
            return
        with contextlib.suppress(httpx.TransportError):
            detail = await in_time(_head(response, _MAX_ERROR_BYTES), deadline)
            # May repeat the question, and what people say is logged at this level only.
            _log.debug("status %d: %s", status, detail[:2000].decode(errors="replace"))
        if tools and refuses_tools(status, detail):
            raise tools_refused(self._base, status)
        model = self._model
        if status == 404:  # perhaps it has another one by now
            self._model = self._settings.model
        raise refusal(self._base, status, response.headers.get("retry-after"), model)

    async def _list(self) -> tuple[str, ...]:
        """The names in `/v1/models`, in the server's order."""
        request = self._client.build_request("GET", f"{self._base}/models")
        response = await self._send(request)
        try:
            await self._check(response, Deadline(self._settings.patience, _now_s()))
            names = names_in(await _head(response, _MAX_LISTING_BYTES))
        except httpx.TransportError as error:
            raise NotYetError(Failure.UNREACHABLE, f"{self._base} hung up") from error
        finally:
            await response.aclose()
        if not names:
            if _media_type(response) == _PAGE:
                raise _elsewhere(response)
            raise LlmError(
                Failure.NO_MODEL, f"{self._base} lists no model; name one with --llm-model"
            )
        return names


async def look_at(url: str, api_key: str = "") -> Listing:
    """What a server at `url` has, for who only wants to know."""
    llm = LlamaSwap(LlmSettings(url=url, api_key=api_key))
    try:
        return await llm.look()
    finally:
        await llm.close()


def base_url(url: str) -> str:
    """`http://host:8080`, with or without a slash or `/v1`, as `http://host:8080/v1`."""
    bare = url.rstrip("/").removesuffix("/chat/completions")
    return f"{bare.removesuffix('/v1')}/v1"


async def _deltas(response: httpx.Response, deadline: Deadline) -> AsyncGenerator[Delta, None]:
    """The answer in a response's body; raises LlmError when it ends before it is finished, or never began.

    A finished answer is read to the end of its body, or the connection could not be used again; what
    goes wrong there is of no interest.
    """
    deltas, finished = Deltas(), False
    try:
        async with contextlib.aclosing(_documents(response, deadline)) as documents:
            async for document in documents:
                for delta in deltas.push(document):
                    finished = finished or isinstance(delta, Finished)
                    note_sign(delta, deadline)
                    yield delta
    except LlmError:
        if not finished:
            raise
    for delta in deltas.finish():
        yield delta
    if not finished:
        if not deltas.begun and _media_type(response) != _STREAM:
            raise _elsewhere(response)
        raise LlmError(Failure.BROKE_OFF, "the stream ended before the answer did; see its log")


def _elsewhere(response: httpx.Response) -> LlmError:
    """For a success that holds nothing a language model would say: a router's page, another service."""
    return LlmError(
        Failure.NO_MODEL,
        f"{response.url} answers {_media_type(response) or 'without a content type'} and nothing "
        "that a language model would say; --llm-url points elsewhere",
    )


def _media_type(response: httpx.Response) -> str:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()


async def _documents(response: httpx.Response, deadline: Deadline) -> AsyncGenerator[str, None]:
    reader = SseReader()
    body = response.aiter_bytes()
    try:
        while (chunk := await in_time(anext(body, None), deadline)) is not None:
            for document in reader.push(chunk):
                yield document
    except (httpx.TransportError, httpx.DecodingError, ValueError) as error:
        raise LlmError(Failure.BROKE_OFF, f"the stream broke: {error}") from error
    for document in reader.finish():
        yield document


async def _head(response: httpx.Response, most_bytes: int) -> bytes:
    """The first bytes of a body."""
    head = b""
    async for chunk in response.aiter_bytes():
        head += chunk
        if len(head) >= most_bytes:
            break
    return head


def _now_s() -> float:
    return asyncio.get_running_loop().time()
