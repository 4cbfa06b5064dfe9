"""The conversation without Home Assistant: this satellite's own talk with ASR, handle and TTS servers.

Rule: one turn at a time; what is posted of it is posted while it is the turn, and a turn that was begun
and not cancelled ends with exactly one of ReplyEnded, TurnFailed, or an empty Transcribed. Hanging up is
the cancel: servers stop when their client leaves.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from satellite.effects import BeginTurn
from satellite.events import (
    Event,
    Foreseen,
    Progressed,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    SpeechEndedRemotely,
    Supposed,
    Transcribed,
    Trouble,
    TurnFailed,
    Understanding,
    Unmet,
)
from satellite.parts import Post, Status
from satellite.standalone.announcements import Announcements
from satellite.standalone.conversation import Conversation, Conversations, Question
from satellite.standalone.errand import Errand, Wishes
from satellite.standalone.exchange import Exchange
from satellite.standalone.lines import Directory, Lines
from satellite.standalone.means import Means
from satellite.standalone.outcome import failure, outcome_name
from satellite.standalone.patience import Patience, ended
from satellite.standalone.reports import (
    Alive,
    HeardEnough,
    OwnVoice,
    Report,
    Spoken,
    Understood,
    UnderstoodSoFar,
    UnderWay,
    Written,
)
from satellite.standalone.tape import Tape
from wyoming_voice import client, logs
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.core.timing import TurnRecord, new_turn_id
from wyoming_voice.errors import VoiceError
from wyoming_voice.outcome import told

MAX_UTTERANCE_BYTES = SPEECH.size_bytes(60_000)
"""More than the longest turn; the rest of what comes is dropped."""


@dataclass(frozen=True)
class DirectSettings:
    """The voice and language of turns ("": the servers' own), and how long things may take.

    `conversation_id` is that of the first conversation, where it goes on with one from elsewhere.
    `means` is what is offered to handle servers.
    """

    voice: str = ""
    language: str = ""
    patience: Patience = field(default_factory=Patience)
    conversation_s: float = 300.0
    conversation_id: str = ""
    keep_lines_s: float = 30.0
    means: Means = field(default_factory=Means)


@dataclass(eq=False)
class _Turn:
    """One turn that is under way."""

    epoch: int
    conversation: Conversation
    exchange: Exchange
    record: TurnRecord
    utterance: Tape[bytes] = field(default_factory=Tape[bytes])
    size_bytes: int = 0
    marks_s: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str) -> None:
        """Note when something happened for the first time."""
        self.marks_s.setdefault(stage, _now_s())


class Direct:
    """The servers' side of a conversation, as a Backend; `room` is waited for before more speech is taken.

    `roster` knows the servers; it is run by whoever has made it, beside this.
    """

    def __init__(
        self,
        post: Post,
        roster: Directory,
        room: Callable[[], Awaitable[None]],
        settings: DirectSettings | None = None,
    ) -> None:
        self._post = post
        self._room = room
        self._settings = settings or DirectSettings()
        self._lines = Lines(
            roster,
            keep_s=self._settings.keep_lines_s,
            return_s=self._settings.patience.return_s,
        )
        self._conversations = Conversations(
            self._settings.conversation_s, self._settings.conversation_id, self._settings.means
        )
        self._guesses = {"hit": 0, "miss": 0, "none": 0}
        self._turn: _Turn | None = None
        self._spoken_last = self._settings.language
        voice, language = self._settings.voice, self._settings.language
        saying = self._errand(TurnRecord("say"), Question(""), voice, language)
        self._announcements = Announcements(post, saying, room)
        self._tasks: dict[_Turn, asyncio.Task[None]] = {}

    def prepare(self) -> None:
        """Begin to connect to the best servers."""
        self._lines.prepare()

    def begin(self, turn: BeginTurn) -> None:
        """Begin a turn; one that is under way is cancelled."""
        if self._turn is not None:
            self.cancel(self._turn.epoch)
        conversation = self._conversations.of(turn, _now_s())
        record = TurnRecord("turn", turn.turn_id or new_turn_id())
        question = self._conversations.question(turn, record.turn_id, conversation)
        voice = conversation.voice or self._settings.voice
        errand = self._errand(record, question, voice, self._settings.language)
        exchange = Exchange(errand, self._reporter(turn.epoch), self._room)
        begun = _Turn(turn.epoch, conversation, exchange, record)
        begun.mark("begin")
        self._turn = begun
        self._lines.prepare()
        self._lines.warm_up(question, self._spoken_last)
        with logs.turn(record.turn_id):
            self._tasks[begun] = asyncio.create_task(self._run(begun))
        self._tasks[begun].add_done_callback(lambda _: self._tasks.pop(begun))

    def feed(self, epoch: int, pcm: bytes) -> None:
        """Keep audio for whoever transcribes it."""
        turn = self._turn_of(epoch)
        if turn is None or not pcm:
            return
        turn.size_bytes += len(pcm)
        if turn.size_bytes <= MAX_UTTERANCE_BYTES:
            turn.utterance.add(pcm)

    def end_audio(self, epoch: int) -> None:
        """The utterance is complete."""
        turn = self._turn_of(epoch)
        if turn is not None and not turn.utterance.complete:
            turn.utterance.finish()
            turn.mark("audio_end")
            self._lines.prepare(("handle", "tts"))

    def cancel(self, epoch: int) -> None:
        """Hang up on everybody; nothing of the turn is posted from here on."""
        turn = self._turn_of(epoch)
        if turn is None:
            return
        self._turn = None
        if (task := self._tasks.get(turn)) is not None:
            task.cancel()

    def played(self) -> None:
        """Nobody needs to know here: servers aren't told what was heard until the next turn."""

    def say(self, text: str) -> None:
        """Have a text spoken after those that wait already; one too many ends at once, unspoken."""
        if self._announcements.say(text):
            self._conversations.interject()

    def unsay(self) -> None:
        """Forget the texts that wait, and hang up on whoever speaks one."""
        self._announcements.unsay()

    def status(self) -> Status:
        """What it is at, and how often an answer begun early was the one; the servers have a status too."""
        return {
            "turn": self._turn is not None,
            "announcements": self._announcements.waiting,
            "speculation_hits": self._guesses["hit"],
            "speculation_misses": self._guesses["miss"],
        }

    async def run(self) -> None:
        """Speak announcements until cancelled, then hang up on everybody."""
        try:
            await self._announcements.run()
        finally:
            self._turn = None
            await ended(*self._tasks.values())
            await self._lines.close()

    def _errand(self, record: TurnRecord, question: Question, voice: str, language: str) -> Errand:
        wishes = Wishes(voice=voice, language=language)
        return Errand(self._lines, record, question, wishes, self._settings.patience)

    def _turn_of(self, epoch: int) -> _Turn | None:
        return self._turn if self._turn is not None and self._turn.epoch == epoch else None

    async def _run(self, turn: _Turn) -> None:
        outcome: Event = TurnFailed(turn.epoch, Trouble.FAILED, "a bug; the log says more")
        try:
            text = (await turn.exchange.hear(turn.utterance)).strip()
            self._spoken_last = turn.exchange.language or self._spoken_last
            outcome = Transcribed(turn.epoch, text, turn.exchange.language)
            if text:
                self._tell(turn, outcome)
                await asyncio.sleep(0)  # whoever is told may want no answer, and hangs up now
                outcome = await self._respond(turn, text)
        except VoiceError as error:
            outcome = failure(turn.epoch, error)
        except asyncio.CancelledError:
            self._finish(turn, "cancelled")
            raise
        finally:
            self._tell(turn, outcome)
            if self._turn is turn:
                self._turn = None
            await turn.exchange.aclose()
        self._finish(turn, outcome_name(outcome))

    async def _respond(self, turn: _Turn, text: str) -> Event:
        self._lines.prepare(("tts",))
        turn.conversation.answered = turn.exchange
        await turn.exchange.respond(text)
        return ReplyEnded(turn.epoch)

    def _reporter(self, epoch: int) -> Callable[[Report], None]:
        def report(news: Report) -> None:
            turn = self._turn_of(epoch)
            if turn is not None:
                self._tell_news(turn, news)

        return report

    def _tell_news(self, turn: _Turn, news: Report) -> None:
        match news:
            case HeardEnough():
                turn.utterance.finish()
                turn.mark("audio_end")
                self._tell(turn, SpeechEndedRemotely(turn.epoch))
            case client.Supposed(text, language, audio_ms):
                self._tell(turn, Supposed(turn.epoch, text, language, audio_ms))
            case UnderstoodSoFar(text):
                self._tell(turn, Understanding(turn.epoch, text))
            case Understood():
                turn.mark("transcript")
            case Written(text):
                turn.mark("first_text")
                self._tell(turn, ReplyText(turn.epoch, text))
            case Spoken(sound):
                turn.mark("first_audio")
                self._tell(turn, ReplyAudio(turn.epoch, sound))
            case UnderWay(for_s):
                self._tell(turn, Foreseen(turn.epoch, round(for_s * 1000)))
            case OwnVoice(reason):
                self._tell(turn, Unmet(turn.epoch, f"{reason}; its own voice speaks"))
            case Alive():
                self._tell(turn, Progressed(turn.epoch))

    def _tell(self, turn: _Turn, event: Event) -> None:
        if self._turn is turn:
            self._post(event)

    def _finish(self, turn: _Turn, outcome: str) -> None:
        self._guesses[str(turn.record.facts["speculation"])] += 1
        _log_turn(turn, outcome)


def _log_turn(turn: _Turn, outcome: str) -> None:
    """The turn's line in the log: each stage from the end of the one before it."""
    turn.conversation.used_s = _now_s()
    turn.mark("end")
    marks = list(turn.marks_s.items())
    for (_, start_s), (stage, end_s) in itertools.pairwise(marks):
        turn.record.spent(stage, start_s, end_s)
    turn.record.note(audio_ms=round(SPEECH.ms(turn.size_bytes)))
    told(turn.record, outcome)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
