"""A satellite tells how it is: over its Wyoming port, or over its control socket where it has none."""

from pathlib import Path

import pytest

from satellite.around.account import Account
from satellite.effects import SOUND_AGAIN, Moment, Tell
from tests.satellite.test_box import box_in
from tests.satellite.waiting import running
from wyoming_voice import __version__
from wyoming_voice.status.finding import Plan, survey
from wyoming_voice.status.report import State


@pytest.mark.parametrize("mode", ["ha", "standalone"])
async def test_it_is_found_once(tmp_path: Path, mode: str) -> None:
    box = box_in(tmp_path, mode=mode)
    address = await box.listen()
    async with running(box.run()):
        box.loop.tell(Tell(Moment.WARNING, "the microphone gives only silence"))
        plan = Plan(10, 0, (address,) if address else (), (), control=tmp_path / "control.sock")
        (told,) = (await survey(plan)).reports
    assert (told.what, told.version) == (("satellite",), __version__)
    assert told.state is not State.NO_ANSWER
    assert ("warning", "the microphone gives only silence") in {
        (t.code, t.text) for t in told.troubles
    }
    where = address if mode == "ha" else f"unix://{tmp_path / 'control.sock'}"
    assert told.address == where


async def test_where_none_runs_none_is_missed(tmp_path: Path) -> None:
    assert (await survey(Plan(5, 0, (), (), control=tmp_path / "no.sock"))).reports == ()


def test_turns_are_counted_by_how_they_end() -> None:
    account = Account(lambda: "stuck", lambda: 2, lambda: True)
    for moment in (Moment.LISTENING, Moment.TRANSCRIPT, Moment.RESPONDING, Moment.PLAYED):
        account.tell(Tell(moment, "what was said"))
    account.tell(Tell(Moment.IDLE))
    account.tell(Tell(Moment.LISTENING))
    account.tell(Tell(Moment.ERROR, "no-asr"))
    account.tell(Tell(Moment.IDLE))
    told = account.report()
    assert told["requests"] == {"answered": 1, "failed": 1}
    assert (told["health"], told["connections"], told["answering"]) == ("stuck", 2, 1)
    assert "what was said" not in str(told)
    assert "no-asr" in str(told["last_errors"])


def test_good_news_is_no_error() -> None:
    account = Account(lambda: "well", lambda: 0, lambda: False)
    account.tell(Tell(Moment.WARNING, "the microphone gives only silence"))
    account.tell(Tell(Moment.WARNING, f"the microphone {SOUND_AGAIN}"))
    told = account.report()["last_errors"]
    assert isinstance(told, list)
    assert [error["text"] for error in told] == ["the microphone gives only silence"]
