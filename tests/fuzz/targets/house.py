"""Names that are snapped to, what the recogniser was told, files and flags of settings, the turn machine."""

import contextlib
import io
import tempfile
from functools import cache
from pathlib import Path

from satellite.config import SatelliteSettings
from satellite.turn import TurnSettings
from tests.fuzz.draw import Draw
from tests.fuzz.target import Target, dice, spoken
from tests.satellite.test_turn_walk import OF_TURN, PEOPLE, SPOKEN, come_to_rest, walk
from tests.satellite.test_turn_walk import Path as Walk
from wyoming_voice.asr.engine import Segment, Word
from wyoming_voice.asr.names.echo import Echo, echo_in
from wyoming_voice.asr.names.snapping import Snapper
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.config import CONFIG_VARIABLE, Settings, load, variable
from wyoming_voice.errors import ConfigError

_HOUSE = ("Kitchen lamp", "Ecobee", "Ecobee fan", "living room", "Büro", "台所", "Tom's", "TV 2")
_HEARD = (" kitchen", " lamb", " eco", " bee", " fan", " the", " living", " rum", "台所", " on.")
_SURE = (0.1, 0.49, 0.5, 0.95, 0.0, 1.0)
_LANGUAGES = ("en", "de", "", "zh")
_KINDS: tuple[type[Settings], ...] = (AsrSettings, SatelliteSettings)


def snapping(data: bytes) -> None:
    """A text stays its words, in order; snapping again changes nothing; what was sure never changes."""
    draw = Draw(data)
    names = [draw.pick(_HOUSE) if draw.flag() else draw.text(30) for _ in range(draw.number(6))]
    language = draw.pick(_LANGUAGES)
    words: list[Word] = []
    while draw and len(words) < 60:
        text = draw.text(10) if draw.byte() < 40 else draw.pick(_HEARD)
        at_s = float(len(words))
        words.append(Word(text, at_s, at_s + 1, draw.pick(_SURE)))
    text = "".join(word.text for word in words)
    heard, snapper = Segment(text, 0.0, float(len(words)), language, tuple(words)), Snapper(names)
    found = snapper.snapped(heard)
    assert found.text == "".join(word.text for word in found.words)
    assert (found is heard) == (not found.evidence.snaps)
    assert snapper.snapped(found) is found
    assert found is heard or snapper.near(text, language)
    assert len(found.evidence.snaps) <= len(words)


def echoes(data: bytes) -> None:
    """What was told, said again as it was, is an echo; anything may be asked."""
    draw = Draw(data)
    told = [draw.pick(_HOUSE) if draw.flag() else draw.text(20) for _ in range(draw.number(8))]
    echo_in(draw.rest_text(), told)
    said = " ".join(told)
    assert echo_in(said, told) is not Echo.NONE or not any(map(str.isalnum, said.casefold()))


def settings_file(data: bytes) -> None:
    """Any text is settings or a ConfigError that doesn't tell what stands in it, which may be a secret."""
    draw = Draw(data)
    kind = draw.pick(_KINDS)
    _file().write_bytes(draw.rest())
    with contextlib.suppress(ConfigError):
        load(kind, [], {CONFIG_VARIABLE: str(_file())})


def settings_values(data: bytes) -> None:
    """Likewise of flags and variables; a flag that there isn't ends the program with words."""
    draw = Draw(data)
    kind = draw.pick(_KINDS)
    names = sorted(set(kind.model_fields) - {"config"})
    environ, argv = {}, []
    for _ in range(draw.number(3)):
        environ[variable(kind, draw.pick(names))] = _value(draw)
    for _ in range(draw.number(3)):
        argv += [f"--{draw.pick(names).replace('_', '-')}={_value(draw)}"]
    quiet = io.StringIO()
    with (
        contextlib.redirect_stderr(quiet),
        contextlib.redirect_stdout(quiet),
        contextlib.suppress(ConfigError, SystemExit),
    ):
        load(kind, argv, environ)


def turns(data: bytes) -> None:
    """A random walk through the turn machine: its ledger balances (see tests/satellite/test_turn_walk)."""
    draw = Draw(data)
    wished = TurnSettings(
        gate=draw.pick(("wake", "vad", "push-to-talk", "remote")),
        barge_in=draw.pick(("off", "stop", "wake", "speech")),
        follow_up=draw.pick(("off", "question", "always")),
        mode=draw.pick(("auto", "ha", "standalone")),
        echo_cancelled=draw.flag(),
    )
    path: Walk = []
    while draw and len(path) < 200:
        make = draw.pick((None, *SPOKEN, *PEOPLE, *OF_TURN))
        ago = draw.pick((0, 0, 0, 1, 3)) if make in OF_TURN else 0
        pause_ms = draw.pick((0, 0, 50, 300, 2_000, 9_000, 40_000, 1_000_000))
        path.append((make, ago, draw.number(3), pause_ms))
    stage = walk(wished, (), path)
    come_to_rest(stage)
    assert stage.ledger.sending is None
    assert not stage.ledger.playing
    assert stage.ledger.unreported == 0


def _value(draw: Draw) -> str:
    likely = (
        "",
        "0",
        "-1",
        "1e999",
        "nan",
        "tcp://[::1]:1",
        "en",
        "a,b",
        "auto",
        "true",
        "/",
        "[]",
        "{}",
    )
    return draw.pick(likely) if draw.flag() else draw.text(20).replace("\0", " ")


@cache
def _file() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-")) / "voice.toml"


_TOML = (
    '[asr]\nmodel = "base.en"\nbeam_size = 5\nuri = "tcp://[::]:1"\n[satellite]\nmode = "auto"\n'
)

TARGETS = (
    Target(snapping, dice()),
    Target(echoes, dice((40,))),
    Target(
        settings_file,
        spoken(_TOML, "asr = 1", "[asr]\nmodel = x", "[asr.a]\n", head=b"\0"),
        ("[asr]", "[satellite]", "uri", "language", '"""', " = ", "inf", "1979-05-27", "\\u"),
    ),
    Target(settings_values, dice((40,))),
    Target(turns, dice()),
)
