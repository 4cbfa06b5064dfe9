"""How records become lines of the log, and which turn each belongs to.

A turn's id is said once (`turn`), and stands in every line that is written meanwhile, in the tasks that
were begun meanwhile, and in the threads that work for them. Rule: the log goes to standard error, one line
for a person or one JSON object a record; the library that writes JSON is loaded where that is asked for.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

_turn: ContextVar[str] = ContextVar("turn", default="")

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


def with_turn(record: logging.LogRecord) -> bool:
    """A filter for handlers: notes the turn in `record.turn`, where who logs has not said it."""
    if not hasattr(record, "turn"):
        record.turn = _turn.get()
    return True


class Text(logging.Formatter):
    """A record as a line of text; the turn stands behind what was said, unless it is in it already."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        """The line without an exception's traceback."""
        line = super().formatMessage(record)
        mark = f"turn={turn_id}" if (turn_id := getattr(record, "turn", "")) else ""
        return line if mark in record.message else f"{line} {mark}"


def to_stderr(level: str, log_format: str) -> None:
    """Log to standard error from here on, `text` or `json`."""
    handler = logging.StreamHandler()
    handler.addFilter(with_turn)
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
