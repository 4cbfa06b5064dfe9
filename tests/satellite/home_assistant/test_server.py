"""Home Assistant's server over real sockets: turns, announcements, timers, links that come and go."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from wyoming.error import Error
from wyoming.event import Event as WireEvent
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.satellite import RunSatellite

from satellite import effects
from satellite import events as e
from satellite.home_assistant.info import satellite_info
from satellite.home_assistant.server import HomeAssistant
from tests.home_assistant import Script, ScriptedHomeAssistant, described, home_assistant
from tests.wire_client import PATIENCE_S, WireClient, client_of
from wyoming_voice.errors import ConfigError
from wyoming_voice.settings import ListenSettings
from wyoming_voice.wire import Address

NABU = e.WakeWord("okay_nabu", "okay nabu")
STOP = e.WakeWord("stop", "stop", stops=True)
JARVIS = e.WakeWord("hey_jarvis", "hey jarvis")
INFO = satellite_info(
    "kitchen", description="tests", area="Kitchen", wake_words=[NABU, JARVIS, STOP]
)
FRAME = bytes(range(256)) * 4
READY = e.ViaChanged(e.Via.HOME_ASSISTANT, ready=True)
GONE = e.ViaChanged(e.Via.HOME_ASSISTANT, ready=False)


def settings(**given: object) -> ListenSettings:
    return ListenSettings.model_validate({"uri": "tcp://127.0.0.1:0", "no_zeroconf": True, **given})


class Satellite:
    """The server, and what it has posted."""

    def __init__(self, **given: object) -> None:
        self.events: list[e.Event] = []
        self.timers: list[WireEvent] = []
        self.backend = HomeAssistant(self._post, INFO, settings(**given), self._on_timer)
        self.address = Address()
        self.task: asyncio.Task[None]
        self._news = asyncio.Event()

    def _post(self, event: e.Event) -> None:
        self.events.append(event)
        self._news.set()

    def _on_timer(self, event: WireEvent) -> None:
        self.timers.append(event)
        self._news.set()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not met():
                self._news.clear()
                await self._news.wait()

    async def told(self, event: e.Event, times: int = 1) -> None:
        await self.until(lambda: self.events.count(event) >= times)

    async def told_of(self, kind: type[e.Event]) -> e.Event:
        await self.until(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))

    def begin(self, epoch: int, word: e.WakeWord | None = None, *, frames: int = 1) -> None:
        self.backend.begin(effects.BeginTurn(epoch, e.Via.HOME_ASSISTANT, 0, word))
        for _ in range(frames):
            self.backend.feed(epoch, FRAME)

    def say_all(self, epoch: int, word: e.WakeWord | None = None) -> None:
        self.begin(epoch, word)
        self.backend.end_audio(epoch)

    @property
    def reply(self) -> bytes:
        return b"".join(x.sound.pcm for x in self.events if isinstance(x, e.ReplyAudio))


@contextlib.asynccontextmanager
async def running(**given: object) -> AsyncIterator[Satellite]:
    satellite = Satellite(**given)
    satellite.address = await satellite.backend.listen()
    satellite.task = asyncio.create_task(satellite.backend.run())
    await asyncio.sleep(0)  # it has begun, and will end properly
    try:
        yield satellite
    finally:
        satellite.task.cancel()
        await asyncio.gather(satellite.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def connected(
    script: Script | None = None, **given: object
) -> AsyncIterator[tuple[Satellite, ScriptedHomeAssistant]]:
    async with running(**given) as satellite, home_assistant(satellite.address, script) as ha:
        await satellite.told(READY)
        yield satellite, ha


# ---- turns


async def test_a_turn_from_wake_word_to_played() -> None:
    async with connected(Script(reply_pcm=bytes(range(256)) * 100)) as (satellite, ha):
        satellite.begin(1, NABU, frames=3)
        satellite.backend.end_audio(1)
        await satellite.told(e.ReplyEnded(1))
        assert satellite.events[1:5] == [
            e.Progressed(1),
            e.Transcribed(1, "turn on the light"),
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
        await satellite.told(e.Transcribed(1, "one"))
        satellite.backend.cancel(1)
        satellite.say_all(2)
        await satellite.told(e.Transcribed(2, "one"))
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


# ---- out of the blue


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


# ---- links


async def test_home_assistant_goes_and_comes_back() -> None:
    async with running() as satellite:
        async with home_assistant(satellite.address):
            await satellite.told(READY)
            satellite.begin(1)
        await satellite.told(GONE)
        failed = await satellite.told_of(e.TurnFailed)
        assert isinstance(failed, e.TurnFailed)
        assert failed.trouble is e.Trouble.NO_HOME_ASSISTANT
        async with home_assistant(satellite.address):
            await satellite.told(READY, times=2)
            satellite.say_all(2)
            await satellite.told(e.ReplyEnded(2))


async def test_the_newest_link_wins_and_the_older_is_closed() -> None:
    """A link that is open on our side only: its other end has lost its power."""
    async with connected() as (satellite, older), home_assistant(satellite.address) as newer:
        async with asyncio.timeout(PATIENCE_S):
            await older.lost.wait()
        satellite.say_all(1)
        await satellite.told(e.ReplyEnded(1))
        assert (len(older.runs), len(newer.runs)) == (0, 1)
        assert satellite.events.count(READY) == 1
        assert GONE not in satellite.events


async def test_a_link_whose_pings_cease_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satellite.home_assistant.session.SILENCE_MS", 50)
    async with running() as satellite, client_of(satellite.address) as client:
        await client.send(RunSatellite().event())
        await satellite.told(READY)
        assert await client.ask(Ping("x").event()) == WireEvent("pong", {"text": "x"})
        await satellite.told(GONE)
        assert await client.read() is None


async def test_side_connections_are_told_who_we_are_and_disturb_nobody() -> None:
    async with connected() as (satellite, ha):
        satellite.begin(1)
        infos = await asyncio.gather(*(described(satellite.address) for _ in range(20)))
        async with client_of(satellite.address) as side:
            nothing = WireEvent("audio-start", {"rate": 8000, "width": 2, "channels": 1})
            await side.send(WireEvent("transcript", {"text": "x"}), nothing)
            await side.send(WireEvent("pause-satellite"))
            assert await side.ask(Ping().event()) == WireEvent("pong", {"text": None})
        satellite.backend.end_audio(1)
        await satellite.told(e.ReplyEnded(1))
        await ha.until(lambda: ha.info is not None)
        assert {str(info) for info in infos} == {str(ha.info)}
        assert not ha.lost.is_set()
        assert e.MuteChanged(e.MuteSource.HOME_ASSISTANT, muted=True) not in satellite.events


async def test_before_run_satellite_nothing_but_answers_is_sent() -> None:
    async with running() as satellite, client_of(satellite.address) as client:
        satellite.begin(1)
        satellite.backend.end_audio(1)
        satellite.backend.played()
        info = await client.ask(Describe().event())
        assert info is not None
        assert info.type == "info"
        assert await client.ask(Ping("1").event()) == WireEvent("pong", {"text": "1"})
        failed = satellite.events[0]
        assert isinstance(failed, e.TurnFailed)
        assert failed.trouble is e.Trouble.NO_HOME_ASSISTANT


async def test_a_pong_overtakes_audio_that_waits() -> None:
    async with running() as satellite, slow_reader(satellite) as client:
        satellite.begin(1, frames=250)
        await client.send(Ping("now").event())
        kinds = [event.type for event in await client.read_until("pong")]
        assert kinds.count("audio-chunk") < 240
        rest = await client.read_until("audio-chunk")
        assert rest[-1].type == "audio-chunk"


async def test_a_link_that_takes_no_audio_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with running(write_timeout_s=0.05) as satellite, slow_reader(satellite):
        satellite.begin(1, frames=400)
        await satellite.told(GONE)
    assert "it has read nothing for 0.05 s" in caplog.text


async def test_no_more_audio_waits_than_there_is_room(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as satellite, slow_reader(satellite):
        satellite.begin(1, frames=1_000)
        await satellite.told(GONE)
    assert "it reads too little" in caplog.text


async def test_what_was_sent_makes_room() -> None:
    async def feed(chunks: int) -> None:
        before = ha.counts["audio-chunk"]
        for _ in range(chunks):
            satellite.backend.feed(1, FRAME)
        await ha.until(lambda: ha.counts["audio-chunk"] == before + chunks)

    async with connected() as (satellite, ha):
        satellite.begin(1, frames=0)
        for _ in range(4):
            await feed(200)
        satellite.backend.end_audio(1)
        await satellite.told(e.ReplyEnded(1))
        assert bytes(ha.runs[0].heard) == FRAME * 800


async def test_a_peer_that_asks_and_never_reads_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as satellite, slow_reader(satellite) as client:
        with contextlib.suppress(ConnectionError):
            while GONE not in satellite.events:
                await client.send(*[Describe().event()] * 100)
                await asyncio.sleep(0)
        await satellite.told(GONE)
    assert "it reads too little" in caplog.text


async def test_a_side_connection_that_says_nothing_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("satellite.home_assistant.server._SIDE_IDLE_S", 0.05)
    async with connected() as (satellite, ha), client_of(satellite.address) as side:
        assert await side.read() is None
        assert not ha.lost.is_set()


@contextlib.asynccontextmanager
async def slow_reader(satellite: Satellite) -> AsyncIterator[WireClient]:
    """The main connection, with little room for what it doesn't read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(
        sock, (satellite.address.host, satellite.address.port)
    )
    reader, writer = await asyncio.open_connection(sock=sock, limit=4_096)
    client = WireClient(reader, writer)
    try:
        await client.send(RunSatellite().event())
        await satellite.told(READY)
        yield client
    finally:
        await client.hang_up()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense\n", "bad-event"),
        (b'{"type":"audio-chunk","data":{"rate":-1}}\n', "bad-event"),
        (b'{"type":"x","payload_length":99999999999}\n', "too-large"),
    ],
)
async def test_bad_events_end_their_own_connection(line: bytes, code: str) -> None:
    async with connected() as (satellite, ha):
        async with client_of(satellite.address) as bad:
            await bad.send(RunSatellite().event())
            async with asyncio.timeout(PATIENCE_S):
                await ha.lost.wait()
            await bad.send_raw(line)
            error, *rest = await bad.read_to_end()
            assert (error.type, error.data["code"], rest) == ("error", code, [])
        await satellite.told(GONE)
        async with home_assistant(satellite.address):
            await satellite.told(READY, times=2)


async def test_one_connection_too_many_is_refused() -> None:
    async with connected(max_connections=2) as (satellite, ha):
        async with client_of(satellite.address) as side:
            await side.ask(Ping().event())
            async with client_of(satellite.address) as third:
                refused = await third.read()
                assert refused is not None
                assert Error.from_event(refused).code == "busy"
        assert not ha.lost.is_set()


async def test_who_comes_while_it_stops_is_turned_away() -> None:
    async with running() as satellite:
        pass
    ours, theirs = socket.socketpair()
    satellite.backend._accept(*await asyncio.open_connection(sock=ours))
    late, writer = await asyncio.open_connection(sock=theirs)
    async with asyncio.timeout(PATIENCE_S):
        assert await late.read() == b""
    writer.close()


async def test_the_end_hangs_up() -> None:
    async with contextlib.AsyncExitStack() as stack:
        satellite = await stack.enter_async_context(running())
        ha = await stack.enter_async_context(home_assistant(satellite.address))
        await satellite.told(READY)
        assert satellite.backend.status()["peer"] == "127.0.0.1"
        satellite.task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await ha.lost.wait()


# ---- being there


async def test_a_port_that_is_taken_is_told_at_once() -> None:
    async with running() as satellite:
        with pytest.raises(ConfigError, match=rf"can't listen on {satellite.address}: .*in use"):
            await Satellite(uri=str(satellite.address)).backend.listen()


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    async with running(uri=f"unix://{path}") as satellite:
        assert (await described(satellite.address)).satellite is not None
    assert not path.exists()


async def test_it_is_announced_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[object] = []

    @contextlib.asynccontextmanager
    async def announce(*what: object) -> AsyncIterator[None]:
        announced.append(what)
        try:
            yield
        finally:
            announced.append("goodbye")

    monkeypatch.setattr("satellite.home_assistant.server.announced", announce)
    satellite = Satellite()
    address = await satellite.backend.listen()
    assert announced == []
    task = asyncio.create_task(satellite.backend.run())
    await described(address)
    assert announced == [("satellite", INFO, address, satellite.backend._settings)]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert announced[1:] == ["goodbye"]


def test_what_home_assistant_is_told_of_us() -> None:
    told = INFO.satellite
    assert told is not None
    assert (told.name, told.area, told.installed) == ("kitchen", "Kitchen", True)
    assert told.active_wake_words == ["okay_nabu", "hey_jarvis"]
    assert told.max_active_wake_words == 2
    assert not told.supports_trigger
    assert [(m.name, m.phrase) for m in INFO.wake[0].models] == [
        ("okay_nabu", "okay nabu"),
        ("hey_jarvis", "hey jarvis"),
    ]
    bare = satellite_info("x", description="", area="", wake_words=[])
    assert bare.wake == []
    assert bare.satellite is not None
    assert bare.satellite.area is None
    assert bare.satellite.max_active_wake_words == 1


async def test_it_can_t_be_asked_to_speak() -> None:
    async with connected() as (satellite, ha):
        satellite.backend.say("hello")
        satellite.backend.prepare()
        assert ha.counts["run-pipeline"] == 0
