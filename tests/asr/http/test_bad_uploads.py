"""Uploads that are no speech, no file or no end: told what to do about it, and nothing is left behind."""

import asyncio
import gzip
import json
import struct
import zipfile
from collections.abc import AsyncIterator, Callable
from io import BytesIO

import numpy as np
import pytest
import pytest_asyncio

from tests.asr.driving import until
from tests.asr.fakes import ScriptedEngine
from tests.asr.http.doors import Doors, named, scripted, wav
from tests.asr.speech import noise, said, silence
from tests.media.files import made
from tests.media.files import wav as any_wav

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEECH = wav(said("What time is it?"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors() -> AsyncIterator[Doors]:
    async with scripted(ScriptedEngine(), max_upload_mb=2) as found:
        yield found


def zipped() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("speech.wav", SPEECH)
    return file.getvalue()


NO_AUDIO = {
    "a zip called .wav": zipped(),
    "a compressed file": gzip.compress(SPEECH),
    "text": b"Turn on the kitchen light.\n" * 100,
    "a page": b"<!doctype html><html><body>hello</body></html>" * 20,
    "JSON": json.dumps({"audio": "UklGRg=="}).encode(),
    "a playlist": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
    "half a header": SPEECH[:20],
    "a header alone": SPEECH[:44],
    "noise": noise(1.0).tobytes(),
    "zeros": bytes(10_000),
}


@pytest.mark.parametrize("path", ["/transcribe", "/v1/audio/transcriptions"])
@pytest.mark.parametrize("name", NO_AUDIO)
async def test_what_is_no_audio_is_refused(doors: Doors, path: str, name: str) -> None:
    answer = await doors.http.post(path, files=named(NO_AUDIO[name]))
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("bad-audio", "file")
    assert error["type"] == "invalid_request_error"
    await doors.nothing_left()


LONG = wav(np.concatenate((said("What time is it?"), silence(4.0))))


@pytest.mark.parametrize(
    "path", ["/transcribe", "/transcribe?stream=1", "/v1/audio/transcriptions"]
)
async def test_half_a_file_is_told_before_anybody_hears_it(doors: Doors, path: str) -> None:
    answer = await doors.http.post(path, files=named(LONG[: len(LONG) // 2]))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "bad-audio"
    assert "cut off" in error["message"]
    assert "send it again" in error["message"]
    assert error["param"] == "file"
    await doors.nothing_left()


async def test_half_a_file_that_only_shows_at_its_end_is_told_there(doors: Doors) -> None:
    whole = made("flac", "flac", seconds=8.0)
    half = named(whole[: len(whole) // 2], "a.flac")
    answer = await doors.http.post("/transcribe", files=half)
    assert answer.status_code == 400
    lines = (await doors.http.post("/transcribe?stream=1", files=half)).text.splitlines()
    kinds = [json.loads(line)["type"] for line in lines]
    assert kinds[0] == "progress"
    assert kinds[-1] == "error"
    assert "done" not in kinds
    await doors.nothing_left()


async def test_numbers_that_are_none_are_refused(doors: Doors) -> None:
    samples = struct.pack("<f", float("nan")) * 16_000
    answer = await doors.http.post("/transcribe", files=named(any_wav(samples, bits=32, code=3)))
    assert answer.status_code == 400
    assert "no numbers" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/transcribe", "/v1/audio/transcriptions"])
async def test_no_file(doors: Doors, path: str) -> None:
    sent = [
        {"data": {"language": "en"}},
        {"content": b""},
        {"files": {"audio": ("a.wav", SPEECH)}},
        {"data": {"file": "a.wav"}, "files": {"other": ("a.wav", SPEECH)}},
        {"files": named(b"")},
    ]
    for one in sent:
        answer = await doors.http.post(path, **one)  # type: ignore[arg-type]
        assert answer.status_code == 400, (one, answer.text)
    await doors.nothing_left()


@pytest.mark.parametrize(
    ("form", "param", "remedy"),
    [
        ({"langauge": "en"}, "langauge", "did you mean 'language'"),
        ({"language": "klingon"}, "language", "unknown language"),
        ({"language": "de"}, "language", "understands only 'en'"),
        ({"model": "large"}, "model", "known: scripted"),
        ({"task": "sing"}, "task", "translate"),
        ({"beam_size": "0"}, "beam_size", "greater than or equal to 1"),
        ({"beam_size": "many"}, "beam_size", "integer"),
        ({"word_timestamps": "perhaps"}, "word_timestamps", "boolean"),
        ({"prompt": "a" * 5_000}, "prompt", "4000"),
        ({"hotwords": "a," * 1_500}, "hotwords", "1000"),
        ({"task": "translate"}, "model", "can't translate"),
    ],
)
async def test_a_field_that_makes_no_sense(
    doors: Doors, form: dict[str, str], param: str | None, remedy: str
) -> None:
    answer = await doors.http.post("/transcribe", files=named(SPEECH), data=form)
    assert 400 <= answer.status_code < 500, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert remedy in error["message"]
    await doors.nothing_left()


async def test_forms_that_break_the_rules(doors: Doors) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    bodies = [
        b"",
        b"nonsense",
        b"--x\r\n\r\n",
        b"--x--\r\n",
        b"--x\r\nContent-Disposition: form-data",
    ]
    for body in bodies:
        answer = await doors.http.post("/transcribe", content=body, headers=kind)
        assert answer.status_code == 400, (body, answer.text)
    answer = await doors.http.post(
        "/transcribe", content=b"x", headers={"Content-Type": "multipart/form-data"}
    )
    assert answer.status_code == 400
    long = {"prompt": "a" * 100_000}
    answer = await doors.http.post("/transcribe", files=named(SPEECH), data=long)
    assert answer.status_code == 400
    many = [("file", ("a.wav", SPEECH)), ("file", ("b.wav", SPEECH))]
    answer = await doors.http.post("/transcribe", files=many)
    assert answer.status_code == 400
    await doors.nothing_left()


async def raw(doors: Doors, head: bytes, body: bytes = b"") -> bytes:
    host, _, port = doors.base.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head + body)
    answer = await reader.readuntil(b"\r\n")
    writer.close()
    return answer


async def test_two_gigabytes_are_refused_before_they_come(doors: Doors) -> None:
    head = b"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2147483648\r\n\r\n"
    assert b" 413 " in await raw(doors, head)
    await doors.nothing_left()


async def test_more_than_was_declared_or_nothing_was(doors: Doors) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield bytes(100_000)

    answer = await doors.http.post("/transcribe", content=endless())
    assert answer.status_code == 413
    assert "--max-upload-mb" in answer.json()["error"]["message"]
    large = await doors.http.post("/transcribe", files=named(wav(silence(70.0))))
    assert large.status_code == 413
    await doors.nothing_left()


async def test_a_client_that_leaves_while_it_sends(
    doors: Doors, lines: Callable[[], list[str]]
) -> None:
    host, _, port = doors.base.rpartition(":")
    for kind in (b"audio/wav", b"multipart/form-data; boundary=x"):
        _, writer = await asyncio.open_connection(host, int(port))
        head = b"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nRIFF'
        writer.write(head + b"Content-Type: " + kind + b"\r\n\r\n" + body)
        await writer.drain()
        while (await doors.http.get("/ready")).json()["requests"] != 1:
            pass
        writer.transport.abort()
        await doors.nothing_left()
    assert [line.rpartition("outcome=")[2] for line in lines()] == ["gone", "gone"]


async def test_a_repeated_field_counts_as_it_was_said_last(doors: Doors) -> None:
    answer = await doors.http.post(
        "/transcribe?language=xx", files=named(SPEECH), data={"language": ["yy", "en"]}
    )
    assert answer.status_code == 200
    await until(lambda: doors.program.worker.idle)
