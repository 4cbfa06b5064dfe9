"""The inbox is bounded in bytes, and what is put in its place goes before all else."""

import asyncio

from wyoming_voice.asr.http.inbox import Cancel, End, Inbox

MEGABYTE = bytes(1_048_576)


async def test_a_full_inbox_takes_more_when_some_of_it_is_gone() -> None:
    inbox = Inbox()
    await inbox.put(MEGABYTE)
    waiting = asyncio.create_task(inbox.put(b"more"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    assert await inbox.get() == MEGABYTE
    await waiting
    assert await inbox.get() == b"more"


async def test_what_replaces_all_is_all_there_is() -> None:
    inbox = Inbox()
    await inbox.put(MEGABYTE)
    await inbox.replace(Cancel())
    await inbox.put(End())
    assert [await inbox.get(), await inbox.get()] == [Cancel(), End()]


async def test_who_waits_for_something_gets_it() -> None:
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    await inbox.put(b"it")
    assert await waiting == b"it"
