"""One utterance from its first chunk to its transcript: audio is pushed in, replies are pulled out."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

from wyoming_voice.asr.ahead import Ahead, House, News
from wyoming_voice.asr.budget import Share
from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.ending import Ending, EndingSettings
from wyoming_voice.asr.engine import RATE_HZ, Audio, facts
from wyoming_voice.asr.memo import Effort
from wyoming_voice.asr.names import respelling
from wyoming_voice.asr.partials import Partials
from wyoming_voice.asr.recognition import Recognised, Take, recognised
from wyoming_voice.asr.replies import Began, Final, Partial, Reply, Supposed
from wyoming_voice.core.completeness import completeness
from wyoming_voice.core.endpointing import Endpoint
from wyoming_voice.core.opinions import Witness
from wyoming_voice.core.pauses import Pauses
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.core.timing import TurnRecord

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manner:
    """How a client is answered.

    `streamed`: with text while it speaks; `supposing`: with what it will have said if it has finished;
    `ending`: when the server ends the utterance, None where the client does; `pauses`: those that the
    speaker has made before.
    """

    streamed: bool = False
    supposing: bool = False
    ending: EndingSettings | None = None
    pauses: Pauses = field(default_factory=Pauses)


class Transcription:
    """An utterance that grows on the event loop until its end, and is then answered once."""

    def __init__(self, choice: Choice, manner: Manner, house: House, share: Share) -> None:
        self.record = TurnRecord("asr")
        self._choice = choice
        self._manner = manner
        self._house = house
        self._share = share
        self._take = self._new_take()
        self._partials = Partials(house.gate.threshold)
        self._changed = asyncio.Event()
        self._ended_s: float | None = None
        self._used: list[Effort] = []
        self._dropped = False

    @property
    def ended(self) -> bool:
        """Whether it is over: all of the audio has come, or the server has decided so."""
        return self._ended_s is not None

    def restart(self, choice: Choice, manner: Manner) -> None:
        """Forget what was heard; the transcript is still owed."""
        self._choice = choice
        self._manner = manner
        self._take = self._new_take()
        self._share.hold(0)
        self._changed.set()

    def hear(self, source: AudioFormat, pcm: bytes) -> None:
        """Take a chunk; raises BadAudio, TooLarge, and Busy when the server holds too much audio."""
        if self._dropped:
            return
        recording = self._take.recording
        recording.hear(source, pcm)
        self._share.hold(recording.held_bytes)
        self._changed.set()

    def listen(self, audio: Audio) -> None:
        """Take mono samples at RATE_HZ, no more than some frames, and what follows from them. Raises Busy."""
        if self._dropped:
            return
        self._take.recording.take(audio)
        self._share.hold(self._take.recording.held_bytes)
        self._take.follow()
        if self._take.ended:
            self.end()
        self._changed.set()

    @property
    def spoken(self) -> bool:
        """Whether there is something to decode in what was listened to."""
        listening = self._take.listening
        return listening is None or listening.spoken

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where somebody began and ended to speak, where the manner has an `ending`."""
        listening = self._take.listening
        return listening.endpoints if listening is not None else []

    def latest(self, samples: int) -> Audio:
        """The last samples that were heard, up to so many."""
        recording = self._take.recording
        return recording.part(max(0, recording.samples - samples), recording.samples)

    def hang_up(self) -> None:
        """End it, and with it what was being said."""
        if self._take.listening is not None:
            self._take.listening.finish()
        self.end()

    def end(self) -> None:
        """No more audio comes, or is wanted."""
        if self._ended_s is None:
            self._ended_s = asyncio.get_running_loop().time()
            self._changed.set()

    def drop(self) -> None:
        """Let go of the audio: it has been answered, or nobody waits for it any more."""
        self._dropped = True
        self._take = (
            self._new_take()
        )  # a thread may be at the old one, which lives as long as that takes
        self._share.hold(0)

    async def replies(self) -> AsyncGenerator[Reply, None]:
        """A Final, once; with what the manner asks for before it.

        Streamed: Began, and Partials. An utterance that begins anew starts its transcript anew; only what
        comes after that counts.
        """
        ahead: Ahead | None = None
        try:
            while ahead is None or ahead.take is not self._take or not self.ended:
                if ahead is None or ahead.take is not self._take:
                    ahead = self._new_ahead(ahead)
                    if self._manner.streamed:
                        yield Began(self._choice.options.language)
                    continue
                self._changed.clear()
                for reply in self._told(ahead.follow()):
                    yield reply
                if self._take.ended:
                    self.end()
                await self._changed.wait()
            result = await self._result(ahead)
        finally:
            if ahead is not None:
                ahead.drop()
                self._note_guesses(ahead)
        fresh = self._partials.stability.finish(result.text)
        yield Final(result, fresh, ahead.take.segments() if result.text else ())

    def _told(self, news: News | None) -> Iterator[Reply]:
        """What a client is told of before its utterance ends."""
        if news is None:
            return
        result, listening = news.result, self._take.listening
        if self._manner.streamed:
            yield self._partial(result.text)
        if not news.supposed or not result.text:
            return
        if listening is not None:
            listening.expect(Witness.WORDS, completeness(result.text, result.language or ""))
        if self._manner.supposing:
            yield Supposed(result.text, result.language, news.audio_ms)

    def _partial(self, text: str) -> Partial:
        stability = self._partials.stability
        fresh = stability.push(text)
        return Partial(stability.text, stability.committed, fresh)

    def _new_take(self) -> Take:
        manner = self._manner
        ending = Ending(manner.ending, manner.pauses) if manner.ending is not None else None
        return Take(self._choice, self._house.gate, ending)

    def _new_ahead(self, before: Ahead | None) -> Ahead:
        self._partials = Partials(self._house.gate.threshold)
        partials = self._partials if self._manner.streamed else None
        ahead = Ahead(self._take, self._house, partials, self._changed.set)
        if before is not None:
            before.drop()
            ahead.supposed = before.supposed  # what was in vain is told of the whole request
        return ahead

    async def _result(self, ahead: Ahead) -> Recognised:
        """What was said: at once where all of it was decoded ahead."""
        take, loop = ahead.take, asyncio.get_running_loop()
        start_s = loop.time()
        take.follow()
        if take.up_to_date:
            take.finish()
        self.record.spent("vad", start_s, loop.time())
        await ahead.finish()
        result = take.result() if take.up_to_date else None
        if result is None:
            result = await self._decoded(take)
        self._note(result, take)
        return result

    async def _decoded(self, take: Take) -> Recognised:
        steps = self._house.worker.stream(
            lambda: recognised(take, self.record),
            deadline_s=self._house.deadline_s,
            record=self.record,
            until=take.choice.until,
        )
        result: Recognised | None = None
        async with contextlib.aclosing(steps):
            async for step in steps:
                result = step or result
        assert result is not None, "a recognition ends with a result"
        return result

    def _note(self, result: Recognised, take: Take) -> None:
        assert self._ended_s is not None
        now_s = asyncio.get_running_loop().time()
        decoded = [take.memo[piece] for piece in take.pieces() if piece in take.memo]
        self._used = [one.effort for one in decoded]
        self.record.note(
            audio_ms=round(1000 * take.recording.samples / RATE_HZ),
            model=self._choice.engine.name,
            language=result.language or "unknown",
            gate=result.reason,
            words=len(result.text.split()),
            endpoint="server" if take.ended else "client",
        )
        evidence = [segment.evidence for one in decoded for segment in one.segments]
        self.record.note(**facts(evidence))
        respelling.note(self.record, [snap for one in evidence for snap in one.snaps])
        self._took("decode", sum(effort.ms(self._ended_s, now_s) for effort in self._used))
        self._took("saved", sum(effort.ms(0.0, self._ended_s) for effort in self._used))
        self.record.spent("after_stop", self._ended_s, now_s)
        _log.debug("turn=%s text=%r", self.record.turn_id, result.text)

    def _note_guesses(self, ahead: Ahead) -> None:
        """What came of decoding ahead, whatever became of the utterance."""
        now_s = asyncio.get_running_loop().time()
        speculated = len(ahead.supposed)
        outcome = _outcome(self._used, self._ended_s or now_s, now_s)
        self.record.note(
            speculation=outcome or ("miss" if speculated else "none"), speculated=speculated
        )
        vain = [effort for effort in ahead.supposed if effort not in self._used]
        self._took("wasted", sum(effort.ms(0.0, now_s) for effort in vain))

    def _took(self, stage: str, spent_ms: float) -> None:
        if spent_ms:
            self.record.took(stage, spent_ms)


def _outcome(used: list[Effort], ended_s: float, now_s: float) -> str:
    """Whether all that a transcript needed was decoded before the end, or at least begun; "" if not."""
    if not used or not all(effort.ms(0.0, ended_s) for effort in used):
        return ""
    return "late" if any(effort.ms(ended_s, now_s) for effort in used) else "hit"
