"""All parts together, with a file for a microphone and no loudspeaker: who is there, who hears of what."""

import asyncio
import json
import wave
from pathlib import Path

import pytest

from satellite.box import Box
from satellite.config import SatelliteSettings
from satellite.effects import Moment, Tell
from satellite.events import MuteChanged, MuteSource, Trouble
from satellite.home_assistant.server import HomeAssistant
from satellite.parts import Audio, HeardFrame, Tools
from satellite.standalone.direct import Direct
from tests.satellite.waiting import running, until
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.errors import ConfigError
from wyoming_voice.vad import FRAME_SAMPLES

ALWAYS = {"hearing", "microphone", "loudspeaker", "timers"}


def box_in(directory: Path, **given: object) -> Box:
    with wave.open(str(directory / "silence.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(640))
    quiet = {
        "mic": f"file:{directory / 'silence.wav'}",
        "snd": "none",
        "uri": "tcp://127.0.0.1:0",
        "no_zeroconf": True,
        "control": str(directory / "control.sock"),
        "state_dir": directory,
        "mode": "ha",
        "gate": "vad",
        "aec": "off",
    }
    return Box(SatelliteSettings.model_validate(quiet | given))


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({}, {"home assistant", "control"}),
        ({"no_control": True}, {"home assistant"}),
        ({"mode": "standalone"}, {"servers", "standalone", "control"}),
        ({"mode": "auto"}, {"home assistant", "servers", "standalone", "control"}),
        ({"record_minutes": 1, "record_dir": "heard"}, {"home assistant", "control", "recording"}),
        ({"on_wake": "true"}, {"home assistant", "control", "hooks"}),
        ({"event_uri": "tcp://127.0.0.1:1"}, {"home assistant", "control", "event service"}),
        ({"metrics_uri": "tcp://127.0.0.1:0"}, {"home assistant", "control", "metrics"}),
        (
            {"gate": "wake", "wake_uri": "tcp://127.0.0.1:1"},
            {"home assistant", "control", "wake server"},
        ),
    ],
)
async def test_what_was_asked_for_is_there(
    tmp_path: Path, given: dict[str, object], parts: set[str]
) -> None:
    if "record_dir" in given:
        given = given | {"record_dir": tmp_path / "heard"}
    status = box_in(tmp_path, **given).status()
    assert {name for name, part in status.items() if isinstance(part, dict)} == ALWAYS | parts


async def test_muted_the_microphone_and_the_wake_server_hear_nothing(tmp_path: Path) -> None:
    box = box_in(tmp_path, gate="wake", wake_uri="tcp://127.0.0.1:1")
    assert box._wake_server is not None
    for on in (True, False):
        box.buttons.mute(on)
        await asyncio.sleep(0)  # what was posted is handled
        assert box.microphone.muted is on
        assert box._wake_server.muted is on


@pytest.mark.parametrize("connected", [False, True])
async def test_what_home_assistant_muted_can_be_unmuted_here_while_it_is_away(
    tmp_path: Path, connected: bool
) -> None:
    box = box_in(tmp_path)
    home_assistant = box._parts["home assistant"]
    assert isinstance(home_assistant, HomeAssistant)
    home_assistant._session.ready = connected
    box.loop.post(MuteChanged(MuteSource.HOME_ASSISTANT, muted=True))
    box.buttons.mute(False)
    await asyncio.sleep(0)  # what was posted is handled
    assert box.microphone.muted is connected


@pytest.mark.parametrize("connected", [False, True])
async def test_without_home_assistant_servers_are_needed(tmp_path: Path, connected: bool) -> None:
    box = box_in(tmp_path, mode="auto", area="kitchen")
    home_assistant = box._parts["home assistant"]
    assert isinstance(home_assistant, HomeAssistant)
    home_assistant._session.ready = connected
    assert box._is_alone() is not connected
    assert (box.status()["gate"], box.status()["area"]) == ("vad", "kitchen")


async def test_an_oddity_is_a_warning_for_all_who_listen(tmp_path: Path) -> None:
    box, told = box_in(tmp_path), list[Tell]()
    box.loop.listeners.append(told.append)
    await asyncio.to_thread(box._warn_soon, "the disk is full")
    await until(lambda: told)
    assert told == [Tell(Moment.WARNING, "the disk is full")]


async def test_what_is_heard_is_kept_where_it_was_asked_for(tmp_path: Path) -> None:
    box = box_in(tmp_path, record_dir=tmp_path / "heard")

    def kinds() -> set[str]:
        return {path.stem.rpartition("-")[2] for path in tmp_path.glob("heard/*.wav")}

    def sizes() -> list[int]:
        return [path.stat().st_size for path in tmp_path.glob("heard/*-raw.wav")]

    await box.listen()
    async with running(box.run()):
        await until(lambda: kinds() == {"raw", "clean"})
        record, pieces = box._hearing.record, list[bytes]()
        assert record is not None

        def keep(raw: bytes, clean: bytes) -> None:
            record(raw, clean)
            pieces.append(raw)

        box._hearing.record = keep
        await until(lambda: pieces)
    assert [size > 44 for size in sizes()] == [True]  # what came last is there too


async def test_a_directory_for_what_is_heard_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--record-dir .*silence\.wav' can't be used"):
        box_in(tmp_path, record_dir=tmp_path / "silence.wav")


async def test_a_loudspeaker_that_is_not_there_is_a_warning_at_the_start(tmp_path: Path) -> None:
    box, told = box_in(tmp_path, snd=f"file:{tmp_path}"), list[Tell]()
    box.loop.listeners.append(told.append)
    await box.listen()
    async with running(box.run()):
        await until(lambda: [tell for tell in told if tell.moment is Moment.WARNING])
    assert [tell.text for tell in told if tell.moment is Moment.WARNING] == [
        f"nothing can be heard: {tmp_path} can't be written: Is a directory; name another file"
    ]


@pytest.mark.parametrize(("mode", "listens"), [("ha", True), ("standalone", False)])
async def test_it_listens_where_home_assistant_is_to_come(
    tmp_path: Path, mode: str, listens: bool
) -> None:
    box = box_in(tmp_path, mode=mode)
    address = await box.listen()
    async with running(box.run()):
        if not listens:
            assert address == ""
            return
        port = int(address.rpartition(":")[2])
        assert port != 0
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()


async def test_the_log_says_why_nobody_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = box_in(tmp_path)
    box.loop.tell(Tell(Moment.ERROR, Trouble.NO_TTS))
    assert "no TTS server can be reached; start one, or name it (--tts-uri)" in caplog.text


async def test_its_status_reads_no_file(tmp_path: Path) -> None:
    prompt = tmp_path / "butler.txt"
    prompt.write_text("You are a butler.")
    box = box_in(tmp_path, gate="wake", wake_word=[f"hey_jarvis;prompt-file={prompt}"])
    prompt.unlink()
    assert box.status()["wake_words"] == ["hey jarvis"]


async def test_what_was_heard_before_a_mute_is_not_to_be_had_after_it(tmp_path: Path) -> None:
    box = box_in(tmp_path)
    box.loop.hear(HeardFrame(b"\x01\x00" * FRAME_SAMPLES, 32, 0.0, -30.0))
    assert box.loop._ears.since(0)
    box.loop.tell(Tell(Moment.MUTED))
    assert box.loop._ears.since(0) == b""


class Silent:
    """A model that hears nothing."""

    def completeness(self, audio: Audio) -> Completeness:
        return Completeness.UNKNOWN


async def test_pauses_are_judged_by_their_sound_while_somebody_is_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satellite.build.SmartTurn", Silent)
    box = box_in(tmp_path, smart_turn=True)
    finality = box._hearing.finality
    assert finality is not None
    attentive = []
    for moment in (
        *(Moment.WAKE, Moment.LISTENING, Moment.SPEECH_STARTED, Moment.PROCESSING),
        *(Moment.RESPONDING, Moment.LISTENING, Moment.IDLE),
        *(Moment.LISTENING, Moment.ERROR, Moment.LISTENING, Moment.ANNOUNCING),
    ):
        box.loop.tell(Tell(moment))
        attentive.append(finality.attentive)
    assert "".join(".L"[on] for on in attentive) == ".LL..L.L.L."


@pytest.mark.parametrize("given", [{}, {"smart_turn": True, "endpoint": "fixed"}])
async def test_no_model_is_opened_that_nobody_asks(
    tmp_path: Path, given: dict[str, object]
) -> None:
    assert box_in(tmp_path, **given)._hearing.finality is None


def tools_of(box: Box) -> Tools:
    direct = box._parts["standalone"]
    assert isinstance(direct, Direct)
    means = direct._settings.means
    assert means.tools is not None
    assert means.area == "Kitchen"
    return means.tools


async def test_its_tools_change_what_its_buttons_change(tmp_path: Path) -> None:
    box = box_in(tmp_path, mode="standalone", area="Kitchen")
    tools = tools_of(box)
    tools.do("HassSetVolume", {"volume_level": 40})
    assert box.speaker.status()["volume"] == 0.4
    box.buttons.set_volume(70)
    tools.do("HassSetVolumeRelative", {"volume_step": "up"})
    assert box.speaker.volume == 0.8
    timer = json.loads(tools.do("HassStartTimer", {"minutes": 5}).text)
    assert box.buttons.cancel_timer(timer["id"])
    timer_id = box.buttons.add_timer(60, "tea")
    assert json.loads(tools.do("HassCancelTimer", {"name": "tea"}).text)["id"] == timer_id
