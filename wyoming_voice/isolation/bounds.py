"""How long an engine in a process of its own may take for what, and how long it is kept."""

from dataclasses import dataclass

FIRST_LOAD_S = 3600.0
"""Fetching a large model over a slow line may be a part of it."""

_SLOWER = 3
"""How many times as long as the last one a load may take, on a machine that is busy with requests."""


@dataclass(frozen=True)
class Bounds:
    """In seconds: the work on one item, the wait for an engine that is being loaded, its loading.

    An item for which nobody waits any more gets as long again as a load takes: until then it is cheaper to
    wait. `unload_after_s`: how long an engine may be idle before it is unloaded; None: for ever.
    """

    item_s: float = 60.0
    wait_s: float = 60.0
    load_s: float = 180.0
    unload_after_s: float | None = None

    def load_within_s(self, last_s: float) -> float:
        """How long a load may take; `last_s`: how long the last one took, 0 where there was none."""
        return max(self.load_s, _SLOWER * last_s) if last_s else FIRST_LOAD_S
