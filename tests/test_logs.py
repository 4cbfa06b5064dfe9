"""Every line of a turn carries its id, as text and as JSON, in tasks and threads that work for it too."""

import asyncio
import contextvars
import io
import json
import logging
import re
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta

import pytest
from wyoming.event import Event

from tests.fakes import FakeProgram, on_loopback
from tests.wire_client import client_of
from wyoming_voice import logs
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.outcome import told
from wyoming_voice.service import serving
from wyoming_voice.worker import Worker

_log = logging.getLogger("tests.logs")


@pytest.fixture(params=["text", "json"])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What our own handler writes, in each format."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(logs.completed)
    is_json = request.param == "json"
    handler.setFormatter(logs.json_formatter() if is_json else logs.text_formatter())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def turns(written: io.StringIO) -> list[str]:
    """The turn of each line; "" for none."""
    found = []
    for line in written.getvalue().splitlines():
        if line.startswith("{"):
            found.append(json.loads(line).get("turn", ""))
        else:
            marks = re.findall(r"turn=(\S+)", line)
            assert len(marks) <= 1, line
            found.append("".join(marks))
    return found


def test_a_turn_is_told_of_once(lines: io.StringIO) -> None:
    with logs.turn("t-1"):
        _log.info("a line that names its turn=t-1 itself")
        _log.info("a line that doesn't")
    _log.info("a line of nobody's")
    assert turns(lines)[1:] == ["t-1", ""]
    assert "t-1" in lines.getvalue().splitlines()[0]


async def test_tasks_and_threads_work_for_the_turn_that_began_them(lines: io.StringIO) -> None:
    async def later() -> None:
        await asyncio.sleep(0)
        _log.info("in a task")

    worker = Worker("w")
    with logs.turn("t-2"):
        task = asyncio.create_task(later())
        await worker.call(lambda: _log.info("in a thread"), deadline_s=10)
    await task
    await worker.call(lambda: _log.info("in the thread of nobody"), deadline_s=10)
    worker.close()
    assert turns(lines) == ["t-2", "t-2", ""]


async def test_a_request_and_the_error_that_it_ends_with(lines: io.StringIO) -> None:
    async with serving(FakeProgram(), on_loopback()) as address, client_of(address) as client:
        await client.send(Event("fail"))
        await client.read_until("farewell")
    told_of = [turn for turn in turns(lines) if turn]
    assert len(told_of) == 2  # its own line, and that of the error
    assert len(set(told_of)) == 1


async def test_a_bug_is_one_line_with_where_it_came_from_and_not_its_words(
    lines: io.StringIO,
) -> None:
    async with serving(FakeProgram(), on_loopback()) as address, client_of(address) as client:
        await client.send(Event("crash"))
        await client.read_until("farewell")
    written = lines.getvalue()
    assert "OSError: a bug" not in written  # its words might be what somebody said
    if written.startswith("{"):
        bug = next(
            record for record in map(json.loads, written.splitlines()) if "exception" in record
        )
        assert bug["exception"].startswith("Traceback")
        assert bug["exception"].endswith("\nOSError")
        assert bug["turn"]
    else:
        bug_line = next(line for line in written.splitlines() if " a bug, or " in line)
        assert "turn=" in bug_line
        assert "fakes.py" in written


def test_what_led_to_an_exception_is_told_without_words_but_at_debug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["turn", "the", "lamp", "on"]  # a traceback shows the line of code, but not its values
    try:
        try:
            raise ValueError(words)
        except ValueError as error:
            raise KeyError(words) from error
    except KeyError as error:
        told = logs.origin(error)
        monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
        told_at_debug = logs.origin(error)
    assert "'lamp'" not in told
    assert told.index("ValueError\n\nwhich led to this") < told.index("KeyError")
    assert told_at_debug.count("'lamp'") == 2


async def test_a_request_as_json(lines: io.StringIO) -> None:
    record = TurnRecord("asr", "t-3")
    record.note(words=3, language="en")
    record.took("work", 12.34)
    told(record, "ok")
    written = lines.getvalue()
    if not written.startswith("{"):
        assert written.rstrip().endswith(
            "INFO wyoming_voice.outcome: turn=t-3 kind=asr words=3 language=en work=12.3ms outcome=ok"
        )
        return
    line = json.loads(written)
    at = datetime.fromisoformat(line.pop("time"))
    assert at.utcoffset() == timedelta(0)
    assert line == {
        "level": "info",
        "logger": "wyoming_voice.outcome",
        "message": record.line() + " outcome=ok",
        "turn": "t-3",
        "kind": "asr",
        "outcome": "ok",
        "facts": {"words": 3, "language": "en"},
        "stages_ms": {"work": 12.3},
    }


def test_what_others_say_forges_no_line() -> None:
    odd = "a\nINFO b \x1b[31m \ud83d\u202e\u2028"
    record = logging.LogRecord("n", logging.INFO, "", 1, "%s", (odd,), None)
    line = logs.json_formatter().format(record)
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line)["message"] == odd
    assert logs.text_formatter().format(record).endswith("INFO n: a INFO b  [31m    ")


def test_a_generator_that_is_closed_elsewhere_leaves_no_turn_behind() -> None:
    def work() -> Generator[int, None, None]:
        with logs.turn("t-4"):
            yield 1

    generator = work()
    contextvars.copy_context().run(next, generator)
    generator.close()
    assert logs.current_turn() == ""
