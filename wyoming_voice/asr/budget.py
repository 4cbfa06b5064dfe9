"""How much audio the whole server holds at once, whoever sent it.

Rule: the limits of one utterance and of one connection multiply; this one doesn't. What a request holds
is given back when it ends, and at the latest when it is forgotten, so that nothing stays taken for ever.
"""

from collections import deque

from wyoming_voice.errors import Busy


class AudioBudget:
    """At most `limit_bytes` for all requests together; taken on the event loop, given back anywhere."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._taken_bytes = 0
        # The garbage collector gives back too, in any thread and between any two lines: an append is safe.
        self._given_back: deque[int] = deque()

    @property
    def held_bytes(self) -> int:
        """What is taken and not yet given back."""
        while self._given_back:
            self._taken_bytes -= self._given_back.popleft()
        return self._taken_bytes

    def take(self, size_bytes: int) -> None:
        """Raises Busy, and takes nothing, when that is more than there is left."""
        if self.held_bytes + size_bytes > self._limit_bytes:
            raise Busy(
                f"the audio of all clients would take more than {self._limit_bytes / 1e6:g} MB; try "
                "again later, or start the server with a larger --max-audio-mb"
            )
        self._taken_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Have room again for so much."""
        self._given_back.append(size_bytes)


class Share:
    """What one request holds of a budget."""

    def __init__(self, budget: AudioBudget) -> None:
        self._budget = budget
        self._held_bytes = 0

    def hold(self, size_bytes: int) -> None:
        """Hold so much, all in all; raises Busy, and holds what it did, when there is no room for more."""
        more_bytes = size_bytes - self._held_bytes
        if more_bytes > 0:
            self._budget.take(more_bytes)
        else:
            self._budget.give_back(-more_bytes)
        self._held_bytes = size_bytes

    def __del__(self) -> None:
        """A request that is refused before it is ever asked for its replies has no other end."""
        self._budget.give_back(self._held_bytes)
