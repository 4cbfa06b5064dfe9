"""The parts of a conversation with a page, without a network."""

import asyncio
import json

import numpy as np
import pytest

from satellite.dialog.state import Listening, Processing, State, Turn
from satellite.effects import Moment, Tell
from satellite.events import (
    Event,
    MicrophoneReady,
    PlaybackHeard,
    ReplyEnded,
    ReplyText,
    Supposed,
    Transcribed,
    Trouble,
    TurnFailed,
    Understanding,
    Via,
)
from satellite.parts import HeardFrame
from satellite.speaking.tones import read_sentences
from satellite.turn import TurnSettings
from tests.satellite.waiting import running, until
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import BadAudio, TooSlow
from wyoming_voice.gateway.loudspeaker import LEAD_MS, RATE_HZ, BrowserSpeaker
from wyoming_voice.gateway.microphone import BACKLOG_MS, STALLED_S, BrowserMicrophone
from wyoming_voice.gateway.outbox import Outbox
from wyoming_voice.gateway.telling import Teller
from wyoming_voice.gateway.waterfall import Stage, Waterfall

SECOND = Sound(bytes(2 * RATE_HZ), AudioFormat(RATE_HZ, 2, 1))


class Wire:
    """A page's end of the WebSocket; `open` is cleared while it doesn't read."""

    def __init__(self) -> None:
        self.texts: list[dict[str, object]] = []
        self.sound = b""
        self.open = asyncio.Event()
        self.open.set()

    @property
    def sound_ms(self) -> float:
        return SECOND.format.ms(len(self.sound))

    async def send_text(self, data: str) -> None:
        await self.open.wait()
        self.texts.append(json.loads(data))

    async def send_bytes(self, data: bytes) -> None:
        await self.open.wait()
        self.sound += data

    def kinds(self) -> list[object]:
        return [text["type"] for text in self.texts]


class Clock:
    """Time that passes when a test says so."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def test_sound_goes_ahead_of_what_is_heard_by_so_much_and_no_more() -> None:
    wire, clock, posts = Wire(), Clock(), list[Event]()
    outbox = Outbox(wire)
    speaker = BrowserSpeaker(posts.append, outbox, clock)
    async with running(outbox.run()), running(speaker.run()):
        speaker.begin(1)
        for _ in range(3):
            speaker.play(1, SECOND)
        await until(lambda: wire.sound_ms >= LEAD_MS)
        clock.now_s += 0.5
        await until(lambda: wire.sound_ms >= 500 + LEAD_MS)
        assert wire.sound_ms <= 500 + LEAD_MS + 100
        assert speaker.abort(1) == 500
        await until(lambda: "audio_clear" in wire.kinds())
        assert posts == []


async def test_a_page_that_says_what_it_played_is_believed() -> None:
    wire, clock, posts = Wire(), Clock(), list[Event]()
    outbox = Outbox(wire)
    speaker = BrowserSpeaker(posts.append, outbox, clock)
    async with running(outbox.run()), running(speaker.run()):
        for number in (1, 2):
            speaker.begin(number)
            speaker.play(number, Sound(SECOND.pcm[:9600], SECOND.format))
            speaker.end(number)
        await until(lambda: wire.kinds() == ["audio_begin", "audio_end"])
        speaker.heard(1, 200)
        await until(lambda: posts == [PlaybackHeard(1)])
        await until(lambda: wire.kinds().count("audio_end") == 2)
        clock.now_s += 2.0  # and of one that says nothing it is taken for granted, after a while
        await until(lambda: posts == [PlaybackHeard(1), PlaybackHeard(2)])
        assert speaker.abort(2) == 0


async def test_how_much_was_heard_follows_what_the_page_says() -> None:
    wire, clock = Wire(), Clock()
    outbox = Outbox(wire)
    speaker = BrowserSpeaker(lambda _: None, outbox, clock)
    async with running(outbox.run()), running(speaker.run()):
        speaker.begin(1)
        speaker.play(1, SECOND)
        await until(lambda: wire.sound_ms >= LEAD_MS)
        speaker.heard(1, 120)
        clock.now_s += 0.1
        assert speaker.abort(1) == 220


@pytest.mark.parametrize("language", ["ja", "en"])
async def test_a_sentence_is_told_in_the_language_of_the_talk(language: str) -> None:
    wire, clock = Wire(), Clock()
    outbox = Outbox(wire)
    speaker = BrowserSpeaker(lambda _: None, outbox, clock)
    async with running(outbox.run()), running(speaker.run()):
        speaker.sentence(1, Trouble.FAILED, language)

        def over() -> bool:
            clock.now_s += 0.1
            return wire.kinds() == ["audio_begin", "audio_end"]

        await until(over)
    said_ms = read_sentences(language)[Trouble.FAILED].ms
    assert wire.sound_ms == pytest.approx(said_ms, abs=50)


async def test_what_was_not_sent_yet_is_withdrawn() -> None:
    wire = Wire()
    wire.open.clear()
    outbox = Outbox(wire)
    speaker = BrowserSpeaker(lambda _: None, outbox, Clock())
    async with running(outbox.run()), running(speaker.run()):
        speaker.begin(1)
        speaker.play(1, SECOND)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        speaker.abort(1)
        wire.open.set()
        await until(lambda: wire.kinds() == ["audio_begin", "audio_clear"])
        assert wire.sound == b""


async def test_a_page_that_reads_slowly_is_spared_the_levels() -> None:
    wire = Wire()
    outbox = Outbox(wire)
    for _ in range(500):
        outbox.spare("frame", {})
    outbox.tell("state")
    async with running(outbox.run()):
        await until(lambda: "state" in wire.kinds())
    assert 1 < wire.kinds().count("frame") < 200


async def test_a_page_that_does_not_read_is_let_go() -> None:
    wire = Wire()
    outbox = Outbox(wire)
    for _ in range(3_000):
        outbox.tell("state")
    assert outbox.waiting < 3_000
    with pytest.raises(TooSlow):
        async with asyncio.timeout(5):
            await outbox.run()


def frames_of(rate_hz: int = 16_000) -> tuple[BrowserMicrophone, list[HeardFrame]]:
    heard: list[HeardFrame] = []
    return BrowserMicrophone(rate_hz, "s16le", heard.append), heard


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000, 96_000])
async def test_a_second_of_any_rate_is_a_second(rate_hz: int) -> None:
    microphone, heard = frames_of(rate_hz)
    done = asyncio.Event()
    tone = (8000 * np.sin(np.arange(rate_hz) * 2 * np.pi * 440 / rate_hz)).astype("<i2")
    microphone.push(tone.tobytes())
    microphone.after(done.set)
    async with running(microphone.run()):
        await done.wait()
    assert len(heard) in (30, 31)
    assert heard[15].level_dbfs == pytest.approx(-15.3, abs=0.5)


async def test_a_microphone_that_stops_is_silent_where_silence_decides() -> None:
    clock, heard, decides = Clock(), list[HeardFrame](), [True]
    microphone = BrowserMicrophone(16_000, "s16le", heard.append, lambda: decides[0], clock)
    microphone.push(bytes(2 * 16_000))  # a second at once: the next is due in a second
    clock.now_s += 1.0 + STALLED_S - 0.01
    microphone.look()
    assert heard == []
    clock.now_s += 0.02
    microphone.look()
    assert len(heard) == 3
    microphone.push(bytes(3_200))  # here it is again
    clock.now_s += STALLED_S
    microphone.look()
    assert len(heard) == 3
    clock.now_s += 60.0
    decides[0] = False
    microphone.look()
    assert len(heard) == 3


async def test_the_oldest_sound_is_dropped_and_no_button() -> None:
    microphone, heard = frames_of()
    order: list[int] = []
    microphone.after(lambda: order.append(len(heard)))
    for _ in range(5):
        microphone.push(bytes(2 * 16_000))
    microphone.after(lambda: order.append(len(heard)))
    assert microphone.dropped_ms == 2_000
    async with running(microphone.run()):
        await until(lambda: len(order) == 2)
    assert order == [0, BACKLOG_MS // 32]


async def test_what_is_no_sound() -> None:
    microphone, _ = frames_of()
    with pytest.raises(BadAudio, match="3 bytes"):
        microphone.push(bytes(3))
    floats = BrowserMicrophone(16_000, "f32le", lambda _: None)
    with pytest.raises(BadAudio, match="NaN"):
        floats.push(np.array([0, np.inf], "<f4").tobytes())


def test_a_waterfall() -> None:
    waterfall = Waterfall(10.0)
    waterfall.reached("noticed", 10.6)
    waterfall.reached("transcript", 10.65)
    waterfall.ahead(400, 10.66)
    waterfall.reached("first words", 10.7)
    waterfall.reached("first words", 99.0)
    waterfall.reached("first audio", 10.9)  # told before the next, since it begins with silence
    waterfall.reached("first sentence", 10.8)
    assert waterfall.stages == [
        Stage("noticed", 0, 600),
        Stage("answer begun on a guess", 260, 660),
        Stage("transcript", 600, 650),
        Stage("first words", 650, 700),
        Stage("first sentence", 700, 800),
        Stage("first audio", 800, 900),
    ]


def test_what_was_over_before_speech_ended_took_no_time() -> None:
    waterfall = Waterfall(10.0)
    waterfall.reached("transcript", 9.9)
    waterfall.reached("noticed", 10.5)
    assert waterfall.stages == [Stage("transcript", 0, 0), Stage("noticed", 0, 500)]


LISTENING = State(Listening(0, Turn(1, Via.DIRECT, 0), 0), epoch=1)
PROCESSING = State(Processing(0, Turn(1, Via.DIRECT, 0)), epoch=1)
GOES_ON = State(Listening(0, Turn(2, Via.DIRECT, 0, replaces=1), 0), epoch=2)
ANOTHER = State(Listening(0, Turn(3, Via.DIRECT, 0), 0), epoch=3)
IDLE = State.initial(TurnSettings(), 0)


async def told(*steps: tuple[Event, State]) -> list[dict[str, object]]:
    wire = Wire()
    outbox = Outbox(wire)
    teller = Teller(outbox, 0.35, Clock())
    for event, state in steps:
        teller.watch(event, state)
        if isinstance(event, TurnFailed):
            teller.moment(Tell(Moment.ERROR, event.trouble))
    outbox.tell("end")
    async with running(outbox.run()):
        await until(lambda: "end" in wire.kinds())
    return [text for text in wire.texts[:-1] if text["type"] != "state"]


async def test_a_turn_that_goes_on_keeps_its_number_and_takes_its_answer_back() -> None:
    assert await told(
        (MicrophoneReady(), LISTENING),
        (Transcribed(1, "Turn on"), PROCESSING),
        (ReplyText(1, "What?"), PROCESSING),
        (ReplyText(1, "late"), GOES_ON),
        (Transcribed(2, "Turn on the light"), GOES_ON),
        (Supposed(3, "Another"), ANOTHER),
    ) == [
        {"type": "transcript", "turn": 1, "text": "Turn on"},
        {"type": "answer_delta", "turn": 1, "text": "What?"},
        {"type": "answer", "turn": 1, "text": ""},
        {"type": "transcript", "turn": 1, "text": "Turn on the light"},
        {"type": "partial", "turn": 2, "text": "Another"},
    ]


async def test_what_is_certain_is_told_apart_from_what_is_supposed() -> None:
    partials = await told(
        (Supposed(1, "What time"), LISTENING),
        (Understanding(1, "What"), LISTENING),
        (Understanding(1, "What day is"), LISTENING),
    )
    assert [(one["text"], one.get("stable")) for one in partials] == [
        ("What time", None),
        ("What time", 4),
        ("What day is", 11),
    ]


async def test_a_failure_is_told_in_the_words_of_who_failed() -> None:
    failures = [
        TurnFailed(1, Trouble.FAILED, "the tts server hung up"),
        TurnFailed(1, Trouble.NO_TTS, "tcp://…"),
    ]
    troubles = await told(*((failure, PROCESSING) for failure in failures))
    assert [trouble["text"] for trouble in troubles] == [
        "the tts server hung up",
        "no tts server answers; start one, or name it (--tts-uri)",
    ]


@pytest.mark.parametrize(("voiced", "noticed_ms"), [(0.65, 600), (0.35, 100)])
async def test_a_waterfall_begins_where_the_ears_heard_speech_last(
    voiced: float, noticed_ms: int
) -> None:
    wire, clock = Wire(), Clock()
    outbox = Outbox(wire)
    teller = Teller(outbox, voiced, clock)
    teller.watch(MicrophoneReady(), LISTENING)
    for later_s, probability in ((0.0, 0.9), (0.5, 0.5), (0.1, 0.1)):
        clock.now_s += later_s
        teller.frame(HeardFrame(b"", 0, probability, -30.0))
    teller.watch(Transcribed(1, "Turn on"), PROCESSING)
    teller.watch(ReplyEnded(1), PROCESSING)
    async with running(outbox.run()):
        await until(lambda: "waterfall" in wire.kinds())
    (told,) = [text for text in wire.texts if text["type"] == "waterfall"]
    assert isinstance(told["stages"], list)
    assert told["stages"][0]["end_ms"] == noticed_ms
