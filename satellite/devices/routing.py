"""Asks PulseAudio or PipeWire which of its sources or sinks a stream of this process really uses.

PortAudio sees one device, "pulse" or "default", whatever the sound server makes of it. Rule: `pactl` is
asked when it is there, and nothing depends on its answer.
"""

import asyncio
import contextlib
import json
import os

from satellite.devices.catalogue import Kind

ASK_S = 1.0
_STREAMS = {Kind.MICROPHONE: "source-outputs", Kind.LOUDSPEAKER: "sink-inputs"}
_DEVICES = {Kind.MICROPHONE: "sources", Kind.LOUDSPEAKER: "sinks"}
_DEVICE = {Kind.MICROPHONE: "source", Kind.LOUDSPEAKER: "sink"}


async def actual_device(kind: Kind) -> str:
    """The name of the source or sink that this process's first stream uses; `""` when unknown."""
    streams = await _listed(_STREAMS[kind])
    ours = [stream for stream in streams if _process_of(stream) == str(os.getpid())]
    if not ours:
        return ""
    number = ours[0].get(_DEVICE[kind])
    devices = await _listed(_DEVICES[kind])
    names = [device.get("name") for device in devices if device.get("index") == number]
    return str(names[0]) if names else ""


def _process_of(stream: dict[str, object]) -> str:
    properties = stream.get("properties")
    known = properties if isinstance(properties, dict) else {}
    return str(known.get("application.process.id", ""))


async def _listed(what: str) -> list[dict[str, object]]:
    try:
        listed = json.loads(await _asked("--format=json", "list", what))
    except ValueError:
        return []
    return [entry for entry in listed if isinstance(entry, dict)] if listed else []


async def _asked(*question: str) -> str:
    silent, piped = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            "pactl", *question, stdin=silent, stdout=piped, stderr=silent
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(ASK_S):
            answer, _ = await process.communicate()
    except TimeoutError:  # a sound server that is stopped lets its clients wait for ever
        return ""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    return answer.decode(errors="replace") if process.returncode == 0 else ""
