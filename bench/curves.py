"""What the plots show, as numbers: latency over sessions, and the stages of a turn on a time line."""

from dataclasses import dataclass

from bench.results import Result
from wyoming_voice.benchmark.rounds import Pace


@dataclass(frozen=True)
class Point:
    """Latency of one contender at one number of sessions."""

    sessions: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Segment:
    """A stage, from its start to its end in ms after the last sample of speech."""

    stage: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True)
class Lane:
    """One contender's turn: the stages that somebody waits for, and what was ready before its turn came."""

    who: str
    segments: tuple[Segment, ...]
    early: tuple[tuple[str, float], ...]

    @property
    def end_ms(self) -> float:
        """When the answer can be heard."""
        return self.segments[-1].end_ms


def latency(result: Result, pace: Pace) -> dict[str, list[Point]]:
    """Contender -> points by sessions, from `audio-stop` to the transcript.

    One session alone, which no other begins before, stands at the head of the staggered ones as well.
    """
    figures = result.about(measure="after stop", pace=pace.value)
    if figures and pace is Pace.STAGGERED:
        figures += result.about(measure="after stop", pace=Pace.PACED.value, sessions=1)
    curves: dict[str, list[Point]] = {}
    for figure in figures:
        for who in figure.summary:
            point = Point(
                int(figure.about["sessions"]), figure.of(who, "p50"), figure.of(who, "p95")
            )
            curves.setdefault(who, []).append(point)
    return {who: sorted(points, key=lambda one: one.sessions) for who, points in curves.items()}


def waterfall(result: Result) -> list[Lane]:
    """The medians of each contender's stages; a stage that ended before the one before it lasts 0 ms."""
    figures = result.about(measure="stage")
    order = dict.fromkeys(who for figure in figures for who in figure.summary)
    return [_lane(result, who) for who in order]


def _lane(result: Result, who: str) -> Lane:
    segments: list[Segment] = []
    early = _reached_ms(result, who, "early")
    at_ms = 0.0
    for stage, reached_ms in _reached_ms(result, who, "stage"):
        if reached_ms < at_ms:
            early.append((stage, reached_ms))
        segments.append(Segment(stage, at_ms, max(at_ms, reached_ms)))
        at_ms = max(at_ms, reached_ms)
    return Lane(who, tuple(segments), tuple(early))


def _reached_ms(result: Result, who: str, measure: str) -> list[tuple[str, float]]:
    return [
        (str(figure.about["stage"]), figure.of(who, "p50"))
        for figure in result.about(measure=measure)
        if who in figure.summary
    ]
