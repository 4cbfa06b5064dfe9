"""Whether names are snapped to what was heard, and what the log says of it: the shell around `snapping`.

Rule: what somebody said stands in the log at DEBUG only; the line of a request tells how many names were
snapped. What it takes is loaded where there are names.
"""

import logging
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from wyoming_voice.asr.engine import Snap
from wyoming_voice.core.timing import TurnRecord

if TYPE_CHECKING:
    from wyoming_voice.asr.names.snapping import Snapper

_log = logging.getLogger(__name__)

Respelling = Callable[[tuple[str, ...]], "Snapper"]
"""Names -> who writes them; in a thread, since it takes 50 ms for thousands of them, and is kept."""


def respelling(*, off: bool) -> Respelling | None:
    """None where names are left as they were heard, by an operator's wish or for want of a library."""
    if off:
        return None
    if find_spec("jellyfish") is None:
        _log.warning(
            "names are left as they are heard: pip install 'wyoming-voice[names]', or --no-snapping"
        )
        return None
    return _snapper


def note(record: TurnRecord, snaps: Sequence[Snap]) -> None:
    """Tell of the names in a text that were snapped."""
    if not snaps:
        return
    record.note(snaps=len(snaps))
    for snap in snaps:
        _log.debug(
            "turn=%s heard %r as %r (distance %.2f, probability %.2f)",
            *(record.turn_id, snap.heard, snap.name, snap.distance, snap.probability),
        )


def _snapper(names: tuple[str, ...]) -> "Snapper":
    from wyoming_voice.asr.names.snapping import snapper

    return snapper(names)
