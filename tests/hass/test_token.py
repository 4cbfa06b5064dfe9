"""A token that is refused, missing, or no token at all; and that it is never shown."""

import logging
from pathlib import Path

import pytest

from tests.hass.asking import QUICK, asking, joining, trouble_of
from tests.hass.fake import TOKEN, FakeHass
from wyoming_voice.hass import token as token_file
from wyoming_voice.hass.errors import HassError, Trouble
from wyoming_voice.hass.token import OPTION, token_in


async def test_a_refused_token_is_told_once_and_not_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with FakeHass(token="another") as fake, asking(fake.url) as hass:
        caplog.set_level(logging.INFO)
        for _ in range(5):
            error = await trouble_of(hass)
            assert (error.trouble, error.untouched) == (Trouble.TOKEN, True)
            assert "--hass-token-file" in str(error)
        assert fake.refused == 1
        assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_refused_token_is_looked_at_and_not_sent_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("wrong")
    looks = 0

    def token() -> str:
        nonlocal looks
        looks += 1
        if looks == 10:
            assert fake.refused == 1
            path.write_text(f"{TOKEN}\n")
        return token_in(path)()

    async with FakeHass() as fake, asking(fake.url, token, QUICK) as hass:
        joined = joining(hass)
        assert (await trouble_of(hass)).trouble is Trouble.TOKEN
        await joined.wait()
        assert (fake.refused, fake.connected) == (1, 1)


async def test_a_token_that_isnt_there_yet_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token"
    async with FakeHass() as fake, asking(fake.url, token_in(path), QUICK) as hass:
        joined = joining(hass)
        error = await trouble_of(hass)
        assert error.trouble is Trouble.TOKEN
        assert str(path) in str(error)
        path.write_text(TOKEN)
        await joined.wait()
        assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1


async def test_a_token_stands_in_no_log_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeHass() as fake, asking(fake.url) as hass:
        await hass.call("get_config")
        assert TOKEN not in repr(hass) + repr(vars(hass))
    async with FakeHass(token="another") as fake, asking(fake.url) as hass:
        error = await trouble_of(hass)
        assert TOKEN not in repr(error) + repr(vars(hass)) + repr(error.__cause__)
        kept = hass._trouble
        assert kept is not None
        assert kept.__traceback__ is None  # whose frames would hold the token
    assert "answers, version 2026.11.0" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"two words", b"two\nlines", b"caf\xc3\xa9", b"\xff"]
)
def test_what_is_no_token_is_told_without_saying_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(HassError, match="token") as raised:
        token_in(path)()
    assert str(path) in str(raised.value)
    assert raised.value.__cause__ is None
    for word in ("two", "caf"):
        assert word not in str(raised.value).removeprefix(str(path))


WEB_TOKEN = f"eyJhbGciOiJIUzI1NiJ9.{'eyJpc3MiOiI' * 8}.sflKxwRJSMeKKF2QT4"


@pytest.mark.parametrize("token", [WEB_TOKEN, "eyJhbGci", "x" * 300, "xy" * 60, "one.two.three"])
def test_a_token_in_place_of_its_file_is_not_repeated(token: str) -> None:
    with pytest.raises(HassError) as raised:
        token_in(Path(token), OPTION)()
    said = "--hass-token-file: this looks like the token itself; write it to a file and name that"
    assert str(raised.value) == said
    assert isinstance(raised.value.__cause__, OSError)
    assert raised.value.anew().__cause__ is None


async def test_a_token_in_place_of_its_file_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeHass() as fake, asking(fake.url, token_in(Path(WEB_TOKEN), OPTION)) as hass:
        error = await trouble_of(hass)
        assert WEB_TOKEN not in repr(error) + repr(error.__cause__) + repr(vars(hass))
    assert "this looks like the token itself" in caplog.text
    assert WEB_TOKEN not in caplog.text


@pytest.mark.parametrize("name", ["token", "one.two.three", "x" * 120])
@pytest.mark.parametrize("content", [None, "", "two words", b"\xff"])
def test_what_is_wrong_with_a_file_names_it_and_its_option(
    tmp_path: Path, name: str, content: str | bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(HassError) as raised:
        token_in(path, OPTION)()
    assert str(raised.value).startswith(f"--hass-token-file: {path} ")


@pytest.mark.parametrize(
    ("mode", "told"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o644, 1)]
)
def test_a_file_that_others_may_read_is_told_once(
    tmp_path: Path, mode: int, told: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(mode)
    read = token_in(path, OPTION)
    assert read() == read() == TOKEN
    said = f"--hass-token-file: {path} can be read by others on this machine; chmod 600"
    assert [one.getMessage() for one in caplog.records] == [said] * told
    assert TOKEN not in caplog.text


def test_who_may_read_what_was_mounted_is_not_for_its_reader_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(token_file, "_MOUNTED", (str(tmp_path),))
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o444)
    assert token_in(path, OPTION)() == TOKEN
    assert not caplog.records


def test_of_somebody_elses_file_the_group_may_be_who_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    monkeypatch.setattr("os.geteuid", lambda: path.stat().st_uid + 1)
    for mode in (0o640, 0o644):
        path.chmod(mode)
        token_in(path, OPTION)()
    (told,) = caplog.records
    assert "make it this user's own (chown), and chmod 600" in told.getMessage()
