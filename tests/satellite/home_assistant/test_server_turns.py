"""Turns over real sockets, interrupted at each point; then announcements, timers, a pause."""

import asyncio

from wyoming.event import Event as WireEvent
from wyoming.ping import Ping

from satellite import events as e
from tests.home_assistant import Script, home_assistant
from tests.satellite.home_assistant.server_stage import FRAME, GONE, NABU, connected


async def test_a_turn_from_wake_word_to_played() -> None:
    async with connected(Script(reply_pcm=bytes(range(256)) * 100)) as (satellite, ha):
        satellite.begin(1, NABU, frames=3)
        satellite.backend.end_audio(1)
        await satellite.told(e.ReplyEnded(1))
        assert satellite.events[1:5] == [
            e.Progressed(1),
            e.Transcribed(1, "turn on the light", "en"),
            e.ReplyText(1, "Turned on the light."),
            e.Progressed(1),
        ]
        assert satellite.reply == bytes(range(256)) * 100
        satellite.backend.played()
        await ha.until(lambda: ha.counts["played"] == 1)
        run = ha.runs[0]
        assert (run.wake_word, bytes(run.heard), run.ended_by_satellite) == (
            "okay_nabu",
            FRAME * 3,
            True,
        )
        types = [event.type for event in ha.received if event.type not in ("pong", "info")]
        chunks = ["audio-chunk"] * 3
        assert types == ["detection", "run-pipeline", *chunks, "audio-stop", "played"]


async def test_home_assistant_has_heard_enough() -> None:
    async with connected(Script(hears_bytes=2 * len(FRAME))) as (satellite, ha):
        satellite.begin(1, frames=3)
        await satellite.told(e.SpeechEndedRemotely(1))
        satellite.backend.end_audio(1)
        await satellite.told(e.ReplyEnded(1))
        assert not ha.runs[0].ended_by_satellite
        assert ha.counts["detection"] == 0


async def test_speech_may_begin_before_its_text_is_complete() -> None:
    async with connected(Script(streams=True)) as (satellite, _):
        satellite.say_all(1)
        await satellite.told(e.ReplyEnded(1))
        kinds = [type(event) for event in satellite.events]
        assert kinds.index(e.ReplyAudio) < kinds.index(e.ReplyText) < kinds.index(e.ReplyEnded)


async def test_an_error_ends_the_turn() -> None:
    async with connected(Script(error="stt-no-text-recognized")) as (satellite, ha):
        satellite.say_all(1)
        failed = await satellite.told_of(e.TurnFailed)
        assert isinstance(failed, e.TurnFailed)
        assert failed.silent
        ha.script = Script()
        satellite.say_all(2)
        await satellite.told(e.ReplyEnded(2))


async def test_barge_in_while_home_assistant_thinks() -> None:
    """The audio of the new run arrives, though the end of the old one comes after its beginning."""
    async with connected(Script(transcript="one", thinks=asyncio.Event())) as (satellite, ha):
        satellite.say_all(1)
        await satellite.told(e.Transcribed(1, "one", "en"))
        satellite.backend.cancel(1)
        satellite.say_all(2)
        await satellite.told(e.Transcribed(2, "one", "en"))
        ha.script = Script(transcript="two")
        satellite.backend.cancel(2)
        satellite.begin(3, frames=5)
        satellite.backend.end_audio(3)
        await satellite.told(e.ReplyEnded(3))
        assert [run.start_stage for run in ha.runs] == ["asr", "tts", "asr", "tts", "asr"]
        assert bytes(ha.runs[-1].heard) == FRAME * 5
        assert [x for x in satellite.events if isinstance(x, e.TurnFailed)] == []


async def test_a_cancelled_turn_says_no_more_and_is_worked_at_no_more() -> None:
    async with connected(Script(thinks=asyncio.Event())) as (satellite, ha):
        satellite.say_all(1)
        await satellite.told_of(e.Transcribed)
        satellite.backend.cancel(1)
        told = len(satellite.events)
        await ha.until(lambda: [run.start_stage for run in ha.runs] == ["asr", "tts"])
        await ha.send(WireEvent("synthesize", {"text": "late"}), WireEvent("pause-satellite"))
        await satellite.told_of(e.MuteChanged)
        assert satellite.events[told:] == [e.MuteChanged(e.MuteSource.HOME_ASSISTANT, muted=True)]


async def test_what_is_left_of_an_answer_that_was_interrupted_is_dropped() -> None:
    async with connected(Script(reply_pcm=bytes(200_000))) as (satellite, ha):
        satellite.say_all(1)
        await satellite.told_of(e.ReplyAudio)
        satellite.backend.cancel(1)
        heard = len(satellite.reply)
        ha.script = Script(reply="Again.", reply_pcm=b"again!")
        satellite.say_all(2)
        await satellite.told(e.ReplyEnded(2))
        assert satellite.reply[heard:] == b"again!"


async def test_an_announcement() -> None:
    async with connected() as (satellite, ha):
        announcing = asyncio.create_task(ha.announce(b"ab" * 5_000))
        await satellite.told(e.AnnouncementEnded(e.Via.HOME_ASSISTANT))
        sounds = [x.sound for x in satellite.events if isinstance(x, e.AnnouncementAudio)]
        assert b"".join(sound.pcm for sound in sounds) == b"ab" * 5_000
        assert {(s.format.rate_hz, s.format.width_bytes, s.format.channels) for s in sounds} == {
            (22_050, 2, 1)
        }
        assert ha.counts["played"] == 0
        satellite.backend.played()
        await announcing


async def test_minutes_of_audio_at_once() -> None:
    """Pings are answered meanwhile: Home Assistant would hang up after 5 s without."""
    async with connected() as (satellite, ha):
        announcing = asyncio.create_task(ha.announce(bytes(5 * 60 * 44_100)))
        await ha.send(Ping().event())
        await ha.until(lambda: ha.counts["pong"] >= 1)
        await satellite.told(e.AnnouncementEnded(e.Via.HOME_ASSISTANT))
        satellite.backend.played()
        await announcing


async def test_timers() -> None:
    started = WireEvent("timer-started", {"id": "1", "total_seconds": 60, "name": "tea"})
    async with connected() as (satellite, ha):
        await ha.send(started, WireEvent("timer-finished", {"id": "1"}))
        await satellite.until(lambda: len(satellite.timers) == 2)
        assert satellite.timers[0].data == started.data
        assert satellite.timers[1].type == "timer-finished"


async def test_a_pause_is_a_mute_and_a_new_link_ends_it() -> None:
    async with connected() as (satellite, ha):
        await ha.pause()
        await satellite.told(e.MuteChanged(e.MuteSource.HOME_ASSISTANT, muted=True))
        assert satellite.backend.status()["muted"] is True
        satellite.begin(1)
        assert isinstance(satellite.events[-1], e.TurnFailed)
        async with home_assistant(satellite.address):
            await satellite.told(e.MuteChanged(e.MuteSource.HOME_ASSISTANT, muted=False))
            assert GONE not in satellite.events


async def test_it_can_t_be_asked_to_speak() -> None:
    async with connected() as (satellite, ha):
        satellite.backend.say("hello")
        satellite.backend.prepare()
        assert ha.counts["run-pipeline"] == 0
