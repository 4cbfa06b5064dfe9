"""PURE but for its dice: rooms that talk to pools of servers, as a discrete-event simulation.

A room thinks, speaks, waits for its answer, and thinks again. Its turn is decoded by one of the ASR servers
(begun on a guess in the silence at the end where one is idle, and at pauses in vain), answered by a slot of
the language model, which is held until all of it is written, and spoken by a TTS server, piece by piece.
Each pool is one waiting line, first come, first served: what HAProxy's least connections come near to.
Rule: every time is drawn from what the caller gives; there is no number in here.
"""

import math
import random
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import simpy

from wyoming_voice.benchmark.report import percentile

_P95 = 1.6448536
"""How many standard deviations of a normal distribution lie below its 95th percentile."""

_LATE = 0.05
"""The share of turns that may wait longer than the bound where servers are enough."""

Steps = Generator[simpy.Event, Any, None]


class Time(Protocol):
    """Seconds that something takes, different each time."""

    def draw(self, dice: random.Random) -> float:
        """One of them."""


@dataclass(frozen=True)
class Fixed:
    """Always the same."""

    seconds: float

    def draw(self, dice: random.Random) -> float:
        """That."""
        return self.seconds


@dataclass(frozen=True)
class Exponential:
    """Without a memory; `seconds` is the mean."""

    seconds: float

    def draw(self, dice: random.Random) -> float:
        """Any, most of them short."""
        return dice.expovariate(1 / self.seconds)


@dataclass(frozen=True)
class Measured:
    """Log-normal through a median and a 95th percentile, which is all that a table of results keeps."""

    median_s: float
    p95_s: float

    def draw(self, dice: random.Random) -> float:
        """About the median."""
        spread = math.log(self.p95_s / self.median_s) / _P95
        return dice.lognormvariate(math.log(self.median_s), spread)


NOTHING = Fixed(0.0)


@dataclass(frozen=True)
class Turn:
    """What a turn takes of everybody.

    `noticed_s`: from the last word until its end is certain; `guess_s`: until a decode is begun on a guess,
    infinite for never; `pauses`: how many of its pauses are taken for the end, each a decode in vain.
    `llm_s`: until the first sentence is written, `llm_rest_s` the rest; `tts_s`: until the first sound of
    it is made, `tts_rest_s` the rest.
    """

    asr_s: Time
    speech_s: Time = NOTHING
    noticed_s: float = 0.0
    guess_s: float = math.inf
    pauses: float = 0.0
    llm_s: Time = NOTHING
    llm_rest_s: Time = NOTHING
    tts_s: Time = NOTHING
    tts_rest_s: Time = NOTHING


@dataclass(frozen=True)
class Servers:
    """How many requests each pool serves at a time."""

    asr: int = 1
    llm: int = 1
    tts: int = 1

    def more(self, kind: str) -> "Servers":
        """A twentieth more of a kind, one at least."""
        count = self.of(kind)
        return replace(self, **{kind: count + max(1, count // 20)})

    def of(self, kind: str) -> int:
        """How many of a kind."""
        return int(getattr(self, kind))


@dataclass
class Seen:
    """What came of it, in seconds; `busy_s` and `waits_s` by pool."""

    span_s: float = 0.0
    gaps_s: list[float] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)
    waits_s: dict[str, list[float]] = field(default_factory=dict)
    busy_s: dict[str, float] = field(default_factory=dict)
    in_vain: int = 0
    most_at_once: int = 0

    @property
    def turns(self) -> int:
        """How many were answered."""
        return len(self.gaps_s)

    def gap_s(self, percent: float) -> float:
        """From the last word to the first sound of the answer."""
        return percentile(self.gaps_s, percent)

    def wait_s(self, percent: float) -> float:
        """What of it was spent in lines."""
        return percentile(self.waited_s, percent)

    def utilisation(self, kind: str, servers: Servers) -> float:
        """The share of time that a pool's servers worked."""
        return self.busy_s.get(kind, 0.0) / self.span_s / servers.of(kind)


class _World:
    def __init__(self, turn: Turn, servers: Servers, turns: int, seed: int, bound_s: float) -> None:
        self.env = simpy.Environment()
        self.dice = random.Random(seed)
        self.turn = turn
        self.pools = {
            kind: simpy.Resource(self.env, servers.of(kind)) for kind in ("asr", "llm", "tts")
        }
        self.seen = Seen()
        self.over = self.env.event()
        self._turns = turns
        self._bound_s = bound_s
        self._late = 0
        self._talking = 0

    def room(self, think_s: float) -> Steps:
        while True:
            yield self.env.timeout(Exponential(think_s).draw(self.dice))
            self._talking += 1
            self.seen.most_at_once = max(self.seen.most_at_once, self._talking)
            yield from self._turn()
            self._talking -= 1

    def _turn(self) -> Steps:
        turn, waits = self.turn, [0.0]
        yield from self._speak()
        ended_s = self.env.now
        yield from self._decode(waits)
        sentence = self.env.event()
        writing = self.env.process(self._written(waits, sentence))
        yield sentence
        yield from self._served("tts", turn.tts_s, waits)
        self.seen.gaps_s.append(self.env.now - ended_s)
        self.seen.waited_s.append(sum(waits))
        self._late += sum(waits) > self._bound_s
        decided = self.seen.turns >= self._turns or self._late > 1 + _LATE * self._turns
        if decided and not self.over.triggered:
            self.over.succeed()
        yield writing & self.env.process(self._served("tts", turn.tts_rest_s, []))

    def _written(self, waits: list[float], sentence: simpy.Event) -> Steps:
        """A slot is held until the whole answer is written; `sentence` comes when its first one is."""
        first_s, rest_s = self.turn.llm_s.draw(self.dice), self.turn.llm_rest_s.draw(self.dice)
        if first_s + rest_s <= 0:
            sentence.succeed()
            return
        with self.pools["llm"].request() as place:
            yield from self._place("llm", place, waits)
            yield self.env.timeout(first_s)
            sentence.succeed()
            yield self.env.timeout(rest_s)
        self._worked("llm", first_s + rest_s)

    def _speak(self) -> Steps:
        """Pauses lie anywhere in it; a decode begun at one is not ended when speech goes on."""
        speech_s = self.turn.speech_s.draw(self.dice)
        whole, part = divmod(self.turn.pauses, 1.0)
        pauses = int(whole) + (self.dice.random() < part)
        for _ in range(pauses):
            yield self.env.timeout(speech_s / (pauses + 1))
            if self._idle("asr"):
                self.seen.in_vain += 1
                self.env.process(self._served("asr", self.turn.asr_s, []))
        yield self.env.timeout(speech_s / (pauses + 1))

    def _decode(self, waits: list[float]) -> Steps:
        """On a guess where somebody is idle for it, else once the end is certain."""
        turn = self.turn
        certain = self.env.timeout(turn.noticed_s)
        if turn.guess_s < turn.noticed_s:
            yield self.env.timeout(turn.guess_s)
            if self._idle("asr"):
                yield self.env.process(self._served("asr", turn.asr_s, waits)) & certain
                return
        yield certain
        yield from self._served("asr", turn.asr_s, waits)

    def _idle(self, kind: str) -> bool:
        pool = self.pools[kind]
        return bool(pool.count < pool.capacity)

    def _served(self, kind: str, time: Time, waits: list[float]) -> Steps:
        took_s = time.draw(self.dice)
        if took_s <= 0:
            return
        with self.pools[kind].request() as place:
            yield from self._place(kind, place, waits)
            yield self.env.timeout(took_s)
        self._worked(kind, took_s)

    def _place(self, kind: str, place: simpy.Event, waits: list[float]) -> Steps:
        asked_s = self.env.now
        yield place
        waits.append(self.env.now - asked_s)
        self.seen.waits_s.setdefault(kind, []).append(self.env.now - asked_s)

    def _worked(self, kind: str, took_s: float) -> None:
        self.seen.busy_s[kind] = self.seen.busy_s.get(kind, 0.0) + took_s


def simulate(
    turn: Turn,
    servers: Servers,
    *,
    rooms: int,
    think_s: float,
    turns: int,
    seed: int = 1,
    bound_s: float = math.inf,
) -> Seen:
    """`rooms` of them until `turns` have been answered; `think_s`: the mean between two turns of one.

    It ends before where so many have waited longer than `bound_s` that 95 of 100 can't be within it any more.
    """
    world = _World(turn, servers, turns, seed, bound_s)
    for _ in range(rooms):
        world.env.process(world.room(think_s))
    world.env.run(until=world.over)
    world.seen.span_s = world.env.now
    return world.seen


def enough(
    turn: Turn, *, rooms: int, think_s: float, turns: int, bound_s: float
) -> tuple[Servers, Seen]:
    """The fewest servers with which 95 of 100 turns spend less than `bound_s` in lines.

    Where more are needed, the pool whose line is longest gets a twentieth more, one at least.
    """
    per_s = rooms / think_s
    servers = Servers(
        asr=math.ceil(per_s * _mean_s(turn.asr_s)) or 1,
        llm=math.ceil(per_s * (_mean_s(turn.llm_s) + _mean_s(turn.llm_rest_s))) or 1,
        tts=math.ceil(per_s * (_mean_s(turn.tts_s) + _mean_s(turn.tts_rest_s))) or 1,
    )
    while True:
        seen = simulate(turn, servers, rooms=rooms, think_s=think_s, turns=turns, bound_s=bound_s)
        if seen.wait_s(95) <= bound_s:
            return servers, seen
        servers = servers.more(
            max(seen.waits_s, key=lambda kind: percentile(seen.waits_s[kind], 95))
        )


def _mean_s(time: Time) -> float:
    dice = random.Random(0)
    return sum(time.draw(dice) for _ in range(1000)) / 1000
