"""How records become lines of the log, and which turn each belongs to.

A turn's id is said once (`turn`), and stands in every line that is written meanwhile, in the tasks that
were begun meanwhile, and in the threads that work for them. Rule: the log goes to standard error, one line
for a person or one JSON object a record; the library that writes JSON is loaded where that is asked for.
"""

import contextlib
import logging
import os
import re
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

_turn: ContextVar[str] = ContextVar("turn", default="")

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What others' words may hold to forge a line of the log, or to have a terminal obey."""

_NAMES = {"levelname": "level", "name": "logger", "exc_info": "exception", "stack_info": "stack"}
"""What the fields of a JSON object are called, where `logging` calls them otherwise."""


def current_turn() -> str:
    """The id of the turn that is worked at here; "" for none."""
    return _turn.get()


def belong_to(turn_id: str) -> None:
    """From here on this task works at a turn; "": at none."""
    _turn.set(turn_id)


@contextlib.contextmanager
def turn(turn_id: str) -> Iterator[None]:
    """Within it a turn is worked at."""
    before = _turn.get()
    _turn.set(turn_id)
    try:
        yield
    finally:
        # No token is kept: a generator may be closed in another task than it was begun in.
        _turn.set(before)


def completed(record: logging.LogRecord) -> bool:
    """A filter for handlers: notes the turn, if it isn't said, and where an exception came from."""
    if not hasattr(record, "turn"):
        record.turn = _turn.get()
    if record.exc_info:
        record.exc_text, record.exc_info = origin(record.exc_info[1]), None
    return True


def origin(error: BaseException | None, depth: int = 5) -> str:
    """Where an exception came from, and what led to it; its text, which may repeat what somebody said, only
    where that is logged anyway, at debug."""
    if error is None or not depth:
        return ""
    if logging.getLogger().level <= logging.DEBUG:
        return "".join(traceback.format_exception(error)).rstrip()
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = origin(cause, depth - 1)
    led = f"{before}\n\nwhich led to this:\n\n" if before else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{led}Traceback (most recent call last):\n{frames}{type(error).__qualname__}"


class Text(logging.Formatter):
    """A record as a line of text; the turn stands behind what was said, unless it is in it already."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        """The line without an exception's traceback."""
        line = _UNSEEN.sub(" ", super().formatMessage(record))
        mark = f"turn={turn_id}" if (turn_id := getattr(record, "turn", "")) else ""
        return line if mark in record.message else f"{line} {mark}"


def to_stderr(level: str, log_format: str) -> None:
    """Log to standard error from here on, `text` or `json`."""
    handler = logging.StreamHandler()
    handler.addFilter(completed)
    handler.setFormatter(json_formatter() if log_format == "json" else text_formatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for chatty in ("httpx", "httpcore", "httpx2", "httpcore2", "asyncio", "filelock", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It warns of answers that it can't read by writing them out; handle/mcp/session.py says what is wrong.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    # It tells of each batch that it can't send; tracing.py says it once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    # It warns, with a traceback, of every interface that multicast doesn't get through.
    logging.getLogger("zeroconf").setLevel(logging.ERROR)


def text_formatter() -> logging.Formatter:
    """One line a record; under systemd without a time, which the journal has."""
    time = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    return Text(f"{time}%(levelname)s %(name)s: %(message)s")


def json_formatter() -> logging.Formatter:
    """One JSON object a record: time (RFC 3339, UTC), level, logger, message, turn, and what is special.

    Of a request these are its kind, outcome, facts and stages_ms.
    """
    from pythonjsonlogger.core import RESERVED_ATTRS
    from pythonjsonlogger.json import JsonFormatter

    class Json(JsonFormatter):
        def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
            log_data["level"] = log_data["level"].lower()
            if not log_data.get("turn"):
                log_data.pop("turn", None)
            return {"time": log_data.pop("time"), **log_data}

    return Json(
        ["levelname", "name", "message", "turn"],
        rename_fields=_NAMES,
        reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's own way to say it again
        timestamp="time",
    )
