"""A conversation between servers that speculate, and the steps of a turn in it."""

import contextlib
from collections.abc import AsyncIterator

from satellite.events import Progressed, Supposed, Transcribed
from satellite.standalone.direct import Direct
from tests.satellite.standalone.stage import CHUNKS, END, Posts, asking, said, standalone
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeHandle, FakeServer, FakeTts
from wyoming_voice.extensions import (
    OWN_ENDPOINT,
    REPLACES,
    SPECULATIVE_ANSWER,
    SPECULATIVE_TRANSCRIPT,
    WARM_UP,
)

QUESTION = "what time is it"
ASR_EXTENSIONS = (SPECULATIVE_TRANSCRIPT, OWN_ENDPOINT)
HANDLE_EXTENSIONS = (SPECULATIVE_ANSWER, WARM_UP, REPLACES)


def guessing_asr(text: str = QUESTION) -> FakeAsr:
    return FakeAsr(text, extensions=ASR_EXTENSIONS)


def guessing_handle(*deltas: str) -> FakeHandle:
    return FakeHandle(*deltas, extensions=HANDLE_EXTENSIONS)


@contextlib.asynccontextmanager
async def guessing(
    handle: FakeHandle, *others: FakeServer, asr: FakeAsr | None = None, **how: object
) -> AsyncIterator[tuple[Direct, Posts, FakeAsr]]:
    """A Direct with these servers; with an ASR server and a TTS server of its own where none is named."""
    asr = asr or guessing_asr()
    servers: list[FakeServer] = [asr, handle, *others]
    if not any(isinstance(server, FakeTts) for server in servers):
        servers.append(FakeTts())
    async with standalone(*servers, **how) as (direct, posts):  # type: ignore[arg-type]
        yield direct, posts, asr


async def guessed(
    direct: Direct, posts: Posts, asr: FakeAsr, text: str = QUESTION, epoch: int = 1, **turn: object
) -> None:
    """A turn begins, somebody speaks, and the ASR server supposes something."""
    asking(direct, epoch, **turn)
    direct.feed(epoch, CHUNKS[0])
    await asr.until(asked=asr.asked + 1)
    await guessed_again(posts, asr, text)


async def guessed_again(posts: Posts, asr: FakeAsr, text: str, language: str = "") -> None:
    before = len(posts.of(Supposed))
    await asr.suppose(text, language)
    await posts.until(Supposed, count=before + 1)


async def over(direct: Direct, posts: Posts, epoch: int = 1) -> None:
    """The speaker has finished, and the answer has come."""
    before = len(posts.of(*END))
    said(direct, epoch, CHUNKS[1:])
    await posts.until(*END, count=before + 1)


def kinds(posts: Posts) -> list[type]:
    """What was posted of the turn since it was transcribed, each kind of a run once; no signs of life."""
    turn = [event for event in posts.events if not isinstance(event, Progressed)]
    first = next(at for at, event in enumerate(turn) if isinstance(event, Transcribed))
    runs = [type(event) for event in turn[first:]]
    return [kind for at, kind in enumerate(runs) if at == 0 or runs[at - 1] is not kind]
