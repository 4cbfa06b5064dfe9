"""Sound that answers nobody: announcements, texts that somebody wants spoken, sentences of our own.

Rules: none of it waits for a microphone or opens the ear; texts wait until nobody is at it, and what is
announced in the middle of an answer gets in line behind it. Here, too, everything comes to rest.
"""

from dataclasses import replace

from satellite.dialog.draft import Draft
from satellite.dialog.state import Announcing, Idle, Playback, Responding
from satellite.effects import Moment, PlaySentence, PlayTone, Speak, Tell, Tone
from satellite.events import Trouble, Via
from wyoming_voice.client import Sound

_SAYS = 8
"""How many texts may wait; one more is refused."""

_SENTENCE_MS = 10_000
"""No sentence of our own is longer."""


def rest(draft: Draft) -> None:
    """Nobody is at it: idle, or the next text that waits to be spoken."""
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


def complain(draft: Draft, trouble: Trouble) -> None:
    """Say aloud what is wrong; whatever went before has been let go of."""
    draft.emit(PlayTone(Tone.ERROR), Tell(Moment.ERROR, trouble))
    sentence = draft.queue(None)
    draft.emit(PlaySentence(sentence.number, trouble))
    heard_by_ms = sentence.heard_by_ms + _SENTENCE_MS
    draft.put(replace(sentence, heard_by_ms=heard_by_ms, sound_ms=_SENTENCE_MS, complete=True))
    draft.become(Announcing(draft.patience_ms()))


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


def announcement_audio(draft: Draft, sound: Sound) -> None:
    """A piece of an announcement, perhaps its first."""
    if draft.drops_strays():
        return
    playback = draft.state.announcement or _begin_announcement(draft)
    draft.play(playback, sound)
    if draft.state.line[0].number == playback.number:
        draft.renew()


def announcement_ended(draft: Draft) -> None:
    """All of it has come, or nothing could be spoken."""
    if draft.drops_strays():
        draft.state = replace(draft.state, dropping_until_ms=None)
        return
    dialog, playback = draft.state.dialog, draft.state.announcement
    if isinstance(dialog, Announcing):
        draft.become(replace(dialog, asked=False))
    if playback is not None:
        draft.complete(playback)
    elif isinstance(dialog, Announcing) and not draft.state.line:
        complain(draft, Trouble.FAILED)


def announcement_overdue(draft: Draft) -> None:
    """What was asked for never came."""
    draft.let_go()
    complain(draft, Trouble.TIMEOUT)


def _begin_announcement(draft: Draft) -> Playback:
    match draft.state.dialog:
        case Announcing(asked=True):
            return draft.begin_playback(Via.DIRECT)
        case Announcing() | Responding():
            return draft.begin_playback(Via.HOME_ASSISTANT)
        case _:
            draft.let_go()
            draft.emit(Tell(Moment.ANNOUNCING))
            playback = draft.begin_playback(Via.HOME_ASSISTANT)
            draft.become(Announcing(draft.patience_ms()))
            return playback


def _speak(draft: Draft, text: str) -> None:
    links = draft.state.links
    if not links.direct.ready:
        complain(draft, links.lack(Trouble.NO_TTS))
        return
    draft.emit(Tell(Moment.ANNOUNCING, text), Speak(text))
    draft.become(Announcing(draft.now_ms + draft.settings.answer_ms, asked=True))
