"""What the doctor says of a satellite that runs already, from its own `status`. Pure.

Rule: its microphone and loudspeaker are its own while it runs; what can't be measured beside it is told so.
"""

from collections.abc import Mapping, Sequence

from satellite.doctor.findings import Line, at, bad, missing_remedy, ok, skipped
from satellite.standalone.lines import KINDS

_BUSY = "levels, speech, wake words, echo: the satellite has the devices; end it to measure"
_OF_NO_USE = "look at its log (`journalctl -u` or `--user-unit wyoming-voice-satellite`)"

Status = Mapping[str, object]


def sound_lines(status: Status) -> list[Line]:
    """Microphone and loudspeaker as the running satellite sees them."""
    microphone, loudspeaker = _part(status, "microphone"), _part(status, "loudspeaker")
    return [
        _state_line(status),
        _microphone_line(microphone),
        _loudspeaker_line(loudspeaker),
        skipped("sound", _BUSY),
    ]


def home_assistant_line(status: Status) -> Line:
    """Whether Home Assistant is connected to the running satellite."""
    part, link = "home assistant", _part(status, "home assistant")
    if not link:
        return skipped(part, "not listened for (--mode standalone)")
    where = str(link.get("listening") or "its address")
    if link.get("connected"):
        return ok(part, f"connected from {link.get('peer') or 'somewhere'}")
    remedy = "in Home Assistant: Settings, Devices & services, Add integration, Wyoming Protocol"
    if _part(status, "servers"):
        return skipped(part, f"not connected; it is awaited at {where}", remedy)
    return bad(part, f"not connected to {where}", remedy)


def wake_server_lines(status: Status) -> list[Line]:
    """The wake server of the running satellite, if it has one."""
    server = _part(status, "wake server")
    if not server:
        return []
    uri = str(server.get("uri"))
    if server.get("connected"):
        return [ok("wake server", f"{uri}, {server.get('detections')} words heard")]
    return [bad("wake server", f"{uri} does not answer", "start it, or leave --wake-uri out")]


def servers_of(status: Status) -> list[dict[str, object]]:
    """Each server that the running satellite knows: kind, uri, name, round trip, what went wrong."""
    servers = _part(status, "servers").get("servers")
    rows = servers if isinstance(servers, list) else []
    return [row for row in rows if isinstance(row, dict) and row.get("kind") in KINDS]


def server_lines(status: Status, models: Sequence[str], *, needed: bool) -> list[Line]:
    """Its servers, and the kinds that it misses; `models` is what each works with, `""` if unknown."""
    servers = servers_of(status)
    lines = [_server_line(row, text, needed) for row, text in zip(servers, models, strict=True)]
    known = {row["kind"] for row in servers}
    missing = _part(status, "servers").get("missing")
    for kind in missing if isinstance(missing, list) else []:
        if kind not in known:
            verdict = bad if needed else skipped
            lines.append(verdict(str(kind), "no server found", missing_remedy(str(kind))))
    return lines


def _server_line(server: Status, models: str, needed: bool) -> Line:
    kind, uri, error = (str(server.get(name) or "") for name in ("kind", "uri", "error"))
    if not server.get("answers"):
        verdict = bad if needed else skipped
        return verdict(kind, at(uri, error or "does not answer"), "start it, or name another")
    found = ", ".join(part for part in (uri, f"{server.get('round_trip_ms')} ms", models) if part)
    if error:
        return bad(kind, f"{found}; it failed in a turn: {error}", "look at its log")
    return ok(kind, found)


def _state_line(status: Status) -> Line:
    muted = status.get("muted")
    found = f"{status.get('state')}, {status.get('turns')} turns"
    if isinstance(muted, list) and muted:
        by = ", ".join(map(str, muted))
        return bad(
            "satellite",
            f"{found}, muted by {by}",
            "unmute it in Home Assistant (while that is away: `wyoming-voice satellite unmute`)"
            if "home-assistant" in muted
            else "`wyoming-voice satellite unmute`, or its switch",
        )
    return ok("satellite", found)


def _microphone_line(microphone: Status) -> Line:
    part, device = "microphone", str(microphone.get("device"))
    if not microphone.get("ready"):
        reason = microphone.get("reason") or "it is being opened"
        return bad(part, f"{device}: {reason}", "plug it in, or choose another with --mic")
    if microphone.get("silent"):
        return bad(part, f"{device} gives only silence", "is it muted, or the wrong one (--mic)?")
    if not microphone.get("fresh"):
        return bad(part, f"{device} has given no sound for a second", _OF_NO_USE)
    dropped = microphone.get("dropped_blocks")
    lost = f", {dropped} blocks dropped" if dropped else ""
    return ok(part, f"{device}, {microphone.get('level_dbfs')} dBFS{lost}")


def _loudspeaker_line(loudspeaker: Status) -> Line:
    part, device = "loudspeaker", str(loudspeaker.get("device"))
    if trouble := loudspeaker.get("trouble"):
        return bad(part, f"{device}: {trouble}", "plug it in, or choose another with --snd")
    if not loudspeaker.get("open"):
        return ok(part, f"{device}, closed for want of sound")
    return ok(part, f"{device}, heard after {loudspeaker.get('latency_ms')} ms")


def _part(status: Status, name: str) -> Status:
    part = status.get(name)
    return part if isinstance(part, dict) else {}
