"""The open ear: who begins a turn, who interrupts one, and when all has been said.

Rules: nothing begins while muted or before the microphone was there; whoever calls is told aloud when
nobody can answer, or hear; what is too short to be speech is waited out after a call, and forgotten
otherwise; what follows the end of speech within `stitch_ms` belongs to the same turn, unless an answer that
can't be taken back has begun.
"""

from dataclasses import replace

from satellite.dialog.announcing import complain, give_up
from satellite.dialog.draft import Draft
from satellite.dialog.phrases import is_stop
from satellite.dialog.state import (
    Announcing,
    Awaiting,
    Booting,
    Guarding,
    Idle,
    Listening,
    Playback,
    Processing,
    Responding,
    Turn,
)
from satellite.effects import (
    EndAudio,
    ExpectEnd,
    Moment,
    NotePause,
    PlayTone,
    RestartEars,
    Tell,
    Tone,
)
from satellite.events import Pressed, Supposed, Triggered, Trouble, Via, Woken
from wyoming_voice.core.completeness import Completeness, completeness

_ENDPOINTING_MS = 1_000
"""How much longer than the longest utterance the ears may take to end it."""

_NO_MICROPHONE = "no microphone: it is being opened again; see `wyoming-voice satellite doctor`"

Call = Woken | Triggered | Pressed


def called(draft: Draft, call: Call) -> None:
    """Somebody wants a turn, or the timers to be quiet; the button of an open turn holds it open."""
    if draft.state.rings:
        draft.dismiss_ringing()
    if draft.state.muted:
        return
    dialog = draft.state.dialog
    if isinstance(dialog, Listening) and isinstance(call, Pressed) and not dialog.held:
        draft.become(replace(dialog, held=True, deadline_ms=_longest_ms(draft)))
    if _may_call(draft, call):
        interrupted = draft.state.answer
        draft.let_go()
        _answer_call(draft, call, interrupted)


def speech_started(draft: Draft, at_ms: int) -> None:
    """Somebody speaks: in a turn, in reply to an answer, into an answer, or to a gate that needs no call."""
    settings = draft.settings
    match draft.state.dialog:
        case Listening(speech_ms=None) as listening:
            _note_speech(draft, listening, at_ms)
        case Awaiting(deadline_ms=patience_ms, before=before):
            _begin_with_speech(draft, at_ms, patience_ms, before)
        case _ if draft.state.muted:
            return
        case Idle() if settings.gate == "vad":
            _begin_with_speech(draft, at_ms, draft.now_ms)
        case (Processing() | Responding()) as answering if _joins(draft, answering, at_ms):
            draft.emit(NotePause(at_ms - answering.turn.ended_at_ms))
            draft.let_go()
            _go_on(draft, answering.turn)
        case Processing(turn=turn, text="", understood=False) if (
            settings.speech_interrupts and _has_room(draft, turn, at_ms)
        ):
            draft.let_go()
            _go_on(draft, turn)
        case Processing() | Responding() | Announcing() if settings.speech_interrupts:
            interrupted = draft.state.answer
            draft.let_go()
            _begin_with_speech(draft, at_ms, draft.now_ms, interrupted=interrupted)
        case _:
            return


def supposed(draft: Draft, event: Supposed) -> None:
    """Somebody who is silent may have said all: how the words look decides how long to wait for more."""
    match draft.state.dialog:
        case Listening(turn=turn, speech_ms=int(), held=False) if turn.epoch == event.epoch:
            heard_by_ms = None if event.audio_ms is None else turn.from_ms + event.audio_ms
            draft.emit(ExpectEnd(_completeness(event), heard_by_ms))
        case _:
            return


def speech_ended(draft: Draft, at_ms: int) -> None:
    """Silence again: that was all, unless it was too short to be speech, or a button decides."""
    listening = draft.state.dialog
    if not isinstance(listening, Listening) or listening.speech_ms is None:
        return
    draft.emit(Tell(Moment.SPEECH_ENDED))
    if listening.held:
        return
    if at_ms - listening.speech_ms >= draft.settings.min_speech_ms:
        joins_until_ms = draft.now_ms + draft.settings.stitch_ms
        turn = replace(listening.turn, ended_at_ms=at_ms, joins_until_ms=joins_until_ms)
        end_audio(draft, replace(listening, turn=turn))
    elif draft.now_ms < listening.patience_ms:
        draft.become(replace(listening, deadline_ms=listening.patience_ms, speech_ms=None))
    else:
        give_up(draft)


def released(draft: Draft) -> None:
    """The button says that this was all; whether it was anything is the recogniser's to say."""
    match draft.state.dialog:
        case Listening(held=True) as listening:
            end_audio(draft, listening)
        case _:
            return


def end_audio(draft: Draft, listening: Listening) -> None:
    """All was said: wait for the answer."""
    turn = listening.turn
    draft.emit(EndAudio(turn.epoch, turn.via), Tell(Moment.PROCESSING))
    draft.become(Processing(draft.now_ms + draft.settings.answer_ms, turn))


def listening_cut_short(draft: Draft, listening: Listening) -> None:
    """Nothing more will be heard, or was for too long: what was said is to be answered."""
    if listening.speech_ms is not None or listening.held:
        end_audio(draft, listening)
    else:
        give_up(draft)


def ear_closed(draft: Draft) -> None:
    """The ear was muted: what was being said stays here."""
    if isinstance(draft.state.dialog, Listening | Guarding | Awaiting):
        give_up(draft)


def ear_lost(draft: Draft) -> None:
    """The microphone has gone: nothing more can be said."""
    match draft.state.dialog:
        case Listening() as listening:
            listening_cut_short(draft, listening)
        case Awaiting() | Guarding():
            give_up(draft)
        case _:
            return


def await_reply(draft: Draft, before: Turn) -> None:
    """The last echo of an answer has gone: listen for a reply to it."""
    draft.emit(RestartEars(None), Tell(Moment.LISTENING))
    draft.become(Awaiting(draft.now_ms + draft.settings.follow_up_ms, before))


def _completeness(event: Supposed) -> Completeness:
    if is_stop(event.text):
        return Completeness.COMPLETE
    return completeness(event.text, event.language)


def _joins(draft: Draft, answering: Processing | Responding, at_ms: int) -> bool:
    """Whether speech that has begun belongs to a turn that seemed to be over, and can still be joined to it.

    What Home Assistant has understood it does, and can't be told to forget. An answer that sounds may be
    what is heard, unless the echo is cancelled. Nothing sounds earlier: the thinking sound comes later
    than `stitch_ms`.
    """
    turn = answering.turn
    if draft.now_ms > turn.joins_until_ms or not _has_room(draft, turn, at_ms):
        return False
    if draft.ready_via(turn.via) is None:
        return False  # what there is to hear of the answer is better than nothing
    match answering:
        case Processing(understood=understood):
            return turn.via is Via.DIRECT or not understood
        case Responding():
            return turn.via is Via.DIRECT and draft.settings.speech_interrupts


def _has_room(draft: Draft, turn: Turn, at_ms: int) -> bool:
    """No turn grows for ever where people talk on."""
    return at_ms - turn.from_ms < draft.settings.max_speech_ms


def _may_call(draft: Draft, call: Call) -> bool:
    match draft.state.dialog:
        case Booting() | Listening():
            return False
        case Processing() | Responding() | Announcing() if isinstance(call, Woken):
            return draft.settings.wake_interrupts
        case _:
            return True


def _answer_call(draft: Draft, call: Call, interrupted: Playback | None) -> None:
    settings, word, from_ms = draft.settings, None, call.at_ms
    if isinstance(call, Woken):
        word, from_ms = call.word, call.at_ms - settings.wake_pre_roll_ms
        draft.emit(Tell(Moment.WAKE, word.name))
    if not draft.state.microphone:
        complain(draft, Trouble.FAILED, _NO_MICROPHONE)
        return
    via = draft.ready_via()
    if via is None:
        complain(draft, draft.state.links.trouble(settings.mode))
        return
    draft.emit(RestartEars(call.at_ms))
    turn = draft.open_turn(Turn(0, via, max(0, from_ms), word, interrupts=interrupted))
    draft.emit(PlayTone(Tone.LISTENING), Tell(Moment.LISTENING))
    held = isinstance(call, Pressed)
    patience_ms = draft.now_ms + settings.no_speech_ms
    deadline_ms = _longest_ms(draft) if held else patience_ms
    draft.become(Listening(deadline_ms, turn, patience_ms, held=held))


def _begin_with_speech(
    draft: Draft,
    at_ms: int,
    patience_ms: int,
    before: Turn | None = None,
    interrupted: Playback | None = None,
) -> None:
    """Begin a turn with what is being said; it goes on from `before`, with the same voice, if it replies."""
    via = draft.ready_via(before.via if before else None)
    if via is None:
        complain(draft, draft.state.links.trouble(draft.settings.mode))
        return
    from_ms = max(0, at_ms - draft.settings.pre_roll_ms)
    word, follows = (before.word, True) if before else (None, False)
    turn = draft.open_turn(Turn(0, via, from_ms, word, follows, interrupts=interrupted))
    if before is None:
        draft.emit(Tell(Moment.LISTENING))
    _note_speech(draft, Listening(0, turn, patience_ms), at_ms)


def _go_on(draft: Draft, turn: Turn) -> None:
    """Whoever speaks has only paused: the same turn from its beginning, and to its end this time.

    It was speech already, so that not even a cough makes it too short to be answered.
    """
    via = draft.ready_via(turn.via)
    if via is None:
        complain(draft, draft.state.links.trouble(draft.settings.mode))
        return
    again = replace(turn, via=via, said=False, replaces=turn.epoch, joins_until_ms=-1)
    turn = draft.open_turn(again)
    draft.emit(Tell(Moment.LISTENING))
    _note_speech(draft, Listening(0, turn, draft.now_ms), turn.from_ms)


def _note_speech(draft: Draft, listening: Listening, at_ms: int) -> None:
    draft.emit(Tell(Moment.SPEECH_STARTED))
    deadline_ms = listening.deadline_ms if listening.held else _longest_ms(draft)
    draft.become(replace(listening, deadline_ms=deadline_ms, speech_ms=at_ms))


def _longest_ms(draft: Draft) -> int:
    return draft.now_ms + draft.settings.max_speech_ms + _ENDPOINTING_MS
