"""`wyoming-voice bench` against small servers over TCP: what it reports, and how it ends when they fail."""

import json
import wave
from pathlib import Path

import pytest
from wyoming.event import Event

from tests.benchmark.scripted import (
    Behaviour,
    Replies,
    answering,
    failing,
    hanging_up,
    never_answering,
    server,
)
from wyoming_voice.benchmark.command import BenchSettings, run, said_in
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError, UpstreamError

NOBODY = "tcp://127.0.0.1:9"  # the discard port, on which nothing listens


def short_wav(directory: Path) -> Path:
    with wave.open(str(directory / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"\0\x20" * 1600)
    return directory


def settings(directory: Path, **values: object) -> BenchSettings:
    uris = {"asr_uri": NOBODY, "tts_uri": NOBODY, "handle_uri": NOBODY}
    small = {"sessions": [1, 2], "runs": 1, "audio": short_wav(directory)}
    return BenchSettings.model_validate({**uris, **small, **values})


async def test_every_kind_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out" / "all.json"
    async with (
        server("asr", answering) as asr,
        server("tts", answering) as tts,
        server("handle", answering) as handle,
    ):
        asked = settings(
            tmp_path, asr_uri=asr, tts_uri=tts, handle_uri=handle, text="Hello.", output=output
        )
        assert await run(asked) == 0
    document = json.loads(output.read_text(encoding="utf-8"))
    rows = {row["what"]: row for row in document["rows"]}
    for pace in ("paced", "staggered", "burst"):
        assert rows[f"{pace}, 2 at a time: after stop"]["summary"]["ours"]["n"] == 2
    assert rows["burst, 1 at a time: requests"]["better"] == "more"
    assert rows["describe during a burst of 2"]["summary"]["ours"]["n"] >= 1
    assert rows["your text, 2 at a time: first audible sample"]["summary"]["ours"]["n"] == 2
    assert rows["your text: gaps"]["values"]["ours"] == [0.0]
    assert rows["answer, 2 at a time: first text"]["summary"]["ours"]["p99"] > 0
    assert document["machine"]["cores"] >= 1
    assert document["facts"]["handle"] == handle
    assert "paced, 1 at a time: after stop, ms" in capsys.readouterr().out


async def test_who_does_not_answer_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with server("handle", answering) as handle:
        assert await run(settings(tmp_path, asr_uri=handle, handle_uri=handle)) == 0
    told = capsys.readouterr().out
    assert f"asr: left out: {handle} is no asr server" in told
    assert f"tts: left out: no server answers at {NOBODY}: Connection refused" in told
    assert "answer, 1 at a time: first text" in told


async def test_nobody_at_all(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match="no server answers; start some"):
        await run(settings(tmp_path))


@pytest.mark.parametrize("kind", ["asr", "tts", "handle"])
@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (failing, "says: out of order"),
        (hanging_up, "hung up before it had answered"),
        (never_answering, "had not answered after 0.5 s"),
    ],
)
async def test_a_server_that_fails_ends_its_part_alone(
    kind: str,
    behaviour: Behaviour,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = "handle" if kind != "handle" else "asr"
    async with server(kind, behaviour) as uri, server(other, answering) as well:
        asked = settings(
            tmp_path,
            sessions=[1],
            timeout_s=0.5,
            **{f"{kind}_uri": uri, f"{other}_uri": well},
        )
        assert await run(asked) == 1
    told = capsys.readouterr().out
    line = next(line for line in told.splitlines() if line.startswith(f"{kind}: ended early"))
    assert uri in line
    assert said in line
    assert "1 at a time" in told


async def test_a_whole_text_for_who_knows_no_pieces(tmp_path: Path) -> None:
    asked: list[str] = []

    def noting(event: Event) -> Replies:
        asked.append(event.type)
        return answering(event)

    async with server("whole tts", noting) as uri:
        assert await run(settings(tmp_path, sessions=[1], tts_uri=uri)) == 0
    assert set(asked) == {"synthesize"}


def test_what_is_said_by_default_is_speech(tmp_path: Path) -> None:
    (said,) = said_in(settings(tmp_path, audio=None))
    assert 0.5 < said.last_sound_s < len(said.samples) / 16_000


def test_a_directory_without_recordings(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    with pytest.raises(ConfigError, match=r"no \*\.wav in .*empty"):
        said_in(settings(tmp_path, audio=empty))


def test_sessions_with_commas_and_their_limits() -> None:
    assert load(BenchSettings, ["--sessions", "1,3"], {}).sessions == [1, 3]
    with pytest.raises(ConfigError, match="from 1 to 1000 each"):
        load(BenchSettings, ["--sessions", "0"], {})
