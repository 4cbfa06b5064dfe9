"""An answer to what has probably been said, begun before that is certain, and kept back until it is.

Rules: nothing is reported of it until it is wanted, and then all of it at once, in order; no more than
about two seconds of its speech are taken in before that, so that what is wasted stays small. One that
fails before it is wanted has never been: whoever wanted it asks in the ordinary way.
"""

import asyncio
from collections.abc import Awaitable, Callable

from satellite.standalone.answering import Answering
from satellite.standalone.commitment import Commitment, NotToBe
from satellite.standalone.errand import Errand
from satellite.standalone.reports import Alive, Report, Spoken

MOST_HELD_MS = 2000.0
"""As much speech as a loudspeaker has in store before it wants no more."""


class Supposition:
    """One question that may come to be asked, and its answer so far."""

    def __init__(
        self,
        text: str,
        errand: Errand,
        report: Callable[[Report], None],
        room: Callable[[], Awaitable[None]],
    ) -> None:
        self.text = text
        self.begun_s = asyncio.get_running_loop().time()
        self._report = report
        self._more_room = room
        self._held: list[Report] = []
        self._held_ms = 0.0
        self._commitment = Commitment()
        self.answering = Answering(errand, self._take, self._room, self._commitment)
        self._task = asyncio.create_task(self.answering.respond(text))

    def commit(self) -> bool:
        """The question is asked; False when nothing will ever come of the answer. `hand_over` follows."""
        return self._commitment.make()

    def hand_over(self) -> None:
        """Report what has come so far; the rest follows as it comes."""
        held, self._held = self._held, []
        for news in held:
            self._report(news)

    async def end(self) -> None:
        """The rest of the answer; raises what `Answering.respond` does."""
        await asyncio.wait((self._task,))
        self._task.result()

    def drop(self) -> asyncio.Task[None]:
        """Hang up, or forget what became of it; the task ends once that is done."""
        self._task.cancel()
        return self._task

    def _take(self, news: Report) -> None:
        if self._commitment.made:
            self._report(news)
            return
        match news:
            case Alive():
                return
            case Spoken(sound):
                self._held_ms += max(1.0, sound.ms)  # nothing, sent for ever, is too much, too
        self._held.append(news)

    async def _room(self) -> None:
        """Room as there always is, once it is wanted."""
        if self._held_ms >= MOST_HELD_MS and not await self._commitment.settled():
            raise NotToBe
        if self._commitment.made:
            await self._more_room()
