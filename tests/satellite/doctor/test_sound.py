"""Whole examinations of sound, with devices that don't exist."""

import numpy as np
import pytest

from satellite.devices.portaudio import NO_PORTAUDIO
from satellite.doctor.findings import Line, Verdict
from satellite.events import WakeWord
from tests.satellite.doctor.stage import Room, sound_lines

pytestmark = pytest.mark.timeout(30)


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
