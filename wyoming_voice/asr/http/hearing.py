"""A file that came over HTTP, heard: its place and its log line, how urgent it is, and what it comes to.

Rules: a request has its place and its log line from the first byte to the last, and its file is gone with
it. What may be somebody's command goes before what is a recording, by its length. A file that is cut off
is refused: whoever gets half a transcript as if it were whole has lost the rest.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from starlette.requests import Request

from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.engine import Segment, Task
from wyoming_voice.asr.files import FINAL_S, Job, Passage, transcribed
from wyoming_voice.asr.http.uploads import Upload, received
from wyoming_voice.asr.languages import checked_task
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.leaving import leaving
from wyoming_voice.media.decoding import Media
from wyoming_voice.media.wholeness import check_whole
from wyoming_voice.worker import Priority

if TYPE_CHECKING:
    from wyoming_voice.asr.server import AsrProgram

_SMALL_BYTES_PER_S = 16_000
"""128 kbit/s: by its size a file that doesn't say how long it is, as browsers record it, may be a command."""


@dataclass
class Heard:
    """What a file comes to, as its passages come."""

    language: str = ""
    duration_s: float = 0.0
    segments: list[Segment] = field(default_factory=list)

    def add(self, passage: Passage) -> None:
        """Take the next one."""
        if not self.language or (passage.segments and not self.segments):
            self.language = passage.language
        self.duration_s = passage.heard_s
        self.segments += passage.segments

    @property
    def text(self) -> str:
        """All of it; the same as over Wyoming."""
        return "".join(segment.text for segment in self.segments).strip()


@dataclass
class Hearing:
    """A request whose file has come; `_held` is what lasts as long as the answer."""

    upload: Upload
    _program: "AsrProgram"
    _request: Request
    _record: TurnRecord
    _held: contextlib.ExitStack

    async def whole(self, choice: Choice, task: Task, *, words: bool) -> Heard:
        """All of the file. Raises ClientLeft, BadAudio also for half a file, and what `transcribed` does."""
        heard = Heard()
        parts = self._passages(choice, task, words=words)
        async with leaving(self._request), contextlib.aclosing(parts):
            async for passage in parts:
                heard.add(passage)
        return heard

    async def told(
        self, choice: Choice, task: Task, *, words: bool
    ) -> AsyncGenerator[tuple[Passage, Heard], None]:
        """Each passage, and all up to it; the request ends with this generator. Raises what `whole` does."""
        heard = Heard()
        parts = self._passages(choice, task, words=words)
        with self._held.pop_all():
            async with contextlib.aclosing(parts):
                async for passage in parts:
                    heard.add(passage)
                    yield passage, heard

    async def _passages(
        self, choice: Choice, task: Task, *, words: bool
    ) -> AsyncGenerator[Passage, None]:
        checked_task(task, choice.engine.name, choice.engine.languages)
        declared_s, rank = await self._looked_at()
        self._record.note(rank=rank.name.lower(), task=task)
        settings, heard_s = self._program.settings, 0.0
        job = Job(
            choice,
            self._program.gate,
            self._program.worker,
            settings.deadline_s,
            self._record,
            words=words,
            rank=rank,
            task=task,
            max_duration_s=settings.max_duration_s,
        )
        async with contextlib.aclosing(transcribed(self.upload.file, job)) as passages:
            async for passage in passages:
                heard_s = passage.heard_s
                yield passage
        check_whole(declared_s, heard_s)

    async def _looked_at(self) -> tuple[float | None, Priority]:
        """How long the file says that it is, and how urgent that makes it.

        Raises BadAudio for what is no audio, or is seen to be cut off, before it waits behind any.
        """
        declared_s, duration_s = await self._program.worker.call(
            lambda: _lengths_s(self.upload.file),
            deadline_s=self._program.settings.deadline_s,
            record=self._record,
        )
        if duration_s is None:
            duration_s = self.upload.size_bytes / _SMALL_BYTES_PER_S
        else:
            check_whole(declared_s, duration_s)
        return declared_s, Priority.FINAL if duration_s <= FINAL_S else Priority.BATCH


@contextlib.asynccontextmanager
async def begun(program: "AsrProgram", floor: Floor, request: Request) -> AsyncIterator[Hearing]:
    """Take a request's file. Raises Busy and Loading before it is read, and what `received` raises."""
    record = TurnRecord("asr", turn_id=request_id_of(request))
    with contextlib.ExitStack() as held:
        held.enter_context(floor.serving(record))
        start_s = asyncio.get_running_loop().time()
        upload = held.enter_context(await received(request))
        record.spent("upload", start_s, asyncio.get_running_loop().time())
        yield Hearing(upload, program, request, record, held)


def _lengths_s(file: BinaryIO) -> tuple[float | None, float | None]:
    with Media(file) as media:
        return media.declared_s, media.duration_s
