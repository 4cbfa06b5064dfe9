"""How a request ended: its log line, its trace and its place in the metrics, whatever door it came by."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator

from wyoming_voice import logs, tracing
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import VoiceError
from wyoming_voice.wire import PeerGone

_log = logging.getLogger(__name__)

Finished = Callable[[TurnRecord, str], None]
"""Takes the record of a request that is over, and its outcome: `ok`, `gone`, or the code of an error."""


@contextlib.contextmanager
def recorded(
    record: TurnRecord, finished: Finished, cut_off_by: Callable[[], str] = lambda: "gone"
) -> Iterator[None]:
    """Within it a request is answered; what it raises is its outcome, and goes on its way.

    `cut_off_by` says what a cancelled request was cut off by.
    """
    loop = asyncio.get_running_loop()
    start_s, outcome = loop.time(), "internal-error"
    with logs.turn(record.turn_id):
        try:
            yield
            outcome = "ok"
        except VoiceError as error:
            outcome, record.failure = error.code, str(error)
            raise
        except (
            asyncio.CancelledError,
            GeneratorExit,
            PeerGone,
        ):  # a generator is closed: nobody reads on
            outcome = cut_off_by()
            raise
        finally:
            record.spent("total", start_s, loop.time())
            told(record, outcome)
            finished(record, outcome)


def told(record: TurnRecord, outcome: str) -> None:
    """Log what is over, and send its trace where traces are wanted."""
    facts = {
        "kind": record.kind,
        "outcome": outcome,
        "facts": record.facts,
        "stages_ms": {name: round(ms, 1) for name, ms in record.stages_ms.items()},
        "turn": record.turn_id,
    }
    _log.info("%s outcome=%s", record.line(), outcome, extra=facts)
    tracing.told(record, outcome)
