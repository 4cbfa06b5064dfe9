"""A session and its clock, driven by pictures: pictures in, pictures out.

In: `begin1 feed1 end1 cancel1 played` of ours, `up` and `down` of the link, `+500` for time in ms, all else
an event of Home Assistant's, with `=` before its text or code. Out: `>` before what is sent, and events of
ours with the epoch behind them.
"""

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event as WireEvent

from satellite import effects
from satellite import events as e
from satellite.home_assistant.messages import CANCEL, HangUp, Outcome, Send, TimerNews
from satellite.home_assistant.session import Session

NABU = e.WakeWord("okay_nabu", "okay nabu")
START = AudioStart(22_050, 2, 1).event()


def chunk(pcm: bytes = bytes(4)) -> WireEvent:
    return AudioChunk(22_050, 2, 1, pcm).event()


def from_home_assistant(word: str) -> WireEvent:
    kind, _, text = word.partition("=")
    match kind:
        case "audio-start":
            return START
        case "audio-chunk":
            return chunk()
        case "audio-stop":
            return AudioStop().event()
        case "error":
            return Error(text="because", code=text).event()
        case "transcribe" if text:
            return WireEvent(kind, {"language": text})
        case "transcript" | "synthesize":
            return WireEvent(kind, {"text": text})
        case "timer-finished":
            return WireEvent(kind, {"id": "t1"})
    return WireEvent(kind)


def shown(outcome: Outcome) -> str:
    match outcome:
        case Send(event) if event == CANCEL:
            return ">cancel"
        case Send(event):
            return {"run-pipeline": ">run"}.get(event.type, f">{event.type}")
        case HangUp():
            return "hang-up"
        case TimerNews(event):
            return event.type
        case e.TurnFailed(epoch, trouble, silent=silent):
            return f"{'silent' if silent else trouble.value}{epoch}"
        case e.Transcribed(epoch, text, language) if language:
            return f"Transcribed{epoch}={text}:{language}"
        case e.Transcribed(epoch, text) | e.ReplyText(epoch, text):
            return f"{type(outcome).__name__}{epoch}={text}"
        case e.ViaChanged(ready=ready):
            return "ready" if ready else "gone"
        case e.MuteChanged(muted=muted):
            return "muted" if muted else "unmuted"
        case e.AnnouncementAudio(via=via) | e.AnnouncementEnded(via=via):
            assert via is e.Via.HOME_ASSISTANT
            return type(outcome).__name__
    return f"{type(outcome).__name__}{getattr(outcome, 'epoch', '')}"


class Desk:
    """A session and its clock."""

    def __init__(self) -> None:
        self.session = Session()
        self.now_ms = 1_000_000

    def do(self, word: str) -> list[Outcome]:
        name = word.rstrip("0123456789")
        number = int(word[len(name) :] or 0)
        match name:
            case "up":
                return self.session.connected(self.now_ms)
            case "down":
                return self.session.disconnected(self.now_ms)
            case "begin":
                return self.session.begin(self._turn(number, None), self.now_ms)
            case "woken":
                return self.session.begin(self._turn(number, NABU), self.now_ms)
            case "feed":
                return self.session.feed(number, bytes(1024))
            case "end":
                return self.session.end_audio(number)
            case "cancel":
                return self.session.cancel(number, self.now_ms)
            case "played":
                return self.session.played()
            case "+":
                return self._pass(number)
        return self.session.received(from_home_assistant(word), self.now_ms)

    def _turn(self, epoch: int, word: e.WakeWord | None) -> effects.BeginTurn:
        return effects.BeginTurn(epoch, e.Via.HOME_ASSISTANT, 0, word)

    def _pass(self, ms: int) -> list[Outcome]:
        end_ms, outcomes = self.now_ms + ms, list[Outcome]()
        while (due_ms := self.session.deadline_ms) is not None and due_ms <= end_ms:
            self.now_ms = max(due_ms, self.now_ms)
            outcomes += (done := self.session.tick(self.now_ms))
            if any(isinstance(outcome, HangUp) for outcome in done):
                break
        self.now_ms = end_ms
        return outcomes


def follow(picture: str) -> str:
    desk = Desk()
    return " ".join(shown(outcome) for word in picture.split() for outcome in desk.do(word))


TURN = "begin1 feed1 end1 transcribe transcript=hi synthesize=Hello. audio-start"
TOLD = ">run >audio-chunk >audio-stop Progressed1 Transcribed1=hi ReplyText1=Hello. Progressed1"
