"""How long an engine in a process of its own may take for what, and how long it is kept."""

from dataclasses import dataclass


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
