"""Conversations over a real WebSocket, with the real servers."""

import asyncio
import contextlib
import gc
import itertools
import sys
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest

from tests.asr.speech import said, silence
from tests.gateway.conftest import gateway, settings
from tests.gateway.page import Browser, Message, Page, ask, ask_and_be_guessed, words_of
from tests.handle.talking import served
from tests.llama_swap import Do, FakeLlamaSwap, Reply, delta, words
from tests.metrics_client import values_in
from tests.processes import begun
from tests.satellite.waiting import until
from wyoming_voice.gateway.server import serving
from wyoming_voice.gateway.talk import Talk
from wyoming_voice.service import serving as serving_wyoming
from wyoming_voice.tts.server import build
from wyoming_voice.tts.settings import TtsSettings

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION, OTHER = "What time is it?", "Turn on the kitchen light."
STORY = " ".join(f"This is sentence number {number} of a long story." for number in range(1, 30))


async def test_a_turn_from_speech_to_audible_answer(servers: dict[str, str]) -> None:
    async with (
        gateway(servers, vad_sensitivity="relaxed", endpoint="fixed") as browser,
        browser.page() as page,
    ):
        ready = await page.start(sample_rate=16_000)
        assert {service["kind"] for service in ready["services"]} == {"asr", "handle", "tts"}
        await ask_and_be_guessed(page, QUESTION)
        end = await page.until("audio_end")
        await page.say(type="heard", playback=end["playback"], ms=60_000)
        await page.until("state", page.told.index(end), state="idle")
    answer = await page.until("answer")
    assert "".join(one["text"] for one in page.all("answer_delta")) == answer["text"] != ""
    pcm = np.frombuffer(page.sound[end["playback"]], "<i2")
    assert len(pcm) > 24_000
    assert np.abs(pcm).max() > 3_000
    states = [one["state"] for one in page.all("state")]
    assert states == ["idle", "listening", "processing", "responding", "idle"]
    assert {one["turn"] for one in page.told if "turn" in one} == {1}
    frames = page.all("frame")
    assert max(one["probability"] for one in frames) > 0.9
    assert min(one["level_dbfs"] for one in frames) < -80
    assert_follows(page, "speech_started", "speech_stopped", "transcript", "answer_delta", "answer")
    assert_stages(page.all("waterfall")[0]["stages"])
    assert counted(browser) == [1, 1]


def counted(browser: Browser) -> list[float]:
    """How many answers were timed, and how many turns have ended with one."""
    values = values_in(browser.gateway._metrics.page()[0])
    names = ("response_gap_seconds_count:direct", "turns_total:answered:direct")
    return [values[f"wyoming_voice_{name}"] for name in names]


def assert_stages(told: list[Message]) -> None:
    """They follow one another, with the work that was begun on a guess beside them."""
    stages = {stage["name"]: stage for stage in told}
    row = ["end of speech noticed", "transcript", "first words", "first audio"]
    assert [name for name in stages if name in row] == row
    assert stages[row[0]]["start_ms"] == 0 < stages[row[0]]["end_ms"]
    for before, after in itertools.pairwise(row):
        assert stages[before]["end_ms"] <= stages[after]["start_ms"] <= stages[after]["end_ms"]
    ahead = stages["answer begun on a guess"]
    assert 0 < ahead["start_ms"] < ahead["end_ms"] <= stages["first words"]["end_ms"]


def assert_follows(page: Page, *kinds: str) -> None:
    """These came in this order."""
    places = [page.kinds.index(kind) for kind in kinds]
    assert places == sorted(places), page.kinds


async def test_whoever_speaks_into_an_answer_is_listened_to(servers: dict[str, str]) -> None:
    async with (
        FakeLlamaSwap(words(STORY)) as llm,
        served(llm_url=llm.url) as handle,
        gateway({**servers, "handle": handle}) as browser,
        browser.page() as page,
    ):
        await page.start()
        await ask(page, QUESTION)
        begun = await page.until("audio_begin")
        await page.sounded(begun["playback"], 2.0)  # what is said sooner goes on with the question
        await page.say(type="heard", playback=begun["playback"], ms=1_500)
        await page.speak(said(OTHER))
        cleared = await page.until("audio_clear")
        at = page.told.index(cleared)
        async with page.listening():
            await page.until("transcript", at, turn=2, text=OTHER)
            again = await page.until("audio_begin", at)
    assert cleared["playback"] == begun["playback"] < again["playback"]
    assert 24_000 < len(page.sound[cleared["playback"]]) < 48_000 * 10
    assert_follows(page, "audio_begin", "audio_clear")
    remembered = [one["content"] for one in llm.chats[-1]["messages"] if one["role"] == "assistant"]
    heard, mark, _ = remembered[0].partition("…")
    assert (bool(heard), bool(mark), STORY.startswith(heard)) == (True, True, True), heard


async def test_a_held_button_decides_and_may_interrupt(servers: dict[str, str]) -> None:
    async with (
        FakeLlamaSwap(words(STORY)) as llm,
        served(llm_url=llm.url) as handle,
        gateway({**servers, "handle": handle}) as browser,
        browser.page() as page,
    ):
        await page.start(mode="push", format="s16le", sample_rate=48_000)
        await page.send(np.concatenate((said(OTHER), silence(0.5))), rate_hz=48_000)
        for turn, text in enumerate((QUESTION, OTHER), start=1):
            await page.hold(said(text), rate_hz=48_000)
            await page.until("transcript", turn=turn, text=text)  # what came before is no part
            begun = await page.until("audio_begin", playback=turn)
        await page.say(type="stop")
        await page.until("audio_clear", playback=2)
        await page.until("state", page.told.index(begun), state="idle")
    assert [one["playback"] for one in page.all("audio_clear")] == [1, 2]


async def test_a_microphone_that_stops_after_the_last_word_is_answered(browser: Browser) -> None:
    async with browser.page() as page:
        await page.start(format="s16le", sample_rate=16_000)
        await page.send(words_of(QUESTION))
        await page.until("transcript", turn=1, text=QUESTION)
        await page.until("audio_end")


async def test_a_button_holds_a_turn_where_talk_needs_none(browser: Browser) -> None:
    async with browser.page() as page:
        await page.start(format="s16le", sample_rate=16_000)
        await page.say(type="press")
        await page.send(np.concatenate((said(QUESTION), silence(1.2))))
        await page.until("speech_stopped")
        assert page.all("transcript") == []
        await page.say(type="release")
        await page.until("transcript", turn=1, text=QUESTION)
        await page.until("answer")
        await page.send(np.concatenate((said(OTHER), silence(0.4))))
        await page.until("transcript", turn=2, text=OTHER)


async def test_two_pages_at_once(browser: Browser) -> None:
    async with browser.page() as one, browser.page() as other:
        await asyncio.gather(one.start(), other.start())
        await asyncio.gather(ask(one, QUESTION), ask(other, OTHER))
        await asyncio.gather(one.until("audio_begin"), other.until("audio_begin"))
    assert [page.all("transcript")[0]["text"] for page in (one, other)] == [QUESTION, OTHER]


async def test_a_server_that_is_away_and_comes_back(
    servers: dict[str, str], unused_tcp_port: int
) -> None:
    uri = f"tcp://127.0.0.1:{unused_tcp_port}"
    async with (
        serving(settings({**servers, "tts": uri})) as running,
        (browser := Browser(*running)).page() as page,
    ):
        await page.start()
        trouble = await page.until("trouble")
        assert "no tts server answers; start one, or name it (--tts-uri)" in trouble["text"]
        await page.speak(said(QUESTION))
        told = await page.until("trouble", page.told.index(trouble) + 1)
        assert told["text"] == trouble["text"]
        end = await page.until("audio_end")
        assert len(page.sound[end["playback"]]) > 24_000, "a sentence from memory"
        async with httpx.AsyncClient(base_url=browser.url) as client:
            assert (await client.get("/ready")).status_code == 503
            health = await client.get("/health")
            assert health.status_code == 200
            rows = {row["kind"]: row for row in health.json()["services"]}
            assert (rows["tts"]["state"], rows["tts"]["latency_ms"]) == ("away", None)
            assert rows["asr"]["state"] == "up"
            assert rows["asr"]["latency_ms"] > 0
            assert rows["asr"]["version"]
            assert rows["asr"]["name"]
            voice = TtsSettings(uri=uri, no_zeroconf=True, engine="espeak")
            async with serving_wyoming(build(voice), voice):
                await page.until("trouble", text="")
                assert (await client.get("/ready")).status_code == 200


async def test_a_page_that_leaves_takes_all_with_it(servers: dict[str, str]) -> None:
    stalls = Reply([delta(role="assistant", content="It is"), Do.STALL])
    async with (
        FakeLlamaSwap(stalls) as llm,
        served(llm_url=llm.url) as handle,
        gateway({**servers, "handle": handle}) as browser,
    ):
        async with browser.page() as page:
            await page.start()
            await ask(page, QUESTION)
            await page.until("answer_delta")
        await llm.hung_up.wait()
        await until(lambda: browser.gateway.talks.count == 0)
        await until(lambda: not at_work("/direct.py", "/talk.py", "/supposition.py", "/spare.py"))
        del page
        gc.collect()
        assert not [one for one in gc.get_objects() if isinstance(one, Talk)], "a deadline holds it"


def at_work(*files: str) -> list[str]:
    """The tasks that run code of these files."""
    codes = [getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()]
    return [code.co_name for code in codes if code and code.co_filename.endswith(files)]


async def test_a_voice_that_nobody_has_is_told(browser: Browser) -> None:
    async with browser.page() as page:
        await page.start(mode="push", format="s16le", voice="nobody")
        await page.hold(said(QUESTION))
        trouble = await page.until("trouble")
        await page.until("audio_begin")
    assert "unknown voice 'nobody'" in trouble["text"]
    assert "its own voice speaks" in trouble["text"]


async def test_a_connection_that_breaks_goes_on_with_its_conversation(
    servers: dict[str, str],
) -> None:
    async with (
        FakeLlamaSwap(words("Half past two.")) as llm,
        served(llm_url=llm.url) as handle,
        gateway({**servers, "handle": handle}) as browser,
    ):
        name = ""
        for _ in range(2):
            async with browser.page() as page:
                ready = await page.start(mode="push", format="s16le", conversation=name)
                await page.hold(said(QUESTION))
                await page.until("answer")
            assert name in ("", ready["conversation"])
            name = ready["conversation"]
    asked = [one["content"] for one in llm.chats[-1]["messages"] if one["role"] == "user"]
    assert asked == [QUESTION, QUESTION]


async def test_a_server_that_dies_in_the_middle_of_an_answer(
    servers: dict[str, str], unused_tcp_port: int
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        llm = await stack.enter_async_context(FakeLlamaSwap(words(STORY)))
        handle = await stack.enter_async_context(served(llm_url=llm.url))
        uri = f"tcp://127.0.0.1:{unused_tcp_port}"
        dies = contextlib.AsyncExitStack()
        process = await dies.enter_async_context(voice_process(uri))
        browser = await stack.enter_async_context(
            gateway({**servers, "handle": handle, "tts": uri}, answer_s=9)
        )
        page = await stack.enter_async_context(browser.page())
        await page.start(mode="push", format="s16le")
        await page.hold(said(QUESTION))
        await page.until("audio_begin")
        assert page.all("trouble") == []
        process.kill()
        await dies.aclose()
        at = 0
        while "no tts server answers" not in (told := await page.until("trouble", at))["text"]:
            at = page.told.index(told) + 1  # that it hung up may be told before
        await stack.enter_async_context(voice_process(uri))
        over = await page.until("trouble", text="")
        at = page.told.index(over)
        await page.hold(said(OTHER))
        await page.until("transcript", at, text=OTHER)
        begun = await page.until("audio_begin", at)
        await page.sounded(begun["playback"], 0.5)


@contextlib.asynccontextmanager
async def voice_process(uri: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The embedded voice in a process that can be killed, once it is ready."""
    options = ("--engine", "espeak", "--uri", uri, "--no-zeroconf")
    async with begun(sys.executable, "-m", "wyoming_voice", "tts", *options) as process:
        await process.says("ready")
        yield process.process
