"""python -m bench.capacity: what N rooms need, by a simulation that is fed with what was measured.

The service times are those of bench/results/tables.md, on two cores, with models of true size and random
weights (equal work, no meaning). A server of the table is such a machine with one engine. What nobody has
measured here are assumptions with an option each: how often a room speaks, how long, and above all the
language model: give your own. No graphics card was measured: give `--asr-ms` and `--tts-ms` of yours.
Before that the simulation is held against real servers with an engine of a set time (`predicted`).
The language model is asked when the end of speech is certain: an answer begun on a guess is not simulated.
"""

import argparse
import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming.audio import AudioChunk

from bench.capacity_bytes import HEADERS_BYTES, SEGMENT_BYTES, turn_bytes
from bench.capacity_model import Fixed, Measured, Seen, Servers, Turn, enough, simulate
from bench.capacity_wire import predictions, thinned, wire
from bench.measured import Figure, figure
from bench.servers import run
from wyoming_voice.benchmark.recording import CHUNK_MS
from wyoming_voice.benchmark.report import Better, Report
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.vad import FRAME_MS
from wyoming_voice.wire import encode

ROOMS = (1, 10, 100, 1000, 10_000)
_ASR, _TTS = "ASR, base.en", "TTS, kokoro"
_CORES = 2
_DESCRIBES_EVERY_S = 30
_REMEMBERED_S = 600
"""`--history-s`; how many it may be is `--history-conversations`."""

_CONNECTIONS = 3
"""Of a turn: one to each kind of server. A satellite also has each described every half minute."""

_TURNS_OF_A_ROOM = 3
"""At least: a house that has only just begun to speak has no lines yet."""

_SIMULATED, _ASSUMED = "simulated with measured times", "as assumed"
_COUNTED = "counted in the simulation"
SOURCES = {
    "turns": _ASSUMED,
    "ASR servers": _SIMULATED,
    "TTS servers": _SIMULATED,
    "slots of the language model": "simulated; its speed is assumed",
    "asr busy": _SIMULATED,
    "tts busy": _SIMULATED,
    "llm busy": "simulated; its speed is assumed",
    "decodes in vain": _COUNTED,
    "turns of a core": _SIMULATED,
    "models in memory": "measured for one server, times the servers",
    "connections at once": f"{_COUNTED}; three of a turn",
    "new connections": f"{_COUNTED}; three of a turn, three each half minute",
    "conversations to remember": _ASSUMED,
    "speech to the servers": f"length {_ASSUMED}; size of pieces and packets as measured",
    "speech from them": f"length {_ASSUMED}; size of pieces and packets as measured",
}
"""What a size needs -> where that number comes from."""

_ONE_MACHINE = 0.3
"""How busy two cores may be that do everything, so that a request seldom meets another."""

_RUSH_S = 300
_RUSH = "five minutes of twice as many turns"
"""An hour isn't even: dinner, the news, a group that comes back."""

_BY_CONTEXT = ("ASR servers", "TTS servers", "asr busy", "turns of a core", "models in memory")
"""What another audio context changes by more than chance does."""

_AHEAD = {"full": "ours", "auto": "ours, audio context auto"}
"""`--audio-context` -> its column."""


@dataclass(frozen=True)
class House:
    """One number of rooms, with what it needs and what came of it; `rush`: of twice as many for a while."""

    rooms: int
    servers: Servers
    seen: Seen
    turns_per_s: float
    rush: Seen

    @property
    def cores(self) -> int:
        """Of the ASR and TTS servers; the language model's machine is its own."""
        return _CORES * (self.servers.asr + self.servers.tts)

    @property
    def connections_per_s(self) -> float:
        """What a balancer has to open."""
        return _CONNECTIONS * (self.turns_per_s + self.rooms / _DESCRIBES_EVERY_S)


async def main() -> None:
    arguments = parsed()
    report = Report("capacity", facts_of(arguments))
    await predictions(report, arguments.requests)
    await wire(report, arguments.requests)
    await turn_bytes(report)
    houses: dict[str, list[House]] = {context: [] for context in _AHEAD}
    for context, done in houses.items():
        for house in sized(arguments, context):
            await asyncio.sleep(0)  # whoever wants to end this is heard
            told(report, house, context, arguments)
            done.append(house)
    report.publish(arguments.json)
    print(markdown(houses, arguments))
    print("\n".join(["", *(f"- {bought(house)}" for house in houses["full"])]))


def parsed(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--rooms", type=int, nargs="+", default=ROOMS)
    parser.add_argument("--turns-per-hour", type=float, default=4, help="of a room, on the mean")
    parser.add_argument("--busy-factor", type=float, default=3, help="the busiest hour over that")
    parser.add_argument("--speech-s", type=float, default=3, help="length of an utterance")
    parser.add_argument("--pauses", type=float, default=1.1, help="decodes in vain, where idle")
    parser.add_argument("--noticed-ms", type=float, default=864, help="last word to certain end")
    parser.add_argument("--llm-first-ms", type=float, default=200, help="to the first token")
    parser.add_argument("--llm-tokens-per-s", type=float, default=20, help="of each answer")
    parser.add_argument("--llm-tokens", type=int, nargs=2, default=(12, 36), help="sentence, all")
    parser.add_argument("--asr-ms", type=float, nargs=2, help="decode: median and p95 of yours")
    parser.add_argument("--tts-ms", type=float, nargs=2, help="first sound: median, p95 of yours")
    parser.add_argument("--answer-s", type=float, default=4, help="length of a spoken answer")
    parser.add_argument("--bound-ms", type=float, default=500, help="p95 of a turn's waiting")
    parser.add_argument("--turns", type=int, default=10_000, help="simulated for each size")
    parser.add_argument("--requests", type=int, default=400, help="of real servers")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args(given)


def facts_of(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "measured": f"decode, first sound and memory: bench/results/tables.md, {_ASR}; {_TTS}",
        "assumed": (
            f"{arguments.turns_per_hour:g} turns an hour and room, {arguments.busy_factor:g} times "
            f"that in the busiest; {arguments.speech_s:g} s of speech, {arguments.answer_s:g} s of "
            f"answer; a language model of {arguments.llm_first_ms:g} ms and "
            f"{arguments.llm_tokens_per_s:g} tokens a second in each slot: put yours in its place"
        ),
        "enough": f"95 of 100 turns spend less than {arguments.bound_ms:g} ms in lines",
        "not measured": "graphics cards; thousands of satellites on one link (mDNS)",
    }


def turn_of(arguments: argparse.Namespace, context: str) -> Turn:
    """What a turn takes on these machines."""
    decode = figure(_ASR, "burst, 1 at a time: after stop, ms", _AHEAD[context])
    choice = "ours, precision of its choice"
    first = figure(_TTS, "one short sentence: first audible sample, ms", choice)
    rtf = figure(_TTS, "one short sentence: RTF, s/s", choice).median
    sentence, answer = arguments.llm_tokens
    rate = arguments.llm_tokens_per_s
    return Turn(
        asr_s=_time(arguments.asr_ms, decode),
        speech_s=Fixed(arguments.speech_s),
        noticed_s=arguments.noticed_ms / 1000,
        guess_s=0.18,
        pauses=arguments.pauses,
        llm_s=Fixed(arguments.llm_first_ms / 1000 + sentence / rate),
        llm_rest_s=Fixed((answer - sentence) / rate),
        tts_s=_time(arguments.tts_ms, first),
        tts_rest_s=Fixed(max(0.0, rtf * arguments.answer_s - first.median / 1000)),
    )


def _time(given_ms: tuple[float, float] | None, measured: Figure) -> Measured:
    median_ms, p95_ms = given_ms or (measured.median, measured.p95)
    return Measured(median_ms / 1000, p95_ms / 1000)


def sized(arguments: argparse.Namespace, context: str) -> Iterator[House]:
    """Each number of rooms with the fewest servers."""
    turn = turn_of(arguments, context)
    per_s = arguments.turns_per_hour * arguments.busy_factor / 3600
    for rooms in arguments.rooms:
        servers, seen = enough(
            turn,
            rooms=rooms,
            think_s=1 / per_s,
            turns=max(arguments.turns, _TURNS_OF_A_ROOM * rooms),
            bound_s=arguments.bound_ms / 1000,
        )
        twice = math.ceil(2 * per_s * rooms * _RUSH_S)
        rush = simulate(turn, servers, rooms=rooms, think_s=0.5 / per_s, turns=max(30, twice))
        yield House(rooms, servers, seen, seen.turns / seen.span_s, rush)


def told(report: Report, house: House, context: str, arguments: argparse.Namespace) -> None:
    """One size's column: whose place it takes is the number of rooms."""
    size, about = f"{house.rooms} rooms", dict[str, str | int]({"audio context": context})
    gap = report.row(f"audio context {context}: response gap", "ms", about)
    gap.add(size, *(1000 * gap_s for gap_s in thinned(house.seen.gaps_s)))
    waited = report.row(f"audio context {context}: of it in lines", "ms", about)
    waited.add(size, *(1000 * waited_s for waited_s in thinned(house.seen.waited_s)))
    rush = report.row(f"audio context {context}: of it in lines, {_RUSH}", "ms", about)
    rush.add(size, *(1000 * waited_s for waited_s in thinned(house.rush.waited_s)))
    for what, unit, value in columns(house, context, arguments):
        report.row(f"audio context {context}: {what}", unit, about, Better.NEITHER).add(size, value)


def columns(
    house: House, context: str, arguments: argparse.Namespace
) -> Iterator[tuple[str, str, float]]:
    """What a size needs: name, unit and number."""
    servers, seen = house.servers, house.seen
    yield "turns", "1/h", 3600 * house.turns_per_s
    yield "ASR servers", "n", servers.asr
    yield "TTS servers", "n", servers.tts
    yield "slots of the language model", "n", servers.llm
    for kind in ("asr", "tts", "llm"):
        yield f"{kind} busy", "%", 100 * seen.utilisation(kind, servers)
    yield "decodes in vain", "% of turns", 100 * seen.in_vain / seen.turns
    yield "turns of a core", "1/h", 3600 * house.turns_per_s / house.cores
    yield "models in memory", "GiB", _memory_mb(context, servers) / 1024
    yield "connections at once", "n", _CONNECTIONS * seen.most_at_once
    yield "new connections", "1/s", house.connections_per_s
    spoke_lately = 1 - math.exp(-house.turns_per_s / house.rooms * _REMEMBERED_S)
    yield "conversations to remember", "n", house.rooms * spoke_lately
    sent_s = house.turns_per_s * (arguments.speech_s + arguments.noticed_ms / 1000)
    to_them = _wire_bits_per_s(SPEECH.rate_hz, FRAME_MS)
    yield "speech to the servers", "Mbit/s", sent_s * to_them / 1e6
    heard_s = house.turns_per_s * arguments.answer_s
    from_them = _wire_bits_per_s(24_000, CHUNK_MS)
    yield "speech from them", "Mbit/s", heard_s * from_them / 1e6


def _memory_mb(context: str, servers: Servers) -> float:
    asr = figure(_ASR, "peak memory, MiB", _AHEAD[context]).median
    return servers.asr * asr + servers.tts * figure(_TTS, "peak memory, MiB").median


def _wire_bits_per_s(rate_hz: int, piece_ms: int) -> float:
    """16-bit mono in pieces, with the event and the packets' headers around each (see `capacity_bytes`)."""
    piece = bytes(rate_hz * SPEECH.width_bytes * piece_ms // 1000)
    event = AudioChunk(rate_hz, SPEECH.width_bytes, SPEECH.channels, piece).event()
    size = len(encode(event))
    return (size + HEADERS_BYTES * math.ceil(size / SEGMENT_BYTES)) * 8 * 1000 / piece_ms


def markdown(houses: Mapping[str, Sequence[House]], arguments: argparse.Namespace) -> str:
    """The table of the README: what a size needs, and in brackets with the other audio context."""
    full, auto = houses["full"], houses["auto"]
    sizes = [f"{one.rooms}" for one in full]
    heads = ["rooms, `--audio-context full` (`auto`)", *sizes, "where it comes from"]
    lines = [_row(heads), "|---|" + "---:|" * len(full) + "---|"]
    pairs = [_cells(*pair, arguments) for pair in zip(full, auto, strict=True)]
    for name in pairs[0]:
        source = SOURCES.get(name.split(",")[0], _SIMULATED)
        lines.append(_row([name, *(cells[name] for cells in pairs), source]))
    return "\n".join(lines)


def bought(house: House) -> str:
    """What to buy for so many rooms, in a line."""
    servers, seen = house.servers, house.seen
    rooms = f"**{house.rooms} room{'s' if house.rooms > 1 else ''}**"
    memory_gib = math.ceil(_memory_mb("full", servers) / 1024)
    model = f"a language model that answers {servers.llm} at a time"
    busy = seen.utilisation("asr", servers) + seen.utilisation("tts", servers)
    if servers.asr == servers.tts == 1 and busy < _ONE_MACHINE:
        return (
            f"{rooms}: one machine of {_CORES} cores and {memory_gib + 1} GiB for all servers"
            f" (busy {100 * busy:.2g} %), and {model}"
        )
    remembered = math.ceil(house.rooms / 10) * 10
    return (
        f"{rooms}: {servers.asr} machines for ASR and {servers.tts} for TTS, of {_CORES} cores each"
        f" ({memory_gib} GiB in all for models), {model};"
        f" HAProxy; `--history-conversations {remembered}` in handle"
    )


def _cells(full: House, auto: House, arguments: argparse.Namespace) -> dict[str, str]:
    """One size's cells; in brackets what another audio context changes."""
    there = columns(full, "full", arguments)
    beside = columns(auto, "auto", arguments)
    cells = {
        what if unit == "n" else f"{what}, {unit}": f"{_plain(value)} ({_plain(other)})"
        if what in _BY_CONTEXT
        else _plain(value)
        for (what, unit, value), (_, _, other) in zip(there, beside, strict=True)
    }
    for name, percent in (("median", 50), ("p95", 95)):
        gaps = [_plain(one.seen.gap_s(percent)) for one in (full, auto)]
        cells[f"response gap, s, {name}"] = f"{gaps[0]} ({gaps[1]})"
    rush = [_plain(one.rush.gap_s(95)) for one in (full, auto)]
    cells[f"the same in {_RUSH}, s, p95"] = f"{rush[0]} ({rush[1]})"
    return cells


def _plain(value: float) -> str:
    """As people write it: two digits that count, thousands apart."""
    return f"{value:,.0f}".replace(",", " ") if value >= 10 else f"{value:.2g}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    run(main())
