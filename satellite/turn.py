"""The turn machine: whose turn it is, and what is to be done about what happens.

`step` is a pure function, and one task owns its state. Rules: every state but Idle has a deadline; what
belongs to an older turn or playback changes nothing; mute closes the ear, never the mouth. What becomes
of the states is told in `dialog`: `listening` (the ear), `answers` and `announcing` (the mouth).
"""

from dataclasses import replace

from satellite.dialog.announcing import (
    announcement_audio,
    announcement_ended,
    announcement_overdue,
    give_up,
    rest,
    say,
)
from satellite.dialog.answers import (
    answer_overdue,
    answered,
    playback_heard,
    playback_overdue,
    via_lost,
)
from satellite.dialog.draft import Draft
from satellite.dialog.links import Link
from satellite.dialog.listening import (
    await_reply,
    called,
    ear_closed,
    ear_lost,
    listening_cut_short,
    released,
    speech_ended,
    speech_started,
    supposed,
)
from satellite.dialog.settings import TurnSettings
from satellite.dialog.state import (
    Announcing,
    Awaiting,
    Booting,
    Guarding,
    Idle,
    Listening,
    Processing,
    Responding,
    Ringing,
    State,
)
from satellite.effects import DismissTimers, Effect, Moment, RestartEars, Tell
from satellite.events import (
    AnnouncementAudio,
    AnnouncementEnded,
    Event,
    Foreseen,
    MicrophoneLost,
    MicrophoneReady,
    MuteChanged,
    MuteSource,
    PlaybackHeard,
    Pressed,
    Released,
    Say,
    Stopped,
    Supposed,
    Tick,
    TimerDismissed,
    TimerFinished,
    Triggered,
    Understanding,
    Unmet,
    Via,
    ViaChanged,
    WakeWord,
    Woken,
)
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted

__all__ = ["State", "TurnSettings", "step"]


def step(
    settings: TurnSettings, state: State, event: Event, now_ms: int
) -> tuple[State, list[Effect]]:
    """The state after an event, and what is to be carried out, in order; `now_ms` never runs backwards."""
    draft = Draft(settings, state, now_ms)
    _take(draft, event)
    return draft.finish(state)


def _take(draft: Draft, event: Event) -> None:
    match event:
        case Stopped():
            _stopped(draft)
        case Woken(word=WakeWord(stops=True)):
            _stop_word(draft)
        case Woken() | Triggered() | Pressed():
            called(draft, event)
        case SpeechStarted(at_ms):
            speech_started(draft, at_ms)
        case SpeechEnded(at_ms):
            speech_ended(draft, at_ms)
        case Supposed():
            supposed(draft, event)
        case Released():
            released(draft)
        case MicrophoneReady():
            _microphone_ready(draft)
        case MicrophoneLost(reason):
            _microphone_lost(draft, reason)
        case MuteChanged(source, muted):
            _mute_changed(draft, source, muted)
        case Say(text):
            say(draft, text)
        case ViaChanged(via, ready, missing):
            _via_changed(draft, via, Link(ready, missing))
        case AnnouncementAudio(via, sound):
            announcement_audio(draft, via, sound)
        case AnnouncementEnded(via):
            announcement_ended(draft, via)
        case PlaybackHeard(playback):
            playback_heard(draft, playback)
        case TimerFinished(timer_id, name):
            _timer_finished(draft, timer_id, name)
        case TimerDismissed(timer_id):
            _forget_timers(draft, {timer_id})
        case Tick():
            _tick(draft)
        case Understanding() | Foreseen() | Unmet():
            return
        case _:
            answered(draft, event)


def _stopped(draft: Draft) -> None:
    draft.dismiss_ringing()
    if not isinstance(draft.state.dialog, Booting):
        draft.state = replace(draft.state, says=())
        draft.drop_waiting()
        give_up(draft)


def _stop_word(draft: Draft) -> None:
    """Stops what a button would, but no answer that nothing said may interrupt."""
    answers = isinstance(draft.state.dialog, Processing | Responding | Announcing)
    if not (answers and draft.settings.barge_in == "off"):
        _stopped(draft)


def _microphone_ready(draft: Draft) -> None:
    draft.state = replace(draft.state, microphone=True)
    draft.emit(Tell(Moment.MICROPHONE_READY))
    if isinstance(draft.state.dialog, Booting):
        draft.emit(Tell(Moment.READY))
        rest(draft)


def _microphone_lost(draft: Draft, reason: str) -> None:
    draft.state = replace(draft.state, microphone=False)
    draft.emit(Tell(Moment.MICROPHONE_LOST, reason))
    ear_lost(draft)
    # Speech that was cut off must not swallow the beginning of what is said next.
    draft.emit(RestartEars(None))


def _mute_changed(draft: Draft, source: MuteSource, muted: bool) -> None:
    before = draft.state.muted
    after = before | {source} if muted else before - {source}
    draft.state = replace(draft.state, muted=after)
    if after and not before:
        draft.emit(Tell(Moment.MUTED))
        ear_closed(draft)
    elif before and not after:
        draft.emit(Tell(Moment.UNMUTED))


def _via_changed(draft: Draft, via: Via, link: Link) -> None:
    before = draft.state.links.of(via)
    draft.state = replace(draft.state, links=draft.state.links.with_link(via, link))
    if link.ready and not before.ready:
        draft.emit(Tell(Moment.CONNECTED, via))
    elif before.ready and not link.ready:
        draft.emit(Tell(Moment.DISCONNECTED, via))
        via_lost(draft, via)


def _timer_finished(draft: Draft, timer_id: str, name: str) -> None:
    if timer_id in {timer.timer_id for timer in draft.state.ringing}:
        return
    timer = Ringing(timer_id, name, draft.now_ms + draft.settings.ring_ms)
    draft.state = replace(draft.state, ringing=(*draft.state.ringing, timer))


def _forget_timers(draft: Draft, timer_ids: set[str]) -> None:
    ringing = tuple(timer for timer in draft.state.ringing if timer.timer_id not in timer_ids)
    draft.state = replace(draft.state, ringing=ringing)


def _tick(draft: Draft) -> None:
    late = [t.timer_id for t in draft.state.ringing if draft.now_ms >= t.deadline_ms]
    _forget_timers(draft, set(late))
    draft.emit(*(DismissTimers(timer_id) for timer_id in late))
    deadline_ms = draft.state.dialog.deadline_ms
    if deadline_ms is not None and draft.now_ms >= deadline_ms:
        _overdue(draft)


def _overdue(draft: Draft) -> None:
    """The deadline of the dialog has come."""
    match draft.state.dialog:
        case Booting():
            draft.emit(
                Tell(Moment.ERROR, "no microphone yet; see `wyoming-voice satellite doctor`")
            )
            rest(draft)
        case Listening() as listening:
            listening_cut_short(draft, listening)
        case Processing():
            answer_overdue(draft)
        case Guarding(before=before):
            await_reply(draft, before)
        case Awaiting():
            rest(draft)
        case Announcing() if not draft.state.line:
            announcement_overdue(draft)
        case Responding() | Announcing():
            playback_overdue(draft)
        case Idle():
            return
