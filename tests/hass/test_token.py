"""A token that is refused, missing, or no token at all; and that it is never shown."""

import logging
from pathlib import Path

import pytest

from tests.hass.asking import QUICK, asking, joining, trouble_of
from tests.hass.fake import TOKEN, FakeHass
from wyoming_voice.hass.errors import HassError, Trouble
from wyoming_voice.hass.token import token_in


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
