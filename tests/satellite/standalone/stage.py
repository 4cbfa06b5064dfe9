"""A satellite's conversation without Home Assistant, between servers of a test's choice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from satellite.effects import BeginTurn
from satellite.events import Event, ReplyAudio, ReplyEnded, ReplyText, TurnFailed, Via, ViaChanged
from satellite.standalone.direct import Direct, DirectSettings
from satellite.standalone.means import Means
from satellite.standalone.patience import Patience
from satellite.standalone.servers import Pulse, Roster
from tests.satellite.standalone.wyoming_servers import FakeServer, read_aloud

UTTERANCE = bytes(range(256)) * 512
CHUNKS = [UTTERANCE[at : at + 1024] for at in range(0, len(UTTERANCE), 1024)]
ANSWER = (
    "It is noon. ",
    "The sun is ",
    "high over the hills. Lunch ",
    "has been on the table for a while. ",
    "Shall I tell the others, who are ",
    "out in the garden?",
)
END = (ReplyEnded, TurnFailed)


class Posts:
    """All that was posted, and a way to wait for more; `told` hears of each, soon after, as a loop would."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.told: Callable[[Event], None] = lambda _: None
        self._more = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()
        asyncio.get_running_loop().call_soon(self.told, event)

    def of(self, *kinds: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]

    async def until(self, *kinds: type, count: int = 1) -> list[Event]:
        async with asyncio.timeout(10):
            while len(self.of(*kinds)) < count:
                self._more.clear()
                await self._more.wait()
        return self.events

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ReplyText))

    @property
    def spoken(self) -> str:
        return read_aloud(event.sound for event in self.events if isinstance(event, ReplyAudio))

    @property
    def failure(self) -> TurnFailed:
        (failure,) = (event for event in self.events if isinstance(event, TurnFailed))
        return failure


async def at_once() -> None:
    pass


@contextlib.asynccontextmanager
async def standalone(
    *servers: FakeServer,
    room: Callable[[], Awaitable[None]] = at_once,
    patience: Patience | None = None,
    voice: str = "",
    language: str = "",
    means: Means | None = None,
) -> AsyncIterator[tuple[Direct, Posts]]:
    """A Direct that knows these servers, in this order."""
    async with contextlib.AsyncExitStack() as stack:
        uris: dict[str, list[str]] = {"asr": [], "handle": [], "tts": []}
        for server in servers:
            uris[server.kind].append(await stack.enter_async_context(server.listening()))
        posts = Posts()
        roster = Roster(posts, uris, watch=None, local={}, pulse=Pulse(answer_s=5))
        wait = patience or Patience(return_s=0)
        settings = DirectSettings(voice, language, wait, means=means or Means())
        direct = Direct(posts, roster, room, settings)
        tasks = [asyncio.create_task(roster.run()), asyncio.create_task(direct.run())]
        try:
            await posts.until(ViaChanged)
            for server in servers:
                await server.until(open_=0)  # the look at it is over
            yield direct, posts
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def asking(direct: Direct, epoch: int = 1, **turn: object) -> None:
    direct.begin(BeginTurn(epoch, Via.DIRECT, from_ms=0, **turn))  # type: ignore[arg-type]


def said(direct: Direct, epoch: int = 1, chunks: Sequence[bytes] = CHUNKS) -> None:
    for chunk in chunks:
        direct.feed(epoch, chunk)
    direct.end_audio(epoch)


async def answered(direct: Direct, posts: Posts, epoch: int = 1, **turn: object) -> None:
    asking(direct, epoch, **turn)
    said(direct, epoch)
    before = len(posts.of(*END))
    await posts.until(*END, count=before + 1)
