"""What came of a server's requests since its start, and what went wrong last: what `status` tells.

Rule: bounded, whatever clients do: outcomes come from the codes of our errors, and of errors the last five
that differ are kept, with texts that are made for clients, which hold nothing that was said.
"""

import time
from collections import Counter
from dataclasses import dataclass

from wyoming_voice.core.timing import TurnRecord

_ERRORS = 5
_OUTCOMES = 64
_TEXT_CHARS = 300


@dataclass(frozen=True)
class Mishap:
    """An error that a client was told: when (Unix time), and in which words."""

    at_s: float
    code: str
    text: str


class Ledger:
    """Counts requests by outcome, and keeps the last errors."""

    def __init__(self) -> None:
        self._begun_s = time.monotonic()
        self._requests = Counter[str]()
        self._mishaps: dict[tuple[str, str], Mishap] = {}

    def finished(self, record: TurnRecord, outcome: str) -> None:
        """A request is over."""
        self.count(outcome)
        if record.failure:
            self.told(outcome, record.failure)

    def count(self, outcome: str) -> None:
        """Something has ended in this way."""
        known = outcome in self._requests or len(self._requests) < _OUTCOMES
        self._requests[outcome if known else "other"] += 1

    def told(self, code: str, text: str) -> None:
        """A client was told of an error; the same one again counts as the latest."""
        text = text[:_TEXT_CHARS]
        self._mishaps.pop((code, text), None)
        self._mishaps[code, text] = Mishap(time.time(), code, text)
        if len(self._mishaps) > _ERRORS:
            del self._mishaps[next(iter(self._mishaps))]

    def status(self) -> dict[str, object]:
        """`uptime_s`, `requests` by outcome, and `last_errors`, the latest last."""
        return {
            "uptime_s": round(time.monotonic() - self._begun_s, 1),
            "requests": dict(self._requests),
            "last_errors": [
                {"at": round(mishap.at_s, 3), "code": mishap.code, "text": mishap.text}
                for mishap in self._mishaps.values()
            ],
        }
