"""Talking on the page: what it sends, shows and plays, with a gateway that says what the test tells it to."""

import asyncio

import pytest

from tests.page.browser import PATIENCE_S, Visit
from tests.page.conftest import Come
from tests.page.scripted import ScriptedGateway, Session, tone

pytestmark = [pytest.mark.page, pytest.mark.asyncio(loop_scope="session")]

STAGES = [
    {"name": "end of speech noticed", "start_ms": 0, "end_ms": 500},
    {"name": "transcript", "start_ms": 500, "end_ms": 650},
    {"name": "first audio", "start_ms": 650, "end_ms": 900},
]


async def just_talk(seen: Visit, gateway: ScriptedGateway) -> Session:
    """Choose "just talk", and start."""
    await seen.page.check("[value=talk]")
    await seen.page.click("#talk")
    return await gateway.session()


async def answered(seen: Visit, session: Session, seconds: float) -> None:
    """A turn up to where its answer is heard."""
    await session.tell("transcript", turn=1, text="what time is it")
    await session.tell("answer_delta", turn=1, text="It is ten past nine. ")
    await session.tell("answer_delta", turn=1, text="The sun is up.")
    await session.tell("state", state="responding")
    await session.tell("audio_begin", playback=7, sample_rate=24_000)
    await session.socket.send_bytes(tone(seconds))
    await seen.audible()


async def test_a_turn_is_sent_shown_and_heard(come: Come, gateway: ScriptedGateway) -> None:
    seen = await come()
    session = await just_talk(seen, gateway)
    assert session.start["mode"] == "talk"
    assert session.start["format"] == "s16le"
    await session.hear(300)

    for _ in range(8):
        await session.tell("frame", probability=0.97, level_dbfs=-20.0)
    await session.tell("speech_started")
    await seen.page.wait_for_selector("text=speech 97 %")
    await session.tell("partial", turn=1, text="what time")
    await session.tell("partial", turn=1, text="what dime is it")
    firm = seen.page.locator(".firm")
    await seen.page.wait_for_selector(".tentative:has-text('dime is it')")
    assert await firm.text_content() == "what "
    await session.tell("speech_stopped")

    await answered(seen, session, seconds=0.5)
    await session.tell("audio_end", playback=7)
    assert await session.told("heard") == {"type": "heard", "playback": 7, "ms": 500}
    await seen.silent()
    assert await seen.page.inner_text(".you .text") == "what time is it"
    assert await seen.page.inner_text(".answer .text") == "It is ten past nine. The sun is up."

    await session.tell("waterfall", turn=1, stages=STAGES)
    await seen.page.wait_for_selector("text=Answer heard after")
    rows = await seen.page.locator(".times tbody tr").all_inner_texts()
    assert [row.split("\t")[:4] for row in rows[:2]] == [
        ["end of speech noticed", "0", "500", "500"],
        ["transcript", "500", "650", "150"],
    ]
    assert rows[-1].startswith("heard here")
    assert await seen.page.inner_text("#announcer") == "You said: what time is it"
    await seen.check_clean()


async def test_what_is_cleared_is_silent_and_what_was_heard_is_told(
    come: Come, gateway: ScriptedGateway
) -> None:
    seen = await come()
    session = await just_talk(seen, gateway)
    await answered(seen, session, seconds=10)
    await session.tell("audio_clear", playback=7)
    heard = await session.told("heard")
    assert heard["playback"] == 7
    assert 0 <= heard["ms"] < 9_000
    await session.socket.send_bytes(tone(1))  # was on its way
    await seen.silent()
    await seen.page.wait_for_selector("text=interrupted")
    await session.play(8, tone(0.3))
    await seen.audible()
    assert (await session.told("heard"))["ms"] == 300
    await seen.check_clean()


async def test_the_sentence_that_is_spoken_is_marked(come: Come, gateway: ScriptedGateway) -> None:
    seen = await come()
    session = await just_talk(seen, gateway)
    await answered(seen, session, seconds=2)
    assert await seen.page.inner_text(".now") == "It is ten past nine. "
    await session.tell("audio_end", playback=7)
    await seen.page.wait_for_selector(".now:has-text('The sun is up.')")
    await session.told("heard")
    await seen.page.wait_for_selector(".now", state="detached")


async def test_stop_is_silence_at_once(come: Come, gateway: ScriptedGateway) -> None:
    seen = await come()
    session = await just_talk(seen, gateway)
    await answered(seen, session, seconds=10)
    await seen.page.keyboard.press("Escape")
    await session.told("stop")
    await seen.silent()
    await session.told("heard")
    await session.tell("state", state="idle")
    await seen.page.wait_for_selector("#stop:disabled")


async def test_the_space_bar_is_held_to_talk(come: Come, gateway: ScriptedGateway) -> None:
    seen = await come()
    await seen.page.keyboard.down(" ")
    session = await gateway.session()
    assert session.start["mode"] == "push"
    await session.told("press")
    await session.hear(400)
    await seen.page.wait_for_selector("text=Let go to send")
    await seen.page.keyboard.up(" ")
    await session.told("release")
    sent = len(session.sound)
    await seen.page.wait_for_selector("text=nothing is sent")
    # Between two presses nothing is sent; what was said just before the second goes first.
    await seen.page.keyboard.down(" ")
    await session.told("press")
    before_ms = 1000 * (len(session.sound) - sent) / 2 / session.start["sample_rate"]
    assert 0 < before_ms < 500
    await session.hear(900)
    await seen.page.keyboard.up(" ")
    await session.told("release")
    await seen.check_clean()


async def test_what_was_said_just_before_the_press_is_part_of_what_is_scored(
    come: Come, gateway: ScriptedGateway
) -> None:
    """The last speech was before the press, so that it is longer ago than the button was held."""
    seen = await come()
    await seen.page.keyboard.down(" ")
    session = await gateway.session()
    await session.hear(400)
    await seen.page.keyboard.up(" ")
    await session.told("release")
    sent = len(session.sound)
    await seen.until("performance.now() > 500 + (globalThis.since ??= performance.now())")
    await seen.page.keyboard.down(" ")
    await session.told("press")
    frame_bytes = session.start["sample_rate"] * 32 // 1000 * 2
    before = (len(session.sound) - sent) // frame_bytes
    await session.hear(900)
    for number in range((len(session.sound) - sent) // frame_bytes):
        await session.tell("frame", probability=0.9 if number < before else 0.0, level_dbfs=-20)
    await answered(seen, session, seconds=1)
    await session.tell("waterfall", turn=1, stages=STAGES)
    summary = await seen.page.inner_text(".times summary:has-text('heard after')")
    assert float(summary.split()[-2]) >= 0.9
    await seen.page.keyboard.up(" ")


async def test_a_microphone_that_is_not_used_is_given_back_and_the_room_for_others(
    come: Come, gateway: ScriptedGateway
) -> None:
    seen = await come()
    await seen.page.clock.install()
    await seen.page.reload()
    await seen.page.wait_for_selector("text=All services up")
    await seen.page.click("#talk")
    session = await gateway.session()
    await session.told("press")
    await seen.page.click("#talk")
    await session.told("release")
    await seen.page.clock.fast_forward(61_000)
    async with asyncio.timeout(PATIENCE_S):
        await session.closed.wait()
    await seen.page.wait_for_selector("text=microphone off")
    assert await seen.page.inner_text("#state") == "Ready"
    await seen.page.click("#talk")
    again = await gateway.session()
    assert again.start == session.start
    await again.told("press")
    await again.hear(400)


async def test_a_space_that_is_typed_is_no_press(come: Come, gateway: ScriptedGateway) -> None:
    seen = await come()
    await seen.page.focus("#question")
    await seen.page.keyboard.type("a b")
    assert await seen.page.input_value("#question") == "a b"
    assert await seen.page.get_attribute("#talk", "aria-pressed") == "false"
    assert gateway.sessions.empty()


async def test_the_button_is_held_or_tapped(come: Come, gateway: ScriptedGateway) -> None:
    seen = await come()
    await seen.page.click("#talk")  # shorter than a word: holds on until the next
    session = await gateway.session()
    await session.told("press")
    await session.hear(400)
    await seen.page.click("#talk")
    await session.told("release")
    await seen.page.focus("#talk")
    await seen.page.keyboard.press("Enter")
    await session.told("press")
    await seen.page.keyboard.press("Enter")
    await session.told("release")
    box = await seen.page.locator("#talk").bounding_box()
    assert box is not None
    await seen.page.mouse.move(box["x"] + 40, box["y"] + 40)
    await seen.page.mouse.down()
    await session.told("press")
    await session.hear(900)
    await seen.page.mouse.move(5, 5)  # a thumb slips
    await seen.page.mouse.up()
    await session.told("release")


async def test_the_press_that_silences_an_answer(come: Come, gateway: ScriptedGateway) -> None:
    seen = await come()
    await seen.page.click("#talk")
    session = await gateway.session()
    await session.told("press")
    await seen.page.click("#talk")
    await answered(seen, session, seconds=10)
    await seen.page.keyboard.down(" ")
    told = [await session.told("press", "heard"), await session.told("press", "heard")]
    assert {"press", "heard"} == {message["type"] for message in told}
    await seen.silent()
    await seen.page.keyboard.up(" ")


async def test_another_voice_begins_the_conversation_anew(
    come: Come, gateway: ScriptedGateway
) -> None:
    seen = await come()
    session = await just_talk(seen, gateway)
    assert session.start["voice"] == ""
    await seen.page.click("#voices summary")
    await seen.page.fill("#voice-search", "british")
    assert await seen.page.locator(".voice:visible").count() == 1
    await seen.page.check("[value=bf_emma]")
    other = await gateway.session()
    assert other.start["voice"] == "bf_emma"
    assert other.start["conversation"] == session.start["conversation"] != ""
    await other.hear(100)
    async with asyncio.timeout(PATIENCE_S):
        await session.closed.wait()
    await seen.page.reload()
    await seen.page.wait_for_selector("#voice:has-text('bf_emma')")
    await seen.check_clean()
