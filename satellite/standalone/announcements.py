"""Texts that are spoken out of the blue, one after another, by the TTS servers.

Rule: each that was asked for ends with exactly one AnnouncementEnded, spoken or not; those that are not
wanted any more end with one for them all.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from satellite.events import AnnouncementAudio, AnnouncementEnded, Via
from satellite.parts import Post
from satellite.standalone.answering import Answering
from satellite.standalone.conversation import Question
from satellite.standalone.errand import Errand
from satellite.standalone.patience import ended
from satellite.standalone.reports import Report, Spoken
from wyoming_voice import logs
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import VoiceError
from wyoming_voice.outcome import told

_log = logging.getLogger(__name__)

_MOST_WAITING = 16


class Announcements:
    """Texts in, their speech out; `errand` has the servers and the voice, `room` is as in Answering."""

    def __init__(self, post: Post, errand: Errand, room: Callable[[], Awaitable[None]]) -> None:
        self._post = post
        self._errand = errand
        self._room = room
        self._texts: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        self._saying: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return self._texts.qsize()

    def say(self, text: str) -> bool:
        """Have a text spoken after those that wait already; one too many ends at once, unspoken."""
        try:
            self._texts.put_nowait(text)
        except asyncio.QueueFull:
            _log.warning("%d announcements wait; one more is dropped", _MOST_WAITING)
            self._post(AnnouncementEnded(Via.DIRECT))
            return False
        self._errand.lines.prepare(("tts",))
        return True

    def unsay(self) -> None:
        """Forget the texts that wait, and hang up on whoever speaks one."""
        saying, self._saying = self._saying, None
        under_way = saying is not None and saying.cancel()
        while not self._texts.empty():
            self._texts.get_nowait()
            under_way = True
        if under_way:
            self._post(AnnouncementEnded(Via.DIRECT))

    async def run(self) -> None:
        """Speak until cancelled, then hang up."""
        try:
            while True:
                text = await self._texts.get()
                self._saying = saying = asyncio.create_task(self._announce(text))
                await asyncio.wait((saying,))
                if not saying.cancelled():
                    saying.result()
        finally:
            await ended(*filter(None, (self._saying,)))

    async def _announce(self, text: str) -> None:
        record = TurnRecord("say")
        errand = replace(self._errand, record=record, question=Question(record.turn_id))
        answering = Answering(errand, self._take, self._room)
        answering.script.add(text)
        answering.script.finish()
        logs.belong_to(record.turn_id)
        start_s, outcome = _now_s(), "ok"
        try:
            await answering.speak()
        except VoiceError as error:
            outcome = error.code
            _log.warning("an announcement was not spoken: %s", error)
        record.spent("total", start_s, _now_s())
        told(record, outcome)
        self._post(AnnouncementEnded(Via.DIRECT))

    def _take(self, news: Report) -> None:
        if isinstance(news, Spoken):
            self._post(AnnouncementAudio(Via.DIRECT, news.sound))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
