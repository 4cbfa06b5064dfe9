"""Sound that answers nobody: announcements, texts that somebody wants spoken, sentences of our own.

Rules: none of it waits for a microphone or opens the ear; texts wait until nobody is at it. Home Assistant
gives up its own turn for what it announces; what it announces in a turn of our own servers waits for the
answer, and gets in line behind it. Here, too, everything comes to rest.
"""

from dataclasses import replace

from satellite.dialog.draft import Draft
from satellite.dialog.state import (
    Announcing,
    Idle,
    Listening,
    Playback,
    Processing,
    Responding,
    Waiting,
)
from satellite.effects import Moment, PlaySentence, PlayTone, Speak, Tell, Tone
from satellite.events import Trouble, Via
from wyoming_voice.client import Sound

_SAYS = 8
"""How many texts may wait; one more is refused."""

_SENTENCE_MS = 10_000
"""No sentence of our own is longer."""


def rest(draft: Draft) -> None:
    """Nobody is at it: idle, or the next that waits to be announced or spoken."""
    if draft.state.waiting:
        _announce(draft)
        return
    draft.become(Idle())
    if not draft.state.says:
        return
    text, *waiting = draft.state.says
    draft.state = replace(draft.state, says=tuple(waiting))
    _speak(draft, text)


def give_up(draft: Draft) -> None:
    """Let go of everything, silently."""
    draft.let_go()
    rest(draft)


def complain(draft: Draft, trouble: Trouble, text: str = "") -> None:
    """Say aloud what is wrong, after what is in line; `text` tells programs more than `trouble` does."""
    draft.emit(PlayTone(Tone.ERROR), Tell(Moment.ERROR, text or trouble))
    add_sentence(draft, trouble)
    draft.become(Announcing(draft.patience_ms()))
    get_in_line(draft)


def add_sentence(draft: Draft, trouble: Trouble) -> None:
    """Have one of our own sentences spoken behind what is in line."""
    sentence = draft.queue(None)
    draft.emit(PlaySentence(sentence.number, trouble, draft.state.language))
    heard_by_ms = sentence.heard_by_ms + _SENTENCE_MS
    draft.put(replace(sentence, heard_by_ms=heard_by_ms, sound_ms=_SENTENCE_MS, complete=True))


def get_in_line(draft: Draft) -> None:
    """What was announced in the middle of a turn is heard after what sounds."""
    waiting, draft.state = draft.state.waiting, replace(draft.state, waiting=())
    for announcement in waiting:
        number = draft.begin_playback(Via.HOME_ASSISTANT).number
        for sound in announcement.sounds:
            draft.play(_in_line(draft, number), sound)
        if announcement.complete:
            draft.complete(_in_line(draft, number))


def say(draft: Draft, text: str) -> None:
    """Somebody wants a text to be spoken: at once, or when nobody is at it."""
    if not text.strip():
        return
    if isinstance(draft.state.dialog, Idle):
        _speak(draft, text)
    elif len(draft.state.says) < _SAYS:
        draft.state = replace(draft.state, says=(*draft.state.says, text))
    else:
        draft.emit(Tell(Moment.ERROR, f"{_SAYS} texts wait to be spoken already; say it later"))


def announcement_audio(draft: Draft, via: Via, sound: Sound) -> None:
    """A piece of an announcement, perhaps its first."""
    if draft.drops_strays(via) or not _expects(draft, via):
        return
    if via is Via.HOME_ASSISTANT and _has_to_wait(draft):
        _keep(draft, sound)
        return
    playback = draft.state.announcement(via) or _begin_announcement(draft, via)
    draft.play(playback, sound)
    if draft.state.line[0].number == playback.number:
        draft.renew()


def announcement_ended(draft: Draft, via: Via) -> None:
    """All of it has come, or nothing could be spoken."""
    if draft.drops_strays(via):
        draft.end_strays(via)
    elif via is Via.HOME_ASSISTANT:
        _complete(draft, via)
    elif isinstance(draft.state.dialog, Announcing) and draft.state.asked:
        draft.become(replace(draft.state.dialog, asked=False))
        if draft.state.announcement(via) is None:
            complain(draft, Trouble.FAILED)
        else:
            _complete(draft, via)


def announcements_cut_short(draft: Draft) -> None:
    """Home Assistant has gone: what it began to announce has to do."""
    _complete(draft, Via.HOME_ASSISTANT)


def announcement_overdue(draft: Draft) -> None:
    """What was asked for never came."""
    draft.let_go()
    complain(draft, Trouble.TIMEOUT)


def _expects(draft: Draft, via: Via) -> bool:
    """Whether theirs is to be heard: Home Assistant's unless it has no say here, our own when asked for."""
    if via is Via.HOME_ASSISTANT:
        return draft.settings.mode != "standalone"
    return draft.state.asked


def _has_to_wait(draft: Draft) -> bool:
    """A turn of Home Assistant's own is over once it announces; one of our servers' goes on."""
    match draft.state.dialog:
        case Listening(turn=turn) | Processing(turn=turn):
            return turn.via is Via.DIRECT or _is_open(draft.state.waiting)
        case _:
            return False


def _is_open(waiting: tuple[Waiting, ...]) -> bool:
    return bool(waiting) and not waiting[-1].complete


def _keep(draft: Draft, sound: Sound) -> None:
    waiting = draft.state.waiting
    if not _is_open(waiting):
        waiting = (*waiting, Waiting())
    *before, last = waiting
    last = replace(last, sounds=(*last.sounds, sound))
    draft.state = replace(draft.state, waiting=(*before, last))


def _complete(draft: Draft, via: Via) -> None:
    if (playback := draft.state.announcement(via)) is not None:
        draft.complete(playback)
    if via is Via.HOME_ASSISTANT and _is_open(draft.state.waiting):
        *before, last = draft.state.waiting
        draft.state = replace(draft.state, waiting=(*before, replace(last, complete=True)))


def _begin_announcement(draft: Draft, via: Via) -> Playback:
    if not isinstance(draft.state.dialog, Announcing | Responding):
        draft.let_go()
        _announce(draft)
    return draft.begin_playback(via)


def _announce(draft: Draft) -> None:
    """Announcements begin to be heard, those that wait first."""
    draft.emit(Tell(Moment.ANNOUNCING))
    get_in_line(draft)
    draft.become(Announcing(draft.patience_ms()))


def _in_line(draft: Draft, number: int) -> Playback:
    return next(playback for playback in draft.state.line if playback.number == number)


def _speak(draft: Draft, text: str) -> None:
    links = draft.state.links
    if not links.direct.ready:
        complain(draft, links.lack(Trouble.NO_TTS))
        return
    draft.emit(Tell(Moment.ANNOUNCING, text), Speak(text))
    draft.become(Announcing(draft.now_ms + draft.settings.answer_ms, asked=True))
