"""What comes of a turn: transcript, answer, failure, and the reply that an answer may ask for.

Rules: words that come while the ear is open close it; an answer that fails after it was begun is heard
as far as it came; a turn whose server goes is begun again with another one that is ready.
"""

from dataclasses import replace

from satellite.dialog.announcing import (
    add_sentence,
    announcements_cut_short,
    complain,
    get_in_line,
    give_up,
    rest,
)
from satellite.dialog.draft import Draft
from satellite.dialog.listening import end_audio
from satellite.dialog.phrases import is_question, is_stop
from satellite.dialog.state import Announcing, Guarding, Listening, Processing, Responding, Turn
from satellite.effects import CancelTurn, EndAudio, Moment, PlayTone, Prepare, Tell, Tone
from satellite.events import (
    Progressed,
    ReplyAudio,
    ReplyEnded,
    ReplyText,
    SpeechEndedRemotely,
    Transcribed,
    Trouble,
    TurnFailed,
    Via,
)
from wyoming_voice.client import Sound

OfTurn = (
    Progressed
    | SpeechEndedRemotely
    | Transcribed
    | ReplyText
    | ReplyAudio
    | ReplyEnded
    | TurnFailed
)  # fmt: skip


def answered(draft: Draft, event: OfTurn) -> None:
    """Take what whoever answers has to say of a turn; of an older one, nothing is taken."""
    turn = draft.state.turn
    if turn is None or turn.epoch != event.epoch:
        return
    match event:
        case Progressed():
            draft.renew()
        case SpeechEndedRemotely():
            _close_ear(draft)
        case TurnFailed():
            _failed(draft, event, turn)
        case _:
            _close_ear(draft)
            _words_or_sound(draft, event)


def playback_heard(draft: Draft, number: int) -> None:
    """The first in line was heard to its end."""
    line = draft.state.line
    if not line or line[0].number != number or not line[0].complete:
        return
    draft.take_first()
    draft.emit(Tell(Moment.PLAYED))
    _after_playback(draft)


def playback_overdue(draft: Draft) -> None:
    """The first in line should have been heard long ago, or more of it have come."""
    dialog, first = draft.state.dialog, draft.state.line[0]
    draft.cut_first()
    if isinstance(dialog, Responding) and not first.complete:
        draft.emit(CancelTurn(dialog.turn.epoch, dialog.turn.via))
    _after_playback(draft)


def answer_overdue(draft: Draft) -> None:
    """Nothing has come of a turn for too long.

    That is no trouble where Home Assistant has understood what was said: a pipeline that has nothing to
    say, or no voice to say it with, is over without a word to the satellite. No time shorter than
    `answer_ms` tells it from an agent that thinks for long, which sends nothing either; so the same time
    is waited, and the turn ends in silence.
    """
    match draft.state.dialog:
        case Processing(turn=Turn(via=Via.HOME_ASSISTANT), text="", understood=True):
            give_up(draft)
        case _:
            draft.let_go()
            complain(draft, Trouble.TIMEOUT)


def via_lost(draft: Draft, via: Via) -> None:
    """Home Assistant has gone: another begins again, or what came has to do.

    Our own servers end by themselves what they are at: the one that has gone may have done its part.
    """
    if via is Via.DIRECT:
        return
    answer = draft.state.answer
    if answer is not None and answer.via is via and not answer.complete:
        draft.complete(answer)
    announcements_cut_short(draft)
    match draft.state.dialog:
        case Listening(turn=turn) | Processing(turn=turn) if turn.via is via:
            _hand_over(draft, turn, Trouble.NO_HOME_ASSISTANT)
        case _:
            return


def _hand_over(draft: Draft, turn: Turn, trouble: Trouble) -> None:
    """Have another than whom it was begun with answer a turn, if there is one and the ear isn't closed."""
    mode, links = draft.settings.mode, draft.state.links
    others = [other for other in links.ready(mode) if other is not turn.via]
    draft.let_go()
    if others and not draft.state.muted:
        _begin_again(draft, replace(turn, via=others[0]))
    else:
        complain(draft, trouble)


def _begin_again(draft: Draft, turn: Turn) -> None:
    """The same turn from its beginning; where all was said already, it is said again at once."""
    match draft.state.dialog:
        case Listening() as listening:
            draft.become(replace(listening, turn=draft.open_turn(turn)))
        case _:
            turn = draft.open_turn(replace(turn, said=True))
            draft.emit(EndAudio(turn.epoch, turn.via))
            draft.become(Processing(draft.now_ms + draft.settings.answer_ms, turn))


def _close_ear(draft: Draft) -> None:
    if isinstance(draft.state.dialog, Listening):
        end_audio(draft, draft.state.dialog)


def _words_or_sound(draft: Draft, event: Transcribed | ReplyText | ReplyAudio | ReplyEnded) -> None:
    """What makes up an answer, in Processing or Responding."""
    match event:
        case Transcribed(text=text, language=language):
            draft.state = replace(draft.state, language=language or draft.state.language)
            _transcribed(draft, text)
        case ReplyText(text=text):
            _add_text(draft, text)
        case ReplyAudio(sound=sound):
            _add_sound(draft, sound)
        case ReplyEnded():
            _ended(draft)


def _transcribed(draft: Draft, text: str) -> None:
    draft.renew()
    if text.strip():
        draft.emit(Tell(Moment.TRANSCRIPT, text))
    dialog = draft.state.dialog
    if not isinstance(dialog, Processing):
        return
    draft.become(replace(dialog, understood=True))
    if not text.strip():
        give_up(draft)
    elif is_stop(text):
        draft.dismiss_ringing()
        draft.emit(PlayTone(Tone.DONE))
        give_up(draft)


def _add_text(draft: Draft, text: str) -> None:
    dialog = draft.state.dialog
    if isinstance(dialog, Processing | Responding):
        draft.become(replace(dialog, text=dialog.text + text))
        draft.renew()


def _add_sound(draft: Draft, sound: Sound) -> None:
    match draft.state.dialog:
        case Processing(turn=turn, text=text):
            playback = draft.begin_playback(turn.via)
            draft.emit(Tell(Moment.RESPONDING))
            draft.play(playback, sound)
            draft.become(Responding(draft.patience_ms(), turn, text))
            get_in_line(draft)
        case Responding() if not draft.state.line[0].complete:
            draft.play(draft.state.line[0], sound)
            draft.renew()
        case _:
            return


def _ended(draft: Draft) -> None:
    match draft.state.dialog:
        case Processing(text=text):
            draft.emit(Tell(Moment.RESPONSE, text))
            rest(draft)
        case Responding(text=text) if not draft.state.line[0].complete:
            draft.emit(Tell(Moment.RESPONSE, text))
            draft.complete(draft.state.line[0])
        case _:
            return


def _failed(draft: Draft, failure: TurnFailed, turn: Turn) -> None:
    """There is no answer, or no more of it; where nobody was there to hear it, another may have one."""
    match draft.state.dialog:
        case Responding():
            if not draft.state.line[0].complete:
                draft.emit(Tell(Moment.ERROR, failure.trouble))
                draft.complete(draft.state.line[0])
                if not failure.silent:
                    add_sentence(
                        draft, failure.trouble
                    )  # or half an answer sounds like a whole one
        case _ if failure.silent:
            _close_ear(draft)
            rest(draft)
        case _ if failure.trouble in (Trouble.NO_HOME_ASSISTANT, Trouble.NO_ASR):
            _hand_over(draft, turn, failure.trouble)
        case _:
            _close_ear(draft)
            complain(draft, failure.trouble)


def _after_playback(draft: Draft) -> None:
    """What comes after something was heard: the next in line, a reply to it, or nothing."""
    match draft.state.dialog:
        case _ if draft.state.line:
            draft.emit(Tell(Moment.ANNOUNCING))
            draft.become(Announcing(draft.patience_ms(), asked=draft.state.asked))
        case Announcing(asked=True):
            draft.become(Announcing(draft.patience_ms(), asked=True))
        case Responding(turn=turn, text=text) if _wants_reply(draft, text):
            _guard(draft, turn)
        case _:
            rest(draft)


def _wants_reply(draft: Draft, text: str) -> bool:
    if draft.state.muted or not draft.state.microphone:
        return False
    policy = draft.settings.follow_up
    return policy == "always" or (policy == "question" and is_question(text))


def _guard(draft: Draft, turn: Turn) -> None:
    via = draft.ready_via(turn.via)
    if via is None:
        rest(draft)
        return
    draft.emit(Prepare(via))
    draft.become(Guarding(draft.now_ms + draft.settings.guard_ms, turn))
