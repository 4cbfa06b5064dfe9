"""python -m bench.plot RESULTS OUT: the plots of a directory of results as SVG, with its tables in Markdown.

With another directory than that of the results, their JSON files go along: a picture's numbers lie beside it.
Text stays text, so that it can be read aloud and searched; the background is white on any page.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullLocator

from bench.contenders import OWN_THREADS, PEER, SHORT, WITHOUT
from bench.curves import Lane, Point, latency, waterfall
from bench.results import Result, read
from bench.tables import markdown
from bench.turn import GAP, NOTICED, TRANSCRIPT, WRITTEN
from wyoming_voice.benchmark.report import OURS
from wyoming_voice.benchmark.rounds import Pace

# Okabe and Ito's colours, which people with any colour vision tell apart.
_COLOURS = {
    OURS: "#0072B2",
    SHORT: "#CC79A7",
    WITHOUT: "#56B4E9",
    OWN_THREADS: "#009E73",
    PEER: "#D55E00",
}
_OTHER_COLOUR = "#555555"
_MARKS = {OURS: "o", SHORT: "v", WITHOUT: "s", OWN_THREADS: "D", PEER: "^"}
_STAGE_COLOURS = {NOTICED: "#BBBBBB", TRANSCRIPT: "#0072B2", WRITTEN: "#E69F00", GAP: "#009E73"}
_STAGE_NAMES = {
    NOTICED: "silence that is waited for",
    TRANSCRIPT: "transcript",
    WRITTEN: "language model",
    GAP: "first speech",
}
_PACE_NAMES = {
    Pace.PACED: "at the pace of speech,\nall begin together",
    Pace.STAGGERED: "at the pace of speech,\neach begins at its own time",
    Pace.BURST: "all at once",
}
_LABEL_FROM = 0.06
"""A segment of this share of the widest lane, or more, has room for its own number."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "wyoming_voice",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.plot", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    out: Path = arguments.out
    results = read(arguments.results)
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(arguments.results.glob("*.json")):
        if not (out / path.name).exists() or not path.samefile(out / path.name):
            shutil.copyfile(path, out / path.name)
    with mpl.rc_context(_STYLE):
        for result in results.values():
            for name, drawing in drawings(result).items():
                save(drawing, out / f"{name}.svg")
                print(f"drawn: {out}/{name}.svg")
    (out / "tables.md").write_text(markdown(results), encoding="utf-8")
    print(f"written: {out}/tables.md")
    return 0


def drawings(result: Result) -> dict[str, Drawing]:
    """Name of the file -> what a result has to show."""
    found: dict[str, Drawing] = {}
    if any(len(points) > 1 for pace in Pace for points in latency(result, pace).values()):
        found[f"{result.name}-latency"] = latency_drawing(result)
    if lanes := waterfall(result):
        found[f"{result.name}-stages"] = turn_drawing(lanes)
    return found


def save(drawing: Drawing, path: Path) -> None:
    """The same numbers give the same file."""
    drawing.savefig(path, format="svg", metadata={"Date": None}, facecolor="white")


def latency_drawing(result: Result) -> Drawing:
    """From `audio-stop` to the transcript over sessions: medians, with bands up to p95."""
    drawing = Drawing(figsize=(8.6, 3.6), layout="constrained")
    shown = [pace for pace in Pace if latency(result, pace)]
    axes = drawing.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    drawn: dict[str, Artist] = {}
    for pace, one in zip(shown, axes, strict=True):
        one.set_title(_PACE_NAMES[pace])
        for who, points in latency(result, pace).items():
            drawn[who] = _curve(one, who, points)
        _over_sessions(one, sorted({p.sessions for c in latency(result, pace).values() for p in c}))
    axes[0].set_ylabel("audio-stop to transcript,\nmedian, and a band to p95")
    drawn = {who: drawn[who] for who in sorted(drawn, key=_rank)}
    drawing.legend(
        list(drawn.values()), list(drawn), loc="outside lower center", ncols=3, frameon=False
    )
    return drawing


def _rank(who: str) -> tuple[int, str]:
    """Ours first, as in the colours."""
    known = list(_COLOURS)
    return (known.index(who) if who in known else len(known), who)


def _curve(axes: Axes, who: str, points: list[Point]) -> Artist:
    colour = _COLOURS.get(who, _OTHER_COLOUR)
    sessions = [point.sessions for point in points]
    p50 = [point.p50_ms for point in points]
    axes.fill_between(sessions, p50, [p.p95_ms for p in points], color=colour, alpha=0.15, lw=0)
    (line,) = axes.plot(
        sessions, p50, color=colour, marker=_MARKS.get(who, "x"), markersize=4, linewidth=1.5
    )
    return line


def _over_sessions(axes: Axes, sessions: list[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(sessions, [str(number) for number in sessions])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ms, _: time_text(ms)))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("clients at a time")


def turn_drawing(lanes: list[Lane]) -> Drawing:
    """Each contender's stages after each other, from the last sample of speech to the answer's first."""
    drawing = Drawing(figsize=(7.6, 0.9 + 0.55 * len(lanes)), layout="constrained")
    axes = drawing.subplots()
    most_ms = max(lane.end_ms for lane in lanes)
    for number, lane in enumerate(lanes):
        _lane(axes, number, lane, most_ms)
    axes.set_yticks(range(len(lanes)), [lane.who for lane in lanes])
    axes.invert_yaxis()
    axes.set_xlim(0, most_ms * 1.12)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: time_text(ms)))
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("after the last sample of the question")
    handles: list[Artist] = [
        Patch(facecolor=_STAGE_COLOURS[stage], label=name) for stage, name in _STAGE_NAMES.items()
    ]
    if any(lane.early for lane in lanes):
        handles.append(_mark_of_early())
    drawing.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(handles),
        frameon=False,
        handlelength=1.2,
        columnspacing=1.2,
    )
    return drawing


def _mark_of_early() -> Artist:
    """What a mark within the silence stands for."""
    return Line2D([], [], linestyle="", marker="v", color=_OTHER_COLOUR, label="ready early")


def _lane(axes: Axes, number: int, lane: Lane, most_ms: float) -> None:
    for segment in lane.segments:
        length_ms = segment.end_ms - segment.start_ms
        colour = _STAGE_COLOURS.get(segment.stage, _OTHER_COLOUR)
        axes.barh(number, length_ms, left=segment.start_ms, height=0.62, color=colour)
        if length_ms >= _LABEL_FROM * most_ms:
            middle_ms = (segment.start_ms + segment.end_ms) / 2
            ink = "black" if segment.stage in (NOTICED, WRITTEN) else "white"
            text = f"{length_ms:.0f}"
            axes.text(middle_ms, number, text, color=ink, ha="center", va="center", size=8)
    for order, (stage, at_ms) in enumerate(lane.early):
        colour = _STAGE_COLOURS.get(stage, _OTHER_COLOUR)
        size = max(5, 9 - 4 * order)  # of two at the same moment both are seen
        axes.plot([at_ms], [number], marker="v", ms=size, color=colour, markeredgecolor="white")
    end_ms = lane.end_ms + 0.01 * most_ms
    axes.text(end_ms, number, time_text(lane.end_ms), ha="left", va="center", weight="bold")


def time_text(ms: float) -> str:
    """`180 ms`, `1.5 s`."""
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


if __name__ == "__main__":
    sys.exit(main())
