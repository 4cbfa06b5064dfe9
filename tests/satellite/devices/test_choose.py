"""Which device is meant by what was written."""

import pytest

from satellite.devices.catalogue import Device, Kind, pick
from satellite.devices.choose import choose_sink, choose_source
from satellite.parts import DeviceError
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import ConfigError

DEVICES = [
    Device(0, "HDA Intel PCH: ALC257 (hw:0,0)", 2, 2, 48_000),
    Device(1, "ReSpeaker 4 Mic Array (hw:1,0)", 6, 2, 16_000),
    Device(2, "USB Speaker (hw:2,0)", 0, 2, 48_000, default_output=True),
    Device(3, "pulse", 32, 32, 44_100),
    Device(4, "default", 32, 32, 44_100, default_input=True),
    Device(5, "pulse", 2, 2, 44_100),
]


@pytest.mark.parametrize(
    ("wanted", "kind", "number"),
    [
        ("1", Kind.MICROPHONE, 1),
        ("pulse", Kind.MICROPHONE, 3),
        ("PULSE", Kind.LOUDSPEAKER, 3),
        ("respeaker", Kind.MICROPHONE, 1),
        ("hw:0,0", Kind.MICROPHONE, 0),
        ("usb", Kind.LOUDSPEAKER, 2),
        ("default", Kind.MICROPHONE, 4),
        ("default", Kind.LOUDSPEAKER, 2),
    ],
)
def test_by_number_name_or_part(wanted: str, kind: Kind, number: int) -> None:
    assert pick(wanted, DEVICES, kind).number == number


@pytest.mark.parametrize(
    ("wanted", "kind", "says"),
    [
        ("hw:", Kind.MICROPHONE, "'hw:' fits several: 0 'HDA Intel PCH: ALC257 (hw:0,0)', 1 "),
        ("USB Speaker", Kind.MICROPHONE, "no microphone 'USB Speaker'; there is: 0 'HDA"),
        ("pluse", Kind.MICROPHONE, "no microphone 'pluse'; did you mean 'pulse'?"),
        ("2", Kind.MICROPHONE, "no microphone '2'; there is: 0 "),
        ("17", Kind.LOUDSPEAKER, "no loudspeaker '17'; there is: 0 "),
    ],
)
def test_what_fits_none_or_several_is_refused_with_what_there_is(
    wanted: str, kind: Kind, says: str
) -> None:
    with pytest.raises(DeviceError) as caught:
        pick(wanted, DEVICES, kind)
    assert says in str(caught.value)


def test_without_a_default_the_first_is_taken_and_without_any_it_is_said() -> None:
    assert pick("default", DEVICES[:2], Kind.MICROPHONE).number == 0
    with pytest.raises(DeviceError, match="no microphone is connected"):
        pick("default", DEVICES[2:3], Kind.MICROPHONE)


@pytest.mark.parametrize(
    ("mic", "command", "name"),
    [
        ("default", "", "default"),
        ("wyoming://mic.local:10600", "", "wyoming://mic.local:10600"),
        ("file:/tmp/x.wav", "", "file:/tmp/x.wav"),
        ("default", "arecord -t raw", "arecord -t raw"),
    ],
)
def test_sources(mic: str, command: str, name: str) -> None:
    assert choose_source(mic, command, SPEECH).name == name


@pytest.mark.parametrize(
    ("snd", "command", "name", "rate_hz"),
    [
        ("3", "", "3", 48_000),
        ("none", "", "none", 48_000),
        ("wyoming://[::1]:10601", "", "wyoming://[::1]:10601", 22_050),
        ("file:/tmp/x.wav", "", "file:/tmp/x.wav", 48_000),
        ("default", "aplay -t raw", "aplay -t raw", 16_000),
    ],
)
def test_sinks(snd: str, command: str, name: str, rate_hz: int) -> None:
    sink = choose_sink(snd, command, SPEECH)
    assert (sink.name, sink.rate_hz) == (name, rate_hz)


@pytest.mark.parametrize("text", ["wyoming://nowhere", "tcp://host:1", "", " ", "file:"])
def test_what_can_never_work_is_refused_at_once(text: str) -> None:
    with pytest.raises(ConfigError, match=r"wyoming://HOST:PORT"):
        choose_source(text, "", SPEECH)
    with pytest.raises(ConfigError, match=r"wyoming://HOST:PORT"):
        choose_sink(text, "", SPEECH)
