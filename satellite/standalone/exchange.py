"""A turn's talk with the servers: what was said, and its answer, begun early where that can be taken back.

Rules: what was said is kept until somebody has understood it, so that a server that fails is followed by
the next, which gets all of it. Of answers to what is supposed to have been said one at a time is under
way; it is used if exactly that was said in the end, and nobody ever hears of the others.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from satellite.standalone.answering import Answering
from satellite.standalone.errand import Errand
from satellite.standalone.heartbeat import Heartbeat
from satellite.standalone.line import Line, Server
from satellite.standalone.patience import ended, in_time
from satellite.standalone.reports import (
    Alive,
    HeardEnough,
    Report,
    Understood,
    UnderstoodSoFar,
    UnderWay,
)
from satellite.standalone.supposition import Supposition
from satellite.standalone.tape import Tape
from wyoming_voice.client import Supposed, say_utterance, transcript
from wyoming_voice.core.completeness import Completeness, completeness


async def _at_once() -> None:
    """There is always room."""


class Exchange:
    """One turn; `room` is awaited before each piece of speech is taken.

    `hear` and `respond` raise NobodyLeft when every server of a kind has failed, `respond` Unfinished
    when an answer broke off, after all of it that had come was spoken. `aclose` comes last.
    """

    def __init__(
        self,
        errand: Errand,
        report: Callable[[Report], None],
        room: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self._errand = errand
        self._report = report
        self._room = room
        self._supposition: Supposition | None = None
        self._dropped: set[asyncio.Task[None]] = set()
        self._answering = Answering(errand, report, room)
        self._heard_in = ""
        errand.record.note(speculation="none")

    @property
    def text(self) -> str:
        """All of the answer that has been written."""
        return self._answering.script.text

    @property
    def pace(self) -> float:
        """How fast the voice of the answer speaks (`pace.measured_pace`)."""
        return self._answering.pace

    @property
    def language(self) -> str:
        """The one that is spoken, as far as it is known."""
        return self._errand.wishes.language or self._heard_in

    async def hear(self, utterance: Tape[bytes]) -> str:
        """What was said in 16 kHz, 16-bit mono PCM, which may still be coming; `""` for nothing."""
        text = await self._errand.lines.attempt(
            "asr", lambda line: self._transcribed(line, utterance), self._lost
        )
        if not utterance.complete:
            self._report(HeardEnough())
        self._report(Understood(text))
        return text

    async def respond(self, text: str) -> None:
        """The spoken answer to `text`: the one that was begun, if to the same text, or else a new one."""
        self._errand.question.asked = True
        supposition = self._supposition
        if supposition is None or supposition.text != text.strip() or not supposition.commit():
            self._drop()
            errand = self._errand.spoken_in(self._heard_in)
            self._answering = Answering(errand, self._report, self._room)
            await self._answering.respond(text)
            return
        self._answering = supposition.answering
        self._note_hit(supposition.begun_s)
        supposition.hand_over()
        await supposition.end()

    async def aclose(self) -> None:
        """Hang up on who works for nobody."""
        self._drop()
        await ended(*self._dropped)

    def _note_hit(self, begun_s: float) -> None:
        now_s = asyncio.get_running_loop().time()
        self._errand.record.note(speculation="hit")
        self._errand.record.spent("saved", begun_s, now_s)
        self._report(UnderWay(now_s - begun_s))

    def _suppose(self, supposed: Supposed) -> None:
        """Begin to answer what will have been said if that was all, unless it can't have been."""
        text = supposed.text.strip()
        self._report(replace(supposed, text=text))
        if self._supposition is not None and self._supposition.text == text:
            return
        self._drop()
        unfinished = completeness(text, supposed.language) is Completeness.OPEN
        if text and not unfinished and self._errand.lines.may_speculate():
            errand = self._errand.spoken_in(supposed.language)
            self._supposition = Supposition(text, errand, self._report, self._room)
            self._errand.record.note(speculation="miss")

    def _drop(self) -> None:
        supposition, self._supposition = self._supposition, None
        if supposition is not None:
            task = supposition.drop()
            self._dropped.add(task)
            task.add_done_callback(self._dropped.discard)

    async def _transcribed(self, line: Line, utterance: Tape[bytes]) -> str:
        language = self._errand.wishes.language or None
        channel = Heartbeat(line, self._errand.patience)
        saying = asyncio.create_task(
            say_utterance(
                channel,
                utterance.play(),
                self._errand.record.turn_id,
                language,
                line.server.extensions,
            )
        )
        hearing = transcript(channel, self._suppose, self._understand, self._note_language)
        try:
            return await in_time(hearing, saying, self._errand.patience.transcript_s)
        finally:
            await ended(saying)

    def _note_language(self, language: str) -> None:
        self._heard_in = language

    def _understand(self, text: str) -> None:
        self._report(UnderstoodSoFar(text))

    def _lost(self, server: Server, reason: str) -> None:
        self._errand.lost(server, reason)
        self._report(Alive())
