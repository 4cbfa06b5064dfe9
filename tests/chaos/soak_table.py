"""python -m tests.chaos.soak_table [RESULT]: the last soak as a Markdown table, for the README."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chaos.soak import PLANS, RESULT

Facts = dict[str, Any]


def table(document: Facts) -> str:
    """One row for each figure; a part that was not run has none."""
    parts, machine = document["parts"], document["machine"]
    rows = [*_network(parts.get("network", {})), *_conversations(parts)]
    rows += [*_crowds(parts.get("crowds", {})), *_flat(parts.get("flat", {}))]
    rows += [*_isolated(parts.get("isolated", {})), *_doors(parts.get("doors", {}))]
    failures = sum(map(len, document["failures"].values()))
    head = (
        f"`{document['command']}` of {document['date']}, {document['minutes']} minutes on "
        f"{machine['cores']} cores of {machine['processor']}, Python {machine['python']}: "
        f"{failures} failures."
    )
    lines = [f"| {what} | {figure} |" for what, figure in rows]
    return "\n".join([head, "", "| what | figure |", "|---|---|", *lines])


def _network(part: Facts) -> Iterator[tuple[str, str]]:
    ends = Counter[str]()
    for facts in part.values():
        for name, times in facts["ends"].items():
            ends[name.partition(": ")[2]] += times
    if not part:
        return
    requests = sum(facts["requests"] for facts in part.values())
    left = Counter[str]()
    for facts in part.values():
        left.update(facts["left"])
    told = ", ".join(f"{times} {name}" for name, times in ends.most_common())
    yield f"{requests} requests through a bad network", told
    yield "left of them", ", ".join(f"{count} {name}" for name, count in left.items())


def _conversations(parts: Facts) -> Iterator[tuple[str, str]]:
    for name in (*PLANS, "speech"):
        if facts := parts.get(name):
            kills, wait = sum(facts["kills"].values()), facts["turn_ms"]
            yield (
                f"{facts['turns']} turns, {name}",
                f"{kills} kills: {facts['answered']} answered, {facts['told']} told of a failure, "
                f"{facts['lost']} lost, {facts['heard_twice']} heard twice; "
                f"{facts['acts_done_twice']} of {facts['acts']} acts done twice; "
                f"a turn took {wait['p50']} ms (p95 {wait['p95']}, max {wait['max']})",
            )


def _crowds(part: Facts) -> Iterator[tuple[str, str]]:
    for kind, facts in part.items():
        waits = facts["ordinary_ms"]
        alone = waits["alone"]["p50"]
        worst = max(waits, key=lambda name: waits[name]["p50"])
        yield (
            f"{kind}: an ordinary request, alone and beside the worst crowd ({worst})",
            f"{alone} ms, {waits[worst]['p50']} ms (p95 {waits[worst]['p95']}), "
            f"{facts['ordinary_failed']} without a result",
        )
        yield f"{kind}: memory of an idle connection", f"{facts['idle_connection_kb']} KB"


def _flat(part: Facts) -> Iterator[tuple[str, str]]:
    for kind, facts in part.items():
        memory, files, threads = facts["rss_mb"], facts["descriptors"], facts["threads"]
        yield (
            f"{kind}: {facts['requests']} requests",
            f"{memory[0]} MB after the first tenth, {memory[-1]} MB at the end "
            f"({facts['kb_per_request']} KB a request in the second half); "
            f"descriptors {files[0]}, {files[-1]}; threads {threads[0]}, {threads[-1]}",
        )


def _isolated(part: Facts) -> Iterator[tuple[str, str]]:
    for kind, facts in part.items():
        memory, engine = facts["rss_mb"], facts["engine_rss_mb"]
        told = ", ".join(f"{times} {name}" for name, times in facts["ends"].items())
        yield (
            f"{kind} --isolate: {facts['requests']} requests, {facts['kills']} kills of the engine",
            f"{told}; longest {facts['longest_s']} s; server {memory[0]} MB, {memory[-1]} MB; "
            f"engine {engine[0]} MB, {engine[-1]} MB; {facts['processes_left']} processes left",
        )


def _doors(part: Facts) -> Iterator[tuple[str, str]]:
    for door, facts in part.items():
        ends = Counter[str]()
        for name, times in facts["spoilt_ends"].items():
            ends[name.partition(": ")[2]] += times
        told = ", ".join(f"{times} {name}" for name, times in ends.most_common())
        memory, files = facts["rss_mb"], facts["descriptors"]
        yield f"{door}: {facts['spoilt']} requests through a bad network", told
        yield (
            f"{door}: {facts['requests']} requests",
            f"{memory[0]} MB after the first tenth, {memory[-1]} MB at the end; "
            f"descriptors {files[0]}, {files[-1]}",
        )


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULT
    print(table(json.loads(path.read_text(encoding="utf-8"))))
