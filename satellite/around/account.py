"""How this satellite is, in the words of the extension `status` that servers have (`extensions`).

Rule: it counts turns by how they ended and keeps what went wrong; nothing that was said is in it.
"""

from collections.abc import Callable

from satellite.around.tally import Tally
from satellite.effects import SOUND_AGAIN, Moment, Tell
from wyoming_voice import __version__
from wyoming_voice.ledger import Ledger

_TROUBLES = (Moment.ERROR, Moment.WARNING, Moment.MICROPHONE_LOST)


class Account:
    """`tell` is a Listener; `health` says `loading`, `well` or `stuck`."""

    def __init__(
        self, health: Callable[[], str], connections: Callable[[], int], busy: Callable[[], bool]
    ) -> None:
        self._health = health
        self._connections = connections
        self._busy = busy
        self._tally = Tally()
        self._ledger = Ledger()

    def tell(self, told: Tell) -> None:
        """Count a turn that a moment ends, and keep what goes wrong."""
        if told.moment in _TROUBLES and not told.text.endswith(SOUND_AGAIN):
            self._ledger.told(told.moment.value, told.text)
        if (counted := self._tally.push(told)) is not None:
            self._ledger.count(counted.outcome)

    def report(self) -> dict[str, object]:
        """What `status` is answered with."""
        return {
            "version": __version__,
            "engines": {},
            "health": self._health(),
            "connections": self._connections(),
            "answering": int(self._busy()),
            "waiting": 0,
            **self._ledger.status(),
            "numbers": {},
        }
