"""How long Home Assistant is left alone before it is tried again.

PURE. Rule: the pauses grow, somebody who asks may cut one short but not hammer, and a refused token is not
tried again for an hour unless its file changes: Home Assistant counts wrong tokens, and bans for them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds: the first pause and the longest, each twice the one before."""

    first_s: float = 0.5
    longest_s: float = 60.0
    asked_s: float = 3.0
    """The shortest pause that somebody who asks cuts a longer one down to."""
    look_s: float = 2.0
    """Between two looks at the file of a refused token."""
    refused_s: float = 3600.0
    """Until the same token is tried again; its user may have been let in meanwhile."""
    settled_s: float = 10.0
    """A connection that lasted this long was a good one: the pauses begin anew."""

    def after(self, failures: int) -> float:
        """The pause after so many failures in a row, from 1."""
        doublings = min(max(failures - 1, 0), 32)
        return min(self.first_s * 2.0**doublings, self.longest_s)
