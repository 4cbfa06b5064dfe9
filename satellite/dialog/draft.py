"""One step of the turn machine in the making: the state as it changes, and the effects so far.

What several states share stands here: opening and closing a turn, the line of playbacks, and what lies
over the states. Rules kept here: each BeginTurn gets its EndAudio, each playback its end, and ducking,
thinking and ringing follow from the state alone, so that they can't be left on.
"""

from dataclasses import dataclass, field, replace

from satellite.dialog.settings import TurnSettings
from satellite.dialog.state import (
    Announcing,
    Awaiting,
    Dialog,
    Idle,
    Listening,
    Playback,
    Processing,
    Responding,
    State,
    Turn,
)
from satellite.effects import (
    AbortPlayback,
    BeginPlayback,
    BeginTurn,
    CancelSpeak,
    CancelTurn,
    DismissTimers,
    Effect,
    EndAudio,
    EndPlayback,
    Moment,
    Play,
    ReportPlayed,
    SetRinging,
    SetThinking,
    Tell,
)
from satellite.events import Via
from wyoming_voice.client import Sound

_STRAY_MS = 1_500
"""How long after the last piece of a cut-off announcement another is expected."""


@dataclass
class Draft:
    """A state that changes until `finish`; lives for one step only."""

    settings: TurnSettings
    state: State
    now_ms: int
    effects: list[Effect] = field(default_factory=list)

    def emit(self, *effects: Effect) -> None:
        """Have these carried out, in this order."""
        self.effects += effects

    def become(self, dialog: Dialog) -> None:
        """Go over to another dialog state, as it is."""
        self.state = replace(self.state, dialog=dialog)

    def ready_via(self, preferred: Via | None = None) -> Via | None:
        """Who answers a turn that begins: `preferred` if that one can, else the best who can."""
        ready = list(self.state.links.ready(self.settings.mode))
        return preferred if preferred in ready else next(iter(ready), None)

    def open_turn(self, turn: Turn) -> Turn:
        """Begin a turn as it is drawn up, under the next epoch."""
        turn = replace(turn, epoch=self.state.epoch + 1)
        self.state = replace(self.state, epoch=turn.epoch)
        begin = BeginTurn(turn.epoch, turn.via, turn.from_ms, turn.word, turn.follow_up, turn.said)
        begin = replace(begin, replaces=turn.replaces)
        if turn.interrupts is not None and turn.interrupts.via is turn.via:
            begin = replace(begin, interrupts=turn.interrupts.number)
        self.emit(begin)
        return turn

    def let_go(self) -> None:
        """Give up all that the dialog holds: what is in line, and the turn; another state must follow."""
        self._expect_strays(self.state.line)
        if self.state.asked:
            self._unsay()
        # From the end, so that nothing further back begins to sound meanwhile.
        for playback in reversed(self.state.line):
            self.emit(AbortPlayback(playback.number))
            self._report(playback)
        self.state = replace(self.state, line=())
        match self.state.dialog:
            case Listening(turn=turn):
                self.emit(EndAudio(turn.epoch, turn.via), CancelTurn(turn.epoch, turn.via))
            case Processing(turn=turn) | Responding(turn=turn):
                self.emit(CancelTurn(turn.epoch, turn.via))
            case _:
                pass

    def renew(self) -> None:
        """There is progress: wait `answer_ms` more, counted from the end of what is yet to be heard."""
        dialog = self.state.dialog
        if isinstance(dialog, Processing | Responding | Announcing):
            self.become(replace(dialog, deadline_ms=self.patience_ms()))

    def patience_ms(self) -> int:
        """Until when to wait for what comes next of an answer or an announcement."""
        heard_by_ms = self.state.line[0].heard_by_ms if self.state.line else self.now_ms
        return round(max(self.now_ms, heard_by_ms)) + self.settings.answer_ms

    def queue(self, via: Via | None) -> Playback:
        """Give the next playback its number and a place in line; whoever asks says what it plays."""
        playback = Playback(self.state.playback + 1, via, self.now_ms)
        line = (*self.state.line, playback)
        self.state = replace(self.state, playback=playback.number, line=line)
        return playback

    def begin_playback(self, via: Via) -> Playback:
        """Something of theirs is about to be played."""
        playback = self.queue(via)
        self.emit(BeginPlayback(playback.number))
        return playback

    def play(self, playback: Playback, sound: Sound) -> None:
        """Here is a piece of it."""
        sound_ms = sound.format.ms(len(sound.pcm))
        heard_by_ms = max(self.now_ms, playback.heard_by_ms) + sound_ms
        sound_ms += playback.sound_ms
        self.put(replace(playback, heard_by_ms=heard_by_ms, sound_ms=sound_ms))
        self.emit(Play(playback.number, sound))

    def complete(self, playback: Playback) -> None:
        """All of it has come."""
        self.put(replace(playback, complete=True))
        self.emit(EndPlayback(playback.number))

    def put(self, playback: Playback) -> None:
        """Have this known of the playback in line that has its number."""
        line = tuple(playback if p.number == playback.number else p for p in self.state.line)
        self.state = replace(self.state, line=line)

    def take_first(self) -> None:
        """The first in line is over: the next one sounds from here on."""
        first, *rest = self.state.line
        self.state = replace(self.state, line=tuple(rest))
        self._report(first)
        for following in rest[:1]:
            self.put(replace(following, heard_by_ms=self.now_ms + following.sound_ms))

    def cut_first(self) -> None:
        """Silence what sounds, and have the next one sound."""
        first = self.state.line[0]
        self._expect_strays((first,))
        if first == self.state.announcement(Via.DIRECT):
            self._unsay()
        self.emit(AbortPlayback(first.number))
        self.take_first()

    def dismiss_ringing(self) -> None:
        """Forget every timer that rings, or waits to."""
        if self.state.ringing:
            self.state = replace(self.state, ringing=())
            self.emit(DismissTimers())

    def drop_waiting(self) -> None:
        """Forget what waits to be announced; whoever sent it is told, as if it had been played."""
        waiting = self.state.waiting
        if waiting and not waiting[-1].complete:
            self._drop_until(self.now_ms + _STRAY_MS)
        self.emit(*(ReportPlayed(Via.HOME_ASSISTANT) for _ in waiting))
        self.state = replace(self.state, waiting=())

    def drops_strays(self, via: Via) -> bool:
        """Whether what comes of an announcement belongs to one that was cut off; then more is expected."""
        if via is Via.DIRECT:
            return self.state.unsaid > 0
        until_ms = self.state.dropping_until_ms
        if until_ms is None or self.now_ms >= until_ms:
            return False
        self._drop_until(self.now_ms + _STRAY_MS)
        return True

    def end_strays(self, via: Via) -> None:
        """All has come of what was cut off."""
        if via is Via.DIRECT:
            self.state = replace(self.state, unsaid=self.state.unsaid - 1)
        else:
            self._drop_until(None)

    def finish(self, before: State) -> tuple[State, list[Effect]]:
        """The state reached from `before`, and all effects: sounds stop first and start last."""
        after = replace(self.state, ducked=_ducked(self.state))
        stopping: list[Effect] = []
        starting: list[Effect] = []
        if before.thinking != after.thinking:
            (starting if after.thinking else stopping).append(SetThinking(after.thinking))
        if before.rings != after.rings:
            (starting if after.rings else stopping).append(SetRinging(after.rings))
        if after.ducked and not before.ducked:
            stopping.append(Tell(Moment.DUCK))
        if before.ducked and not after.ducked:
            starting.append(Tell(Moment.UNDUCK))
        if isinstance(after.dialog, Idle) and not isinstance(before.dialog, Idle):
            starting.append(Tell(Moment.IDLE))
        effects = [*stopping, *self.effects, *starting]
        return (after, effects) if after != before else (before, effects)

    def _report(self, playback: Playback) -> None:
        if playback.via is not None:
            self.emit(ReportPlayed(playback.via))

    def _expect_strays(self, cut_off: tuple[Playback, ...]) -> None:
        """An announcement of Home Assistant's that is cut off may still be coming in."""
        if self.state.announcement(Via.HOME_ASSISTANT) in cut_off:
            self._drop_until(self.now_ms + _STRAY_MS)

    def _unsay(self) -> None:
        """The text that is being made into speech is not wanted any more; its end still comes."""
        self.emit(CancelSpeak())
        self.state = replace(self.state, unsaid=self.state.unsaid + 1)
        if isinstance(self.state.dialog, Announcing):
            self.become(replace(self.state.dialog, asked=False))

    def _drop_until(self, until_ms: int | None) -> None:
        self.state = replace(self.state, dropping_until_ms=until_ms)


def _ducked(state: State) -> bool:
    """Other sound in the room is turned down from when somebody is listened to until nobody is there."""
    match state.dialog:
        case Listening() | Awaiting():
            return True
        case Idle():
            return False
        case _:
            return state.ducked
