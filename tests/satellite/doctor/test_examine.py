"""The doctor: what it says of what it has measured, and whole examinations of devices that don't exist."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from satellite.around.control import Control
from satellite.config import SatelliteSettings
from satellite.devices.portaudio import NO_PORTAUDIO
from satellite.doctor.examine import Visit, report
from satellite.doctor.findings import Line, Verdict, echo_line, level_line, noise_line, speech_line
from satellite.doctor.measure import Echo, Level, Spoken
from satellite.doctor.network import address_line, running_satellite, wake_server_line
from satellite.doctor.parts import local_wake, settings_line
from satellite.doctor.sound import examine_sound
from satellite.doctor.trial import Patient, Times
from satellite.events import WakeWord
from satellite.hearing.echo import PassThrough
from satellite.parts import Audio, DeviceError, Status
from tests.satellite.around.test_control import FakeControls
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeHandle, FakeTts
from tests.satellite.waiting import running
from wyoming_voice.audio import to_pcm16

QUIET = Level(-70, -60, 0)
SPEECH_HEARD = Spoken(1200, -25, 0.98)
NO_SPEECH = Spoken(0, -120, 0.1)
SHORT = Times(
    settle_s=0.1, quiet_s=0.3, speak_s=0.6, after_s=0.2, open_s=1.0, slack_s=5.0, close_s=2.0
)
BLOCK = 320
BLOCK_S = BLOCK / 16_000 / 4  # four times as fast as a real room
pytestmark = pytest.mark.timeout(30)


class Room:
    """A microphone and a loudspeaker in one room, sample for sample in step.

    `hiss` is its noise; `returns` the part of our own sound that comes back; a person speaks from the
    prompt "Say something" on, if there is one.
    """

    def __init__(self, *, hiss: float = 0.001, returns: float = 0.0, person: float = 0.0) -> None:
        self.refusals: dict[str, str] = {}
        self.prompts: list[str] = []
        self.hangs = self.living = False
        self.loudspeaker_alone: asyncio.Task[None] | None = None
        self._hiss, self._returns, self._person = hiss, returns, person
        self._random = np.random.default_rng(5)
        self.fill: Callable[[int], Audio] | None = None
        self._late = np.zeros(5 * BLOCK, np.float32)
        self._speaking = False

    def prompt(self, text: str) -> None:
        self.prompts.append(text)
        self._speaking = text.startswith("Say")

    @property
    def microphone(self) -> "Microphone":
        return Microphone(self)

    @property
    def loudspeaker(self) -> "Loudspeaker":
        return Loudspeaker(self)

    def refuse(self, device: str) -> None:
        if reason := self.refusals.get(device):
            raise DeviceError(reason)

    async def live(self, deliver: Callable[[bytes], None]) -> None:
        while True:
            deliver(to_pcm16(self._block()))
            await asyncio.sleep(BLOCK_S)

    def _block(self) -> Audio:
        played = np.zeros(BLOCK, np.float32) if self.fill is None else self.fill(BLOCK)
        self._late = np.concatenate([self._late[BLOCK:], played * np.float32(self._returns)])
        noise = self._random.standard_normal(BLOCK) * self._hiss
        voice = np.sin(np.arange(BLOCK) / 8) * self._person * self._speaking
        return (self._late[:BLOCK] + noise + voice).astype(np.float32)


class Microphone:
    """The room's."""

    name = "a microphone"
    overflows = 0

    def __init__(self, room: Room) -> None:
        self._room = room
        self._living: asyncio.Task[None] | None = None

    async def open(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        self._room.refuse("microphone")
        if not self._room.hangs:
            if self._room.loudspeaker_alone is not None:
                self._room.loudspeaker_alone.cancel()
            self._room.living = True
            self._living = asyncio.create_task(self._room.live(deliver))

    async def close(self) -> None:
        if self._living is not None:
            self._living.cancel()


class Loudspeaker:
    """The room's."""

    rate_hz = 16_000
    latency_ms = 20.0
    name = "a loudspeaker"

    def __init__(self, room: Room) -> None:
        self._room = room
        self._living: asyncio.Task[None] | None = None

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        self._room.refuse("loudspeaker")
        self._room.fill = fill
        if not self._room.living:
            self._living = asyncio.create_task(self._room.live(lambda pcm: None))
            self._room.loudspeaker_alone = self._living

    async def close(self) -> None:
        self._room.fill = None
        if self._living is not None:
            self._living.cancel()


class LoudIsSpeech:
    """A voice detector of one idea."""

    def score(self, frame: Audio) -> float:
        return 0.9 if float(np.abs(frame).max()) > 0.05 else 0.1

    def reset(self) -> None:
        pass


class Satellite(FakeControls):
    """One that runs, and says of itself what a test wants."""

    def __init__(self, **status: object) -> None:
        super().__init__()
        self._status = status

    def status(self) -> Status:
        return {
            "state": "idle",
            "muted": [],
            "turns": 3,
            **MICROPHONE,
            **LOUDSPEAKER,
            **self._status,
        }


MICROPHONE: Status = {
    "microphone": {
        "device": "pulse (usb)", "ready": True, "reason": "", "fresh": True, "muted": False,
        "silent": False, "level_dbfs": -61.0, "dropped_blocks": 0,
    }
}  # fmt: skip
LOUDSPEAKER: Status = {
    "loudspeaker": {"device": "pulse", "open": True, "latency_ms": 70, "trouble": ""}
}


@contextlib.asynccontextmanager
async def satellite(path: Path, **status: object) -> AsyncIterator[None]:
    control = Control(path, Satellite(**status))
    await control.listen()
    async with running(control.run()):
        yield


async def sound_lines(room: Room, **patient: object) -> dict[str, Line]:
    examined = Patient(
        room.microphone,
        room.loudspeaker,
        PassThrough("nothing cancels it", echo_free=False),
        detector=LoudIsSpeech(),
        times=SHORT,
        **patient,  # type: ignore[arg-type]
    )
    return {line.part: line async for line in examine_sound(examined, room.prompt)}


def told(tmp_path: Path, **settings: object) -> SatelliteSettings:
    quiet = {"mic": "file:/nonexistent.wav", "snd": "none", "control": str(tmp_path / "s.sock")}
    return SatelliteSettings.model_validate({"gate": "vad", "mode": "ha", **quiet, **settings})


async def printed(settings: SatelliteSettings, **visit: object) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=200, highlight=False, markup=False)
    how = Visit(watch=None, times=SHORT, **visit)  # type: ignore[arg-type]
    return await report(settings, how, console), out.getvalue()


# ---- what is said of what was measured


@pytest.mark.parametrize(
    ("noise", "hum_hz", "verdict", "says"),
    [
        (QUIET, None, Verdict.OK, "-70 dBFS"),
        (QUIET, 50, Verdict.OK, "hum of 50 Hz"),
        (Level(-120, -120, 0), None, Verdict.OK, "digital silence"),
        (Level(-30, -20, 0), None, Verdict.BAD, "loud here"),
        (Level(-30, -20, 0), 60, Verdict.BAD, "hum of 60 Hz"),
    ],
)
def test_noise(noise: Level, hum_hz: int | None, verdict: Verdict, says: str) -> None:
    line = noise_line(noise, hum_hz)
    assert line.verdict is verdict
    assert says in line.found
    assert bool(line.remedy) == (verdict is Verdict.BAD)


@pytest.mark.parametrize(
    ("noise", "heard", "speech", "verdict", "says"),
    [
        (QUIET, Level(-28, -10, 0), SPEECH_HEARD, Verdict.OK, "speech -25 dBFS"),
        (QUIET, Level(-50, -40, 0), Spoken(900, -49, 0.9), Verdict.BAD, "--mic-gain-db 24"),
        (QUIET, Level(-10, 0, 0.02), SPEECH_HEARD, Verdict.BAD, "--mic-gain-db -6"),
        (Level(-30, -20, 0), Level(-25, -9, 0), SPEECH_HEARD, Verdict.BAD, "5 dB over the noise"),
        (QUIET, Level(-50, -40, 0), NO_SPEECH, Verdict.BAD, "no speech"),
        (QUIET, Level(-68, -60, 0), NO_SPEECH, Verdict.BAD, "hardly anything"),
        (Level(-120, -120, 0), Level(-120, -120, 0), NO_SPEECH, Verdict.BAD, "mute switch"),
        (Level(-120, -120, 0), Level(-28, -10, 0), SPEECH_HEARD, Verdict.OK, "speech -25 dBFS"),
    ],
)
def test_levels(noise: Level, heard: Level, speech: Spoken, verdict: Verdict, says: str) -> None:
    line = level_line(noise, heard, speech, 0.0, asked=True)
    assert line.verdict is verdict
    assert says in f"{line.found} → {line.remedy}"
    assert bool(line.remedy) == (verdict is Verdict.BAD)


def test_whom_nobody_asked_need_not_have_spoken() -> None:
    assert speech_line(NO_SPEECH, asked=True).verdict is Verdict.BAD
    assert speech_line(NO_SPEECH, asked=False).verdict is Verdict.SKIPPED
    assert speech_line(SPEECH_HEARD, asked=False).verdict is Verdict.OK
    unasked = level_line(QUIET, Level(-68, -60, 0), NO_SPEECH, 0.0, asked=False)
    assert unasked.verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("echo", "cancels", "verdict", "says"),
    [
        (Echo(True, -60, -32, -60, 90), True, Verdict.OK, "echo -32 dB after 90 ms, cancelled to -60 dB"),
        (Echo(True, -60, -32, None, 90), True, Verdict.OK, "cancelled to below the noise (-60 dB)"),
        (Echo(True, -60, -10, -14, 90), True, Verdict.BAD, "turn the loudspeaker down"),
        (Echo(True, -60, -10, -14, 700), True, Verdict.BAD, "too late to cancel"),
        (Echo(True, -60, -45, -44, 90), True, Verdict.OK, "echo -45 dB"),
        (Echo(True, -60, -10, -10, 90), False, Verdict.BAD, "--aec inproc"),
        (Echo(True, -60, -30, -30, 90), False, Verdict.OK, "echo -30 dB"),
        (Echo(False, -50, None, None, 0), True, Verdict.OK, "if you heard nothing either"),
    ],
)  # fmt: skip
def test_echo(echo: Echo, cancels: bool, verdict: Verdict, says: str) -> None:
    line = echo_line(echo, "echo cancelling off", cancels=cancels)
    assert line.verdict is verdict
    assert says in f"{line.found} → {line.remedy}"


@pytest.mark.parametrize(
    "settings",
    [
        {"gate": "wake", "wake_word": []},
        {"barge_in": "stop"},
        {"barge_in": "speech", "aec": "off"},
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, settings: dict[str, object]) -> None:
    assert settings_line(told(tmp_path)).verdict is Verdict.OK
    line = settings_line(told(tmp_path, **settings))
    assert line.verdict is Verdict.BAD
    assert line.remedy


def test_wake_words_that_can_not_be_heard_are_a_line(tmp_path: Path) -> None:
    wake, line = local_wake(told(tmp_path, gate="wake", wake_word=["okay_nabo"]))
    assert wake is None
    assert line is not None
    assert (line.verdict, line.remedy) == (
        Verdict.BAD, "did you mean 'okay_nabu'?; or name a model.json",
    )  # fmt: skip
    assert local_wake(told(tmp_path))[1] == Line(
        Verdict.SKIPPED, "wake words", "not listened for (--gate vad)"
    )


# ---- a whole examination of sound


async def test_a_room_in_which_somebody_speaks() -> None:
    room = Room(person=0.1, returns=0.2)
    lines = await sound_lines(room, asked=True)
    assert {part: line.verdict for part, line in lines.items()} == dict.fromkeys(
        ("microphone", "noise floor", "level", "voice detector", "loudspeaker", "echo"), Verdict.OK
    ) | {"echo": Verdict.BAD}
    assert lines["noise floor"].found == "-60 dBFS"
    assert "speech -23 dBFS" in lines["level"].found
    assert "echo -14 dB" in lines["echo"].found
    assert [prompt.split()[0] for prompt in room.prompts] == ["Quiet,", "Say", "Quiet"]


async def test_a_wake_word_is_heard() -> None:
    lines = await sound_lines(
        Room(person=0.1), wake=HearsAll(), phrases=("hey jarvis", "okay nabu"), asked=True
    )
    assert lines["wake words"].found == "listens for 'hey jarvis', 'okay nabu'; heard 'hey jarvis'"


async def test_without_a_microphone_the_loudspeaker_is_examined_still() -> None:
    room = Room()
    room.refusals["microphone"] = "no microphone 'usb'; did you mean 'pulse'?"
    lines = await sound_lines(room)
    assert lines["microphone"] == Line(
        Verdict.BAD, "microphone", "no microphone 'usb'", "did you mean 'pulse'?"
    )
    assert lines["loudspeaker"].verdict is Verdict.OK
    assert lines["echo"].verdict is Verdict.SKIPPED


async def test_that_there_is_no_portaudio_is_said_by_the_line_on_packages_alone() -> None:
    room = Room()
    room.refusals = dict.fromkeys(("microphone", "loudspeaker"), NO_PORTAUDIO)
    lines = await sound_lines(room)
    for part in ("microphone", "loudspeaker"):
        assert lines[part] == Line(Verdict.SKIPPED, part, "there is no PortAudio")


async def test_a_microphone_that_gives_nothing_is_given_up() -> None:
    room = Room()
    room.hangs = True
    lines = await sound_lines(room, silent="there is none")
    assert "gives no sound for 1 s" in lines["microphone"].found
    assert lines["loudspeaker"].found == "there is none"


async def test_without_a_loudspeaker_there_is_no_echo() -> None:
    room = Room()
    room.refusals["loudspeaker"] = "it is in use; end the other program"
    lines = await sound_lines(room)
    assert lines["loudspeaker"] == Line(
        Verdict.BAD, "loudspeaker", "it is in use", "end the other program"
    )
    assert lines["echo"].verdict is Verdict.SKIPPED


class HearsAll:
    """Notices a word in every frame that is loud."""

    delay_ms = 0

    def push(self, pcm: bytes) -> WakeWord | None:
        loud = np.abs(np.frombuffer(pcm, "<i2")).max() > 2000
        return WakeWord("hey_jarvis", "hey jarvis") if loud else None

    def reset(self) -> None:
        pass


# ---- addresses


async def test_an_address_is_free_or_taken_by_somebody_named() -> None:
    async with FakeAsr().listening() as uri:
        line = await address_line(uri, "auto")
        assert line.verdict is Verdict.BAD
        assert f"{uri} is taken by another Wyoming server" in line.found
        assert (await address_line(uri, "standalone")).verdict is Verdict.SKIPPED
    assert (await address_line(uri, "ha")).verdict is Verdict.OK


async def test_a_wake_server_must_answer_and_be_one() -> None:
    async with FakeAsr().listening() as uri:
        assert "is no wake server" in (await wake_server_line(uri, ["okay_nabu"])).found
    line = await wake_server_line(uri, ["okay_nabu"])
    assert "refused" in line.found
    assert line.verdict is Verdict.BAD


async def test_nobody_at_the_control_socket_is_fine_and_nonsense_is_not(tmp_path: Path) -> None:
    status, line = await running_satellite(tmp_path / "none.sock")
    assert (status, line.verdict) == (None, Verdict.OK)
    path = tmp_path / "other.sock"
    server = await asyncio.start_unix_server(_answers_nonsense, path)
    async with server:
        status, line = await running_satellite(path)
    assert (status, line.verdict) == (None, Verdict.BAD)


async def _answers_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 400 Bad Request\r\n")
    writer.close()


# ---- the whole


async def test_servers_are_named_with_what_they_work_with(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        asr, handle, tts = [
            await stack.enter_async_context(server.listening())
            for server in (FakeAsr(), FakeHandle(), FakeTts())
        ]
        settings = told(
            tmp_path, mode="standalone", asr_uri=[asr], handle_uri=[handle], tts_uri=[tts]
        )
        _, text = await printed(settings)
    assert f"ok  asr             {asr}," in text
    assert "model small" in text
    assert f"ok  tts             {tts}," in text
    assert "home assistant" not in text


async def test_a_server_that_does_not_answer_is_told_with_the_reason(tmp_path: Path) -> None:
    async with FakeAsr().listening() as gone:
        pass
    settings = told(tmp_path, mode="standalone", asr_uri=[gone], handle_uri=[gone], tts_uri=[gone])
    status, text = await printed(settings)
    assert status == 1
    assert f"!!  asr             {gone}: Connection refused" in text


async def test_what_hangs_is_given_up(tmp_path: Path) -> None:
    status, text = await printed(told(tmp_path), limit_s=0.0)
    assert status == 1
    assert "something hangs: given up after 0 s" in text


async def test_a_satellite_that_runs_is_asked_and_not_disturbed(tmp_path: Path) -> None:
    async with FakeAsr().listening() as uri, satellite(
        tmp_path / "s.sock",
        servers={
            "ready": False,
            "missing": ["handle", "tts"],
            "servers": [{"kind": "asr", "uri": uri, "answers": True, "round_trip_ms": 2.5, "error": ""}],
        },
        **{"home assistant": {"listening": "tcp://127.0.0.1:10700", "connected": False, "peer": ""}},
    ):  # fmt: skip
        status, text = await printed(told(tmp_path, mode="auto"))
    assert status == 1
    assert "ok  microphone      pulse (usb), -61.0 dBFS" in text
    assert "end it to measure" in text
    assert f"ok  asr             {uri}, 2.5 ms, model small" in text
    assert "!!  handle          no server found" in text
    assert "--  home assistant  not connected" in text


async def test_with_home_assistant_connected_nothing_is_missing(tmp_path: Path) -> None:
    async with satellite(
        tmp_path / "s.sock",
        servers={"ready": False, "missing": ["asr", "handle", "tts"], "servers": []},
        **{"home assistant": {"listening": "", "connected": True, "peer": "10.0.0.2:41000"}},
    ):
        status, text = await printed(told(tmp_path, mode="auto"))
    assert "ok  home assistant  connected from 10.0.0.2:41000" in text
    assert "!!" not in text
    assert status == 0


@pytest.mark.parametrize(("connected", "verdict"), [(True, "ok"), (False, "!!")])
async def test_its_wake_server_may_be_gone(tmp_path: Path, connected: bool, verdict: str) -> None:
    server = {"uri": "tcp://10.0.0.3:10400", "connected": connected, "detections": 4}
    async with satellite(tmp_path / "s.sock", **{"wake server": server}):
        _, text = await printed(told(tmp_path))
    assert f"{verdict}  wake server     tcp://10.0.0.3:10400" in text


@pytest.mark.parametrize(
    ("microphone", "says"),
    [
        ({"ready": False, "reason": "unplugged"}, "unplugged"),
        ({"silent": True}, "only silence"),
        ({"fresh": False}, "no sound for a second"),
    ],
)
async def test_a_running_satellite_may_be_deaf(
    tmp_path: Path, microphone: dict[str, object], says: str
) -> None:
    known = MICROPHONE["microphone"]
    assert isinstance(known, dict)
    async with satellite(tmp_path / "s.sock", microphone={**known, **microphone}):
        status, text = await printed(told(tmp_path))
    assert status == 1
    assert says in next(line for line in text.splitlines() if "microphone" in line)


async def test_a_server_of_another_kind_is_told_with_its_address_once(tmp_path: Path) -> None:
    async with FakeAsr().listening() as uri:
        settings = told(tmp_path, mode="auto", asr_uri=[uri], handle_uri=[uri], tts_uri=[uri])
        _, text = await printed(settings)
    assert f"  {uri} is no handle server" in text
    assert f"{uri}: {uri}" not in text
    assert "--  servers         they are for answers without Home Assistant" in text
    assert "--mode ha" in text


async def test_who_has_muted_it_must_unmute_it(tmp_path: Path) -> None:
    async with satellite(tmp_path / "s.sock", muted=["home-assistant"]):
        _, text = await printed(told(tmp_path))
    assert "muted by home-assistant" in text
    assert "→ unmute it in Home Assistant" in text
