"""The page, the gateway and all servers: real speech in and out, nothing scripted but the model's words."""

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Playwright

from tests.asr.speech import COMMAND_MODEL, said, silence
from tests.llama_swap import FakeLlamaSwap, words
from tests.page.browser import Person, Visit, launched, visit, write_wav
from wyoming_voice.gateway.server import serving
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.stack import Plan, running

pytestmark = [pytest.mark.page, pytest.mark.asyncio(loop_scope="session")]

_LOCAL = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--log-level", "warning")
_WHISPER = ("--model", str(COMMAND_MODEL), "--language", "en", "--cpu-threads", "1")
LONG = "One sentence after another is spoken here, so that there is time to interrupt it. " * 6


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url() -> AsyncIterator[str]:
    async with contextlib.AsyncExitStack() as stack:
        model = await stack.enter_async_context(FakeLlamaSwap(words(*re.findall(r"\S+ ", LONG))))
        plans = [
            Plan("asr", (*_LOCAL, *_WHISPER)),
            Plan("tts", ("--engine", "espeak", *_LOCAL)),
            Plan("handle", ("--llm-url", model.url, *_LOCAL)),
        ]
        uris = await stack.enter_async_context(running(plans, lambda *_: None))
        named = {f"{kind}_uri": [uri] for kind, uri in uris.items()}
        settings = GatewaySettings(http="tcp://127.0.0.1:0", **named)  # type: ignore[arg-type]
        _gateway, address = await stack.enter_async_context(serving(settings))
        yield f"http://{address.host}:{address.port}/"


@pytest_asyncio.fixture(loop_scope="session")
async def seen(playwright: Playwright, url: str, tmp_path: Path) -> AsyncIterator[Visit]:
    """A page whose microphone hears the same question again and again."""
    audio = np.concatenate((silence(0.5), said("what time is it"), silence(5.0)))
    microphone = write_wav(tmp_path / "question.wav", (32_767 * audio).astype(np.int16), 16_000)
    async with (
        launched(playwright, microphone, again=True) as browser,
        visit(browser, Person()) as come,
    ):
        await come.page.goto(url)
        await come.page.wait_for_selector("text=All services up")
        yield come


async def test_a_turn_from_speech_to_audible_answer_and_an_interruption_by_speaking(
    seen: Visit,
) -> None:
    await seen.page.check("[value=talk]")
    await seen.page.click("#talk")
    await seen.audible()
    assert (await seen.page.inner_text(".you .text")).lower().startswith("what time is it")
    assert "One sentence" in await seen.page.inner_text(".answer .text")
    await seen.page.wait_for_selector(".cut")  # the question comes again, and interrupts
    await seen.page.wait_for_selector(".turn:nth-child(2) .you")
    await seen.page.wait_for_selector(".turn:first-child summary:has-text('Answer heard after')")
    await seen.audible()
    await seen.page.click("#talk")
    await seen.silent()
    await seen.check_clean()


async def test_a_typed_question_is_answered_aloud(seen: Visit) -> None:
    await seen.page.fill("#question", "what time is it")
    await seen.page.keyboard.press("Enter")
    await seen.audible()
    assert "One sentence" in await seen.page.inner_text(".answer .text")
    await seen.page.click("#stop")
    await seen.silent()
    await seen.check_clean()
