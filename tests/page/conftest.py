"""The gateway's page in real headless Chromium (`make test-page`)."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from tests.page.browser import Person, Visit, launched, obtain, visit, write_wav
from tests.page.scripted import ScriptedGateway, scripted


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    obtain()
    async with async_playwright() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    """One whose microphone hears a tone for as long as the tests run."""
    rate_hz = 48_000
    times = np.arange(120 * rate_hz) / rate_hz
    tone = (6_000 * np.sin(2 * np.pi * 300 * times)).astype(np.int16)
    microphone = write_wav(tmp_path_factory.mktemp("sound") / "tone.wav", tone, rate_hz)
    async with launched(playwright, microphone) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def gateway() -> ScriptedGateway:
    return ScriptedGateway()


Come = Callable[..., Awaitable[Visit]]


@pytest_asyncio.fixture(loop_scope="session")
async def come(browser: Browser, gateway: ScriptedGateway) -> AsyncIterator[Come]:
    """Somebody opens the page: `await come(width=375)`."""
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(scripted(gateway))

        async def comes(**how: int | bool) -> Visit:
            seen = await stack.enter_async_context(visit(browser, Person(**how)))  # type: ignore[arg-type]
            await seen.page.goto(url)
            await seen.page.wait_for_selector("#services li", state="attached")
            return seen

        yield comes
