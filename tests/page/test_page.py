"""The page beside the conversation: typed questions, voices, keys, services, and what it says of failures."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from tests.page.browser import Person, visit
from tests.page.conftest import Come
from tests.page.scripted import ScriptedGateway, scripted, service
from tests.page.test_talking import STAGES, answered, just_talk
from wyoming_voice.gateway.static import PAGE

pytestmark = [pytest.mark.page, pytest.mark.asyncio(loop_scope="session")]

POLL = "document.dispatchEvent(new Event('visibilitychange'))"
KEY = "0123456789abcdef01234567"


async def test_a_typed_question_is_answered_in_words_or_aloud(
    come: Come, gateway: ScriptedGateway
) -> None:
    seen = await come()
    await seen.page.uncheck("#aloud")
    await seen.page.fill("#question", "what time is it")
    await seen.page.keyboard.press("Enter")
    await seen.page.wait_for_selector("text=It is ten past nine.")
    assert gateway.asked[-1]["format"] == "json"
    assert await seen.page.inner_text("#announcer") == "It is ten past nine."

    gateway.answer = "Ça va – très bien."
    await seen.page.check("#aloud")
    await seen.page.fill("#question", "et maintenant ?")
    await seen.page.click("text=Ask")
    await seen.audible()
    await seen.page.wait_for_selector("text=Ça va – très bien.")
    assert gateway.asked[-1]["text"] == "et maintenant ?"
    assert gateway.asked[-1]["format"] == "wav"
    await seen.silent()
    await seen.page.wait_for_selector("#stop:disabled")
    session = await just_talk(seen, gateway)
    asked = {one["conversation"] for one in gateway.asked}
    assert asked == {session.start["conversation"]}
    await seen.check_clean()


async def test_a_voice_can_be_heard(come: Come, gateway: ScriptedGateway) -> None:
    seen = await come(width=375, height=812)
    await seen.page.click("#panel-button")
    await seen.page.click("#voices summary")
    await seen.page.get_by_role("button", name="Hear bf_emma").click()
    await seen.audible()
    assert gateway.said[-1]["voice"] == "bf_emma"
    await seen.page.wait_for_selector("#stop:disabled")
    await seen.check_clean()


async def test_a_key_is_asked_for_and_used(browser: Browser, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    gateway = ScriptedGateway()
    gateway.services[2] = service("tts", "away")
    async with scripted(gateway, api_key_file=keys) as url, visit(browser, Person()) as seen:
        await seen.page.goto(url)
        await seen.page.fill("#key", "not this one, surely")
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_selector("text=the key is not known")
        await seen.page.fill("#key", KEY)
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_selector("[value=bf_emma]", state="attached")
        assert not await seen.page.is_visible("#key-dialog")
        await just_talk(seen, gateway)
        await seen.page.reload()
        await seen.page.wait_for_selector("[value=bf_emma]", state="attached")


async def test_a_key_that_no_longer_fits_is_asked_for_when_talking(
    browser: Browser, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    gateway = ScriptedGateway()
    async with visit(browser, Person()) as seen:
        async with scripted(gateway) as url:
            await seen.page.goto(url)
            await seen.page.wait_for_selector("[value=bf_emma]", state="attached")
        async with scripted(gateway, port=urlsplit(url).port or 0, api_key_file=keys):
            await seen.page.click("#talk")
            await seen.page.wait_for_selector("text=a key is needed")


async def test_a_service_that_is_away_is_told(come: Come, gateway: ScriptedGateway) -> None:
    gateway.services[1] = service("handle", "away")
    seen = await come()
    await seen.page.wait_for_selector("[role=alert] >> text=Answering is away")
    assert await seen.page.inner_text("#health") == "Answering away"
    assert "connection refused" in await seen.page.inner_text("#services")
    gateway.services[1] = service("handle")
    await seen.page.evaluate(POLL)
    await seen.page.wait_for_selector("text=All services up")
    assert await seen.page.locator(".trouble").count() == 0
    session = await just_talk(seen, gateway)
    await session.tell("trouble", text="no asr server answers; start one")
    await seen.page.wait_for_selector("[role=alert] >> text=no asr server answers")
    await session.tell("trouble", text="")
    await seen.page.wait_for_selector(".trouble", state="detached")
    await seen.check_clean()


async def test_a_connection_that_is_lost_comes_back(browser: Browser) -> None:
    gateway = ScriptedGateway()
    async with visit(browser, Person()) as seen:
        async with scripted(gateway) as url:
            await seen.page.goto(url)
            session = await just_talk(seen, gateway)
            await answered(seen, session, seconds=10)
        await seen.page.wait_for_selector("text=The connection to the gateway is lost")
        await seen.page.wait_for_selector("#state:has-text('Not connected')")
        await seen.silent()
        await seen.page.evaluate(POLL)
        async with scripted(gateway, port=urlsplit(url).port or 0):
            again = await gateway.session()
            await again.hear(100)
            assert again.start["conversation"] == session.start["conversation"] != ""
            await seen.page.evaluate(POLL)
            await seen.page.wait_for_selector(".trouble", state="detached")


async def test_whoever_is_impatient_has_it_tried_at_once(browser: Browser) -> None:
    gateway = ScriptedGateway()
    async with visit(browser, Person()) as seen:
        async with scripted(gateway) as url:
            await seen.page.goto(url)
            await just_talk(seen, gateway)
            await seen.page.evaluate("setTimeout = () => 0")  # by itself it would wait for ever
        await seen.page.wait_for_selector("#state:has-text('Not connected')")
        async with scripted(gateway, port=urlsplit(url).port or 0):
            await seen.page.click("text=Try now")
            await gateway.session()


async def test_a_gateway_that_is_away_is_told(browser: Browser) -> None:
    gateway = ScriptedGateway()
    async with visit(browser, Person()) as seen:
        async with scripted(gateway) as url:
            await seen.page.goto(url)
            await seen.page.wait_for_selector("text=All services up")
        await seen.page.evaluate(POLL)
        await seen.page.wait_for_selector("text=The gateway doesn't answer")
        await seen.page.fill("#question", "hello?")
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_selector("text=The gateway can't be reached.")


async def test_a_microphone_that_is_not_allowed_is_told(
    come: Come, gateway: ScriptedGateway
) -> None:
    seen = await come(may_listen=False)
    await seen.page.click("#talk")
    await seen.page.wait_for_selector("[role=alert] >> text=The microphone is not allowed")
    assert await seen.page.get_attribute("#talk", "aria-pressed") == "false"
    assert gateway.sessions.empty()


async def test_a_page_over_plain_http_says_why_there_is_no_microphone(browser: Browser) -> None:
    async with scripted(ScriptedGateway()) as url, visit(browser, Person()) as seen:
        await seen.page.goto(url.replace("127.0.0.1", "voice.local"))
        await seen.page.click("#talk")
        await seen.page.wait_for_selector("[role=alert] >> text=--tls-cert")


@pytest.mark.parametrize(("width", "dark"), [(320, True), (375, False), (1280, True)])
async def test_it_fits_and_is_accessible(
    come: Come, gateway: ScriptedGateway, width: int, dark: bool
) -> None:
    """Rules of axe-core: labels, landmarks, contrast, …; and nothing to scroll sideways."""
    gateway.services[1] = service("handle", "away")
    seen = await come(width=width, height=812, dark=dark)
    session = await just_talk(seen, gateway)
    await session.tell("partial", turn=1, text="tell me")
    await session.tell("partial", turn=1, text="tell me a story")
    await answered(seen, session, seconds=30)
    await session.tell("waterfall", turn=1, stages=STAGES)
    await session.tell("partial", turn=2, text="the wheather")
    if width < 960:
        await seen.page.click(".times summary")
        await seen.page.click("#panel-button")
    await seen.page.click("#voices summary")
    found = await Axe().run(seen.page)
    assert found.violations_count == 0, found.generate_report()
    assert await seen.page.evaluate("document.scrollingElement.scrollWidth") <= width
    small = """[...document.querySelectorAll("button, select, input, summary")].filter((it) => {
        const { width, height } = (it.closest("label") ?? it).getBoundingClientRect();
        return width && (width < 24 || height < 24);
    }).map((it) => it.outerHTML)"""
    assert await seen.page.evaluate(small) == []


async def test_all_can_be_reached_with_the_keyboard(come: Come) -> None:
    seen = await come(width=375, height=812)
    named = "(({ id, name, textContent }) => id || name || textContent)(document.activeElement)"
    reached = []
    for _ in range(5):
        await seen.page.keyboard.press("Tab")
        reached.append(await seen.page.evaluate(named))
    assert reached == ["Skip to the talk button", "panel-button", "mode", "talk", "question"]
    outline = await seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


PLAYER = """async () => {
  globalThis.sampleRate = 48000;
  globalThis.currentTime = 0;
  globalThis.AudioWorkletProcessor = class {
    port = { postMessage: ({ type }) => told.push(type) };
  };
  globalThis.registerProcessor = (name, made) => (globalThis.Player = made);
  const told = [];
  await import("/player-worklet.js");
  const player = new Player();
  const source = Int16Array.from({ length: 24000 }, (_, i) => 16384 * Math.sin((Math.PI * i) / 12));
  const out = [];
  const pull = (until) => {
    const block = new Float32Array(128);
    for (; out.length < until; out.push(...block)) player.process([], [[block]]);
  };
  player.begin({ id: 1, rate: 24000 });
  for (let at = 0, n = 1; at < source.length; at += n, n = ((n * 7 + 3) % 997) + 1) {
    player.pcm({ id: 1, pcm: source.slice(at, at + n).buffer });
  }
  player.end({ id: 1 });
  pull(40000);
  let worst = 0;
  for (let i = 2000; i < 40000; i++) {
    worst = Math.max(worst, Math.abs(out[i] - 0.5 * Math.sin((Math.PI * i) / 24)));
  }
  const from = out.length;
  player.clear({ id: 1 });
  pull(from + 2000);
  return { worst, fade_ms: (out.findLastIndex((it) => it !== 0) + 1 - from) / 48, told };
}"""


async def test_the_player_joins_pieces_without_a_gap(come: Come) -> None:
    """1 kHz at 24 kHz in pieces of any size is 1 kHz at 48 kHz to -60 dB; what is cleared fades in 5 ms."""
    seen = await come()
    played = await seen.page.evaluate(PLAYER)
    assert played["worst"] < 0.5e-3
    assert 0 < played["fade_ms"] <= 5
    assert played["told"] == ["audible", "position", "cleared"]


async def test_it_is_small_and_all_of_it_is_ours() -> None:
    files = [path for path in PAGE.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 80_000
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg|localhost)", text), path.name
        assert "innerHTML" not in text
