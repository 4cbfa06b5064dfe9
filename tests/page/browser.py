"""Chromium without a screen, whose microphone is a WAV file: from Debian's packages, driven by Playwright."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.async_api import Browser, Page, Playwright, Request

PATIENCE_S = 20.0

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PACKAGE = ("chromium", "fonts-dejavu-core")

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--host-resolver-rules=MAP voice.local 127.0.0.1",
)

# What goes to the loudspeaker also goes to `loud()`: the loudest sample of the last 43 ms.
_TAP = """
{
  const connect = AudioNode.prototype.connect;
  let tap = null;
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) {
      tap ??= new AnalyserNode(to.context, { fftSize: 2048 });
      connect.call(this, tap);
    }
    return connect.call(this, to, ...more);
  };
  globalThis.loud = () => {
    if (!tap) return 0;
    const samples = new Float32Array(tap.fftSize);
    tap.getFloatTimeDomainData(samples);
    return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  };
  globalThis.violations = [];
  addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
}
"""


def obtain() -> str:
    """The path of Chromium, from Debian's package where this may be; skip with the reason where not."""
    if found := _found():
        return found
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.skip("needs chromium, and apt can't be used here")
    install = ("apt-get", "install", "-y", "--no-install-recommends", *_PACKAGE)
    for command in (("apt-get", "update"), install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    return _found() or pytest.fail("the package chromium brings no chromium")


def _found() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


@dataclass
class Visit:
    """A page, and what went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    async def check_clean(self) -> None:
        """No error in the console, nothing asked of another host, nothing that the page's policy forbids."""
        assert self.errors == []
        assert self.hosts == {urlsplit(self.page.url).netloc}
        assert await self.page.evaluate("violations") == []

    async def until(self, condition: str) -> None:
        """Wait until an expression is true. (Playwright's own way needs `eval`, which the page forbids.)"""
        look = f"(look = () => {condition} ? met() : setTimeout(look, 5))()"
        async with asyncio.timeout(PATIENCE_S):
            await self.page.evaluate(f"() => new Promise((met) => {{ let look; {look}; }})")

    async def audible(self) -> None:
        """Wait until something is heard of the loudspeaker."""
        await self.until("loud() > 0.02")

    async def silent(self) -> None:
        """Wait until nothing is."""
        await self.until("loud() < 0.001")


@dataclass
class Person:
    """How somebody comes to a page."""

    width: int = 1280
    height: int = 800
    dark: bool = False
    may_listen: bool = True


@contextlib.asynccontextmanager
async def launched(
    playwright: Playwright, microphone: Path, *, again: bool = False
) -> AsyncIterator[Browser]:
    """A browser that nobody has used, whose microphone hears a WAV file, once or for ever."""
    heard = f"{microphone}" if again else f"{microphone}%noloop"
    options = [*_QUIET, f"--use-file-for-fake-audio-capture={heard}"]
    browser = await playwright.chromium.launch(executable_path=obtain(), args=options)
    try:
        yield browser
    finally:
        await browser.close()


@contextlib.asynccontextmanager
async def visit(browser: Browser, person: Person) -> AsyncIterator[Visit]:
    """A page with nothing kept from another; the caller goes where he wants."""
    context = await browser.new_context(
        viewport={"width": person.width, "height": person.height},
        color_scheme="dark" if person.dark else "light",
        reduced_motion="reduce",
        permissions=["microphone"] if person.may_listen else [],
    )
    try:
        await context.add_init_script(_TAP)
        yield _watched(await context.new_page())
    finally:
        await context.close()


def _watched(page: Page) -> Visit:
    seen = Visit(page)

    def requested(request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            seen.hosts.add(urlsplit(request.url).netloc)

    page.set_default_timeout(1000 * PATIENCE_S)
    page.on("request", requested)
    page.on("websocket", lambda socket: seen.hosts.add(urlsplit(socket.url).netloc))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on(
        "console",
        lambda line: seen.errors.append(line.text) if line.type in ("error", "warning") else None,
    )
    return seen


def write_wav(path: Path, samples: np.ndarray[Any, np.dtype[np.int16]], rate_hz: int) -> Path:
    """A file for the fake microphone."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return path
