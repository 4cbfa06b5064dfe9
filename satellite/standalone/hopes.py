"""PURE: whether a server that has gone is asked again, and when.

Rule: who was there lately, and hung up or can't be reached, is being started again, as a rule; it is asked
for as long as `return_s` from the first loss on. Who refused, or took too long, is not: it would again.
Where somebody gave no sign of life a balancer may have another, who is asked until one that gives none
either would be known by `return_s` from the beginning.
A pause doubles up to two seconds, so that a question that ends servers does so a few times at most.
"""

from satellite.standalone.heartbeat import Silent
from satellite.standalone.line import Server
from wyoming_voice.client import HungUp
from wyoming_voice.errors import UpstreamError
from wyoming_voice.wire import PeerGone

LATELY_S = 90.0
"""Hosts are looked at every half minute: who was not there for as long has not just gone."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 2.0


class Unreachable(UpstreamError):
    """Nobody listens at a server's address, or nobody answers there in time."""


class Hopes:
    """Of one piece of work; `now_s` is of the clock that `Server.seen_s` is of, the event loop's."""

    def __init__(self, return_s: float, now_s: float) -> None:
        self._until_s = now_s
        self._return_s = return_s
        self._pause_s = _FIRST_PAUSE_S
        self._asked: set[Server] = set()
        self._gone: set[Server] = set()

    def lost(self, server: Server, error: Exception, now_s: float) -> bool:
        """One couldn't do it; whether it hung up, and can be asked once more at once."""
        if not self._asked:
            silent_s = error.after_s if isinstance(error, Silent) else 0.0
            begun_s = now_s - silent_s
            self._until_s = begun_s + self._return_s - silent_s
        self._asked.add(server)
        hung_up = isinstance(error, HungUp | PeerGone)
        lately = server.seen_s is not None and now_s - server.seen_s < LATELY_S
        if hung_up or (isinstance(error, Unreachable) and lately):
            self._gone.add(server)
        else:
            self._gone.discard(server)
        return hung_up

    def pause_s(self, now_s: float) -> float | None:
        """How long to wait before those who have gone are asked again; None: nobody is to be."""
        pause_s, self._pause_s = self._pause_s, min(_LONGEST_PAUSE_S, 2 * self._pause_s)
        return pause_s if self._gone and now_s + pause_s <= self._until_s else None

    def of(self, server: Server) -> bool:
        """Whether a server is to be asked after a pause: it has gone, or has just come."""
        return server in self._gone or server not in self._asked
